"""Crossing costs from coarse fixes, corrected by simulation (indirect inference; Gourieroux et al. 1993, doi:10.1002/jae.3950080507).

Coarse fixes show the way along a line as a straight one and miss there-and-back crossings.  So the same five numbers are taken from the tracks
and from walks that are simulated at a line and thinned to the animal's fix rate: fixes near the line per crossing, kilometres per fix
near it, size and persistence of steps, mean distance from the line.  The walk (mean fine step, turns, way between tries, chance of a try, extent) whose
five numbers are those of the tracks gives the crossing cost.  What the five numbers are for a walk is learnt from a few hundred simulated walks
by a quadratic surface (the binding function), first wide, then close by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import optimize, stats

from permeability.engines.kernels.line_walk import line_walks
from permeability.telemetry.controls import von_mises_kappa
from permeability.telemetry.line_index import LineIndex
from permeability.telemetry.tracks import Tracks

Floats = NDArray[np.float64]

FINE_H = 0.25  # kilometres worked are those of a way with a fix every quarter of an hour
NAMES = ("cost", "trace", "step", "persistence", "extent")
WIDE = np.array([1.5, 1.0, 0.35, 0.6, 0.35])  # half widths of the first surface, on the scales of `_walk_of`
CLOSE = np.array([0.7, 0.8, 0.2, 0.5, 0.15])
WEAK = np.array(
    [4.0, 1.2, 1.0, 0.8, 1.0]
)  # standard deviations of what is held of a walk before: hardly anything but for the trace
TIGHT = 1e-13  # tolerances of the walk that has given signs
INSIDE = 1.0  # of the half widths: a walk farther out gets a surface of its own
SURFACES = 2  # that are made close by at most
SIMULATED_FIXES = 24_000.0  # fixes simulated for one point of a surface; close by twice as many where they are not coarser than 4 h


@dataclass(frozen=True)
class Signs:
    """What is seen of each animal at one group of lines.

    Attributes
    ----------
    near : array, shape (animals,)
        Fixes within the buffer.
    km : array
        Walked within the buffer, on straight ways between fixes [km].
    crossings : array
    squares, products : array
        Sums of squared steps, and of products of steps that follow each other [km2].
    steps, pairs : array
        How many of each.
    far : array
        Sum of the distances from the lines of the fixes outside of the buffer [km].
    fixes : array
        Outside of the buffer.

    Examples
    --------
    >>> signs = signs_of_walks(line_walks(3, 500, 8, 250.0, 2.0, 0.3, 2000.0, 5000.0, 10.0, 1), 150.0, 14.0)
    >>> len(signs.near), signs.seen().shape
    (3, (5,))
    """

    near: Floats
    km: Floats
    crossings: Floats
    squares: Floats
    products: Floats
    steps: Floats
    pairs: Floats
    far: Floats
    fixes: Floats

    def table(self) -> Floats:
        """All sums, shape (animals, 9)."""
        return np.stack(
            [self.near, self.km, self.crossings, self.squares, self.products, self.steps, self.pairs, self.far, self.fixes], axis=1
        )  # fmt: skip

    def seen(self) -> Floats:
        """The five numbers of all animals together."""
        return five(self.table().sum(axis=0))


def five(sums: Floats) -> Floats:
    """Five numbers from sums, shape (..., 9) -> (..., 5): logarithms, but for the persistence."""
    near, km, crossed, squares, products, steps, pairs, far, fixes = np.moveaxis(sums, -1, 0)
    size = squares / np.maximum(steps, 1)
    return np.stack([
        np.log((near + 0.5) / (crossed + 0.5)), np.log((km + 1e-3) / (near + 0.5)), np.log(size + 1e-9) / 2,
        products / np.maximum(pairs, 1) / (size + 1e-9), np.log(far / np.maximum(fixes, 1) + 1e-6),
    ], axis=-1)  # fmt: skip


def signs_of_walks(walks: Floats, buffer_m: float, reach_m: float) -> Signs:
    """The signs of walks at the line ``x = 0``.

    Parameters
    ----------
    walks : array, shape (animals, fixes, 2)
        [m].
    buffer_m : float
        Half width of the buffer [m].
    reach_m : float
        Errors of fix and line together [m]: a side counts as left beyond it.

    Returns
    -------
    Signs
    """
    x = walks[:, :, 0]
    step = np.diff(walks, axis=1) / 1000
    length = np.hypot(step[..., 0], step[..., 1])
    a, b = x[:, :-1] / buffer_m, x[:, 1:] / buffer_m
    low, high = np.minimum(a, b), np.maximum(a, b)
    inside = np.minimum(high, 1) - np.maximum(low, -1)
    share = np.where(high - low > 1e-9, np.maximum(inside, 0) / np.maximum(high - low, 1e-9), np.abs(a) < 1)
    squares, products = length**2, (step[:, 1:] * step[:, :-1]).sum(axis=2)
    ones, off = np.ones(len(x)), np.abs(x) > buffer_m
    return Signs(
        (np.abs(x) <= buffer_m).sum(axis=1).astype(float), (share * length).sum(axis=1), _crossings(x, reach_m), squares.sum(axis=1),
        products.sum(axis=1), ones * squares.shape[1], ones * products.shape[1], np.where(off, np.abs(x), 0.0).sum(axis=1) / 1000,
        off.sum(axis=1).astype(float),
    )  # fmt: skip


def _crossings(x: Floats, reach_m: float) -> Floats:
    """Changes of side by fixes that left the line."""
    side = np.where(np.abs(x) > reach_m, np.sign(x), 0.0)
    at = np.where(side != 0, np.arange(x.shape[1]), -1)
    last = np.maximum.accumulate(at, axis=1)
    held = np.where(last >= 0, np.take_along_axis(side, np.maximum(last, 0), axis=1), 0.0)
    return (held[:, 1:] * held[:, :-1] < 0).sum(axis=1).astype(float)


def signs_of_tracks(
    tracks: Tracks, lines: Any, buffer_m: float, km: Floats, crossings: Any, max_gap_h: float | None = None
) -> Signs:
    """The signs of tracks at one group of lines; animals that never came near are left out.

    Parameters
    ----------
    tracks : Tracks
    lines : sequence of LineString
    buffer_m : float
    km, crossings : array, shape (animals,)
        Of :class:`permeability.telemetry.exposure.Exposure`.
    max_gap_h : float, optional
        Longest step [h].

    Returns
    -------
    Signs

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.walk()
    >>> found = signs_of_tracks(tracks, list(barriers.table.geometry), 100.0, np.array([2.2]), np.array([1]))
    >>> found.near.tolist(), found.fixes.tolist()
    ([4.0], [4.0])
    """
    n = len(tracks.animals)
    near = np.zeros(len(tracks), bool)
    near[LineIndex(lines).near(tracks.xy, buffer_m)[0]] = True
    far = (
        shapely.STRtree(lines).query_nearest(
            shapely.points(tracks.xy), return_distance=True, all_matches=False
        )[1]
        / 1000
    )
    steps = tracks.steps(max_gap_h)
    way = (tracks.xy[steps + 1] - tracks.xy[steps]) / 1000
    second = np.flatnonzero(np.diff(steps) == 1) + 1
    who, owner, pair = tracks.number, tracks.number[steps], tracks.number[steps[second]]

    def count(which: Any, weights: Any = None) -> Floats:
        return np.bincount(which, weights=weights, minlength=n).astype(float)

    found = Signs(
        count(who, near), np.asarray(km, float), np.asarray(crossings, float), count(owner, (way**2).sum(axis=1)),
        count(pair, (way[second] * way[second - 1]).sum(axis=1)), count(owner), count(pair), count(who, np.where(near, 0.0, far)), count(who, ~near),
    )  # fmt: skip
    return Signs(*found.table()[(found.near > 0) | (found.km > 0)].T)


@dataclass(frozen=True)
class Corrected:
    """A crossing cost after correction.

    Attributes
    ----------
    low, best, high : float
        [km]; 95 % interval.
    log_sd : float
        Standard error of the logarithm.
    walk : dict
        The walk whose signs are those of the tracks: ``trace_km``, ``step_m``, ``turn``, ``half_m``.
    misfit : float
        Largest difference between a sign of the tracks and of the walk, in standard errors.

    Examples
    --------
    >>> Corrected(4.0, 5.0, 7.0, 0.15, {}, 0.1).best
    5.0
    """

    low: float
    best: float
    high: float
    log_sd: float
    walk: dict[str, float]
    misfit: float


class Surface:
    """The five signs as quadratic functions of a walk, learnt from simulated walks around one.

    Parameters
    ----------
    centre, width : array, shape (5,)
        Walk in the middle, and half widths.
    step_h, buffer_m, error_m, line_m : float
        Interval between fixes [h], half width of the buffer, errors of fix and line [m].
    points : int
        Walks that are simulated.
    rng : int
    fixes : float
        Simulated for one of them.
    """

    def __init__(
        self, centre: Floats, width: Floats, step_h: float, buffer_m: float, error_m: float, line_m: float, points: int = 120, rng: int = 0,
        fixes: float = SIMULATED_FIXES,
    ) -> None:  # fmt: skip
        # to the thousandth: numbers that differ by rounding alone simulate the very same walks
        self.centre, self.width = np.round(centre, 3), width
        unit = stats.qmc.Sobol(5, seed=rng).random(2 ** int(np.ceil(np.log2(points))))[:points] * 2 - 1
        every = max(round(step_h / FINE_H), 1)
        reach = float(np.hypot(error_m, line_m))
        each = int(min(2_000, max(200, 60 * 24 / step_h)))
        animals = int(np.ceil(fixes / each))
        signs = []
        for k, u in enumerate(unit):
            walk = _walk_of(self.centre + u * width)
            got = line_walks(
                animals, each, every, walk["step_m"], walk["turn"], walk["chance"], walk["trace_km"] * 1000, walk["half_m"], error_m,
                rng * 1000 + k,
            )  # fmt: skip
            signs.append(signs_of_walks(got, buffer_m, reach).seen())
        terms = _terms(unit)
        self.beta = np.linalg.lstsq(terms, np.asarray(signs), rcond=None)[0]
        self.noise = (np.asarray(signs) - terms @ self.beta).std(axis=0, ddof=terms.shape[1])
        self.inverse = np.asarray(np.linalg.pinv(terms.T @ terms), dtype=np.float64)

    def doubt(self, at: Floats) -> Floats:
        """Standard errors of the expected signs at a walk, of the few walks that were simulated, shape (5,)."""
        term = _terms(np.atleast_2d((at - self.centre) / self.width))[0]
        return np.asarray(self.noise * np.sqrt(term @ self.inverse @ term))

    def holds(self, at: Floats) -> bool:
        """Whether a walk lies well inside of the walks that were simulated."""
        return bool(np.max(np.abs(at - self.centre) / self.width) <= INSIDE)

    def signs(self, at: Floats) -> Floats:
        """Expected signs of a walk on the unit scale, shape (5,)."""
        return np.asarray(_terms(np.atleast_2d(at)) @ self.beta)[0]

    def solve(self, seen: Floats, error: Floats) -> Floats:
        """The walk with given signs, on its own scales."""
        scale = np.maximum(error, 1e-3)
        prior = self.width / WEAK

        def misses(at: Floats) -> Floats:
            return np.r_[(self.signs(at) - seen) / scale, at * prior]

        def slopes(at: Floats) -> Floats:
            return np.concatenate([self.jacobian(at) / scale[:, None], np.diag(prior)])

        found = optimize.least_squares(
            misses, np.zeros(5), slopes, bounds=(-2.0, 2.0), ftol=TIGHT, xtol=TIGHT, gtol=TIGHT
        )
        return np.asarray(self.centre + found.x * self.width)

    def jacobian(self, at: Floats) -> Floats:
        """Change of the expected signs with the walk, both on the unit scale, shape (signs, walk)."""
        return np.asarray((_slopes(at) @ self.beta).T)

    def slope(self, at: Floats, error: Floats) -> Floats:
        """Change of the logarithm of the cost with each sign at a walk, shape (5,)."""
        here = (at - self.centre) / self.width
        scale = np.maximum(error, 1e-3)
        weighted = self.jacobian(here) / scale[:, None]
        prior = np.diag((self.width / WEAK) ** 2)
        inverse = np.linalg.solve(weighted.T @ weighted + prior, weighted.T) / scale[None, :]
        return np.asarray(inverse[0] * self.width[0])


def _terms(u: Floats) -> Floats:
    """One, linear, quadratic and the cube of the cost, shape (points, 22)."""
    cross = [u[:, i] * u[:, j] for i in range(5) for j in range(i, 5)]
    return np.stack([np.ones(len(u)), *u.T, *cross, u[:, 0] ** 3], axis=1)


def _slopes(u: Floats) -> Floats:
    """Change of the terms with each of five numbers, shape (5, 22)."""
    one = np.eye(5)
    cross = [one[:, i] * u[j] + one[:, j] * u[i] for i in range(5) for j in range(i, 5)]
    return np.stack([np.zeros(5), *one, *cross, 3 * u[0] ** 2 * one[:, 0]], axis=1)


def _walk_of(at: Floats) -> dict[str, float]:
    """A walk from its scales: logarithms of cost [km], trace [km], step [m], turn, extent [m]."""
    cost, trace, step, turn, half = (float(np.exp(v)) for v in at)
    return {
        "chance": trace / (trace + cost), "trace_km": trace, "step_m": step, "turn": turn, "half_m": max(half, 500.0), "cost_km": cost,
    }  # fmt: skip


def start(signs: Signs, step_h: float, raw_km: float) -> Floats:
    """A walk to begin with, by simple sums: the raw cost, a trace of two kilometres, a walk of the same spread."""
    sums = signs.table().sum(axis=0)
    n = max(step_h / FINE_H, 1.0)
    size, link = sums[3] / max(sums[5], 1), sums[4] / max(sums[6], 1)
    c = _persistence(n, float(np.clip(link / max(size, 1e-9), 0.0, 0.9)))
    step = np.sqrt(size / (2 * n + 2 * c / (1 - c) * (n - (1 - c**n) / (1 - c)))) * 1000
    turn = max(von_mises_kappa(c), 0.2)
    return np.log([max(raw_km, 0.1), 2.0, max(step, 5.0), turn, max(2000 * sums[7] / max(sums[8], 1), 500.0)])


def _persistence(n: float, link: float) -> float:
    """Mean cosine of the turns of a fine walk with exponential steps whose sums of ``n`` steps are linked by ``link``."""

    def miss(c: float) -> float:
        size = 2 * n + 2 * c / (1 - c) * (n - (1 - c**n) / (1 - c))
        return float(c * ((1 - c**n) / (1 - c)) ** 2 / size - link)

    low, high = 0.05, 0.95
    if miss(low) > 0 or miss(high) < 0:
        return low if miss(low) > 0 else high
    return float(optimize.brentq(miss, low, high))


def error_of(signs: Signs, draws: int = 400, rng: int = 0) -> tuple[Floats, Floats]:
    """Standard errors of the signs, and signs of animals drawn with replacement, shape (draws, 5)."""
    table = signs.table()
    k = len(table)
    pick = np.random.default_rng(rng).integers(0, k, (draws, k))
    drawn = five(table[pick].sum(axis=1))
    return drawn.std(axis=0, ddof=1) * np.sqrt(k / max(k - 1, 1)), drawn


def binding(
    signs: Signs, step_h: float, raw_km: float, buffer_m: float, error_m: float, line_m: float, rng: int = 0
) -> Surface:
    """The surface around the walk with given signs: first wide, then close by, and once more where that walk lies beside it.

    Parameters
    ----------
    signs : Signs
    step_h : float
        Interval between fixes [h].
    raw_km : float
        Cost without correction, to begin with [km].
    buffer_m, error_m, line_m : float
        Half width of the buffer; errors of fix and line [m].
    rng : int

    Returns
    -------
    Surface

    Examples
    --------
    >>> walks = line_walks(6, 300, 8, 250.0, 2.0, 0.3, 2000.0, 5000.0, 10.0, 1)
    >>> binding(signs_of_walks(walks, 150.0, 14.1), 2.0, 4.0, 150.0, 10.0, 10.0).centre.shape
    (5,)
    """
    seen, error = signs.seen(), error_of(signs, rng=rng)[0]
    surface = Surface(
        start(signs, step_h, raw_km), WIDE, step_h, buffer_m, error_m, line_m, rng=rng, fixes=SIMULATED_FIXES
    )
    fixes = SIMULATED_FIXES * (2 if step_h <= 4 else 1)  # few crossings are among fine ones
    for k in range(SURFACES):
        at = surface.solve(seen, np.hypot(error, surface.noise))
        if k and surface.holds(at):
            break
        surface = Surface(at, CLOSE, step_h, buffer_m, error_m, line_m, rng=rng + k + 1, fixes=fixes)
    return surface


def corrected(
    signs: Signs, step_h: float, raw_km: float, buffer_m: float, error_m: float, line_m: float, *, surface: Surface | None = None,
    rng: int = 0,
) -> Corrected:  # fmt: skip
    """The crossing cost behind the signs of coarse fixes, with its interval.

    The interval is that of animals drawn with replacement, carried through the slope of the binding function and widened by Student's t
    for their number, or Poisson where that is wider; the binding function's own error, for it is learnt from few walks, is added to either.

    Parameters
    ----------
    signs : Signs
    step_h : float
        Interval between fixes [h].
    raw_km : float
        Cost without correction, to begin with [km].
    buffer_m, error_m, line_m : float
        Half width of the buffer; errors of fix and line [m].
    surface : Surface, optional
        A binding function that is there already.
    rng : int

    Returns
    -------
    Corrected

    References
    ----------
    doi:10.1002/jae.3950080507.

    Examples
    --------
    >>> walks = line_walks(12, 600, 8, 250.0, 2.0, 0.3, 2000.0, 5000.0, 10.0, 2)  # costs 2 * .7 / .3 = 4.7 km
    >>> found = corrected(signs_of_walks(walks, 150.0, 14.1), 2.0, 4.0, 150.0, 10.0, 10.0)
    >>> found.low < 4.7 < found.high
    True
    """
    seen = signs.seen()
    error, drawn = error_of(signs, rng=rng)
    if surface is None:
        surface = binding(signs, step_h, raw_km, buffer_m, error_m, line_m, rng)
    full = np.hypot(error, surface.noise)
    at = surface.solve(seen, full)
    slope = surface.slope(at, full)
    k = len(signs.near)
    between = float(((drawn - seen) @ slope).std(ddof=1)) * np.sqrt(k / max(k - 1, 1)) if k > 1 else 0.0
    within = abs(float(slope[0])) / np.sqrt(max(signs.crossings.sum(), 1.0))
    learnt = float(np.hypot.reduce(slope * surface.doubt(at)))
    spread = float(np.hypot(max(between, within), learnt))
    far = max(stats.t.ppf(0.975, max(k - 1, 1)) * between if k > 1 else 0.0, 1.96 * within)
    far = float(np.hypot(far, 1.96 * learnt))
    best = float(np.exp(at[0]))
    misfit = np.max(np.abs(surface.signs((at - surface.centre) / surface.width) - seen) / full)
    return Corrected(
        best * float(np.exp(-far)), best, best * float(np.exp(far)), spread,
        {k: v for k, v in _walk_of(at).items() if k in ("trace_km", "step_m", "turn", "half_m")}, float(misfit),
    )  # fmt: skip
