"""What is refused of surfaces, sources and openings, each with the cells, rows and counts that are at fault."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import permeability as pm
from permeability.core.errors import BarrierError, OptionError, PatchError, ResistanceError
from permeability.engines.kernels.edges import EdgeBarriers
from permeability.engines.leastcost.distance import cost_distance, cost_surface
from permeability.engines.leastcost.opening_sets import OpenedWays, way_sets
from permeability.engines.leastcost.openings import Openings, PortalNetwork, check_openings
from permeability.engines.leastcost.surface import enclosed_sources

FREE = np.ones((2, 3))


@pytest.mark.parametrize("cell", [(-1, 0), (2, 0), (0, -1), (0, 3), (1, -2), (5, 7)])
def test_cells_beside_the_grid_are_named(cell):
    with pytest.raises(PatchError, match=r"D01.*1 of the cells lie outside the grid of 2 x 3") as caught:
        cost_distance(FREE, [(1, 2), cell])
    assert caught.value.rows == [cell]


def test_sources_without_passage_are_named_by_row_and_column():
    ground = FREE.copy()
    ground[0, 2], ground[1, 0] = np.nan, np.inf
    with pytest.raises(PatchError, match=r"D02.*2 of 3 cells lie on NaN or inf") as caught:
        cost_distance(ground, [(0, 2), (1, 1), (1, 0)])
    assert caught.value.rows == [(0, 2), (1, 0)]


def test_negative_step_costs_are_counted():
    steps = np.ones((4, 2, 3))
    steps[1, 0, :2] = -1.0
    with pytest.raises(OptionError, match=r"D08\]: 2 step costs are negative"):
        cost_distance(FREE, [(0, 0)], step_costs=steps, neighbours=4)
    with pytest.raises(OptionError, match=r"D08.*do not fit \(4, 2, 3\)"):
        cost_distance(FREE, [(0, 0)], step_costs=steps[:3], neighbours=4)


@pytest.mark.parametrize("values", [np.zeros((0, 3)), np.ones(4), np.ones((2, 2, 2)), np.array([["a"]])])
def test_what_is_no_table_of_numbers_is_no_surface(values):
    with pytest.raises(ResistanceError, match=r"R13|R1"):
        cost_surface(values)


def test_a_raster_of_one_band_is_its_band_and_of_two_is_refused():
    place = {"y": [1500.0, 500.0], "x": [500.0, 1500.0, 2500.0]}
    one = xr.DataArray(FREE[None], dims=("band", "y", "x"), coords=place)
    assert cost_surface(one).lengths[0] == 1000.0
    with pytest.raises((OptionError, ResistanceError)):
        cost_surface(xr.DataArray(np.ones((2, 2, 3)), dims=("band", "y", "x"), coords=place))


def test_patches_are_all_their_cells():
    land, patches = pm.samples.tiny()
    found = np.asarray(cost_distance(land, patches))
    np.testing.assert_array_equal(found, np.asarray(cost_distance(land, patches.labels > 0)))
    assert (found[patches.labels > 0] == 0).all()
    assert (found[patches.labels == 0] > 0).all()


def test_at_most_twenty_openings_are_listed_and_all_are_counted():
    surface = cost_surface(np.ones((1, 40)))
    at_fault = Openings.of([(np.arange(25), np.zeros(25, int), 1.0)])  # nothing is in the way there today
    with pytest.raises(BarrierError, match=r"D11.*25 of 25 opened edges") as caught:
        check_openings(surface, at_fault)
    assert caught.value.rows == list(range(20))


@pytest.mark.parametrize(
    ("cell", "direction", "cost"),
    [(0, 1, 0.0), (3, 0, 0.0), (-1, 0, 0.0), (2, 0, -1.0), (2, 0, np.nan), (0, 0, 8.0), (2, 9, 0.0)],
)
def test_an_opening_must_be_an_edge_and_no_dearer_than_today(cell, direction, cost):
    wall = EdgeBarriers(
        np.array([0, 2]), np.zeros(2, np.uint8), np.array([7.0, np.inf]), np.array([7.0, np.inf])
    )
    surface = cost_surface(np.ones((1, 4)), barriers=wall)
    check_openings(surface, Openings.of([([0], [0], 7.0), ([2], [0], 1e9)]))
    with pytest.raises(BarrierError, match=r"D11.*1 of 2"):
        check_openings(surface, Openings.of([([2], [0], 0.0), ([cell], [direction], cost)]))


def test_without_a_site_no_way_is_opened():
    wall = EdgeBarriers(np.array([0]), np.zeros(1, np.uint8), np.array([np.inf]), np.array([np.inf]))
    land = cost_surface([[1.0, 1.0, 1.0]], barriers=wall)
    places = [[(0, 0)], [(0, 2)]]
    ways = OpenedWays(PortalNetwork.build(land, places, Openings.of([])), ())
    assert [len(column) for column in ways.arcs()] == [0, 0, 0, 0]
    assert ways.costs([]).tolist() == [[0.0, np.inf], [np.inf, 0.0]]
    found = way_sets(ways)
    assert (list(found.first), found.sites, found.complete) == ([], [], True)


@pytest.mark.parametrize("size", [np.inf, 0.0, -1.0, np.nan, (np.inf, 1.0), (1.0, np.inf), (1.0, 0.0)])
def test_a_cell_has_a_size(size):
    with pytest.raises(OptionError, match="D07"):
        cost_surface(FREE, cell_size=size)


def test_a_size_beside_that_of_the_coordinates_is_refused():
    place = {"y": [1500.0, 500.0], "x": [500.0, 1500.0, 2500.0]}
    placed = xr.DataArray(FREE, dims=("y", "x"), coords=place)
    assert cost_surface(placed, cell_size=1000.0).lengths[0] == cost_surface(placed).lengths[0] == 1000.0
    for size in (999.0, 500.0, 2000.0):
        with pytest.raises(OptionError, match=r"D07.*coordinates are \(1000.0, 1000.0\) apart"):
            cost_surface(placed, cell_size=size)


def test_sources_inside_walls_are_named_by_row_and_column():
    # the last cell of a grid of 2 x 3: both of its edges, to the cell before it and to that above it
    inf = np.full(2, np.inf)
    walls = EdgeBarriers(np.array([2, 4]), np.array([1, 0], np.uint8), inf, inf)
    surface = cost_surface(FREE, barriers=walls, neighbours=4)
    (found,) = enclosed_sources(surface, [(1, 2), (0, 0)])
    assert (found.code, list(found.rows)) == ("D06", [(1, 2)])
    assert enclosed_sources(surface, [(0, 0), (1, 1)]) == []
