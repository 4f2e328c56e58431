"""The gain of sets of candidates as the callable that :func:`permeability.planning.set_search.choose` asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from permeability.core.errors import PatchError, check_choice
from permeability.engines.circuit.interface.interface import Candidates, Interface, State
from permeability.engines.circuit.interface.layered_state import LayeredState
from permeability.engines.circuit.interface.woodbury import OpenState

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Members = tuple[int, ...]
MOST_ADDED = 300  # edges added to a state in layers before it is made afresh
Joint = Callable[[Members], tuple[Ints, Floats]]  # cuts that a set changes, and their crossing cost then [m]


class SetValue:
    """Exact joint gain of any set of openings, ``value(members)``, and of one more site, ``with_each``.

    Parameters
    ----------
    face : Interface
    candidates : Candidates
        Openings only.
    index : {"resistance", "conductance"}
    joint : callable, optional
        What candidates that change the same cuts do together (both fences of one railway, two treatments of one
        stretch); what a cut costs then follows from the candidates that change it.  Without it the more open one of two counts.
    scale : float
        What every gain is multiplied by (the inverse of the weights of all pairs makes it a mean over them).

    Raises
    ------
    PatchError
        When patches are cut off today and ``index="resistance"`` (P24).
    """

    def __init__(
        self,
        face: Interface,
        candidates: Candidates,
        index: str = "resistance",
        joint: Joint | None = None,
        scale: float = 1.0,
    ) -> None:
        check_choice("index", index, ("resistance", "conductance"))
        if index == "resistance" and not np.isfinite(face.index(face.today.resistances)):
            raise PatchError(
                "P24",
                "some patches are cut off from each other today, so the summed resistance is infinite.",
                remedy="use index='conductance', in which a pair that is cut off counts 0",
            )
        self.face, self.candidates, self.index, self.joint, self.scale = face, candidates, index, joint, scale
        self.meets = meeting(candidates) if joint is not None else {}
        self._clusters: dict[Members, tuple[Ints, Floats, Floats]] = {}
        self._last: tuple[Members, State] = ((), face.today)

    def __call__(self, members: Iterable[int]) -> float:
        chosen = tuple(sorted(int(k) for k in members))
        if not chosen:
            return 0.0
        together = self._together([self._cluster(c) for c in self._split(chosen)])
        return self.face.set_gain(together, np.arange(len(together)), index=self.index) * self.scale

    def with_each(self, built: Iterable[int], which: Sequence[int]) -> Floats:
        """Gains of the built set with each of some candidates added, (n,)."""
        done, sites = tuple(sorted(int(k) for k in built)), np.asarray(which, dtype=np.int64)
        state = self._state(done)
        near = {j for k in done for j in self.meets.get(k, ())}
        if near.isdisjoint(sites.tolist()):
            after = state.with_each(self.candidates, sites)
        else:
            more = self._together([self._cluster(self._around(done, int(k))) for k in sites])
            after = state.with_each(more, np.arange(len(more)))
        return self.face.gain(self.face.today.resistances, after, self.index) * self.scale

    def without_each(self, built: Iterable[int], which: Sequence[int]) -> Floats:
        """Gains of the built set without each of some of its sites, (n,).

        From the state in which all is built: what closes again is a change of few edges.
        """
        done, sites = tuple(sorted(int(k) for k in built)), [int(k) for k in which]
        state = self._state(done)
        found = np.empty(len(sites))
        for n, k in enumerate(sites):
            rest = tuple(j for j in done if j != k)
            after = self._closed(state, rest, k) if rest and isinstance(state, OpenState) else None
            found[n] = self(rest) if after is None else self._worth(after)
        return found

    def _worth(self, after: Floats) -> float:
        return float(self.face.gain(self.face.today.resistances, after, self.index)) * self.scale

    def _closed(self, state: OpenState, rest: Members, k: int) -> Floats | None:
        """Resistances once a site is closed again; None where that is known better afresh."""
        cut = self.candidates.cut[self.candidates.rows(k)]
        z = state.z.copy()
        z[cut] = self.face.today.z[cut]
        beside = tuple(sorted(set(self.meets.get(k, ())) & set(rest)))
        if beside:  # what stays open on a cut follows from those of them that change it
            there, share, after = self._cluster(beside)
            mine = np.isin(there, cut)
            together = self._together([(there[mine], share[mine], after[mine])])
            still = self.face.treated(together, slice(None), self.face.crossing)
            z[together.cut] = np.minimum(still, z[together.cut])
        less = state.conductance - self.face.edge_conductances(z)
        edges = np.flatnonzero(less)
        if (less[edges] < 0).any():
            return None
        return state.closed(edges, less[edges])

    def _state(self, built: Members) -> State:
        """The state with a set built, from the last one asked for where that is part of it."""
        known, state = self._last
        if not set(known) <= set(built):
            known, state = (), self.face.today
        if known != built:
            new = [k for k in built if k not in known]
            groups = dict.fromkeys(
                self._around(built, k) for k in new
            )  # all at once: one update of the matrix
            rows = [np.concatenate(column) for column in zip(*(self._cluster(g) for g in groups))]
            start = np.array([0, len(rows[0])], np.int64)
            more = Candidates(start, rows[0], rows[1], rows[2])
            if isinstance(state, LayeredState) and len(rows[0]) + len(state.minus) > MOST_ADDED:
                z = state.z.copy()  # afresh: what has been added would be carried through every answer
                np.minimum.at(z, rows[0], self.face.treated(more, slice(None), self.face.crossing))
                state = LayeredState.of(self.face, z)
            else:
                state = state.build(more, 0)
        self._last = (built, state)
        return state

    def _around(self, members: Members, k: int) -> Members:
        """The candidates of a set that meet one of them, it included, directly or through others."""
        left = {*members, k}
        group, edge = set[int](), {k}
        while edge:
            group |= edge
            edge = {j for i in edge for j in self.meets.get(i, ()) if j in left} - group
        return tuple(sorted(group))

    def _split(self, members: Members) -> list[Members]:
        """A set as groups that change no cut in common."""
        left, groups = set(members), []
        while left:
            group, edge = set(), {min(left)}
            while edge:
                group |= edge
                edge = {j for k in edge for j in self.meets.get(k, ()) if j in left} - group
            left -= group
            groups.append(tuple(sorted(group)))
        return groups

    def _cluster(self, group: Members) -> tuple[Ints, Floats, Floats]:
        """Cuts, share and crossing cost of a group that acts together."""
        if group not in self._clusters:
            if len(group) > 1 and self.joint is not None:
                cut, after = self.joint(group)
                self._clusters[group] = (cut, np.ones(len(cut)), after)
            else:
                rows = self.candidates.rows(group)
                c = self.candidates
                self._clusters[group] = (c.cut[rows], c.share[rows], c.after[rows])
        return self._clusters[group]

    @staticmethod
    def _together(parts: Sequence[tuple[Ints, Floats, Floats]]) -> Candidates:
        start = np.concatenate(([0], np.cumsum([len(p[0]) for p in parts]))).astype(np.int64)
        cut, share, after = (np.concatenate(column) for column in zip(*parts))
        return Candidates(start, cut, share, after)


def meeting(candidates: Candidates) -> dict[int, set[int]]:
    """For every candidate the others that change a cut of its; candidates that meet none are left out.

    >>> both = Candidates(np.array([0, 1, 2]), np.array([4, 4]), np.ones(2), np.zeros(2))
    >>> meeting(both)
    {0: {1}, 1: {0}}
    """
    of_row = np.repeat(np.arange(len(candidates)), np.diff(candidates.start))
    order = np.argsort(candidates.cut, kind="stable")
    cut, owner = candidates.cut[order], of_row[order]
    found: dict[int, set[int]] = {}
    for group in np.split(owner, np.flatnonzero(np.diff(cut)) + 1):
        for k in np.unique(group) if len(group) > 1 else ():
            others = {int(j) for j in group} - {int(k)}
            if others:
                found.setdefault(int(k), set()).update(others)
    return found
