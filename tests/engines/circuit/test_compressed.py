"""The compressed interface gives the gains of the whole one, and of a dense solve of the edited graph, within its tolerance."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from random_barriers import fresh_resistances, random_case, same, series

from permeability.core.errors import OptionError
from permeability.engines.circuit.interface import compressed, meeting
from permeability.engines.circuit.interface.candidates import Candidates
from permeability.engines.circuit.interface.edge_blocks import edge_blocks
from permeability.engines.circuit.interface.interface import Interface
from permeability.engines.kernels.edges import grid_links


def sets_of(n, seed, many=12):
    rng = np.random.default_rng(seed)
    return [sorted(rng.choice(n, rng.integers(1, n + 1), replace=False).tolist()) for _ in range(many)]


@pytest.mark.parametrize("seed", range(30))
def test_any_set_is_the_dense_solve_of_the_edited_graph(seed):
    """Random landscapes, some cut in two by complete barriers, sections of two lines on one edge among them."""
    case = random_case(seed)
    face, n = case.interface(), len(case.crossing)
    rng = np.random.default_rng(seed + 7)
    after = np.minimum(rng.choice([0.0, 0.5, 30.0], n), case.crossing)
    share = rng.choice([1.0, 0.3], n)
    cands = face.candidates([[s] for s in range(n)], after=after, share=share)
    small = face.compress(cands, tolerance=1e-9)
    assert small.error <= 1e-9
    for members in sets_of(n, seed):
        true = fresh_resistances(case, series(case, {s: (share[s], after[s]) for s in members}))
        same(small.resistances(members), true)


def fence(rows=60, complete=False, seed=4):
    """A long fence in the middle of uneven ground, sections of four edges, patches at the corners."""
    rng = np.random.default_rng(seed)
    cols = 24
    links = grid_links(np.exp(0.5 * rng.normal(size=(rows, cols))), neighbours=4)
    cells = np.arange(rows) * cols + cols // 2
    crossing = np.full(rows // 4, np.inf if complete else 500.0)
    at = np.arange(rows)
    weights = np.array([[0, 1, 2, 3], [1, 0, 1, 1], [2, 1, 0, 5], [3, 1, 5, 0]], float)
    face = Interface.build(
        links, edges=(cells, 0 * cells), cuts=(at, at // 4, np.ones(rows)), crossing=crossing,
        patches=[0, cols - 1, (rows - 1) * cols, rows * cols - 1], weights=weights,
    )  # fmt: skip
    return face, face.candidates([[s] for s in range(rows // 4)])


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-6])
def test_sets_that_were_not_checked_keep_the_tolerance(complete, tolerance):
    face, cands = fence(complete=complete)
    small = face.compress(cands, tolerance)
    assert small.error <= tolerance
    for members in sets_of(len(cands), 99, 60):
        true = face.set_gain(cands, members, index="conductance")
        assert small.gain(members) == pytest.approx(true, rel=tolerance)


def test_a_looser_tolerance_keeps_fewer_modes_and_none_keeps_more_than_the_edges():
    face, cands = fence()
    modes = [face.compress(cands, t).modes for t in (0.3, 1e-4, 1e-12)]
    assert modes[0] < modes[1] < modes[2] <= len(face.base)


def test_single_precision_keeps_the_tolerance_or_is_not_taken():
    face, cands = fence()
    loose, tight = (face.compress(cands, t, single=True) for t in (1e-4, 1e-12))
    assert np.array_equal(loose.coupling, loose.coupling.astype(np.float32))
    assert not np.array_equal(tight.coupling, tight.coupling.astype(np.float32))


def test_the_order_of_candidates_and_where_the_ground_is_counted_do_not_matter():
    face, cands = fence()
    small = face.compress(cands, 1e-8)
    turned = np.arange(len(cands))[::-1]
    other = face.compress(cands.subset(turned), 1e-8)
    members = [0, 3, 4, 9]
    again = [int(np.flatnonzero(turned == k)[0]) for k in members]
    assert other.gain(again) == pytest.approx(small.gain(members), rel=1e-7)
    assert small.gain([9, 4, 3, 0, 0]) == small.gain(members)


def test_in_layers_as_in_one_front():
    case = random_case(3)
    forms = [
        Interface.build(
            case.links, edges=(case.edges[:, 0], case.edges[:, 1]), cuts=(case.cuts[:, 0], case.cuts[:, 1], case.factor),
            crossing=case.crossing, patches=case.patches, form=form,
        )
        for form in ("front", "layers")
    ]  # fmt: skip
    n = len(case.crossing)
    small = [f.compress(f.candidates([[s] for s in range(n)]), 1e-9) for f in forms]
    for members in sets_of(n, 1):
        same(small[0].resistances(members), small[1].resistances(members))


def test_what_candidates_do_together_is_asked_for_where_they_meet():
    """Two parts of one edge: each opens its share beside the closed rest, both open all of it."""
    face, _ = fence(rows=8)
    start, cut = np.array([0, 2, 4]), np.array([0, 1, 1, 2])
    cands = Candidates(start, cut, np.array([1.0, 0.4, 0.6, 1.0]), np.zeros(4))
    whole = Candidates(np.array([0, 3]), np.array([0, 1, 2]), np.ones(3), np.zeros(3))

    def joint(sets):
        assert list(sets) == [(0, 1)]
        return [(np.array([0, 1, 2]), np.zeros(3))]

    small = face.compress(cands, 1e-9, joint=joint)
    assert small.gain([0, 1]) == pytest.approx(face.set_gain(whole, [0], index="conductance"), rel=1e-9)
    apart = face.compress(cands, 1e-9, apart=[(0, 1)])
    assert apart.gain([0]) == pytest.approx(small.gain([0]), rel=1e-9)
    with pytest.raises(OptionError, match=r"O72.*exclude each other"):
        apart.gain([0, 1])


def test_refusals():
    face, cands = fence(rows=8)
    tighter = face.candidates([[0], [1]], after=[0.0, 1e6])
    with pytest.raises(OptionError, match=r"O70.*openings only"):
        face.compress(tighter)
    with pytest.raises(OptionError, match=r"O73.*no relative error"):
        face.compress(cands, tolerance=2.0)
    with pytest.raises(OptionError, match="O72"):
        face.compress(cands).gain([len(cands)])
    many = face.candidates([[0]] * 9)

    def parallel(sets):  # each adds conductance of its own to one cut: no set does what another does
        return [(np.array([0]), np.array([1.0 / (1.0 + sum(2.0**k for k in s))])) for s in sets]

    with pytest.raises(OptionError, match=r"O71.*9 candidates meet"):
        edge_blocks(face, many, joint=parallel)
    one_only = edge_blocks(face, many, apart=combinations(range(9), 2))
    assert one_only[0].ways.states == tuple((k,) for k in range(9))


def test_structures_in_a_row_are_told_apart_by_the_nearest_of_each_side():
    """Twelve structures along one cut, of which the nearest on either side counts: 4,095 sets, 48 of them told apart.

    Held against the interface itself with the cut's cost written by hand.
    """
    face, _ = fence(rows=8)
    n, here = 12, 5.5
    cut = np.array([3])

    def cost(members):
        sides = [[abs(k - here) for k in members if (k < here) == low] for low in (True, False)]
        passed = sum(np.exp(-min(side)) / 2 for side in sides if side)
        return 400.0 / (1.0 + 1e3 * passed)

    alone = np.array([cost([k]) for k in range(n)])
    cands = Candidates(np.arange(n + 1), np.repeat(cut, n), np.ones(n), alone)

    def joint(sets):
        return [(cut, np.array([cost(s)])) for s in sets]

    small = face.compress(cands, 1e-9, joint=joint)
    assert len(small.blocks[0].ways.states) == 7 * 7 - 1
    rng = np.random.default_rng(4)
    for _ in range(40):
        members = sorted(rng.choice(n, size=rng.integers(1, n + 1), replace=False).tolist())
        direct = Candidates(np.array([0, 1]), cut, np.ones(1), np.array([cost(members)]))
        assert small.gain(members) == pytest.approx(face.set_gain(direct, [0], index="conductance"), rel=1e-8)


def test_nothing_to_open_gains_nothing():
    face, _ = fence(rows=8)
    small = face.compress(face.candidates([[]]))
    assert small.modes == 0
    assert small.gain([]) == small.gain([0]) == 0.0


def three_in_a_row(group, a, b):
    """The first of a set decides; the exception: all together do something else."""
    return (min(a), len(a) > 2) == (min(b), len(b) > 2)


def test_candidates_that_cannot_be_told_apart_by_pairs_are_refused(monkeypatch):
    asked = []
    group = tuple(range(7))
    with pytest.raises(OptionError, match=r"O71.*7 candidates meet"):
        meeting.meeting_ways([group], set(), asked.extend, three_in_a_row)
    assert set(combinations(group, 2)) <= set(asked)
    monkeypatch.setattr(meeting, "MOST_PAIRS", 20)
    asked.clear()
    with pytest.raises(OptionError, match=r"O71.*7 candidates meet"):
        meeting.meeting_ways([group], set(), asked.extend, three_in_a_row)
    assert not asked  # refused before anything is worked out


def test_a_pair_that_is_joined_in_one_and_not_in_the_other_is_no_small_error():
    """Complete fence: a compression that joined what stays apart would be wrong however small its numbers are off."""
    face, cands = fence(rows=8, complete=True)
    small = face.compress(cands)
    open_, shut = (small.resistances(s) for s in ([0], []))
    assert np.isfinite(open_).all()
    assert np.isinf(shut).any()
    assert compressed._worst(small, [((0,), open_), ((), shut)]) == 0.0
    assert compressed._worst(small, [((0,), shut)]) == np.inf
    assert compressed._worst(small, [((), open_)]) == np.inf
