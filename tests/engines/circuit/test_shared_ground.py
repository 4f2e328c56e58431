"""Landscapes whose barriers lie elsewhere share boxes and results: each is what it is by itself, whichever was made first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from permeability.engines.circuit.interface import shared_ground
from permeability.engines.circuit.interface.interface import Interface
from permeability.engines.circuit.interface.shared_ground import SharedGround
from permeability.engines.circuit.solvers.condensation import effective_resistances
from permeability.engines.kernels.edges import GridLinks, grid_links

SHAPE = 84, 97
COST = 25.0


def ground() -> NDArray[np.float64]:
    rng = np.random.default_rng(7)
    land = rng.uniform(1.0, 4.0, SHAPE)
    land[30:50, 60:72] = np.nan
    return land


def labels() -> NDArray[np.int64]:
    out = np.zeros(SHAPE, np.int64)
    out[3:6, 4:9], out[75:80, 10:12], out[40:44, 85:90] = 1, 2, 3
    return out


def fence(row: int, col: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A row of edges to the south and a column of edges to the east, where there is ground on both sides."""
    cells = np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE)
    land = np.isfinite(ground())
    down = (land[row] & land[row + 1]).nonzero()[0]
    across = (land[:, col] & land[:, col + 1]).nonzero()[0]
    edges = np.concatenate([cells[row, down], cells[across, col]])
    return edges, np.repeat([1, 0], [len(down), len(across)])


def barred(row: int, col: int) -> NDArray[np.bool_]:
    out = np.zeros(SHAPE, bool)
    out[row : row + 2], out[:, col : col + 2] = True, True
    return out


def face(place: tuple[int, int], links: GridLinks, shared: SharedGround | None) -> Interface:
    edges = fence(*place)
    n = np.arange(len(edges[0]))
    return Interface.build(
        links, edges=edges, cuts=(n, n, np.ones(len(n))), crossing=np.full(len(n), COST), regions=labels(),
        form="layers", check=False, ground=shared,
    )  # fmt: skip


def cache(of: Interface) -> NDArray[np.float64]:
    assert of.layered is not None
    return of.layered._cache


PLACES = [(20, 30), (22, 30), (60, 33), (20, 30)]


def test_each_is_what_a_fresh_solve_of_it_is() -> None:
    land = ground()
    shared = SharedGround(barred(21, 30))
    for place in PLACES:
        links = grid_links(land)
        found = face(place, links, shared).resistances()
        cell, k = fence(*place)
        planes: list[Any] = [plane.copy() for plane in links]
        for direction in (0, 1):
            at = cell[k == direction]
            plane = planes[direction].reshape(-1)
            plane[at] = 1.0 / (1.0 / plane[at] + COST)
        want = effective_resistances(GridLinks(*planes), regions=labels())
        np.testing.assert_allclose(found, want, rtol=1e-13)


def test_nothing_hangs_on_which_was_made_first() -> None:
    links = grid_links(ground())
    one, other = SharedGround(barred(21, 30)), SharedGround(barred(21, 30))
    forth = [cache(face(place, links, one)) for place in PLACES]
    back = [cache(face(place, links, other)) for place in PLACES[::-1]][::-1]
    alone = [cache(face(place, links, SharedGround(barred(21, 30)))) for place in PLACES]
    for a, b, c in zip(forth, back, alone):
        assert a.tobytes() == b.tobytes() == c.tobytes()


def test_threads_may_make_them_at_once() -> None:
    links, shared = grid_links(ground()), SharedGround(barred(21, 30))
    want = [cache(face(place, links, SharedGround(barred(21, 30)))).tobytes() for place in PLACES]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda place: cache(face(place, links, shared)).tobytes(), PLACES * 3))
    assert found == want * 3


def test_results_of_another_ground_are_not_taken() -> None:
    shared = SharedGround(barred(21, 30))
    face(PLACES[0], grid_links(ground()), shared)
    other = grid_links(2.0 * ground())
    alone = face(PLACES[0], other, SharedGround(barred(21, 30)))
    assert cache(face(PLACES[0], other, shared)).tobytes() == cache(alone).tobytes()


def test_no_more_is_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_ground, "KEPT_BYTES", 20_000.0)
    links, shared = grid_links(ground()), SharedGround(barred(21, 30))
    found = [cache(face(place, links, shared)) for place in PLACES]
    held = sum(result.nbytes for result in shared._results.of.values())
    assert 0 < held <= 20_000
    for place, of in zip(PLACES, found):
        assert cache(face(place, links, SharedGround(barred(21, 30)))).tobytes() == of.tobytes()
