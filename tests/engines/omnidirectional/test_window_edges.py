"""Moving windows at the rim of a map and at cells without resistance."""

from __future__ import annotations

import numpy as np
import pytest

from permeability.core.errors import OptionError
from permeability.engines.omnidirectional import omnidirectional


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
