"""Resistances among patches with a line across the landscape: exact loss, and its tangent.

The effective resistance of a pair is a concave function of the resistances of the edges (it is the least of linear ones,
Thomson's principle; Doyle & Snell 1984, doi:10.5948/UPO9781614440222), so the tangent at one line is never below the loss of another.
From below, the potentials of today bound the conductance with any line (Dirichlet's principle).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from permeability.core.errors import PatchError
from permeability.engines.circuit import pairwise
from permeability.engines.kernels.edges import D_COL, D_ROW, EdgeBarriers, GridLinks, grid_links
from permeability.engines.kernels.line_pairs import pair_squares

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def no_pair() -> PatchError:
    """The refusal of patches of which no two are joined (U01)."""
    return PatchError(
        "U01", "no two patches are joined, so a line can take nothing from them.",
        remedy="give at least two patches with a way between them",
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class LineNetwork:
    """A landscape and its patches, before a line is drawn.

    Attributes
    ----------
    resistance : array, shape (rows, cols)
        Of the ground [dimensionless]; NaN = no ground.
    labels : int array, shape (rows, cols)
        Patches 1..n; each is one node.
    weights : array, shape (n, n), optional
        Of every pair; 1 by default.
    barriers : EdgeBarriers
        What stands already, in series with the line.
    neighbours : {8, 4}
    solver : str
    workers : int, optional
        Threads among which multigrid spreads its solves; as many as there are processors by default. Results do not hang on it.

    Raises
    ------
    PatchError
        U01 when no pair of patches is joined.
    """

    resistance: Floats = field(repr=False)
    labels: NDArray[np.int32] = field(repr=False)
    weights: Floats | None = field(default=None, repr=False)
    barriers: EdgeBarriers = field(default_factory=EdgeBarriers.empty, repr=False)
    neighbours: int = 8
    solver: str = "auto"
    workers: int | None = None
    _coarser: dict[int, LineNetwork] = field(default_factory=dict, init=False, repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, cols = self.resistance.shape
        return rows, cols

    @cached_property
    def _solved(self) -> tuple[Floats, Floats]:
        return self._solve(self.barriers)

    def _solve(self, barriers: EdgeBarriers) -> tuple[Floats, Floats]:
        """Resistances and potentials of every patch; rows of patches that are on no ground are inf."""
        found = pairwise(
            self.resistance, self.labels, neighbours=self.neighbours, barriers=barriers, current=None,
            potentials=True, solver=self.solver, workers=self.workers or os.cpu_count() or 1,
        )  # fmt: skip
        assert found.potentials is not None
        return found.resistance, found.potentials

    @cached_property
    def pair_weights(self) -> Floats:
        """Weight of every pair that is joined today over the weighted sum of their resistances; symmetric, 0 elsewhere."""
        r = self._solved[0]
        w = np.ones_like(r) if self.weights is None else np.asarray(self.weights, float)
        w = np.where(np.isfinite(r), 0.5 * (w + w.T), 0.0)
        np.fill_diagonal(w, 0.0)
        total = float((np.triu(w) * np.where(np.isfinite(r), r, 0.0)).sum())
        if not total > 0:
            raise no_pair()
        return w / total

    @cached_property
    def today(self) -> LineState:
        """The state without the line."""
        r, x = self._solved
        return LineState(self, self.barriers, r, x)

    def with_line(self, keys: Ints, series: Floats) -> LineState:
        """The state with a line: its series resistance on the edges that it cuts.

        Parameters
        ----------
        keys : int array
            Edges, ``cell * 8 + direction``, each once.
        series : array
            Resistance to add [dimensionless]; inf = no way across.

        Returns
        -------
        LineState
        """
        cost, there = self.barriers.at(keys)
        return self.with_barriers(self.barriers.replaced(keys, cost, there + series))

    def with_barriers(self, barriers: EdgeBarriers) -> LineState:
        """The state in which other barriers stand."""
        return LineState(self, barriers, *self._solve(barriers))

    @cached_property
    def inside_patches(self) -> NDArray[np.bool_]:
        """Edges within one patch, which no line may cut, shape (4, rows, cols)."""
        out = np.zeros((4, *self.shape), bool)
        rows, cols = self.shape
        for k in range(4):
            dr, dc = int(D_ROW[k]), int(D_COL[k])
            c0, c1 = max(0, -dc), cols - max(0, dc)
            a, b = self.labels[: rows - dr, c0:c1], self.labels[dr:, c0 + dc : c1 + dc]
            out[k, : rows - dr, c0:c1] = (a > 0) & (a == b)
        return out

    def coarser(self, factor: int) -> LineNetwork:
        """About the same landscape in cells ``factor`` times as wide: a rough map on which a search sets out.

        Resistances are means over the open cells, barriers that stand are left out, patches keep the cells that they hold
        for the larger part (at least one).  Kept: searches with other limits set out on the same one.
        """
        if factor not in self._coarser:
            self._coarser[factor] = self._coarse(factor)
        return self._coarser[factor]

    def _coarse(self, factor: int) -> LineNetwork:
        rows, cols = (-(-n // factor) for n in self.shape)
        pad = ((0, rows * factor - self.shape[0]), (0, cols * factor - self.shape[1]))
        blocks = (rows, factor, cols, factor)
        r = np.pad(self.resistance, pad, constant_values=np.nan).reshape(blocks)
        open_ = np.isfinite(r)
        share = open_.mean(axis=(1, 3))
        mean = np.where(open_, r, 0.0).sum(axis=(1, 3)) / np.maximum(open_.sum(axis=(1, 3)), 1)
        labels, most = np.zeros((rows, cols), np.int32), np.zeros((rows, cols))
        for k in range(1, int(self.labels.max()) + 1):
            held = np.pad(self.labels == k, pad).reshape(blocks).mean(axis=(1, 3))
            take = (held > most) & (held >= min(0.5, held.max()))
            labels[take], most[take] = k, held[take]
        ground = np.where((share >= 0.5) | (labels > 0), np.maximum(mean, 1e-12), np.nan)
        return replace(self, resistance=ground, labels=labels, barriers=EdgeBarriers.empty())


@dataclass(frozen=True, eq=False)
class LineState:
    """A landscape with a line, solved.

    Attributes
    ----------
    network : LineNetwork
    barriers : EdgeBarriers
    resistance : array, shape (n, n)
        Between patches [dimensionless].
    potentials : array, shape (n, rows, cols)
    """

    network: LineNetwork
    barriers: EdgeBarriers = field(repr=False)
    resistance: Floats = field(repr=False)
    potentials: Floats = field(repr=False)

    @cached_property
    def loss(self) -> float:
        """Rise of the weighted sum of resistances, as a share of today's; inf where the line parts a pair."""
        w = np.triu(self.network.pair_weights)
        with np.errstate(invalid="ignore"):
            return float(np.where(w > 0, w * self.resistance, 0.0).sum()) - 1.0

    @cached_property
    def links(self) -> GridLinks:
        """Conductances with the line."""
        return grid_links(self.network.resistance, neighbours=self.network.neighbours, barriers=self.barriers)

    @cached_property
    def tangent(self) -> Floats:
        """Rise of the loss per unit of series resistance on every edge: squared currents over the pairs, shape (4, rows, cols)."""
        weights = np.where(np.isfinite(self.resistance), self.network.pair_weights, 0.0)
        out = np.zeros((4, *self.network.shape))
        pair_squares(self.potentials, weights, *self.links, out)
        return out

    def bounds(self, keys: Ints, series: Floats) -> tuple[float, float]:
        """Loss of a line on top of this state, from below and from above, without solving again.

        ``sum of I2 z r / (r + z)`` (Dirichlet) and ``sum of I2 z`` (Thomson), both sums over the edges that it cuts, with the
        weighted squared currents ``I2`` of this state, the edges' resistance ``r`` and the line's ``z``.

        Parameters
        ----------
        keys : int array
        series : array
            Resistance that the line adds [dimensionless]; inf leaves no bound from above.

        Returns
        -------
        (float, float)
        """
        cell, k = keys // 8, keys % 8
        square = self.tangent.reshape(4, -1)[k, cell]
        conductance = np.stack([p.reshape(-1) for p in self.links])[k, cell]
        live = (square > 0) & (series > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            low = np.where(live, square / (conductance + 1.0 / series), 0.0).sum()
            high = np.where(live, square * series, 0.0).sum()
        return float(low), float(high)
