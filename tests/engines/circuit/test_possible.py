"""No answer passes that cannot be: every mode, the moving windows, wall to wall and the interface refuse it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from permeability.core.errors import PermeabilityError, SolverError
from permeability.engines.circuit import modes, pairwise
from permeability.engines.circuit.pair_conductance import pair_conductance
from permeability.engines.circuit.possible import leaving, require_currents, require_resistances
from permeability.engines.kernels.edges import grid_links
from permeability.engines.omnidirectional import omnidirectional
from permeability.engines.omnidirectional.wall_to_wall import wall_to_wall


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ([[0, -1e-9], [-1e-9, 0]], "below zero"),
        ([[0, np.nan], [np.nan, 0]], "below zero"),
        ([[0, 5.0, 1.0], [5.0, 0, 1.0], [1.0, 1.0, 0]], "by way of a third"),
        ([[0, np.inf, 1.0], [np.inf, 0, 1.0], [1.0, 1.0, 0]], "by way of a third"),
        ([[0, 0.2], [0.2, 0]], "more than the links"),
    ],
)
def test_resistances_that_cannot_be(wrong: list[list[float]], words: str) -> None:
    names = ["W", "E", "N"][: len(wrong)]
    with pytest.raises(SolverError, match=rf"S25[\s\S]*{words}[\s\S]*W-"):
        require_resistances(wrong, names, one_network=True, leaving=np.full(len(wrong), 3.0))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.5, 1.5])
def test_currents_that_cannot_be(wrong: float) -> None:
    with pytest.raises(SolverError, match=r"S26[\s\S]*cells with no number, less than nothing"):
        require_currents(np.array([[0.0, 1.0, wrong]]), "map", most=1.0)


def test_a_pair_without_a_number_is_not_taken_as_apart() -> None:
    for wrong in (np.nan, -2.0):
        with pytest.raises(SolverError, match="S25"):
            pair_conductance([1.0, wrong])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), spread=st.sampled_from([0.0, 3.0, 9.0]))
def test_right_answers_pass(seed: int, spread: float) -> None:
    """Contrasts up to 1e9, holes, close and far nodes: the bounds hold for what is right."""
    rng = np.random.default_rng(seed)
    ground = 10 ** rng.uniform(0, spread, (9, 11))
    ground[rng.random(ground.shape) < 0.2] = np.nan
    cells = rng.choice(np.flatnonzero(np.isfinite(ground)), 5, replace=False)
    found = pairwise(ground, [divmod(int(c), 11) for c in cells], current="maximum")
    conductance = leaving(grid_links(ground), [np.array([c]) for c in cells])
    require_resistances(found.resistance, found.ids, one_network=True, leaving=conductance)


NODATA = np.where(np.arange(10) == 5, 3.4028235e38, 1.0) * np.ones((8, 1))  # nodata that nobody declared
FOCAL = np.zeros((8, 10), int)
FOCAL[4, 1], FOCAL[4, 8] = 1, 2
MAPS = modes.MapOptions(current=True, cumulative=True, maximum=True)
ENDS = np.where(FOCAL == 1, 1.0, 0.0), np.where(FOCAL == 2, 0.0, np.nan)
WAYS: dict[str, Callable[[NDArray[Any]], Any]] = {
    "pairwise, direct": lambda r: pairwise(r, FOCAL, solver="splu").resistance[0, 1],
    "pairwise": lambda r: pairwise(r, FOCAL).resistance[0, 1],
    "raster pairwise": lambda r: modes.raster_pairwise(r, FOCAL, maps=MAPS, solver="splu").resistance[0, 1],
    "one to all": lambda r: modes.raster_one_to_all(r, FOCAL, maps=MAPS, solver="splu").resistance[0],
    "advanced": lambda r: modes.raster_advanced(r, *ENDS, solver="splu").voltage.max(),
    "wall to wall": lambda r: wall_to_wall(r, sides=("west",), solver="splu").resistance["west"],
}


def _value_or_code(run: Callable[[NDArray[Any]], Any]) -> float | str:
    try:
        return float(run(NODATA))
    except PermeabilityError as error:
        return str(error.code)


@pytest.mark.parametrize("way", list(WAYS))
def test_a_wall_of_undeclared_nodata_gives_its_resistance_or_a_refusal(way: str) -> None:
    """The wall's own links decide: a resistance in proportion to the wall's, near 1 / 8 of it and more; never less."""
    found = _value_or_code(WAYS[way])
    if isinstance(found, str):
        assert found in ("S25", "S26", "C05", "C07")
        return
    small = float(WAYS[way](np.where(NODATA > 1, 1e6, 1.0)))
    assert found == pytest.approx(small / 1e6 * 3.4028235e38, rel=1e-3)


def test_moving_windows_over_undeclared_nodata_stay_currents() -> None:
    for strength in (None, np.ones(NODATA.shape)):
        flow = omnidirectional(NODATA, radius=3, strength=strength, normalised=True)
        assert np.isfinite(flow.current).all()
        assert (flow.current >= 0).all()


def test_a_broken_solver_is_refused_by_every_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """A solver that returns noise: no mode hands it on."""
    from permeability.engines.circuit.modes import raster_circuit

    real = raster_circuit.solve_grid

    def noise(links: Any, sources: Any, **options: Any) -> Any:
        found = real(links, sources, **options)
        found.voltage[...] *= -1.0
        return found

    monkeypatch.setattr(raster_circuit, "solve_grid", noise)
    ground = np.ones((8, 10))
    for run in (
        lambda: modes.raster_pairwise(ground, FOCAL, maps=MAPS),
        lambda: modes.raster_one_to_all(ground, FOCAL, maps=MAPS),
    ):
        with pytest.raises(SolverError, match="S25"):
            run()
