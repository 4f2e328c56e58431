"""The line of least loss: tangent and cheapest line by turns, from several starts.

The loss of a line is concave in what it adds to the edges, so the tangent at the present line bounds every other line from
above; the cheapest line under that tangent can only be better (majorise-minimise; Hunter & Lange 2004,
doi:10.1198/0003130042836).  That finds a local least, hence the starts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter

from permeability.engines.alignment.corner_lines import (
    MOVE_COL,
    MOVE_LENGTH,
    MOVE_ROW,
    CornerLine,
    cut_twice,
    move_costs,
    turn_angles,
)
from permeability.engines.alignment.line_network import LineNetwork
from permeability.engines.kernels.line_moves import cheapest_line

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

STATE_BYTES = 3  # kept for every state and layer of lengths
MOST_BYTES = 1.2e9
BETTER = 1e-9  # a fall of the loss that counts
ROUNDS = 30
LIGHT = (0.1, 0.01)  # of the crossing cost
POOL = 4  # lines that detours set out from
NO_PLANES = np.zeros((0, 0, 0))
SMALL = 400  # cells
LARGE = 250_000  # cells from which only the best line of the coarse grid is refined
COARSE_CORNERS = 12_000  # beyond this many, a search sets out on a coarser grid
BAND = 6  # cells of the coarser grid on each side of what was found there


@dataclass(frozen=True, eq=False)
class LineSpace:
    """Where a line may run.

    Attributes
    ----------
    stops : sequence of (row, col)
        Corners that it starts at, passes in this order, and ends at.
    allowed : bool array, shape (rows + 1, cols + 1)
        Corners that it may touch; the stops always.
    most : float
        Greatest length [cells].
    max_turn : float or None
        Greatest change of direction at a corner [degrees].
    closed : bool array, shape (16, rows + 1, cols + 1), optional
        Moves that are not allowed.
    """

    stops: Sequence[tuple[int, int]]
    allowed: Bools = field(repr=False)
    most: float
    max_turn: float | None = None
    closed: Bools | None = field(default=None, repr=False)

    @property
    def straight(self) -> float:
        """Length from stop to stop as the crow flies [cells]."""
        d = np.diff(np.asarray(self.stops, float), axis=0)
        return float(np.hypot(d[:, 0], d[:, 1]).sum())

    def cheapest(
        self, cost: Floats, planes: Floats | None = None, neighbours: int = 8
    ) -> tuple[CornerLine | None, float]:
        """Cheapest line under costs of moves, shape (16, rows + 1, cols + 1); None where there is none.

        Parameters
        ----------
        cost : array
            Not negative; inf = not allowed.
        planes : array, shape (4, rows, cols), optional
            Cost of cutting each edge that ``cost`` was summed from: what a sharp turn cuts twice is then taken back.  Only
            where headings are kept: with ``max_turn``, and on small grids.
        neighbours : {8, 4}

        Returns
        -------
        (CornerLine or None, float)
        """
        if (
            self.max_turn is not None and self.allowed.size > SMALL
        ):  # without headings first: it often keeps the limit
            line, found = replace(self, max_turn=None).cheapest(cost)
            if line is None or line.largest_turn <= self.max_turn + 1e-9:
                return line, found
        ahead = self._ahead()
        near = np.asarray(self.allowed, bool).copy()
        for r, c in self.stops:
            near[r, c] = True
        reach = self._behind() + ahead.min(axis=0)
        near &= reach <= self.most + 1e-9
        for r, c in self.stops:
            near[r, c] = True
        number = np.full(near.shape, -1, np.int64)
        number[near] = np.arange(int(near.sum()))
        stops = np.array([number[r, c] for r, c in self.stops], np.int64)
        exact = planes is not None and (self.max_turn is not None or near.size <= SMALL)
        turn = np.zeros((0, 0), bool)
        if exact or self.max_turn is not None:
            turn = turn_angles() <= (180.0 if self.max_turn is None else self.max_turn) + 1e-9
        states = int(near.sum()) * (len(stops) - 1) * (16 if len(turn) else 1)
        width = 0.125 if states * self.most * 8 * STATE_BYTES < 4e6 else 0.5
        if states * self.most / width * STATE_BYTES > MOST_BYTES:
            width = 1.0
        if self.closed is not None:
            cost = np.where(self.closed, np.inf, cost)
        target = np.zeros(2)
        moves, found = cheapest_line(
            np.ascontiguousarray(cost, np.float64), np.ascontiguousarray(planes, np.float64) if exact else NO_PLANES,
            tuple(cut_twice(neighbours)), target, MOVE_ROW, MOVE_COL, MOVE_LENGTH, turn, number, stops,
            self.most + 1e-9, width, np.ascontiguousarray(ahead[:, near]),
        )  # fmt: skip
        if not len(moves):
            return None, np.inf
        return CornerLine.of_moves(self.stops[0], moves), float(found)

    def _ahead(self) -> Floats:
        """Least length from every corner through the stops that are still to come, by stage."""
        r, c = np.indices(self.allowed.shape)
        to = [np.hypot(r - a, c - b) for a, b in self.stops[1:]]
        legs = np.diff(np.asarray(self.stops[1:], float), axis=0)
        rest = np.concatenate([np.cumsum(np.hypot(legs[:, 0], legs[:, 1])[::-1])[::-1], [0.0]])
        return np.stack([t + x for t, x in zip(to, rest)])

    def _behind(self) -> Floats:
        r, c = np.indices(self.allowed.shape)
        return np.asarray(np.hypot(r - self.stops[0][0], c - self.stops[0][1]))

    def shortest(self) -> tuple[CornerLine | None, float]:
        """Shortest line and its length [cells]."""
        cost = np.broadcast_to(MOVE_LENGTH[:, None, None], (16, *self.allowed.shape))
        return self.cheapest(np.ascontiguousarray(cost))

    def near(self, line: CornerLine, cells: int) -> LineSpace:
        """Only corners within so many cells of a line."""
        mark = np.zeros(self.allowed.shape, bool)
        mark[line.corners[:, 0], line.corners[:, 1]] = True
        return replace(self, allowed=self.allowed & maximum_filter(mark, 2 * cells + 1))


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
        self.given = extra
        self.extra = np.zeros((16, network.shape[0] + 1, network.shape[1] + 1)) if extra is None else extra
        barred = np.where(network.inside_patches, np.inf, 0.0)
        self.extra = self.extra + np.where(move_costs(np.isinf(barred).astype(float), neighbours=network.neighbours, per_edge=True) > 0, np.inf, 0.0)  # fmt: skip

    def extra_of(self, line: CornerLine) -> float:
        """Other costs of a line."""
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

    def _cheapest(self, space: LineSpace, planes: Floats, closed: Floats | float = 0.0) -> CornerLine | None:
        cost = move_costs(planes, neighbours=self.network.neighbours) + self.extra + closed
        return space.cheapest(cost, planes, self.network.neighbours)[0]

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
            closed = np.zeros_like(self.extra)
            closed[base.line.moves[k], corners[k, 0], corners[k, 1]] = np.inf
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
        first = self.crossing * move_costs(today, neighbours=self.network.neighbours)
        ways: list[tuple[str, Floats]] = [("first order", first)]
        if habitat is not None:
            ways.append(("habitat", habitat))
        ways.append(
            ("current", move_costs(np.sqrt(today), neighbours=self.network.neighbours, per_edge=True))
        )
        length = np.broadcast_to(MOVE_LENGTH[:, None, None], first.shape)
        ways.append(("short", np.ascontiguousarray(length)))
        while len(ways) < n:
            wide = max(2.0, 0.08 * max(self.network.shape))
            noise = gaussian_filter(self.rng.standard_normal(today.shape[1:]), wide)
            noise *= 1.5 / max(float(noise.std()), 1e-12)
            ways.append((f"disturbed {len(ways) - 3}", self.crossing * move_costs(today * np.exp(noise), neighbours=self.network.neighbours)))  # fmt: skip
        out = []
        for name, cost in ways[: max(n, 1)]:
            line = self.space.cheapest(cost + np.where(np.isinf(self.extra), np.inf, 0.0))[0]
            if line is not None:
                out.append((name, line))
        if n > 2:
            out += [(f"light {share:g}", line) for share in LIGHT for line in self._light(share)]
        return out

    def _light(self, share: float) -> list[CornerLine]:
        """Where the search ends for a line that costs less to cross: a start for one that costs much, whose tangent is nearly flat."""
        soft = Search(self.network, self.space, share * self.crossing, self.given, self.rng)
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
        usual = space.cheapest(habitat + np.where(np.isinf(search.extra), np.inf, 0.0))[0]
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
    out = np.empty((16, *corner.shape))
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
