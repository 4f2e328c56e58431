"""The dense network between patches and candidate edges as a small equivalent: gains of any set from a few hundred numbers.

Opening edges adds conductances ``D`` to a network with the generalised inverse X.  With ``M = U'XU`` over the edges and
``d = U'X`` at the patches, Woodbury's identity asks for ``d'(D^-1 + M)^-1 d``.  Edges fall into blocks
(:mod:`permeability.engines.circuit.interface.edge_blocks`); a block by itself, ``T = (D^-1 + M_bb)^-1``, is solved once for each of
its states.  What blocks do to each other, ``R'M R`` with ``RR' = T``, is smooth from afar and of low rank: every block keeps
the left singular vectors of its row of couplings (off-diagonal blocks of low rank as in HODLR and HSS matrices, Ambikasaran &
Darve 2013, doi:10.1007/s10915-013-9714-z; Woodbury: Hager 1989, doi:10.1137/1031049).  The scale is that of the coupled
system, so sections that do little cost few modes.  How much is kept is decided by the answers: sets of candidates are worked out
both ways, and more is kept until they agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from permeability.core.errors import OptionError, check_choice
from permeability.engines.circuit.interface.edge_blocks import EdgeBlock
from permeability.engines.circuit.interface.meeting import Members, Ways
from permeability.engines.circuit.pair_conductance import pair_conductance
from permeability.engines.kernels import gains as _gains

__all__ = ["CompressedInterface"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
kernel: Any = _gains  # numba functions
States = tuple[int | None, ...]  # of every block; None where nothing is built on it

CHECKED = 64  # random sets worked out both ways
OWN = 2.0  # times the tolerance: part of what a block does to patches that may be let go
STRICTER = 0.7  # of the singular value that is let go, while a set is still too far off
LAST_CUT = 1e-9
ROUNDING = 1e-12  # of the index: smaller differences are rounding of either way


@dataclass(frozen=True, eq=False)
class SeenFromEdges:
    """One state of a network, seen from some barrier edges and the patches.

    ``matrix`` (E + P, E + P): ``B'XB``, generalised inverse seen from edges (differences) and patches; ``part_a``, ``part_b``
    (E,) and ``part_focal`` (P,): component of the ends of every edge and of every patch; ``resistances`` (P, P) now.
    """

    matrix: Floats
    part_a: Ints
    part_b: Ints
    part_focal: Ints
    resistances: Floats

    def opened(self, edges: Ints, increase: Floats) -> Floats:
        """Resistances among the patches after raising the conductance of some of the edges, (P, P)."""
        keep = increase > 0
        parts = self.part_a, self.part_b, self.part_focal
        out: Floats = kernel.opened_resistances(
            self.matrix, *parts, edges[keep], increase[keep], self.resistances
        )
        return out


@dataclass(frozen=True, eq=False)
class BlockModes:
    """One block of a compressed network.

    Attributes
    ----------
    ways : Ways
        Its candidates and the sets of them that are told apart.
    first : int
        Its first mode; it has ``size`` of them.
    response : array, shape (states, size, size)
        ``W'R^-1 T R^-T W`` of every state [dimensionless].
    joins : tuple of arrays of int, shape (n, 2)
        For every state the pairs of components that it joins.
    """

    ways: Ways
    first: int
    response: Floats
    joins: tuple[Ints, ...]

    @property
    def size(self) -> int:
        """Number of modes."""
        return int(self.response.shape[1])


@dataclass(frozen=True, eq=False)
class CompressedInterface:
    """Gains of any set of openings from a small equivalent of the network.

    Attributes
    ----------
    blocks : tuple of BlockModes
    coupling : array, shape (modes, modes)
        Between blocks; zero within a block [dimensionless].
    drops : array, shape (modes, P)
        What a unit current into each patch does to each mode [square root of dimensionless resistance].
    ends : array, shape (modes, components)
        The same for the potential of each component.
    focal : array, shape (P, P)
        Generalised inverse at the patches [dimensionless].
    part_focal : int array, shape (P,)
        Component of every patch, numbered from 0.
    today : array, shape (P, P)
        Resistances with nothing built [dimensionless]; ``inf`` between components.
    weights : array, shape (P, P)
        Of the pairs of patches.
    n_candidates : int
    apart : frozenset of frozensets
        Pairs of candidates that are never built together.
    tolerance : float
        Largest relative error of a gain that was allowed.
    error : float
        Largest relative error found among the sets that were worked out both ways.
    checked : int
        How many sets that were.

    Examples
    --------
    >>> from permeability.engines.circuit.interface.interface import Interface
    >>> from permeability.engines.kernels.edges import grid_links
    >>> face = Interface.build(grid_links(np.ones((1, 5))), edges=([1, 2], [0, 0]), cuts=([0, 1], [0, 1], [1.0, 1.0]),
    ...                        crossing=[10.0, 10.0], patches=[0, 4])
    >>> small = face.compress(face.candidates([[0], [1]]))
    >>> small.resistances([]).round(9)[0, 1].item(), small.resistances([0, 1]).round(9)[0, 1].item()
    (24.0, 4.0)
    """

    blocks: tuple[BlockModes, ...]
    coupling: Floats = field(repr=False)
    drops: Floats = field(repr=False)
    ends: Floats = field(repr=False)
    focal: Floats = field(repr=False)
    part_focal: Ints = field(repr=False)
    today: Floats = field(repr=False)
    weights: Floats = field(repr=False)
    n_candidates: int
    apart: frozenset[frozenset[int]] = field(repr=False)
    tolerance: float
    error: float = np.nan
    checked: int = 0

    @property
    def modes(self) -> int:
        """How many numbers stand for the edges."""
        return len(self.drops)

    @cached_property
    def _of_owner(self) -> dict[int, tuple[int, ...]]:
        found: dict[int, list[int]] = {}
        for b, block in enumerate(self.blocks):
            for k in block.ways.owners:
                found.setdefault(k, []).append(b)
        return {k: tuple(v) for k, v in found.items()}

    def resistances(self, members: Iterable[int]) -> Floats:
        """Resistances among the patches when a set of candidates is built, (P, P) [dimensionless]; about a millisecond.

        Parameters
        ----------
        members : iterable of int

        Raises
        ------
        OptionError
            O72 for a candidate that there is not, or two that exclude each other.
        """
        return self._opened(self._picked(self._allowed(members)))

    def _opened(self, picked: Sequence[tuple[BlockModes, int]]) -> Floats:
        """Resistances with some blocks each in one of its states."""
        if not picked:
            return self.today.copy()
        modes = np.concatenate([np.arange(b.first, b.first + b.size) for b, _ in picked])
        seen = np.hstack((self.drops, self.ends))[modes]
        step = _block_times([b.response[s] for b, s in picked], self.coupling[np.ix_(modes, modes)])
        passed = _block_times([b.response[s] for b, s in picked], seen)
        step[np.diag_indices_from(step)] += 1.0
        within = seen.T @ np.linalg.solve(step, passed)
        joins = np.concatenate([b.joins[s] for b, s in picked])
        return self._joined(within, joins)

    def index(self, resistance: Floats, kind: str = "conductance") -> float:
        """Weighted sum over the pairs, as :meth:`permeability.engines.circuit.interface.interface.Interface.index` has it."""
        check_choice("index", kind, ("resistance", "conductance"))
        i, j = np.nonzero(np.triu(self.weights, 1))
        values = resistance[i, j] if kind == "resistance" else pair_conductance(resistance[i, j])
        return float(values @ self.weights[i, j])

    def gain(self, members: Iterable[int], *, index: str = "conductance") -> float:
        """Joint gain of a set of candidates [unit of the index]: more conductance, or less resistance."""
        after, before = self.index(self.resistances(members), index), self.index(self.today, index)
        return before - after if index == "resistance" else after - before

    def _allowed(self, members: Iterable[int]) -> Members:
        chosen = tuple(sorted({int(k) for k in members}))
        bad = [k for k in chosen if not 0 <= k < self.n_candidates]
        bad = bad or sorted({k for pair in self.apart if pair <= set(chosen) for k in pair})
        if bad:
            raise OptionError(
                "O72", "a set names candidates that there are not, or two that exclude each other.", rows=bad,
                remedy="take candidates by their number, and one treatment of a place",
            )  # fmt: skip
        return chosen

    def _picked(self, chosen: Members) -> list[tuple[BlockModes, int]]:
        """Blocks that a set changes, each with the number of its state."""
        found = []
        for b in sorted({b for k in chosen for b in self._of_owner.get(k, ())}):
            state = self.blocks[b].ways.at(chosen)
            if state is not None:
                found.append((self.blocks[b], state))
        return found

    def _joined(self, within: Floats, joins: Ints) -> Floats:
        """Resistances from ``B'K^-1B`` over patches and components, as in :mod:`permeability.engines.kernels.gains`."""
        p, of = len(self.today), self.part_focal
        whole = joined_components(self.ends.shape[1], joins)
        drop = within[:p, :p]
        more = np.zeros((p, p))
        free = np.flatnonzero(whole != np.arange(len(whole)))
        if len(free):
            h = (of[None, :] == np.arange(len(whole))[:, None]).astype(float) - within[p:, :p]
            more = h[free].T @ np.linalg.solve(within[p:, p:][np.ix_(free, free)], h[free])
        with np.errstate(invalid="ignore"):
            same = self.today - _differences(drop) + _differences(more)
        other = _differences(self.focal - drop + more)
        out = np.where(of[:, None] == of[None, :], same, other)
        out[whole[of][:, None] != whole[of][None, :]] = np.inf
        np.fill_diagonal(out, 0.0)
        return np.maximum(out, 0.0)


def compressed(
    seen: SeenFromEdges,
    blocks: Sequence[EdgeBlock],
    weights: Floats,
    n_candidates: int,
    *,
    apart: Iterable[tuple[int, int]] = (),
    tolerance: float = 1e-6,
    single: bool = False,
) -> CompressedInterface:
    """The small equivalent; see :meth:`permeability.engines.circuit.interface.interface.Interface.compress`.

    Parameters
    ----------
    seen : SeenFromEdges
        All edges of the blocks, one block after the other.
    blocks : sequence of EdgeBlock
    weights : array, shape (P, P)
    n_candidates : int
    apart : sequence of (int, int)
    tolerance : float
        Largest relative error of the gain in conductance of any checked set.
    single : bool
        Round everything to single precision first where the tolerance is met with that.

    Returns
    -------
    CompressedInterface
    """
    if not 0 < tolerance < 1:
        raise OptionError("O73", f"tolerance = {tolerance!r} is no relative error between 0 and 1.", remedy="give a number such as 1e-4")  # fmt: skip
    parts = _Parts.of(seen, blocks)
    never = frozenset(frozenset(p) for p in apart)
    sample = list(_sample(n_candidates, never))[::-1]  # large sets first: they are the hardest
    states = [tuple(b.ways.at(members) for b in blocks) for members in sample]
    exact = [(each, seen.opened(*_raised(blocks, each))) for each in states]
    cut = 2.0 * float(np.sqrt(tolerance))  # errors of gains are of second order; couplings are of order 1
    while True:
        last = cut < LAST_CUT
        small = parts.kept(0.0 if last else cut, seen, weights, n_candidates, never, tolerance)
        for shorter in (three_bytes, _four_bytes) if single else ():
            rounded = _rounded(small, shorter)
            error = _worst(rounded, exact, tolerance)
            if error <= tolerance:
                return _told(rounded, error, len(exact))
        error = _worst(small, exact, np.inf if last else tolerance)
        if error <= tolerance or last:
            return _told(small, error, len(exact))
        cut *= STRICTER


@dataclass(frozen=True, eq=False)
class _Parts:
    """Blocks solved by themselves, with their couplings in full."""

    blocks: Sequence[EdgeBlock]
    place: Ints
    root: list[Floats]
    solved: list[Floats]
    coupling: Floats
    drops: Floats
    ends: Floats
    joins: list[tuple[Ints, ...]]
    part_focal: Ints

    @classmethod
    def of(cls, seen: SeenFromEdges, blocks: Sequence[EdgeBlock]) -> _Parts:
        e = len(seen.part_a)
        place = np.cumsum([0, *(len(b.edges) for b in blocks)]).astype(np.int64)
        names, local = np.unique(
            np.concatenate((seen.part_a, seen.part_b, seen.part_focal)), return_inverse=True
        )
        of_a, of_b, of_f = np.split(local.astype(np.int64), [e, 2 * e])
        q = np.zeros((e, len(names)))
        np.add.at(q, (np.arange(e), of_a), 1.0)
        np.add.at(q, (np.arange(e), of_b), -1.0)
        d = seen.matrix[:e, e:]
        if len(names) == 1:
            d = d - d.mean(axis=1, keepdims=True)  # only differences between patches count
        roots = [
            _root(seen.matrix[a:b, a:b], block.increase.max(axis=0))
            for block, a, b in zip(blocks, place, place[1:])
        ]
        m = seen.matrix[:e, :e].copy()
        for a, b, root in zip(place, place[1:], roots):
            m[a:b] = root.T @ m[a:b]
            m[:, a:b] = m[:, a:b] @ root
        for a, b in pairwise(place):
            m[a:b, a:b] = 0.0
        both = np.hstack((d, q))
        spans = list(zip(place, place[1:], roots))
        both = np.concatenate([np.zeros((0, both.shape[1])), *(r.T @ both[a:b] for a, b, r in spans)])
        solved = [
            np.array([_response(seen.matrix[a:b, a:b], row, root) for row in block.increase])
            for block, (a, b, root) in zip(blocks, spans)
        ]
        joins = [
            tuple(_pairs(of_a[a:b], of_b[a:b], row) for row in block.increase)
            for block, a, b in zip(blocks, place, place[1:])
        ]
        p = d.shape[1]
        return cls(blocks, place, roots, solved, m, both[:, :p], both[:, p:], joins, of_f)

    def kept(
        self,
        cut: float,
        seen: SeenFromEdges,
        weights: Floats,
        n_candidates: int,
        never: frozenset[frozenset[int]],
        tolerance: float,
    ) -> CompressedInterface:
        """The equivalent that keeps singular values above ``cut``; all of them for 0."""
        scale = float(np.linalg.norm(self.drops)) or 1.0
        bases, blocks, first = [], [], 0
        for k, (a, b) in enumerate(zip(self.place, self.place[1:])):
            basis = np.eye(b - a) if cut == 0 else self._basis(a, b, scale, cut, tolerance)
            response = basis.T @ self.solved[k] @ basis
            blocks.append(BlockModes(self.blocks[k].ways, first, response, self.joins[k]))
            bases.append(basis)
            first += basis.shape[1]
        whole = np.zeros((int(self.place[-1]), first))
        for block, basis, a in zip(blocks, bases, self.place):
            whole[a : a + len(basis), block.first : block.first + block.size] = basis
        coupling = whole.T @ self.coupling @ whole
        e = len(self.drops)
        return CompressedInterface(
            tuple(blocks), 0.5 * (coupling + coupling.T), whole.T @ self.drops, whole.T @ self.ends,
            seen.matrix[e:, e:], self.part_focal, seen.resistances, weights, n_candidates, never, tolerance,
        )  # fmt: skip

    def _basis(self, a: int, b: int, scale: float, cut: float, tolerance: float) -> Floats:
        """Left singular vectors of what a block does to others, to patches and to components.

        What it does to patches counts twice: beside what all blocks do to them, and by itself to within the tolerance, or a faint
        candidate alone would be far off.  A weak joint of components joins as well as a strong one.
        """
        ends, drops = _unit(self.ends[a:b]), self.drops[a:b]
        own = _unit(drops) * max(cut / (OWN * tolerance), 1.0)
        u, s, _ = np.linalg.svd(
            np.hstack((self.coupling[a:b], drops / scale, ends, own)), full_matrices=False
        )
        return np.asarray(u[:, s > cut], dtype=np.float64)


def _unit(x: Floats) -> Floats:
    """A table of norm 1, or of zeros."""
    return x / max(float(np.linalg.norm(x)), 1e-300)


def _root(m: Floats, increase: Floats) -> Floats:
    """``R`` with ``RR' = (D^-1 + M)^-1``."""
    h = np.sqrt(increase)
    lower = np.linalg.cholesky(np.eye(len(h)) + h[:, None] * m * h)
    return np.asarray(h[:, None] * np.linalg.inv(lower).T, dtype=np.float64)


def _response(m: Floats, increase: Floats, root: Floats) -> Floats:
    """``R^-1 (D^-1 + M)^-1 R^-T`` of one state."""
    x = np.linalg.solve(root, _root(m, increase))
    return np.asarray(x @ x.T, dtype=np.float64)


def _pairs(of_a: Ints, of_b: Ints, increase: Floats) -> Ints:
    """Pairs of components that opened edges join."""
    here = (increase > 0) & (of_a != of_b)
    ends = np.sort(np.stack((of_a[here], of_b[here]), axis=1), axis=1)
    return np.unique(ends, axis=0).reshape(-1, 2).astype(np.int64)


def joined_components(n: int, joins: Ints) -> Ints:
    """Lowest component each of ``n`` components hangs together with, once pairs of them (m, 2) are joined.

    >>> joined_components(4, np.array([[2, 1], [3, 2]])).tolist()
    [0, 1, 1, 1]
    """
    whole = np.arange(n)
    for a, b in joins:
        low, high = sorted((whole[a], whole[b]))
        whole[whole == high] = low
    return whole


def _differences(x: Floats) -> Floats:
    """``x_ii + x_jj - 2 x_ij``."""
    diagonal = np.diag(x)
    return np.asarray(diagonal[:, None] + diagonal[None, :] - 2.0 * x, dtype=np.float64)


def _block_times(parts: Sequence[Floats], table: Floats) -> Floats:
    """A block diagonal matrix times a table."""
    ends = np.cumsum([0, *(len(p) for p in parts)])
    return np.concatenate([p @ table[a:b] for p, a, b in zip(parts, ends, ends[1:])])


def _raised(blocks: Sequence[EdgeBlock], states: States) -> tuple[Ints, Floats]:
    """Places of the edges of the blocks, and what a set adds to each."""
    increase = [
        np.zeros(len(b.edges)) if state is None else b.increase[state] for b, state in zip(blocks, states)
    ]
    out = np.concatenate([np.zeros(0), *increase])
    return np.arange(len(out)), out


def _sample(n: int, never: frozenset[frozenset[int]]) -> Iterator[Members]:
    """Sets to be worked out both ways: every candidate alone, all that go together, and random ones of all sizes."""
    yield from ((k,) for k in range(n))
    rng = np.random.default_rng(20)
    sizes = [n, *rng.integers(1, n + 1, CHECKED - 1)] if n else []
    for size in sizes:
        chosen: list[int] = []
        for k in rng.permutation(n).tolist():
            if len(chosen) < size and not any(frozenset((k, j)) in never for j in chosen):
                chosen.append(k)
        yield tuple(sorted(chosen))


def _worst(
    small: CompressedInterface, exact: Sequence[tuple[States, Floats]], enough: float = np.inf
) -> float:
    """Largest relative error of the gain in conductance; infinite where a pair is joined in one and not in the other.

    Sets are no longer looked at once the error is more than ``enough``.
    """
    today = small.index(small.today)
    worst = 0.0
    for states, resistance in exact:
        found = small._opened([(b, s) for b, s in zip(small.blocks, states) if s is not None])
        if not np.array_equal(np.isfinite(found), np.isfinite(resistance)):
            return float("inf")
        level = small.index(resistance)
        off = abs(small.index(found) - level)
        if off > ROUNDING * level:
            worst = max(worst, off / max(abs(level - today), 1e-300))
            if worst > enough:
                break
    return worst


def _told(small: CompressedInterface, error: float, checked: int) -> CompressedInterface:
    return replace(small, error=error, checked=checked)


def three_bytes(x: Floats) -> Floats:
    """Numbers of single precision without their last byte: relative error below 8e-6.

    >>> three_bytes(np.array([0.0, 0.1, -2.0])).round(7).tolist()
    [0.0, 0.1000004, -2.0]
    """
    bits = np.ascontiguousarray(x, dtype=np.float32).view(np.uint32)
    return ((bits + np.uint32(0x80)) & np.uint32(0xFFFFFF00)).view(np.float32).astype(np.float64)


def _four_bytes(x: Floats) -> Floats:
    return x.astype(np.float32).astype(np.float64)


def _rounded(small: CompressedInterface, shorter: Callable[[Floats], Floats]) -> CompressedInterface:
    """Everything rounded to single precision, couplings as told; the network symmetric as before."""
    blocks = tuple(replace(b, response=_four_bytes(b.response)) for b in small.blocks)
    return replace(
        small, blocks=blocks, coupling=shorter(small.coupling), drops=_four_bytes(small.drops), ends=_four_bytes(small.ends)
    )  # fmt: skip
