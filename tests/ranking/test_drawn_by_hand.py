"""Parts of a draw held against arithmetic by hand: where lines lie, what is joined, how draws become chances."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.stats import chi, norm

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.landscape.landscape import build
from permeability.layers.grid import Grid
from permeability.ranking.draw_effort import interface_nodes
from permeability.ranking.rank_draws import remade
from permeability.ranking.ranking_notes import draw_notes
from permeability.species import species

CRS, H = "EPSG:32648", 1000.0
GRID = Grid.from_bounds((0, 0, 20 * H, 20 * H), cell_size=H, crs=CRS)
BENT = [shapely.LineString([(3e3, 3e3), (4e3, 6e3), (7e3, 8e3), (8e3, 12e3)]), shapely.LineString([(12e3, 4e3), (13e3, 9e3), (12e3, 15e3)])]  # fmt: skip


def land_of(**columns: object):
    table = gpd.GeoDataFrame({"id": ["a", "b"], "kind": "fence", "fence_class": "stock", **columns}, geometry=BENT, crs=CRS)  # fmt: skip
    return build(GRID, np.ones(GRID.shape), prepare(table), species("khulan"))


def moved(land, quantiles) -> list[np.ndarray]:
    """How far the inner vertices of every line went."""
    after = remade(land, quantiles).barriers.table.geometry
    return [(shapely.get_coordinates(g) - shapely.get_coordinates(o))[1:-1] for g, o in zip(after, BENT)]


@pytest.mark.parametrize(("east", "north"), [(0.75, 0.1), (0.5, 0.5), (0.0, 0.99)])
def test_another_origin_moves_all_lines_by_one_part_of_a_cell(east, north):
    shift = np.array([(east - 0.5) * H, (north - 0.5) * H])
    for line in moved(land_of(), {"origin.east": east, "origin.north": north}):
        np.testing.assert_allclose(line, np.tile(shift, (len(line), 1)), atol=1e-6)


def test_a_line_lies_nine_times_in_ten_within_its_accuracy():
    # normal both ways, so that the circle round the drawn place holds nine in ten; the line that is known stays
    way = norm.ppf(0.95) * 300.0 / chi(2).ppf(0.9)
    land = land_of(accuracy_m=[300.0, np.nan])
    first, second = moved(land, {"map.a.east": 0.95, "map.a.north": 0.05})
    np.testing.assert_allclose(first, np.tile([way, -way], (2, 1)), rtol=1e-6)
    np.testing.assert_allclose(second, 0.0, atol=1e-9)
    both = moved(land, {"map.a.east": 0.95, "map.a.north": 0.5, "origin.east": 0.6, "origin.north": 0.3})
    np.testing.assert_allclose(both[0], np.tile([way + 100.0, -200.0], (2, 1)), rtol=1e-6)
    np.testing.assert_allclose(both[1], np.tile([100.0, -200.0], (1, 1)), rtol=1e-6)


def test_nothing_drawn_of_the_map_leaves_the_landscape_as_it_is():
    land = land_of()
    assert remade(land, {}) is land


def test_samples_have_their_own_draws_and_the_same_seed_the_same():
    land, patches = pm.samples.tiny()
    found = [
        pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=16, rng=s) for s in (1, 1, 2)
    ]
    same, again, other = (f.table for f in found)
    assert same.equals(again)
    assert not same.equals(other)
    assert found[0].table["id"].tolist() == found[1].table["id"].tolist()


def test_nodes_at_the_edges_of_some_lines():
    land = land_of(line=["a", "b"])
    for lines in (["a"], ["b"], ["a", "b"]):
        ends = set()
        for i in range(len(land.cuts)):
            k, cell = int(land.cuts.direction[i]), int(land.cuts.cell[i])
            if land.barriers.table["line"].iloc[int(land.cuts.barrier[i])] in lines and k < 4:
                row, col = divmod(cell, 20)
                ends |= {cell, (row + (k > 0)) * 20 + col + (-1 if k == 3 else 0 if k == 1 else 1)}
        assert interface_nodes(land, lines) == len(ends)


@pytest.mark.parametrize(
    ("n", "said"), [(1, "a0"), (12, "a11."), (13, "a11 and 1 more"), (30, "a11 and 18 more")]
)
def test_sections_that_cannot_be_told_apart_are_named_to_the_twelfth_and_counted(n, said):
    table = pd.DataFrame(
        {"id": [f"a{i}" for i in range(n)] + ["z"], "alike": [1] * n + [2], "has_gain": True}
    )
    (note,) = draw_notes(table, pd.DataFrame({"clear": [], "what": [], "share": []}))
    assert said in note
    assert "a12" not in note
    assert "z" not in note.split(":")[-1]
