"""The published barrier score of McRae, Hall, Beier and Theobald 2012, for those who know it.

For a pair of places with least cost ``L`` and cost distances ``C1, C2``, and a search window of radius ``r`` round a
cell, the score is what restoring the window would save per metre restored::

    S = (L - min C1 - min C2 - 2 r q) / (2 r)

with the minima over the window and ``q`` the resistance after restoration (doi:10.1371/journal.pone.0052604).

**Which one equals a new run.**  ``crossing="exact"`` does: its gain is the least cost today minus the least cost with
the cells of the disc restored and the barriers inside it gone, to rounding, for every cell and radius.  The published
score (``crossing="diameter"``, the default, disc or ring) does not, and cannot: it joins the two cheapest cells of the
window by a way of cost ``2 r q`` wherever they lie.  Where they are closer than a diameter it undervalues the window (a
window whose middle is off the best way may need a cell or two of it, not the diameter); where they lie a full diameter
apart in an oblique direction it overvalues it, by up to 8 % of ``2 r q``, since a way over cells is longer than the
straight line; and a way that turns inside the window, or enters it twice, is beyond it.  The ranking of :mod:`permeability.ranking.ranking` works with the real
sections and sets of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.core.display import Face
from permeability.core.errors import OptionError, check_choice
from permeability.engines.kernels.edges import BETWEEN_COL, BETWEEN_ROW, D_COL, D_ROW
from permeability.engines.kernels.shortest_update import opened_costs
from permeability.engines.kernels.shortest_window import disc_minimum, offset_minimum
from permeability.engines.leastcost.distance import cost_distances
from permeability.engines.leastcost.surface import CostSurface, Floats, cost_surface
from permeability.linkage.corridors import named_places

__all__ = ["BarrierScore", "barrier_score", "window_offsets"]

NODATA_RESISTANCE = 1e9  # of the trimmed map, as published


@dataclass(frozen=True, eq=False)
class BarrierScore(Face):
    """Barrier scores of every cell.

    Attributes
    ----------
    score : array or DataArray, shape (rows, cols)
        Cost saved per metre restored [m of open ground / m], best over pairs and radii; NaN where nothing is saved.
    percent : array or DataArray
        The same in percent of the least cost of the pair, per metre [%/m].
    gain : array or DataArray
        ``score x 2 r`` at the radius of the best score [m of open ground].
    radius : array or DataArray
        Radius of the best score [m].
    by_radius : dict of float to array
        Score at each radius.
    table : pandas.DataFrame
        The pairs: ``from``, ``to``, ``cost_m`` [m of open ground].
    surface : CostSurface

    Examples
    --------
    >>> land = np.ones((5, 9))
    >>> land[:, 4] = 100.0
    >>> found = barrier_score(land, {"west": [(2, 0)], "east": [(2, 8)]}, 1.0)
    >>> int(np.nanargmax(found.score[2]))  # on the way, in the column that stops them
    4
    """

    _face: ClassVar[str] = "score"

    score: Any
    percent: Any
    gain: Any
    radius: Any
    by_radius: dict[float, Floats]
    table: pd.DataFrame
    surface: CostSurface

    def __repr__(self) -> str:
        radii = ", ".join(f"{r:g}" for r in self.by_radius)
        return f"BarrierScore({len(self.table)} pairs, radii {radii} m)"

    def circles(self, *, trimmed: bool = False) -> Any:
        """The score of each centre spread over its window by maximum, as published maps show it.

        Parameters
        ----------
        trimmed : bool
            Take the smaller of this and ``resistance - 1`` (nodata: resistance 1e9), so that only what can be
            restored is shown.
        """
        filled = np.full(self.surface.shape, -np.inf)
        for radius, score in self.by_radius.items():
            low = window_minimum(self.surface, np.where(np.isnan(score), np.inf, -score), radius, "disc")
            filled = np.maximum(filled, -low)
        out = np.where(np.isfinite(filled), filled, np.nan)
        if trimmed:
            cell = np.asarray(self.surface.cell, np.float64)
            out = np.minimum(out, np.where(np.isfinite(cell), cell, NODATA_RESISTANCE) - 1.0)
        return self.surface.wrap(out, "barrier_score", "m of open ground / m")


def barrier_score(
    resistance: Any,
    places: Any,
    radii_m: float | Sequence[float],
    *,
    window: str = "disc",
    crossing: str = "diameter",
    restored: float = 1.0,
    combine: str = "max",
    pairs: Sequence[tuple[str, str]] | None = None,
    workers: int = 1,
    **options: Any,
) -> BarrierScore:
    """Barrier score of every cell (McRae et al. 2012).

    Parameters
    ----------
    resistance : array (rows, cols), DataArray, Landscape or CostSurface
    places : Patches, or mapping of name to boolean array or sequence of (row, col)
    radii_m : float or sequence of float
        Search radii [m], at least one cell.
    window : {"disc", "ring"}
        Where the minima are taken: the whole window, or the cells whose centres lie between ``r - 1`` and ``r``
        metres away, as Linkage Mapper does.  The ring misses oblique crossings at most radii.
    crossing : {"diameter", "exact"}
        ``diameter`` charges ``2 r q`` as published, wherever the two best cells lie: **not** what restoring the
        window and running again gives.  ``exact`` gives exactly that: every cell of the disc gets resistance
        ``restored`` (where it is higher, nodata included), the barriers inside it go, and the true new least cost
        is taken; the whole disc is restored with ``window="ring"`` too.  Slow, for small grids and checks.
    restored : float
        Resistance after restoration ``q`` [dimensionless].
    combine : {"max", "sum"}
        Over pairs; ``sum`` counts negative scores as 0.
    pairs : sequence of (name, name), optional
        All connected pairs if not given.
    workers : int
        Threads.
    **options
        ``cell_size``, ``neighbours``, ``barriers`` for a plain array.

    Returns
    -------
    BarrierScore
        Score of every cell and radius.

    Raises
    ------
    OptionError
        D15 for a radius below the cell size or oblong cells.

    Examples
    --------
    >>> land = np.ones((5, 5))
    >>> land[:, 2] = 1000.0
    >>> result = barrier_score(land, {"west": [(2, 0)], "east": [(2, 4)]}, 1.0)
    >>> round(float(result.score[2, 2]), 3)  # (1003 - 1 - 1 - 2) / 2
    499.5
    """
    for name, value, valid in (
        ("window", window, ("disc", "ring")),
        ("crossing", crossing, ("diameter", "exact")),
        ("combine", combine, ("max", "sum")),
    ):
        check_choice(name, value, valid)
    surface = cost_surface(resistance, **options)
    radii = [float(r) for r in np.atleast_1d(np.asarray(radii_m, np.float64))]
    _check_radii(surface, radii, restored)
    names, sets = named_places(places)
    fields = [np.asarray(f) for f in cost_distances(surface, sets, workers=workers)]
    wanted = list(combinations(names, 2)) if pairs is None else list(pairs)
    rows, by_radius, percents = [], {}, {}
    for a, b in wanted:
        i, j = names.index(a), names.index(b)
        cost = float((fields[i] + fields[j]).min())
        if np.isfinite(cost):
            rows.append((a, b, cost))
    for r in radii:
        scores, shares = [], []
        for a, b, cost in rows:
            c1, c2 = fields[names.index(a)], fields[names.index(b)]
            if crossing == "exact":
                saved = cost - _restored_costs(surface, c1, c2, cost, r, restored)
            else:
                saved = cost - window_minimum(surface, c1, r, window)
                saved -= window_minimum(surface, c2, r, window) + 2 * r * restored
            saved[~np.isfinite(saved)] = np.nan
            scores.append(saved / (2 * r))
            shares.append(100 * saved / (2 * r) / cost)
        by_radius[r], percents[r] = _combine(scores, combine, surface), _combine(shares, combine, surface)
    return _best(surface, by_radius, percents, pd.DataFrame(rows, columns=["from", "to", "cost_m"]))


def window_minimum(surface: CostSurface, values: Floats, radius_m: float, window: str) -> Floats:
    """Minimum over the window round every cell, shape (rows, cols); inf = no value in it."""
    h = float(surface.lengths[0])
    out = np.empty(surface.shape)
    d_row, d_col = window_offsets(radius_m / h, 0.0 if window == "disc" else (radius_m - 1) / h)
    if window == "ring":
        offset_minimum(np.ascontiguousarray(values), d_row, d_col, out)
    else:
        half = np.array([d_col[d_row == dy].max() for dy in range(int(d_row.max()) + 1)])
        disc_minimum(np.ascontiguousarray(values), half, out)
    return out


def window_offsets(radius: float, inner: float = 0.0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column offsets of the cells whose centres lie at most ``radius`` and at least ``inner`` cells away.

    Parameters
    ----------
    radius : float
        [cells]
    inner : float
        [cells]

    Returns
    -------
    tuple[NDArray[np.int64], NDArray[np.int64]]

    Examples
    --------
    >>> [len(window_offsets(r, r - 0.01)[0]) for r in (4, 5, 12)]  # rings of 1 m with cells of 100 m
    [4, 12, 4]
    """
    reach = int(radius + 1e-9)
    d_row, d_col = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1)
    away = np.hypot(d_row, d_col)
    use = (away <= radius + 1e-9) & (away >= inner - 1e-9)
    return d_row[use], d_col[use]


def _check_radii(surface: CostSurface, radii: list[float], restored: float) -> None:
    high, wide = surface.lengths[1], surface.lengths[0]
    if abs(high - wide) > 1e-9 * high or surface.steps is not None:
        raise OptionError("D15", "the score needs square cells and undirected costs.", remedy="resample")
    if not radii or min(radii) < wide * (1 - 1e-9):
        raise OptionError(
            "D15",
            f"radius {min(radii, default=0)} m is below the cell size of {wide:g} m.",
            remedy="use larger radii",
        )
    if not restored > 0:
        raise OptionError("D15", f"restored = {restored!r} is no resistance.", remedy="give a number above 0")


def _combine(layers: list[Floats], how: str, surface: CostSurface) -> Floats:
    """Over pairs: the largest, with negatives as NaN, or the sum of the positive ones."""
    if not layers:
        return np.full(surface.shape, np.nan)
    stack = np.array(layers)
    if how == "sum":
        return np.asarray(np.where(stack > 0, stack, 0.0).sum(axis=0))
    best = np.where(np.isnan(stack), -np.inf, stack).max(axis=0)
    return np.where(best >= 0, best, np.nan)


def _best(
    surface: CostSurface, by_radius: dict[float, Floats], percents: dict[float, Floats], table: pd.DataFrame
) -> BarrierScore:
    """Largest score over the radii."""
    radii = np.array(list(by_radius))
    stack = np.array([np.where(np.isnan(s), -np.inf, s) for s in by_radius.values()])
    at = stack.argmax(axis=0)
    score = np.take_along_axis(stack, at[None], axis=0)[0]
    none = np.isinf(score)
    score = np.where(none, np.nan, score)
    radius = np.where(none, np.nan, radii[at])
    percent = np.array([np.where(np.isnan(p), -np.inf, p) for p in percents.values()]).max(axis=0)
    maps = {
        "score": (score, "m of open ground / m"),
        "percent": (np.where(np.isinf(percent), np.nan, percent), "%/m"),
        "gain": (score * 2 * radius, "m of open ground"),
        "radius": (radius, "m"),
    }
    wrapped = {k: surface.wrap(v, f"barrier_{k}", units) for k, (v, units) in maps.items()}
    return BarrierScore(by_radius=by_radius, table=table, surface=surface, **wrapped)


def _restored_costs(
    surface: CostSurface,
    c1: Floats,
    c2: Floats,
    cost: float,
    radius_m: float,
    restored: float,
    block: int = 2048,
) -> Floats:
    """True least cost after restoring the window round every cell, exactly, from the two old fields."""
    rows, cols = surface.shape
    edge = _WindowEdges(surface, radius_m, restored)
    out = np.empty(rows * cols)
    for first in range(0, rows * cols, block):
        centres = np.arange(first, min(first + block, rows * cols))
        start, cell, direction, new = edge.of(centres)
        part, visits = np.empty(len(centres)), np.empty(len(centres), np.int64)
        opened_costs(surface.edges, c1, c2, cost, start, cell, direction, new, True, part, visits)
        out[centres] = part
    return out.reshape(rows, cols)


class _WindowEdges:
    """The edges of a restored window and their new costs, for many windows at once."""

    def __init__(self, surface: CostSurface, radius_m: float, restored: float) -> None:
        self.surface, self.restored = surface, restored
        d_row, d_col = window_offsets(radius_m / float(surface.lengths[0]))
        disc = set(zip(d_row.tolist(), d_col.tolist()))
        n = surface.edges.n
        # seen from its first cell, the cells an edge runs through: both ends, and those that a knight's move passes
        through = [{(0, 0), (int(D_ROW[k]), int(D_COL[k])), *self._passed(k)} for k in range(n)]
        touching = {
            (r - d_row, c - d_col, k) for r, c in disc for k in range(n) for d_row, d_col in through[k]
        }
        offset = np.array(sorted(touching), np.int64)
        self.r, self.c, self.k = offset.T
        self.in1 = np.array([(r, c) in disc for r, c, _ in offset.tolist()])
        self.in2 = np.array([(r + int(D_ROW[k]), c + int(D_COL[k])) in disc for r, c, k in offset.tolist()])
        self.between = np.array(
            [
                [(r + y, c + x) in disc for y, x in (self._passed(k) or [(0, 0)] * 2)]
                for r, c, k in offset.tolist()
            ]
        )

    @staticmethod
    def _passed(k: int) -> list[tuple[int, int]]:
        """The two cells that a knight's move passes, seen from its first cell; none for other edges."""
        return [(int(BETWEEN_ROW[k, i]), int(BETWEEN_COL[k, i])) for i in (0, 1)] if k >= 4 else []

    def of(self, centres: NDArray[np.int64]) -> tuple[Any, ...]:
        """Start of each window, first cell, direction and new cost of its edges."""
        surface, (rows, cols) = self.surface, self.surface.shape
        y, x = np.divmod(centres, cols)
        r1, c1 = y[:, None] + self.r, x[:, None] + self.c
        r2, c2 = r1 + D_ROW[self.k], c1 + D_COL[self.k]
        use = (r1 >= 0) & (r2 < rows) & (c1 >= 0) & (c1 < cols) & (c2 >= 0) & (c2 < cols)
        cell = np.where(use, r1 * cols + c1, 0)
        other = np.where(use, r2 * cols + c2, 0)
        ground = np.where(np.isfinite(surface.cell), surface.cell, np.inf).astype(np.float64).reshape(-1)
        a, b = (
            np.where(inside, np.minimum(ground[at], self.restored), ground[at])
            for inside, at in ((self.in1, cell), (self.in2, other))
        )
        new = surface.lengths[self.k] * 0.5 * (a + b)
        for e in np.flatnonzero(self.k >= 4) if not surface.over else ():
            passed = [
                np.where(inside, np.minimum(ground[at], self.restored), ground[at])
                for inside, (y, x) in zip(self.between[e], self._passed(int(self.k[e])))
                for at in [np.where(use[:, e], cell[:, e] + y * cols + x, 0)]
            ]
            new[:, e] = 0.5 * new[:, e] + 0.25 * surface.lengths[self.k[e]] * (passed[0] + passed[1])
        walls = surface.barriers
        if walls is not None:  # edges that lead out of the window keep their barriers
            name, names = cell * len(D_ROW) + self.k, walls.cell * len(D_ROW) + walls.direction
            at = np.minimum(np.searchsorted(names, name), len(names) - 1)
            new = new + np.where((names[at] == name) & ~(self.in1 & self.in2), walls.cost[at], 0.0)
        start = np.concatenate([[0], np.cumsum(use.sum(axis=1))])
        direction = np.broadcast_to(self.k, use.shape)[use].astype(np.uint8)
        return start, cell[use], direction, new[use]
