"""Published circuit cases of other tools whose links follow their own rules: gdistance, radish."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from places import REFERENCE
from pyproj import Geod

from permeability.core.errors import ResistanceError
from permeability.engines.circuit.modes import Network, network_pairwise
from permeability.engines.leastcost.distance import cost_distance
from permeability.engines.leastcost.surface import cost_surface, step_costs


def case(folder: str, name: str) -> dict[str, Any]:
    """A published case; skipped where the references are missing."""
    manifest = REFERENCE / folder / "manifest.json"
    if not manifest.is_file():
        pytest.skip("published reference cases are not on this machine")
    (found,) = (c for c in json.loads(manifest.read_text(encoding="utf-8"))["cases"] if c["id"] == name)
    found["folder"] = REFERENCE / folder
    return found


def table(entry: dict[str, Any], name: str, **options: Any) -> np.ndarray:
    path = entry["folder"] / {**entry["inputs"], **entry["expected"]}[name]
    return np.loadtxt(path, delimiter=",", **options)


def commute(network: Network, cells: list[int]) -> np.ndarray:
    """Effective resistance times the sum of all entries of the link matrix (each link counts twice)."""
    found = network_pairwise(network, cells, maps=False)
    order = [found.ids.tolist().index(c) for c in cells]
    return found.resistance[np.ix_(order, order)] * 2 * network.graph.conductance.sum()


@pytest.mark.oracle
@pytest.mark.parametrize("neighbours", [4, 8, 16])
def test_gdistance_commute_distance(neighbours: int) -> None:
    entry = case("gdistance", "accumulated_cost_6x7")
    ground = table(entry, "resistance")
    steps = step_costs(
        lambda length, a, b: length * (a + b) / 2, ground, neighbours=neighbours, knights_move="over"
    )
    cells = [int(6 - y) * 7 + int(x) for x, y in entry["options"]["points"]]
    expected = table(entry, f"commute_distance:{neighbours}")
    np.testing.assert_allclose(commute(Network.of_grid(steps), cells), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.oracle
def test_gdistance_on_the_globe() -> None:
    """Twenty-degree cells, links over the date line: lengths on the ellipsoid by rows, columns repeated."""
    entry = case("gdistance", "overview_lonlat_18x9")
    values = table(entry, "values")
    rows, cols = values.shape
    geod = Geod(ellps="WGS84")
    across = geod.inv(-10, 0, 10, 0)[2]  # width of a cell in the middle
    latitude = np.repeat(80.0 - 20 * np.arange(rows), cols).reshape(rows, cols)

    def length(la: np.ndarray, lb: np.ndarray) -> np.ndarray:
        east = np.where(la == lb, 20.0, 0.0)
        return np.asarray(geod.inv(np.zeros_like(la), la, east, lb)[2]) / across

    cells = [int((90 - y) // 20) * cols + int((x + 180) // 20) for x, y in entry["options"]["points"]]
    wide = [np.tile(plane, 3) for plane in (values, latitude)]
    steps = step_costs(lambda _, a, b, la, lb: length(la, lb) / ((a + b) / 2), *wide, neighbours=4)
    surface = cost_surface(np.ones(wide[0].shape), neighbours=4, step_costs=steps)
    got = []
    for cell in cells:
        field = cost_distance(surface, [(cell // cols, cols + cell % cols)])
        got.append(field.reshape(rows, 3, cols).min(axis=1).reshape(-1)[cells])
    np.testing.assert_allclose(got, table(entry, "cost_distance"), rtol=1e-9, atol=1e-9)

    links, conductance = [], []
    for r in range(rows):
        for c in range(cols):
            for row, col in ((r, (c + 1) % cols), (r + 1, c)):
                if row < rows:
                    la, lb = latitude[r, 0], latitude[row, 0]
                    shrink = 1.0 if row == r else np.cos(np.radians((la + lb) / 2))
                    links.append((r * cols + c, row * cols + col))
                    mean = (values[r, c] + values[row, col]) / 2
                    conductance.append(mean * shrink / float(length(np.array(la), np.array(lb))))
    published = table(entry, "conductance_edges_random_walk_corrected", skiprows=1)
    edges = {frozenset((int(a) - 1, int(b) - 1)): v for a, b, v in published}
    mine = {frozenset(link): v for link, v in zip(links, conductance, strict=True)}
    assert mine.keys() == edges.keys()
    np.testing.assert_allclose([mine[k] for k in edges], list(edges.values()), rtol=1e-9)
    network = Network.of(links, conductance, links_are="conductance")
    np.testing.assert_allclose(commute(network, cells), table(entry, "commute_distance"), rtol=1e-9)


@pytest.mark.oracle
@pytest.mark.parametrize("theta", [(0.0, 0.0), (-0.3, 0.3)])
def test_radish_resistance_distance(theta: tuple[float, float]) -> None:
    entry = case("radish", "melip_resistance_distance")
    grids = []
    for name in ("forest_cover", "altitude"):
        words = (entry["folder"] / entry["inputs"][name]).read_text().split()
        head = {words[i].lower(): float(words[i + 1]) for i in range(0, 12, 2)}
        plane = np.array(words[12:], float).reshape(int(head["nrows"]), int(head["ncols"]))
        grids.append(np.where(plane == head["nodata_value"], np.nan, plane))
    scaled = [(g - np.nanmean(g)) / np.nanstd(g, ddof=1) for g in grids]
    conductance = np.exp(theta[0] * scaled[0] + theta[1] * scaled[1])
    network = Network.of_grid(step_costs(lambda _, a, b: 1 / (a + b), conductance))
    lines = (entry["folder"] / entry["inputs"]["points"]).read_text().splitlines()
    xy = [[float(word) for word in line.replace('"', "").split(",")[-2:]] for line in lines[1:]]
    size, rows = head["cellsize"], int(head["nrows"])
    cells = [
        (rows - 1 - int((y - head["yllcorner"]) // size)) * int(head["ncols"])
        + int((x - head["xllcorner"]) // size)
        for x, y in xy
    ]
    found = network_pairwise(network, cells, maps=False)
    order = [found.ids.tolist().index(c) for c in cells]
    expected = table(entry, f"resistance_distance:{theta[0]:g}_{theta[1]:g}")
    np.testing.assert_allclose(found.resistance[np.ix_(order, order)], expected, rtol=1e-8, atol=1e-10)


def test_grid_networks_refuse_directed_steps() -> None:
    directed = step_costs(lambda length, a, b: b, [[1.0, 5.0]], neighbours=4)
    with pytest.raises(ResistanceError, match="way back"):
        Network.of_grid(directed)
    with pytest.raises(ResistanceError, match="planes"):
        Network.of_grid(directed[:3])
