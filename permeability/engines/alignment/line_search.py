"""The line of least loss: tangent and cheapest line by turns, from several starts.

The loss of a line is concave in what it adds to the edges, so the tangent at the present line bounds every other line from
above; the cheapest line under that tangent can only be better (majorise-minimise; Hunter & Lange 2004,
doi:10.1198/0003130042836).  That finds a local least, hence the starts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from permeability.engines.alignment.corner_lines import (
    MOVE_COL,
    MOVE_LENGTH,
    MOVE_ROW,
    CornerLine,
    move_costs,
)
from permeability.engines.alignment.line_network import LineNetwork
from permeability.engines.alignment.line_space import SMALL, LineSpace

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

BETTER = 1e-9  # a fall of the loss that counts
ROUNDS = 30
LIGHT = (0.1, 0.01)  # of the crossing cost
POOL = 4  # lines that detours set out from
LARGE = 250_000  # cells from which only the best line of the coarse grid is refined
COARSE_CORNERS = 12_000  # beyond this many, a search sets out on a coarser grid
DIRECT = 4  # widths of a cell that one step from a coarse to a fine grid may make
BAND = 6  # cells of the coarser grid on each side of what was found there


class Found(NamedTuple):
    """A line that a search came to.

    ``line``; its exact ``loss`` as a share of the resistance of today; the ``objective``, which has other costs too; where
    it ``started``; and the objective after every round (``history``), which never rises.
    """

    line: CornerLine
    loss: float
    objective: float
    started: str
    history: tuple[float, ...]


class Search:
    """One search: what a line costs, and the ways that lead to better ones."""

    def __init__(
        self,
        network: LineNetwork,
        space: LineSpace,
        crossing: float,
        extra: Floats | None,
        rng: np.random.Generator,
    ) -> None:
        self.network, self.space, self.crossing, self.rng = network, space, crossing, rng
        self.extra = extra
        inside = network.inside_patches.astype(float)
        self.closed = self._moves(inside, per_edge=True) > 0  # through a patch
        if extra is not None:
            self.closed |= np.isinf(extra)

    def _moves(self, planes: Floats, *, per_edge: bool = False) -> Singles:
        """Costs of moves; single precision halves the memory, and what a line loses is measured by itself."""
        return move_costs(planes, neighbours=self.network.neighbours, per_edge=per_edge, dtype=np.float32)

    def extra_of(self, line: CornerLine) -> float:
        """Other costs of a line."""
        if self.extra is None:
            return 0.0
        at = line.corners[:-1]
        return float(self.extra[line.moves, at[:, 0], at[:, 1]].sum())

    def measure(self, line: CornerLine) -> tuple[float, float, Floats]:
        """Loss, objective and tangent of a line."""
        keys, weight = line.crossed(self.network.shape, neighbours=self.network.neighbours)
        state = self.network.with_line(keys, self.crossing / weight)
        return state.loss, state.loss + self.extra_of(line), state.tangent

    def step(self, tangent: Floats, space: LineSpace | None = None) -> CornerLine | None:
        """The cheapest line under a tangent."""
        return self._cheapest(space or self.space, self.crossing * tangent)

    def _cheapest(
        self, space: LineSpace, planes: Floats, closed: tuple[int, int, int] | None = None
    ) -> CornerLine | None:
        cost = self._moves(planes)
        if self.extra is not None:
            cost += self.extra
        cost[self.closed] = np.inf
        if closed is not None:
            cost[closed] = np.inf
        return space.cheapest(cost, planes, self.network.neighbours)[0]

    def usual(self, cost: NDArray[Any]) -> CornerLine | None:
        """The cheapest line under other costs of moves."""
        cost = np.array(cost, np.float32)
        cost[self.closed] = np.inf
        return self.space.cheapest(cost)[0]

    def descend(
        self, line: CornerLine, name: str, rounds: int = ROUNDS, space: LineSpace | None = None
    ) -> Found:
        """Tangent and cheapest line by turns until the objective no longer falls."""
        loss, value, tangent = self.measure(line)
        history = [value]
        for _ in range(rounds):
            new = self.step(tangent, space)
            if new is None:
                break
            new_loss, new_value, new_tangent = self.measure(new)
            if not new_value < value - BETTER:
                break
            line, loss, value, tangent = new, new_loss, new_value, new_tangent
            history.append(value)
        return Found(line, loss, value, name, tuple(history))

    def shake(self, pool: list[Found], trials: int) -> list[Found]:
        """Better lines round about those of a pool: a place on one of them is barred, and the search set out anew from there."""
        pool = _distinct(pool)[:POOL]
        tangents = {f.line.corners.tobytes(): self.measure(f.line)[2] for f in pool}
        tried: set[bytes] = set()
        for _ in range(trials):
            base = pool[min(int(self.rng.exponential(0.7)), len(pool) - 1)]
            key = base.line.corners.tobytes()
            if key not in tangents:
                tangents[key] = self.measure(base.line)[2]
            new = self._detour(base, tangents[key])
            if new is None or new.corners.tobytes() in tried:
                continue
            tried.add(new.corners.tobytes())
            pool = _distinct([*pool, self.descend(new, base.started, rounds=2)])[:POOL]
        return pool

    def _detour(self, base: Found, tangent: Floats) -> CornerLine | None:
        """The cheapest line under a tangent that keeps off one place of a line, or off one of its moves."""
        corners = base.line.corners
        k = int(self.rng.integers(len(corners) - 1))
        way = self.rng.random()
        if way < 0.5:
            noise = np.exp(self.rng.exponential(1.0) * self.rng.standard_normal(tangent.shape))
            base_planes = tangent if way < 0.25 else self.network.today.tangent
            return self._cheapest(self.space, self.crossing * base_planes * noise)
        if k == 0 or way < 0.7:
            closed = (int(base.line.moves[k]), int(corners[k, 0]), int(corners[k, 1]))
            return self._cheapest(self.space, self.crossing * tangent, closed)
        reach = self.rng.random() ** 2 * 0.2 * self.space.straight
        r, c = np.indices(self.space.allowed.shape)
        disc = np.hypot(r - corners[k, 0], c - corners[k, 1]) <= reach
        return self._cheapest(
            replace(self.space, allowed=self.space.allowed & ~disc), self.crossing * tangent
        )

    def starts(self, habitat: Floats | None, n: int) -> list[tuple[str, CornerLine]]:
        """Lines to set out from: the usual ones, then those under a disturbed tangent of today."""
        today = self.network.today.tangent
        ways: list[tuple[str, Callable[[], NDArray[Any]]]] = [
            ("first order", lambda: self._moves(self.crossing * today))
        ]
        if habitat is not None:
            ways.append(("habitat", lambda: habitat))
        ways.append(("current", lambda: self._moves(np.sqrt(today), per_edge=True)))
        ways.append(("short", lambda: np.broadcast_to(MOVE_LENGTH[:, None, None], self.closed.shape)))
        wide = max(2.0, 0.08 * max(self.network.shape))

        def disturbed() -> NDArray[Any]:
            noise = gaussian_filter(self.rng.standard_normal(today.shape[1:]), wide)
            noise *= 1.5 / max(float(noise.std()), 1e-12)
            return self._moves(self.crossing * today * np.exp(noise))

        ways += [(f"disturbed {k - 3}", disturbed) for k in range(len(ways), n)]
        out = []
        for name, cost in ways[: max(n, 1)]:
            line = self.usual(cost())
            if line is not None:
                out.append((name, line))
        if n > 2:
            out += [(f"light {share:g}", line) for share in LIGHT for line in self._light(share)]
        return out

    def _light(self, share: float) -> list[CornerLine]:
        """Where the search ends for a line that costs less to cross: a start for one that costs much, whose tangent is nearly flat."""
        soft = Search(self.network, self.space, share * self.crossing, self.extra, self.rng)
        first = soft.step(self.network.today.tangent)
        return [] if first is None else [soft.descend(first, "light").line]


def search_line(
    network: LineNetwork,
    space: LineSpace,
    crossing: float,
    *,
    habitat: Floats | None = None,
    extra: Floats | None = None,
    n_starts: int = 8,
    n_detours: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[Found]:
    """Lines of small loss between two corners, best first; one for each start that ended elsewhere.

    Parameters
    ----------
    network : LineNetwork
    space : LineSpace
    crossing : float
        What a crossing of the line costs [cells of open ground], finite and > 0.
    habitat : array, shape (16, rows + 1, cols + 1), optional
        Costs of moves whose cheapest line is one of the starts: the usual practice, so that no answer is worse.
    extra : array of the same shape, optional
        Costs added to the loss (a price of building, for one); inf = not allowed.
    n_starts : int
    n_detours : int, optional
        Trials with a place of the best lines barred; 32 for each start on small grids (where a solve takes a millisecond),
        2 on larger ones by default.
    seed : int
        Of the disturbed starts.
    progress : callable, optional
        Called with (done, all).

    Returns
    -------
    list of Found
        Empty where no line is allowed.

    Examples
    --------
    >>> ground = np.ones((9, 9))
    >>> labels = np.zeros((9, 9), np.int32)
    >>> labels[4, 1], labels[4, 7] = 1, 2  # two patches; the line comes from above and must end below
    >>> network = LineNetwork(ground, labels)
    >>> space = LineSpace([(0, 4), (9, 4)], np.ones((10, 10), bool), most=11.0)
    >>> best = search_line(network, space, 5.0)[0]
    >>> bool(best.loss < network.with_line(*_straight(network.shape)).loss)
    True
    """
    found: list[Found] = []
    rng = np.random.default_rng(seed)
    search = Search(network, space, crossing, extra, rng)
    factor = int(np.ceil(np.sqrt((network.shape[0] + 1) * (network.shape[1] + 1) / COARSE_CORNERS)))
    if factor > DIRECT:
        factor = int(np.ceil(np.sqrt(factor)))  # by way of a grid between the two
    if factor < 2 or space.straight < 40:
        starts = search.starts(habitat, n_starts)
        for k, (name, line) in enumerate(starts):
            found.append(search.descend(line, name))
            if progress is not None:
                progress(k + 1, len(starts))
        small = network.shape[0] * network.shape[1] <= SMALL
        trials = n_starts * (32 if small else 2) if n_detours is None else n_detours
        return _distinct([*found, *search.shake(found, trials)] if found and trials else found)
    return _from_coarse(search, factor, habitat, extra, n_starts, seed, progress)


def _from_coarse(
    search: Search,
    factor: int,
    habitat: Floats | None,
    extra: Floats | None,
    n_starts: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> list[Found]:
    """The search on a coarser grid, its best lines refined in a band; and the usual practice on the fine one."""
    space, network = search.space, search.network
    rough = network.coarser(factor)
    shape = (rough.shape[0] + 1, rough.shape[1] + 1)
    at = (
        np.minimum(np.arange(shape[0]) * factor, network.shape[0]),
        np.minimum(np.arange(shape[1]) * factor, network.shape[1]),
    )
    allowed = space.allowed[np.ix_(*at)]
    stops = [(round(r / factor), round(c / factor)) for r, c in space.stops]
    coarse = LineSpace(stops, allowed, space.most / factor, None)
    taken = extra[np.ix_(np.arange(16), *at)] * factor if extra is not None else None
    price = habitat[np.ix_(np.arange(16), *at)] if habitat is not None else None
    lines = search_line(rough, coarse, search.crossing / factor, habitat=price, extra=taken, n_starts=n_starts, seed=seed)  # fmt: skip
    found: list[Found] = []
    refined = lines[: 1 if network.resistance.size > LARGE else 2]
    for k, one in enumerate(refined):
        ends = np.minimum(one.line.corners[1:-1] * factor, network.shape)
        drawn = CornerLine.through([space.stops[0], *((int(r), int(c)) for r, c in ends), space.stops[-1]])
        band = space.near(drawn, BAND * factor)
        start = search.step(search.network.today.tangent if k else search.measure(drawn)[2], band)
        if start is not None:
            found.append(search.descend(start, one.started, rounds=2, space=band))
        if progress is not None:
            progress(k + 1, len(refined))
    if network.resistance.size <= LARGE:  # on the fine grid too, where lines that stand are all there
        found += [search.descend(line, name) for name, line in search.starts(habitat, 3)]
    elif habitat is not None:
        usual = search.usual(habitat)
        if usual is not None:
            loss, value, _ = search.measure(usual)
            found.append(Found(usual, loss, value, "habitat", (value,)))
    return _distinct(found)


def ground_price(price: Floats) -> Floats:
    """Price of every move over cells with a price: its length times the mean of the four cells about each end.

    Parameters
    ----------
    price : array, shape (rows, cols)
        Of one cell's width of line; NaN counts as the dearest.

    Returns
    -------
    array, shape (16, rows + 1, cols + 1)

    Examples
    --------
    >>> round(ground_price(np.full((2, 2), 3.0))[2, 2, 0].item(), 6)  # one step aslant
    4.242641
    """
    cells = np.pad(np.where(np.isfinite(price), price, np.nanmax(price)), 1, mode="edge")
    corner = 0.25 * (cells[1:, 1:] + cells[:-1, 1:] + cells[1:, :-1] + cells[:-1, :-1])
    out = np.empty((16, *corner.shape), np.float64 if corner.size <= COARSE_CORNERS else np.float32)
    for m in range(16):
        r = np.clip(np.arange(corner.shape[0]) + MOVE_ROW[m], 0, corner.shape[0] - 1)
        c = np.clip(np.arange(corner.shape[1]) + MOVE_COL[m], 0, corner.shape[1] - 1)
        out[m] = 0.5 * MOVE_LENGTH[m] * (corner + corner[np.ix_(r, c)])
    return out


def _distinct(found: list[Found]) -> list[Found]:
    """Best first, each line once."""
    out: dict[bytes, Found] = {}
    for one in sorted(found, key=lambda f: f.objective):
        out.setdefault(one.line.corners.tobytes(), one)
    return list(out.values())


def _straight(shape: tuple[int, int]) -> tuple[NDArray[np.int64], Floats]:
    """Straight down the middle, at 5 cells: for the example above."""
    keys, weight = CornerLine.through([(0, shape[1] // 2), (shape[0], shape[1] // 2)]).crossed(shape)
    return keys, 5.0 / weight
