"""The interface: exact effective resistances after opening (or closing) any sections of any barriers.

A landscape is condensed once onto its patches and the end cells of all edges that barriers cut
(:func:`permeability.engines.circuit.solvers.condensation.condense`); those edges stay outside, so every crossing cost can be set
afterwards.  Two exact ways lead from there:

*one out of many* (single gains, draws): halve the candidates, eliminate what only the other half needs, go on.
    Conductances are only ever added, so tight and complete barriers keep full relative accuracy.
*any set*: Woodbury's identity on the changed edges, ``R' = R - d' (D^-1 + U' X U)^-1 d``, with one
    generalised inverse X of today's network per connected component; sets that join components get the
    component potentials as extra unknowns.

Where one dense front would be too large or too slow, the landscape is kept in layers instead
(:mod:`permeability.engines.circuit.interface.layered`); which form was taken and why is in ``Interface.report``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core.errors import BarrierError, PatchError, check_choice
from permeability.engines.circuit.interface.agreement import Agreement
from permeability.engines.circuit.interface.barrier_network import BarrierNetwork
from permeability.engines.circuit.interface.candidates import Candidates
from permeability.engines.circuit.interface.compressed import CompressedInterface, SeenFromEdges, compressed
from permeability.engines.circuit.interface.compressed_singles import (
    CompressedSingles,
    compressed_singles,
    worth_compressing,
)
from permeability.engines.circuit.interface.edge_blocks import JointSets, edge_blocks
from permeability.engines.circuit.interface.forms import choose_form
from permeability.engines.circuit.interface.halving import SingleTree
from permeability.engines.circuit.interface.layered_state import MOST_OPENED, LayeredSingles, LayeredState
from permeability.engines.circuit.interface.shared_ground import SharedGround
from permeability.engines.circuit.interface.two_sides import TwoSides
from permeability.engines.circuit.interface.woodbury import OpenState, SeenFromPatches
from permeability.engines.circuit.pair_conductance import pair_conductance
from permeability.engines.circuit.possible import require_resistances
from permeability.engines.kernels.edges import D_COL, D_ROW, GridLinks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

__all__ = ["Candidates", "Interface", "State"]

INDICES = ("resistance", "conductance")
State = OpenState | LayeredState
Singles = SingleTree | LayeredSingles | CompressedSingles


@dataclass(frozen=True, eq=False)
class Interface(BarrierNetwork):
    """A landscape condensed onto patches and barrier edges.

    Its fields and its single states are those of :class:`permeability.engines.circuit.interface.barrier_network.BarrierNetwork`.
    """

    @classmethod
    def build(
        cls,
        links: GridLinks,
        *,
        edges: tuple[ArrayLike, ArrayLike],
        cuts: tuple[ArrayLike, ArrayLike, ArrayLike],
        crossing: ArrayLike,
        patches: ArrayLike = (),
        regions: ArrayLike | None = None,
        weights: ArrayLike | None = None,
        form: str = "auto",
        check: bool = True,
        memory_limit: int | None = None,
        ground: SharedGround | None = None,
    ) -> Interface:
        """Condense a landscape once; everything else is small afterwards.

        Parameters
        ----------
        links : GridLinks
            Link conductances *without* barriers on edges.
        edges : (cells, directions)
            Edges that any barrier cuts (no duplicates), named as in :mod:`permeability.engines.kernels.edges`.
        cuts : (edge, section, factor)
            One row per cut: index into ``edges``, index into ``crossing``, series resistance per metre of
            crossing cost [1/m].
        crossing : array, shape (S,)
            Crossing cost of every section today [m of open ground], ``inf`` = complete.
        patches : array of int
            Flat cell indices of point patches.
        regions : array of int, shape (rows, cols), optional
            Patches as regions (labels > 0, in the order of their labels, before the point patches).
        weights : array, shape (P, P), optional
            Weights of the pairs; default 1 for every pair.
        form : {"auto", "front", "layers"}
            ``front``: one dense network of all interface nodes; ``layers``: the upper part of the dissection is kept
            and worked through in every state.  ``auto`` takes what is expected to be faster and fits.
        check : bool
            Solve a sample of the answers afresh with another solver; ``report.checks`` has the differences.
        memory_limit : int, optional
            Bytes that may be taken; default: what is free for this process.
        ground : SharedGround, optional
            Shared with landscapes whose barriers lie elsewhere.

        Raises
        ------
        PatchError
            Two point patches in one cell or in a region (P22), fewer than two patches (P23).
        BarrierError
            Duplicate edges, edges without a link, or cuts out of range (B31).
        MemoryLimitError
            When the form needs more memory than there is (M11).
        SolverError
            A sampled check failed (S23), later an answer and a fresh solve of it differ (S24).

        Examples
        --------
        Two cells to the left, two to the right, a fence between them that costs 10 cells:

        >>> import numpy as np
        >>> from permeability.engines.kernels.edges import grid_links
        >>> face = Interface.build(grid_links(np.ones((1, 4))), edges=([1], [0]), cuts=([0], [0], [1.0]),
        ...                        crossing=[10.0], patches=[0, 3])
        >>> face.resistances().round(6)[0, 1].item()
        13.0
        >>> opened, today = face.singles_and_today(face.candidates([[0]]))
        >>> face.gain(today, opened).round(6).tolist()
        [10.0]
        """
        cell = np.asarray(edges[0], dtype=np.int64).ravel()
        direction = np.asarray(edges[1], dtype=np.int64).ravel()
        cols = links.shape[1]
        _refuse_edges(links, cell, direction)
        single = np.asarray(patches, dtype=np.int64).ravel()
        built = choose_form(links, single, (cell, direction), regions, form, memory_limit, ground)
        focal = np.concatenate((np.arange(built.n_regions), built.index_of(single)))
        _refuse_patches(focal)
        agreement = Agreement(links, (cell, direction), regions, built.nodes[focal], check)
        agreement.checks = built.report.checks
        second = cell + D_ROW[direction] * cols + D_COL[direction]
        base = np.choose(direction, [plane.ravel()[cell] for plane in links]) if len(cell) else np.zeros(0)
        pair_weights = np.ones((len(focal), len(focal))) if weights is None else np.array(weights, float)
        np.fill_diagonal(pair_weights, 0.0)
        cut_edge, cut_section = (np.asarray(c, dtype=np.int64).ravel() for c in cuts[:2])
        costs = np.asarray(crossing, dtype=np.float64).ravel()
        if len(cut_edge) and (cut_edge.max() >= len(cell) or cut_section.max() >= len(costs)):
            raise BarrierError(
                "B31",
                "cuts name edges or sections that do not exist.",
                remedy="number edges and sections from 0",
            )
        return cls(
            built.network,
            focal,
            built.index_of(cell),
            built.index_of(second),
            base,
            cut_edge,
            cut_section,
            np.asarray(cuts[2], dtype=np.float64).ravel(),
            costs,
            pair_weights,
            np.stack((cell // cols, cell % cols), axis=1).astype(np.float64),
            built.side,
            built.report,
            built.condensed,
            built.layered,
            agreement,
            memory_limit,
        )

    # --- the index --------------------------------------------------------------------------------------------

    def index(self, resistance: Floats, kind: str = "resistance") -> Floats:
        """The index of one or many states.

        Parameters
        ----------
        resistance : array, shape (..., P, P)
        kind : {"resistance", "conductance"}
            ``resistance``: weighted sum of effective resistances over pairs, ``inf`` when a pair with weight is
            cut off; ``conductance``: weighted sum of their inverses, in which a pair that is cut off counts 0.
        """
        check_choice("index", kind, INDICES)
        i, j, w = self._weighed
        values = resistance[..., i, j]
        return np.asarray((values if kind == "resistance" else pair_conductance(values)) @ w)

    @cached_property
    def _weighed(self) -> tuple[Ints, Ints, Floats]:
        """Pairs that have a weight, and their weights."""
        i, j = np.nonzero(np.triu(self.weights, 1))
        return i, j, self.weights[i, j]

    def gain(self, today: Floats, after: Floats, kind: str = "resistance") -> Floats:
        """Gain in the index: decrease of resistance, or increase of conductance; NaN where both are inf."""
        a, b = self.index(today, kind), self.index(after, kind)
        with np.errstate(invalid="ignore"):
            return np.asarray(a - b if kind == "resistance" else b - a)

    # --- candidates -------------------------------------------------------------------------------------------

    def candidates(
        self,
        groups: Sequence[ArrayLike],
        *,
        after: ArrayLike = 0.0,
        share: ArrayLike = 1.0,
    ) -> Candidates:
        """Candidates from groups of sections that are treated together.

        Parameters
        ----------
        groups : sequence of arrays of int
            Sections of every candidate (overlapping candidates are welcome).
        after : float or array, shape (K,)
            Crossing cost after the treatment [m of open ground]: 0 = removed, ``inf`` = closed.
        share : float or array, shape (K,)
            Share of the width that is treated; the rest stays in parallel:
            ``1 / z = ((1 - share) / C + share / after) / factor``.
        """
        order = np.argsort(self.cut_section, kind="stable")
        first = np.searchsorted(self.cut_section[order], np.arange(len(self.crossing) + 1))
        cuts = []
        for group in groups:
            sections = np.unique(np.asarray(group, dtype=np.int64))
            parts = [order[first[s] : first[s + 1]] for s in sections]
            cuts.append(np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64))
        lengths = np.array([len(c) for c in cuts], dtype=np.int64)
        return Candidates(
            np.concatenate(([0], np.cumsum(lengths))),
            np.concatenate(cuts) if cuts else np.zeros(0, dtype=np.int64),
            np.repeat(np.broadcast_to(np.asarray(share, float), lengths.shape), lengths),
            np.repeat(np.broadcast_to(np.asarray(after, float), lengths.shape), lengths),
        )

    # --- one out of many --------------------------------------------------------------------------------------

    def singles(self, candidates: Candidates, *, many: bool = False) -> Singles:
        """Every candidate alone: prepared once, run for any state of the barriers.

        Parameters
        ----------
        candidates : Candidates
        many : bool
            Scores of states will be asked for: a compressed network is made where that pays, whose gains are right to 1e-7 of themselves
            (checked in two states when it is made); else everything is exact to rounding.
        """
        sides = TwoSides.of(self) if self.layered is None else None
        exact: SingleTree | LayeredSingles
        if self.layered is not None or sides is not None:
            exact = LayeredSingles(self, candidates, sides)
        else:
            exact = SingleTree(self, candidates)
        if not many or not worth_compressing(self, exact, len(candidates)):
            return exact
        small = compressed_singles(self, candidates, self.state_at(np.zeros(len(self.base))), exact)
        return exact if small is None else small

    def single_resistances(self, candidates: Candidates, crossing: ArrayLike | None = None) -> Floats:
        """Resistances among the patches with each candidate built alone, (K, P, P) [dimensionless]."""
        return self.singles_and_today(candidates, crossing)[0]

    def singles_and_today(
        self,
        candidates: Candidates,
        crossing: ArrayLike | None = None,
        *,
        prepared: Singles | None = None,
    ) -> tuple[Floats, Floats]:
        """Resistances with every candidate alone, (K, P, P), and with none, (P, P).

        ``prepared``: from :meth:`singles`, of candidates that change the same cuts.
        """
        prepared = self.singles(candidates) if prepared is None else prepared
        after, today = prepared.run_with_today(crossing, candidates)
        require_resistances(today)
        require_resistances(after)
        self._look_at_singles(candidates, crossing, after, today)
        return after, today

    def _look_at_singles(
        self, candidates: Candidates, crossing: ArrayLike | None, after: Floats, today: Floats
    ) -> None:
        """Check the candidate with the largest change."""

        def sample() -> tuple[str, Floats, Floats, Floats] | None:
            if not len(candidates):
                return None
            i, j = np.triu_indices(len(today), 1)
            with np.errstate(divide="ignore"):
                change = np.abs(1.0 / after[:, i, j] - 1.0 / today[i, j]).sum(axis=1)
            k = int(np.argmax(change))
            z = self.state(candidates, [k], crossing)
            return f"candidate {k} alone", self.edge_conductances(z), after[k], today

        if self.agreement is not None:
            self.agreement.look(sample)

    # --- any set ----------------------------------------------------------------------------------------------

    @cached_property
    def today(self) -> State:
        """Today's network with its generalised inverse, for sets of openings."""
        z = self.cut_resistances()
        return self.state_at(self.edge_conductances(z), z)

    def state_at(self, conductance: Floats, z: Floats | None = None) -> State:
        """One state of the barrier edges with its generalised inverse."""
        form = OpenState if self.layered is None else LayeredState
        return form.at(self, conductance, z)

    def seen_from_patches(self, conductance: Floats) -> SeenFromPatches | LayeredState:
        """One state of the barrier edges, as far as currents between patches need it."""
        if self.layered is None:
            return SeenFromPatches.at(self, conductance)
        return LayeredState.at(self, conductance)

    def set_resistances(self, candidates: Candidates, members: ArrayLike) -> Floats:
        """Resistances among the patches when a set of candidates is built together, (P, P) [dimensionless]."""
        z = self.state(candidates, members)
        out = self._set_resistances(candidates, members, z)
        require_resistances(out)
        if self.agreement is not None:
            self.agreement.look(
                lambda: ("a set of candidates", self.edge_conductances(z), out, self.today.resistances),
            )
        return out

    def _set_resistances(self, candidates: Candidates, members: ArrayLike, z: Floats) -> Floats:
        changed = np.unique(self.cut_edge[candidates.cut[candidates.rows(members)]])
        increase = (self.edge_conductances(z) - self.today.conductance)[changed]
        if np.any(increase < 0):  # closing can disconnect: eliminate afresh
            return self.resistances(z=z)
        keep = increase > 0
        if (
            self.layered is not None and keep.sum() > MOST_OPENED
        ):  # its own elimination is quicker, and smaller
            return self.resistances(z=z)
        return self.today.opened(changed[keep], increase[keep])

    def set_gain(self, candidates: Candidates, members: ArrayLike, *, index: str = "resistance") -> float:
        """Exact joint gain of a set of candidates [unit of the index]."""
        after = self.set_resistances(candidates, members)
        return float(self.gain(self.today.resistances, after, index))

    def compress(
        self,
        candidates: Candidates,
        tolerance: float = 1e-6,
        *,
        joint: JointSets | None = None,
        apart: Iterable[tuple[int, int]] = (),
        single: bool = False,
    ) -> CompressedInterface:
        """A small equivalent of today's network that gives the gain of any set of openings in milliseconds.

        Parameters
        ----------
        candidates : Candidates
            Openings only.
        tolerance : float
            Largest relative error of the gain in the index ``conductance`` of any set that is worked out both ways: every
            candidate alone, all together, and random sets of all sizes.  Where that needs everything, everything is kept.
        joint : callable, optional
            What sets of candidates that meet on an edge do together: cuts and their crossing cost then [m of open ground].
        apart : sequence of (int, int)
            Candidates that are never built together.
        single : bool
            Round to single precision where the tolerance is met with that, as files that are sent want it.

        Returns
        -------
        CompressedInterface
            Its ``error`` is the largest relative error that was found, ``modes`` how many numbers stand for the edges.

        Raises
        ------
        OptionError
            O70 when a candidate makes a barrier tighter, O71 when too many meet on one edge, O73 for a tolerance that is none.

        Notes
        -----
        Off-diagonal blocks between sections are of low rank, see :mod:`permeability.engines.circuit.interface.compressed`
        (doi:10.1007/s10915-013-9714-z, doi:10.1137/1031049).

        Examples
        --------
        Three gaps in one fence, two of them side by side: the second adds little to the first.

        >>> import numpy as np
        >>> from permeability.engines.kernels.edges import grid_links
        >>> links = grid_links(np.ones((9, 4)), neighbours=4)
        >>> rows = np.arange(9)
        >>> face = Interface.build(links, edges=(4 * rows + 1, 0 * rows), cuts=(rows, rows, np.ones(9)),
        ...                        crossing=np.full(9, 1e4), patches=[0, 35])
        >>> small = face.compress(face.candidates([[0], [1], [8]]), tolerance=1e-4)
        >>> a, b, both = (small.gain(s) for s in ([0], [1], [0, 1]))
        >>> both < a + b, small.error <= 1e-4
        (True, True)
        """
        blocks = edge_blocks(self, candidates, joint, apart)
        edges = np.concatenate([np.zeros(0, np.int64), *(b.edges for b in blocks)])
        state = self.today
        ends = state.part_a[edges], state.part_b[edges], state.part_focal
        seen = SeenFromEdges(state.seen_among(edges), *ends, state.resistances)
        return compressed(
            seen, blocks, self.weights, len(candidates), apart=apart, tolerance=tolerance, single=single
        )

    # --- where the pressure is --------------------------------------------------------------------------------

    def drops(self, pairs: ArrayLike | None = None) -> Floats:
        """Voltage drop over every barrier edge for a unit current between patches, (pairs, E).

        ``pairs`` is an (n, 2) array of patch numbers, default all with weight.  NaN where the pair is cut off
        from each other or from the edge, or the two sides of the edge from one another: no voltage there.
        """
        chosen = np.argwhere(np.triu(self.weights, 1)) if pairs is None else np.asarray(pairs, dtype=np.int64)
        state = self.today
        first, second = chosen[:, 0], chosen[:, 1]
        out = (state.seen_from(first) - state.seen_from(second)).T.copy()
        here = state.part_focal[first][:, None]
        lost = (here != state.part_focal[second][:, None]) | (state.part_a != here) | (state.part_b != here)
        out[lost] = np.nan
        return out


def _refuse_edges(links: GridLinks, cell: Ints, direction: Ints) -> None:
    key = 4 * cell + direction
    bad = np.zeros(len(cell), dtype=bool)
    order = np.argsort(key, kind="stable")
    bad[order[1:]] = np.diff(key[order]) == 0
    bad |= (direction < 0) | (direction > 3) | (cell < 0) | (cell >= links.e.size)
    if not bad.any() and len(cell):
        bad = ~(np.choose(direction, [plane.ravel()[cell] for plane in links]) > 0)
    if bad.any():
        raise BarrierError(
            "B31",
            "barrier edges are named twice, or lie where the grid has no link.",
            rows=np.flatnonzero(bad).tolist(),
            remedy="give every edge between two valid cells once",
        )


def _refuse_patches(focal: Ints) -> None:
    if len(focal) < 2:
        raise PatchError("P23", "an index needs at least two patches.", remedy="add patches")
    names, first = np.unique(focal, return_index=True)
    if len(names) < len(focal):
        twice = np.setdiff1d(np.arange(len(focal)), first)
        raise PatchError(
            "P22", "two patches lie in one cell.", rows=twice.tolist(), remedy="merge them or move one"
        )
