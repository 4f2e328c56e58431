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
MORE_TO_OPEN = (
    4  # times as many sites as are closed: from then on closing them is quicker than opening the others
)
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
        self._beside = meeting(candidates)
        self.meets = self._beside if joint is not None else {}
        self._clusters: dict[Members, tuple[Ints, Floats, Floats]] = {}
        self._lefts: dict[tuple[Members, Members], tuple[Ints, Floats]] = {}
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
        found = np.full(len(sites), np.nan)
        rests = [tuple(j for j in done if j != k) for k in sites]
        if isinstance(state, OpenState):
            changes = [self._closing(state, rest, (k,)) if rest else None for k, rest in zip(sites, rests)]
            some = [n for n, change in enumerate(changes) if change is not None]
            closed = state.closed_by_each([change[:2] for change in changes if change is not None])
            known = [(n, after) for n, after in zip(some, closed) if after is not None]
            if known:
                after = np.array([resistance for _, resistance in known])
                gains = self.face.gain(self.face.today.resistances, after, self.index) * self.scale
                found[[n for n, _ in known]] = gains
        for n in np.flatnonzero(np.isnan(found)):  # better known afresh
            found[n] = self(rests[n])
        return found

    def _closing(self, state: OpenState, rest: Members, gone: Members) -> tuple[Ints, Floats, Floats] | None:
        """What closing some sites does: edges, decrease of their conductance, and all cuts then; None where one of them rises."""
        near = {j for k in gone for j in self._beside.get(k, ())}
        cut, still = self._left(gone, tuple(sorted(near & set(rest))))
        z = state.z.copy()
        z[cut] = still
        less = state.conductance - self.face.edge_conductances(z)
        edges = np.flatnonzero(less)
        return None if (less[edges] < 0).any() else (edges, less[edges], z)

    def _left(self, gone: Members, beside: Members) -> tuple[Ints, Floats]:
        """Cuts of sites that are closed, and their resistance then: today's, or what the sites beside them leave."""
        if (gone, beside) not in self._lefts:
            cut = np.unique(self.candidates.cut[self.candidates.rows(gone)])
            z = self.face.today.z[cut]
            if beside:  # what stays open on a cut follows from those of them that change it
                there, share, after = self._cluster(beside)
                mine = np.isin(there, cut)
                together = self._together([(there[mine], share[mine], after[mine])])
                still = self.face.treated(together, slice(None), self.face.crossing)
                at = np.searchsorted(cut, together.cut)
                np.minimum.at(z, at, still)
            self._lefts[gone, beside] = cut, z
        return self._lefts[gone, beside]

    def _state(self, built: Members) -> State:
        """The state with a set built, from the last one asked for where that is part of it, or little more."""
        known, state = self._last
        if known != built:
            closed = self._closed(built)
            state = self._opened(built) if closed is None else closed
        self._last = (built, state)
        return state

    def _closed(self, built: Members) -> OpenState | None:
        """The state with a set built from the last one asked for, by closing some sites; None where it is better built from less."""
        known, state = self._last
        gone = tuple(k for k in known if k not in built)
        few = MORE_TO_OPEN * len(gone) < len(built)
        if not (few and set(built) < set(known) and isinstance(state, OpenState)):
            return None
        change = self._closing(state, built, gone)
        return None if change is None else state.close(*change)

    def _opened(self, built: Members) -> State:
        """The state with a set built from the last one asked for where that is part of it, else from today's."""
        known, state = self._last
        if not set(known) <= set(built):
            known, state = (), self.face.today
        new = [k for k in built if k not in known]
        groups = dict.fromkeys(self._around(built, k) for k in new)  # all at once: one update of the matrix
        rows = [np.concatenate(column) for column in zip(*(self._cluster(g) for g in groups))]
        start = np.array([0, len(rows[0])], np.int64)
        more = Candidates(start, rows[0], rows[1], rows[2])
        if isinstance(state, LayeredState) and len(rows[0]) + len(state.minus) > MOST_ADDED:
            z = state.z.copy()  # afresh: what has been added would be carried through every answer
            np.minimum.at(z, rows[0], self.face.treated(more, slice(None), self.face.crossing))
            return LayeredState.of(self.face, z)
        return state.build(more, 0)

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
