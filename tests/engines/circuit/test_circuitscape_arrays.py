"""The modes on arrays: what is refused, masks, regions, numbers that share a node."""

from __future__ import annotations

import numpy as np
import pytest

from permeability.core.errors import OptionError, PatchError, ResistanceError
from permeability.engines.circuit import modes
from permeability.engines.circuit.modes.map_store import MapOptions


def test_numbers_that_are_not_paired_still_inject_one_ampere() -> None:
    """Peculiar to all-to-one, as the stored results of Circuitscape have it."""
    focal = np.array([[1, 0, 2, 0, 3]])
    selection = modes.PairSelection.of("include", [(1, 2)], [1, 2, 3])
    found = modes.raster_all_to_one(
        np.ones((1, 5)),
        focal,
        selection=selection,
        strengths={2: 5.0, 3: 7.0},
        maps=MapOptions(current=True),
    )
    np.testing.assert_allclose(found.current[(1,)], [[6, 6, 6, 1, 1]])
    assert not found.solved[2]
    assert (3,) not in found.current


def test_one_to_all_leaves_unpaired_grounds_out() -> None:
    focal = np.array([[1, 0, 2, 0, 3]])
    selection = modes.PairSelection.of("exclude", [(2, 3)])
    found = modes.raster_one_to_all(np.ones((1, 5)), focal, selection=selection)
    assert found.ids.tolist() == [2, 3]
    assert not found.solved.any()


def test_arrays_are_checked() -> None:
    focal = np.array([[1, 0, 2]])
    with pytest.raises(ResistanceError, match=r"\[C21\].*negative"):
        modes.raster_pairwise([[1.0, -1.0, 1.0]], focal)
    with pytest.raises(ResistanceError, match=r"\[C22\].*mask has shape"):
        modes.raster_pairwise(np.ones((1, 3)), focal, mask=np.ones((2, 3)))
    with pytest.raises(OptionError, match=r"\[C20\].*neighbours"):
        modes.raster_pairwise(np.ones((1, 3)), focal, neighbours=6)
    with pytest.raises(OptionError, match="did you mean 'conductance'"):
        modes.raster_pairwise(np.ones((1, 3)), focal, average="conductanc")
    with pytest.raises(PatchError, match=r"\[C24\].*1 cells of short-circuit regions are negative"):
        modes.raster_pairwise(np.ones((1, 3)), focal, regions=[[-9999, 0, 1]])
    with pytest.raises(PatchError, match=r"\[C25\].*negative"):
        modes.raster_advanced(np.ones((1, 3)), focal, [[np.nan, np.nan, -1.0]])
    with pytest.raises(PatchError, match=r"\[C25\].*infinite"):
        modes.raster_advanced(np.ones((1, 3)), [[np.inf, 0, 0]], [[np.nan, np.nan, 1.0]])
    with pytest.raises(OptionError, match="did you mean 'keep_all'"):
        modes.resolve_conflicts([1.0], [1.0], "keepall")
    with pytest.raises(PatchError, match=r"\[C25\].*finite"):
        modes.raster_one_to_all(np.ones((1, 3)), focal, strengths={1: np.nan})


def test_mask_drops_cells_that_are_not_positive() -> None:
    focal = np.array([[1, 0, 2], [0, 0, 0]])
    mask = np.array([[1, -1, 1], [1, 4, np.nan]])
    found = modes.raster_pairwise(np.ones((2, 3)), focal, mask=mask, neighbours=8)
    assert found.resistance[0, 1] == pytest.approx(1 / (1 / np.sqrt(2) + 1 / 2) + np.sqrt(2))


def test_two_numbers_on_one_region_each_count() -> None:
    """Two numbers on one node: resistance 0, no map of their own, and both pairs with a third in the sum."""
    focal = np.array([[1, 2, 0, 3]])
    regions = np.array([[5, 5, 0, 0]])
    found = modes.raster_pairwise(
        np.ones((1, 4)),
        focal,
        regions=regions,
        selection=modes.PairSelection.of("exclude", [(1, 2)]),
        maps=MapOptions(current=True, cumulative=True),
    )
    np.testing.assert_allclose(found.resistance, [[0, 0, 2], [0, 0, 2], [2, 2, 0]], atol=1e-12)
    assert set(found.current) == {(1, 3), (2, 3)}
    np.testing.assert_allclose(found.cumulative, [[2, 2, 2, 2]])


def test_region_without_a_valid_cell_is_ignored() -> None:
    habitat = np.array([[1.0, np.nan, 1.0]])
    assert modes.raster_pairwise(habitat, [[1, 0, 2]], regions=[[0, 7, 0]]).resistance[0, 1] == np.inf


def test_regions_reach_over_nodata() -> None:
    habitat = np.array([[1.0, 1.0, np.nan, 1.0, 1.0]])
    found = modes.raster_pairwise(
        habitat,
        [[1, 0, 0, 0, 2]],
        regions=[[0, 7, 7, 7, 0]],
        maps=MapOptions(current=True, null_currents=True),
    )
    assert found.resistance[0, 1] == pytest.approx(2.0)
    np.testing.assert_allclose(found.current[(1, 2)], [[1, 1, np.nan, 1, 1]])


@pytest.mark.parametrize(
    ("numbers", "rows", "code"),
    [
        ([], [], "C23"),
        ([3, 3], [0, 1], "C23"),
        ([1.5, 2], [0, 1], "C24"),
        ([1, 2], [0, 5], "C24"),
        ([0, 2], [0, 1], "C24"),
    ],
)
def test_focal_cells_that_cannot_be_used(numbers: list[float], rows: list[int], code: str) -> None:
    with pytest.raises(PatchError) as refused:
        modes.FocalCells.of(numbers, rows, [0] * len(rows), (2, 2))
    assert refused.value.code == code


def test_focal_cells_may_share_a_cell() -> None:
    """Two numbers in one cell of a chain 1 - 1 - 1: no resistance between them, the same to the third."""
    focal = modes.FocalCells.of([5, 1, 9], [0, 0, 0], [0, 0, 2], (1, 3))
    found = modes.raster_pairwise(np.ones((1, 3)), focal)
    np.testing.assert_allclose(found.resistance, [[0, 0, 2], [0, 0, 2], [2, 2, 0]], atol=1e-12)


def test_a_voltage_map_alone_is_that_of_all_maps() -> None:
    ground = np.exp(np.random.default_rng(8).normal(size=(6, 7)))
    focal = np.zeros((6, 7), int)
    focal[0, 0], focal[5, 6], focal[2, 3] = 1, 2, 3
    seen: dict[str, list[tuple[object, ...]]] = {}
    for name, maps in (
        ("alone", modes.MapOptions(voltage=True)),
        ("all", modes.MapOptions(voltage=True, current=True)),
    ):
        seen[name] = []
        modes.raster_pairwise(ground, focal, maps=maps, on_map=lambda *m, name=name: seen[name].append(m))
    assert {m[0] for m in seen["alone"]} == {"voltage"}
    both = {m[1]: m[2] for m in seen["all"] if m[0] == "voltage"}
    assert {m[1] for m in seen["alone"]} == set(both)
    for _, key, plane in seen["alone"]:
        np.testing.assert_array_equal(plane, both[key])
