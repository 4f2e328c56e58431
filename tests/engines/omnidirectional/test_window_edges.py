"""Moving windows at the rim of a map and at cells without resistance."""

from __future__ import annotations

import numpy as np
import pytest

from permeability.core.errors import OptionError
from permeability.core.tasks import content_hash
from permeability.engines.omnidirectional import (
    Condition,
    WindowOptions,
    estimate_windows,
    omnidirectional,
    prepare,
)
from permeability.engines.omnidirectional.change import changed_cells, difference
from permeability.engines.omnidirectional.inputs import condition_values
from permeability.engines.omnidirectional.tasks import WindowTasks


def uneven(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return np.exp(rng.normal(0, 1, shape))


@pytest.mark.parametrize(("radius", "buffer"), [(3, 0), (2, 2)])
def test_with_a_margin_the_maps_are_those_of_a_larger_landscape(radius: int, buffer: int) -> None:
    large = uneven(np.random.default_rng(1), (44, 46))
    off = 7
    part = large[off:-off, off:-off]
    reach = 2 * (radius + buffer)
    options = {"radius": radius, "buffer": buffer, "normalised": True}
    whole = omnidirectional(large, **options)
    bare, safe = omnidirectional(part, **options), omnidirectional(part, **options, margin=reach)
    for name in ("current", "normalised"):
        want = getattr(whole, name)[off:-off, off:-off]
        inner = getattr(safe, name)
        seen = np.isfinite(inner)
        assert seen.sum() == np.prod(np.array(part.shape) - 2 * reach)
        np.testing.assert_allclose(inner[seen], want[seen], rtol=1e-9)
        rim = ~seen
        assert np.abs(getattr(bare, name)[rim] / want[rim] - 1).max() > 0.05  # what the margin is for
    assert not safe.notes
    assert any("margin=" + str(reach) in n for n in bare.notes)


@pytest.mark.parametrize("margin", [-1, 5])
def test_a_margin_that_leaves_nothing_is_refused(margin: int) -> None:
    with pytest.raises(OptionError, match=r"\[W19\].*leaves nothing"):
        omnidirectional(np.ones((10, 30)), radius=2, margin=margin)


def test_strength_on_cells_without_resistance_counts_nowhere() -> None:
    """The same map and windows whatever the layer of strengths says on a lake."""
    rng = np.random.default_rng(2)
    ground = uneven(rng, (20, 22))
    lake = np.zeros(ground.shape, bool)
    lake[6:11, 8:15] = True
    ground[lake] = np.nan
    given = rng.uniform(0.5, 2, ground.shape)
    dry = np.where(lake, np.nan, given)
    for options in ({}, {"block_size": 3}, {"threshold": 1.0}):
        wet = omnidirectional(ground, radius=4, strength=given, normalised=True, **options)
        same = omnidirectional(ground, radius=4, strength=dry, normalised=True, **options)
        np.testing.assert_array_equal(wet.current, same.current)
        np.testing.assert_array_equal(wet.normalised, same.normalised)
        assert wet.windows == same.windows
        threshold = float(options.get("threshold", 0.0))
        assert wet.left_out == pytest.approx(given[lake & (given >= threshold)].sum())
        assert same.left_out == 0
        assert any("without resistance" in n for n in wet.notes)
    with pytest.raises(OptionError, match="W14"):
        omnidirectional(ground, radius=4, strength=np.where(lake, 1.0, 0.0))


def test_a_margin_without_the_flow_potential_is_cut_from_the_current_alone() -> None:
    ground = uneven(np.random.default_rng(3), (14, 15))
    safe, bare = (omnidirectional(ground, radius=2, margin=m) for m in (4, 0))
    assert safe.flow_potential is safe.normalised is None
    np.testing.assert_array_equal(safe.current[4:-4, 4:-4], bare.current[4:-4, 4:-4])
    assert np.isfinite(safe.current).sum() == 6 * 7


def test_windows_without_a_source_or_without_a_way_to_it_carry_nothing_by_either_solver() -> None:
    """Sources in the west; targets beside them, far from them, and behind a wall."""
    ground, source, target = np.ones((9, 21)), np.zeros((9, 21)), np.zeros((9, 21))
    ground[:, 14] = np.nan
    source[4, 2], source[4, 12] = 2.0, 1.0
    target[4, 4], target[0, 20], target[4, 16] = 1.0, 1.0, 1.0
    options = {"radius": 4, "strength": source, "targets": target}
    cells, large = (omnidirectional(ground, solver=s, **options) for s in ("dissection", "multigrid"))
    np.testing.assert_allclose(large.current, cells.current, rtol=1e-6, atol=1e-9)
    assert large.windows == cells.windows
    assert large.lost == pytest.approx(cells.lost)
    assert large.lost > 0  # what stands behind the wall
    assert np.nansum(large.current[:, 9:]) == 0


def test_a_condition_that_changes_is_seen_by_the_windows_about_it() -> None:
    rng = np.random.default_rng(5)
    ground = uneven(rng, (30, 32))
    present = rng.integers(0, 3, ground.shape).astype(float)
    future = present.copy()
    future[4:6, 5:8] += 1.0
    met = [[Condition(present, "equal", future=f)] for f in (None, present, future)]
    options = WindowOptions(radius=3)
    none, before, after = (prepare(ground, options, conditions=c) for c in met)
    found = difference(before, after)
    full = [omnidirectional(ground, radius=3, conditions=c).current for c in met[1:]]
    np.testing.assert_allclose(found.current, full[1] - full[0], atol=1e-9 * full[0].max())
    assert np.abs(found.current[4:8, 5:9]).max() > 0
    assert 0 < found.windows < found.targets
    same = difference(before, before)
    assert same.windows == 0
    holes = present.copy()
    holes[20, 20] = np.nan
    changed = changed_cells(
        *(prepare(ground, options, conditions=[Condition(h, "equal")]) for h in (holes, holes))
    )
    assert not changed.any()  # a missing value is equal to itself
    assert changed_cells(none, before).all()  # a future that is stated where none was


def test_tasks_are_taken_by_slices_as_one_by_one() -> None:
    tasks = WindowTasks(prepare(np.ones((40, 40)), WindowOptions(radius=3)))
    assert len(tasks) > 3
    for part in (slice(None, None), slice(1, None, 2), slice(-2, None), slice(3, 1)):
        assert [content_hash(t) for t in tasks[part]] == [
            content_hash(tasks[k]) for k in range(len(tasks))[part]
        ]


def test_the_flow_potential_of_shared_domains_of_one_target_is_exact() -> None:
    ground = uneven(np.random.default_rng(6), (18, 20))
    exact = omnidirectional(ground, radius=3, normalised=True)
    shared = omnidirectional(ground, radius=3, normalised=True, domain="shared", shared_targets=1)
    np.testing.assert_allclose(shared.flow_potential, exact.flow_potential, rtol=1e-9)
    np.testing.assert_allclose(shared.normalised, exact.normalised, rtol=1e-8)
    times = [
        estimate_windows(prepare(ground, WindowOptions(radius=3, domain=d))) for d in ("exact", "shared")
    ]
    assert times[1].seconds < times[0].seconds
    assert times[1].windows == times[0].windows


def test_a_block_without_any_value_of_a_condition_has_none() -> None:
    grid = np.full((6, 6), np.nan)
    grid[:3, :3] = [[1, 1, 2], [2, 2, 7], [np.nan] * 3]
    row, col = np.array([1, 1, 4]), np.array([1, 4, 4])
    found = condition_values([Condition(grid, "equal")], row, col, 3)
    np.testing.assert_array_equal(found[:, 0], [2.0, np.nan, np.nan])
