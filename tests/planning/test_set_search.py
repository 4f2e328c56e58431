"""Choice under a budget: equal to exhaustive search where that is possible, bounded where it is not."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import OptimizeResult, milp

from permeability.core.errors import OptionError, PatchError
from permeability.engines.circuit.interface import woodbury
from permeability.engines.circuit.interface.interface import Interface
from permeability.engines.circuit.interface.relaxation import RelaxedGain
from permeability.engines.circuit.interface.set_value import SetValue
from permeability.engines.kernels.edges import grid_links
from permeability.planning import gain_bounds as bounds
from permeability.planning.budget_questions import budget_curve, next_best, pareto
from permeability.planning.gain_bounds import Columns, columns_plan, relaxed_bound
from permeability.planning.searches import MANY, greedy, reverse_greedy
from permeability.planning.set_gains import Objective
from permeability.planning.set_rules import Rules, spacing
from permeability.planning.set_search import choose


def fenced(seed: int, columns: int = 14, lines: int = 2, complete: float = 0.0) -> tuple[Interface, int]:
    """A small landscape with fences across it (rows apart, in series); every section is a stretch of columns."""
    rng = np.random.default_rng(seed)
    rows, width = 6 + 2 * lines, int(rng.integers(1, 3))
    links = grid_links(np.exp(0.7 * rng.normal(size=(rows, columns))))
    edges, cuts, sections = [], [], 0
    for line in range(lines):
        r = 2 + 2 * line
        for c in range(columns):
            for k, dc in ((1, 0), (2, 1), (3, -1)):
                if 0 <= c + dc < columns:
                    cuts.append((len(edges), sections + c // width))
                    edges.append((r * columns + c, k))
        sections += (columns - 1) // width + 1
    crossing = 10 ** rng.uniform(1, 3, sections)
    crossing[rng.random(sections) < complete] = np.inf
    edges, cuts = np.array(edges), np.array(cuts)
    top = rng.choice(2 * columns, 2, replace=False)
    bottom = (rows - 2) * columns + rng.choice(2 * columns, 2, replace=False)
    face = Interface.build(
        links, edges=(edges[:, 0], edges[:, 1]), cuts=(cuts[:, 0], cuts[:, 1], np.ones(len(cuts))),
        crossing=crossing, patches=np.concatenate((top, bottom)),
    )  # fmt: skip
    return face, sections


def brute(value, cost, budget, allowed=lambda s: True):
    n, best = len(cost), -np.inf
    for size in range(n + 1):
        for s in combinations(range(n), size):
            if cost[list(s)].sum() <= budget + 1e-9 and allowed(s):
                best = max(best, value(s))
    return best


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6))
def test_equal_to_exhaustive_search(seed):
    rng = np.random.default_rng(seed)
    face, n = fenced(seed, columns=5, lines=int(rng.integers(1, 3)), complete=rng.choice([0.0, 0.5]))
    cost = rng.uniform(1, 3, n)
    budget = rng.uniform(0.2, 0.6) * cost.sum()
    value = SetValue(face, face.candidates([[s] for s in range(n)]), index="conductance")
    plan = choose(value, cost, budget)
    assert plan.gain == pytest.approx(brute(value, cost, budget), rel=1e-9)
    assert plan.gap == 0.0
    assert plan.cost <= budget + 1e-9
    assert (plan.methods["share_of_best"] <= 1 + 1e-9).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_rules_hold_and_the_best_is_found_under_them(seed):
    """Any set function: random pair synergies, with must, must-not, spacing and stretch rules."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 10))
    own, pair = (
        rng.random(n) * (rng.random(n) < 0.6),
        np.triu(rng.random((n, n)) < 0.2, 1) * rng.uniform(0, 5, (n, n)),
    )

    def value(s):
        return float(own[list(s)].sum() + pair[np.ix_(list(s), list(s))].sum())

    cost = rng.integers(1, 4, n).astype(float)
    must, must_not = (0,), (1,)
    apart, stretches = [(2, 3)], [(0, 1, 2), tuple(range(n // 2, n))]
    budget = float(cost[0] + rng.integers(3, 8))

    def allowed(s):
        inside = set(s)
        return (
            0 in inside
            and 1 not in inside
            and not {2, 3} <= inside
            and all(inside & set(t) for t in stretches)
        )

    expected = brute(value, cost, budget, allowed)
    plan = choose(value, cost, budget, must=must, must_not=must_not, apart=apart, stretches=stretches)
    assert allowed(plan.members)
    assert plan.gain == pytest.approx(expected, rel=1e-9)
    for sites in plan.near_best["sites"]:
        assert allowed(sites)
        assert cost[list(sites)].sum() <= budget + 1e-9
    for sites in plan.methods["sites"]:
        assert allowed(sites)


def test_greedy_fails_on_the_series_trap_and_bundles_mend_it():
    """Two complete fences in series and one half-open side door: single openings of the fences are worth nothing."""
    links = grid_links(np.array([[1.0, 1.0, 1.0, 1.0], [np.nan] * 4, [1.0, 1.0, 1.0, 1.0]]))
    planes = [p.copy() for p in links]
    planes[1][0, 0] = planes[1][1, 0] = planes[1][0, 3] = planes[1][1, 3] = 0.0
    bridged = grid_links(np.ones((3, 4)), neighbours=4)
    for r in (0, 1):
        planes[1][r, 0], planes[1][r, 3] = bridged.s[r, 0], bridged.s[r, 3]
    face = Interface.build(
        type(links)(*planes), edges=([0, 2, 9], [0, 0, 0]), cuts=([0, 1, 2], [0, 1, 2], np.ones(3)),
        crossing=[np.inf, np.inf, 60.0], patches=[0, 3],
    )  # fmt: skip
    cands = face.candidates([[0], [1], [2]])
    value = SetValue(face, cands)
    cost = np.array([1.0, 1.0, 1.9])
    plan = choose(value, cost, 2.0)
    methods = plan.methods.set_index("method")
    assert value((0,)) == pytest.approx(0.0, abs=1e-12)
    assert value((1,)) == pytest.approx(0.0, abs=1e-12)
    assert plan.members == (0, 1)
    assert methods.loc["greedy", "sites"] == (2,)
    assert methods.loc["greedy with bundles", "sites"] == (0, 1)
    # closed form: side door 60 + 1 + 1 + 1 + 4 links of 1; wire of 3 links
    assert plan.gain == pytest.approx(67 - 1 / (1 / 67 + 1 / 3), rel=1e-9)
    assert methods.loc["greedy", "gain"] == pytest.approx(60.0, rel=1e-9)


@pytest.mark.parametrize("block", range(2))
def test_gap_to_the_bound_is_never_negative(block):
    """Larger choices: the bound lies above every value found, here on random sets too."""
    for seed in range(3 * block, 3 * block + 3):
        rng = np.random.default_rng(seed)
        index = "conductance" if seed % 2 else "resistance"
        face, n = fenced(seed, columns=22, lines=2, complete=0.5 if seed % 2 else 0.0)
        cost = rng.uniform(1, 3, n)
        budget = 0.25 * cost.sum()
        cands = face.candidates([[s] for s in range(n)])
        value, relaxed = SetValue(face, cands, index), RelaxedGain(face, cands, index)
        limit = relaxed_bound(relaxed, Rules(cost, budget), iterations=6, nodes=200)
        plan = choose(value, cost, budget, bound=lambda rules, limit=limit: limit, starts=1)
        assert limit.value >= plan.gain * (1 - 1e-9)
        assert 0 <= plan.gap < 1
        for _ in range(20):
            order = rng.permutation(n)
            members = order[np.cumsum(cost[order]) <= budget]
            assert value(members) <= limit.value * (1 + 1e-9)


@pytest.mark.slow
def test_gap_on_200_random_choices_of_more_than_18_candidates():
    gaps = []
    for seed in range(1000, 1200):
        rng = np.random.default_rng(seed)
        face, n = fenced(seed, columns=20, lines=int(rng.integers(1, 3)), complete=rng.choice([0.0, 0.3]))
        cost = rng.uniform(1, 3, n)
        cands = face.candidates([[s] for s in range(n)])
        relaxed = RelaxedGain(face, cands, "conductance")
        plan = choose(
            SetValue(face, cands, "conductance"), cost, 0.2 * cost.sum(), starts=0,
            bound=lambda rules, relaxed=relaxed: relaxed_bound(relaxed, rules, iterations=6, nodes=200),
        )  # fmt: skip
        assert plan.gap >= 0
        assert plan.bound >= plan.methods["gain"].max() * (1 - 1e-9)
        gaps.append(plan.gap)
    assert np.median(gaps) < 0.3


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6))
def test_relaxed_gain_is_concave_and_covers_whole_sites(seed):
    rng = np.random.default_rng(seed)
    face, n = fenced(seed, columns=6, complete=0.3)
    cands = face.candidates([[s] for s in range(n)])
    relaxed, value = RelaxedGain(face, cands, "conductance"), SetValue(face, cands, "conductance")
    x, y = rng.uniform(0.01, 1, (2, n))
    fx, slope = relaxed(x)
    fy, _ = relaxed(y)
    assert fy <= fx + slope @ (y - x) + 1e-9 * abs(fy)
    step = 1e-6
    k = int(np.argmax(slope))
    ahead, _ = relaxed(np.where(np.arange(n) == k, x + step, x))
    assert (ahead - fx) / step == pytest.approx(slope[k], rel=1e-3, abs=1e-9)
    chosen = np.flatnonzero(rng.random(n) < 0.5)
    whole = np.full(n, 1e-9)
    whole[chosen] = 1.0
    assert relaxed(whole)[0] >= value(chosen) * (1 - 1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_columns_plan_equals_exhaustive_search(seed):
    """Pairs that use the best set they hold, sums and smallest of two species, with rules."""
    rng = np.random.default_rng(seed)
    n = 8
    species = []
    for _ in range(2):
        m = int(rng.integers(0, 15))
        sites = [tuple(rng.choice(n, rng.integers(1, 4), replace=False).tolist()) for _ in range(m)]
        species.append(Columns(rng.integers(0, 4, m).tolist(), sites, rng.uniform(0.1, 5, m).tolist()))
    cost, weights = rng.uniform(1, 3, n), rng.uniform(0.5, 2, 2)
    rules = Rules(cost, 0.4 * cost.sum(), must=(2,), must_not=(5,), apart=((0, 1),), stretches=((3, 4),))

    def total(columns, members):
        best = {}
        for p, sites, gain in zip(*columns):
            if set(sites) <= set(members):
                best[p] = max(best.get(p, 0.0), gain)
        return sum(best.values())

    for worst in (False, True):
        join = min if worst else sum

        def value(members, join=join):
            return join(w * total(c, members) for w, c in zip(weights, species))

        plan = columns_plan(species, rules, weights=weights, worst=worst)
        assert rules.allows(plan.members)
        assert plan.gain == pytest.approx(value(plan.members), rel=1e-7, abs=1e-9)
        assert plan.gain == pytest.approx(brute(value, cost, rules.budget, rules.allows), rel=1e-7, abs=1e-9)
        assert 0 <= plan.gap < 1e-6


def both_sides(seed: int, lines: int = 2) -> tuple[Interface, list, np.ndarray]:
    """Fences of two wires each: a candidate takes one wire of one section, so two candidates share every cut."""
    face, sections = fenced(seed, columns=6, lines=lines, complete=0.3)
    rng = np.random.default_rng(seed + 1)
    wires = rng.uniform(50, 500, (sections, 2))
    wires[rng.random((sections, 2)) < 0.3] = np.inf
    face = replace(face, crossing=wires.sum(axis=1))
    groups = [(s, w) for s in range(sections) for w in (0, 1)]
    after = np.array([wires[s, 1 - w] for s, w in groups])
    cands = face.candidates([[s] for s, _ in groups], after=after)
    first, chosen = np.argsort(face.cut_section, kind="stable"), dict(enumerate(groups))

    def joint(members):
        left = wires.copy()
        for k in members:
            left[chosen[k]] = 0.0
        touched = np.unique([chosen[k][0] for k in members])
        cut = np.concatenate([first[face.cut_section[first] == s] for s in touched])
        return cut, left.sum(axis=1)[face.cut_section[cut]]

    def fresh(members):
        left = wires.copy()
        for k in members:
            left[chosen[k]] = 0.0
        after = face.resistances(left.sum(axis=1))
        return float(face.gain(face.resistances(), after, "conductance"))

    return face, [cands, joint, fresh], wires


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_candidates_on_one_cut_are_valued_together(seed):
    face, (cands, joint, fresh), _ = both_sides(seed)
    value = SetValue(face, cands, "conductance", joint)
    rng = np.random.default_rng(seed)
    n = len(cands)
    for _ in range(6):
        members = tuple(np.flatnonzero(rng.random(n) < 0.4).tolist())
        assert value(members) == pytest.approx(fresh(members), rel=1e-7, abs=1e-9)
        rest = [k for k in range(n) if k not in members]
        for k, gain in zip(rest, value.with_each(members, rest)):
            assert gain == pytest.approx(fresh((*members, k)), rel=1e-7, abs=1e-9)
        for k, gain in zip(members, value.without_each(members, members)):  # the last door of a side included
            left = [j for j in members if j != k]
            assert gain == pytest.approx(fresh(left) if left else 0.0, rel=1e-7, abs=1e-9)
    assert value.without_each((3,), [3]).tolist() == [0.0]


@pytest.mark.parametrize("alone", [False, True])  # without ``joint`` the more open one of two counts
@pytest.mark.parametrize("seed", range(4))
def test_from_everything_down_each_state_comes_from_the_one_before(seed, alone, monkeypatch):
    """Every gain on the way is that of a landscape worked out afresh, however many sites have been closed by then."""
    if seed % 2:
        monkeypatch.setattr(woodbury, "MOST_AT_ONCE", 1)  # each change by itself
    if alone:
        face, sections = fenced(seed, columns=20, complete=0.3)
        groups = [range(s, min(s + 2, sections)) for s in range(sections)]  # each section is opened by two
        value = SetValue(face, face.candidates(groups), "conductance")

        def fresh(members):
            left = face.crossing.copy()
            left[[s for k in members for s in groups[k]]] = 0.0
            return float(face.gain(face.resistances(), face.resistances(left), "conductance"))
    else:
        face, (cands, joint, fresh), _ = both_sides(seed)
        value = SetValue(face, cands, "conductance", joint)
    rng = np.random.default_rng(seed)
    built = list(range(len(value.candidates)))
    kept = 0
    while len(built) > 1:
        for k, gain in zip(built, value.without_each(built, built)):
            assert gain == pytest.approx(fresh([j for j in built if j != k]), rel=1e-8, abs=1e-10)
        before = value._last[1]
        built.remove(int(rng.choice(built)))
        kept += value._closed(tuple(built)) is not None
        assert value.with_each(built, built[:1])[0] == pytest.approx(fresh(built), rel=1e-8, abs=1e-10)
        assert before is not value._last[1]
    assert kept > len(value.candidates) / 3  # else nothing was closed, and this test shows nothing


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10**6))
def test_the_bound_covers_candidates_on_one_cut(seed):
    face, (cands, joint, fresh), _ = both_sides(seed)
    n, rng = len(cands), np.random.default_rng(seed)
    relaxed = RelaxedGain(face, cands, "conductance", joint)
    for _ in range(8):
        chosen = np.flatnonzero(rng.random(n) < rng.uniform(0.2, 1.0))
        whole = np.full(n, 1e-9)
        whole[chosen] = 1.0
        assert relaxed(whole)[0] >= fresh(chosen) * (1 - 1e-9) - 1e-12
    cost = np.ones(n)
    plan = choose(SetValue(face, cands, "conductance", joint), cost, 4.0, starts=1,
                  bound=lambda rules: relaxed_bound(relaxed, rules, iterations=4, nodes=200))  # fmt: skip
    assert plan.gap >= 0
    for _ in range(20):
        assert fresh(rng.choice(n, 4, replace=False)) <= plan.bound * (1 + 1e-9)


def test_money_questions():
    def value(s):
        return float(np.sqrt(sum(k + 1 for k in s)))

    curve = budget_curve(value, np.ones(8), [1, 2, 4, 8])
    assert (np.diff(curve["gain"]) > 0).all()
    assert curve["gain"].iloc[-1] == pytest.approx(6.0)
    table = next_best(value, [7], np.ones(8))
    assert table.site.tolist()[0] == 6
    assert table.gain[0] == pytest.approx(np.sqrt(15) - np.sqrt(8))
    assert spacing([0, 3, 9], 5, ["a", "b", "a"]) == []


def test_several_species():
    first, second = (lambda s: float(0 in s)), (lambda s: 2.0 * float(1 in s))
    assert choose(Objective([first, second]), [1, 1], 1).members == (1,)
    assert choose(Objective([first, second], [1, 1 / 2], worst=True), [1, 1], 2).members == (0, 1)
    assert pareto([[1, 0], [0, 2], [0, 1], [1, 0]]).tolist() == [True, True, False, True]


def test_refusals():
    with pytest.raises(OptionError, match="O41"):
        choose(len, [1.0, np.nan], 1)
    with pytest.raises(OptionError, match="O42"):
        choose(len, [1.0, 1.0], 2, must=[0], must_not=[0])
    with pytest.raises(OptionError, match="O43"):
        choose(len, [5.0, 1.0], 2, must=[0])
    with pytest.raises(OptionError, match=r"O4[34]"):
        choose(len, [5.0, 4.0], 2, stretches=[(0, 1)])
    with pytest.raises(OptionError, match="O44"):
        columns_plan(
            [Columns([], [], [])], Rules(np.array([1.0, 1.0]), 3.0, apart=((0, 1),), stretches=((0,), (1,)))
        )
    face, n = fenced(1, columns=4, complete=1.0)
    with pytest.raises(PatchError, match="P24"):
        SetValue(face, face.candidates([[s] for s in range(n)]))


def fenced_choice(nodes: int):
    """A choice among sections in series with complete stretches, its bound searched with at most ``nodes`` branches."""
    rng = np.random.default_rng(5)
    face, n = fenced(5, columns=26, lines=2, complete=0.3)
    cost = rng.uniform(1, 3, n)
    cands = face.candidates([[s] for s in range(n)])
    relaxed = RelaxedGain(face, cands, "conductance")
    return choose(
        SetValue(face, cands, "conductance"), cost, 0.3 * cost.sum(), starts=1,
        bound=lambda rules: relaxed_bound(relaxed, rules, iterations=6, nodes=nodes),
    )  # fmt: skip


def test_a_slow_solver_changes_no_number(monkeypatch):
    """A busy machine is a solver to which every second is short: any limit by the clock would bite."""
    free = fenced_choice(1000)

    def busy(*args, options=None, **kwargs):
        short = {**(options or {}), **({"time_limit": 1e-6} if "time_limit" in (options or {}) else {})}
        time.sleep(0.05)
        return milp(*args, options=short, **kwargs)

    monkeypatch.setattr(bounds, "milp", busy)
    slow = fenced_choice(1000)
    assert (slow.members, slow.gain, slow.bound) == (free.members, free.gain, free.bound)
    assert not free.bound_cut_off


def test_a_bound_that_was_cut_off_holds_and_says_so():
    cut, whole = fenced_choice(1), fenced_choice(10_000)
    assert cut.bound_cut_off
    assert not whole.bound_cut_off
    assert whole.gain <= whole.bound <= cut.bound * (1 + 1e-9)


def test_an_integer_program_that_was_cut_off_gives_a_bound_that_holds():
    rng = np.random.default_rng(3)
    n, m = 40, 160
    sites = [tuple(rng.choice(n, 3, replace=False).tolist()) for _ in range(m)]
    columns = Columns(rng.integers(0, 30, m).tolist(), sites, rng.uniform(1, 5, m).tolist())
    rules = Rules(rng.uniform(1, 3, n), 20.0)
    cut, whole = (columns_plan([columns], rules, nodes=k) for k in (1, 100_000))
    assert cut.cut_off
    assert not whole.cut_off
    assert cut.gain <= whole.gain * (1 + 1e-9) <= cut.bound * (1 + 1e-8)


def test_rules_that_contradict_each_other_end_every_search_and_are_told():
    """A site that must be built excludes the only one of a stretch: each rule can be kept, not both."""
    cost = np.ones(3)
    rules = Rules(cost, 3.0, must=(0,), apart=((0, 1),), stretches=((1,),))
    ask = Objective([lambda s: float(0 in s)])
    assert greedy(ask, rules) is None
    assert reverse_greedy(ask, Rules(cost, 3.0, apart=((0, 1),), stretches=((0,), (1,)))) is None
    with pytest.raises(OptionError, match=r"O44[\s\S]*cheapest candidate.*1"):
        choose(ask, cost, 3.0, must=(0,), apart=((0, 1),), stretches=((1,),))


def test_nothing_may_join_a_set_that_breaks_a_rule_itself():
    rules = Rules(np.array([3.0, 1.0, 1.0]), 2.0, apart=((1, 2),))
    assert rules.can_add((0,)) == rules.can_add((1, 2)) == []
    assert rules.can_add(()) == [1, 2]
    assert rules.can_add((1,)) == []


def test_of_many_candidates_greedy_looks_at_all_before_it_ends():
    """Once the best of the last look are worth nothing more, one that was worth nothing then may have become worth something."""
    n = MANY + 50

    def value(s):  # the last candidate helps only beside ten others, which lie among those of the first look
        return float(min(len([k for k in s if k < 10]), 10)) + (5.0 if n - 1 in s and len(s) > 3 else 0.0)

    found = greedy(Objective([value]), Rules(np.ones(n), 30.0))
    assert set(found) == {*range(10), n - 1}


def test_without_a_bound_and_with_fences_that_may_get_tighter_nothing_is_claimed():
    worth = np.array([2.0, -1.0, *np.ones(18)])
    plan = choose(lambda s: float(worth[list(s)].sum()), np.ones(20), 5.0, monotone=False, starts=0)
    assert plan.gain == 6.0
    assert np.isinf(plan.bound)
    assert np.isnan(plan.gap)
    raised = choose(lambda s: float(worth[list(s)].sum()), np.ones(20), 5.0, starts=0)
    assert raised.bound == worth.sum()  # what all give bounds a gain that never falls


def test_budgets_within_which_no_plan_obeys_the_rules_are_left_out():
    curve = budget_curve(len, np.array([3.0, 1.0]), [1.0, 2.0, 3.0, 4.0], must=(0,))
    assert curve["budget"].tolist() == [3.0, 4.0]
    with pytest.raises(OptionError, match="O42"):
        budget_curve(len, np.ones(2), [1.0, 2.0], must=(0,), must_not=(0,))


def test_more_money_never_gains_less():
    cost = np.array([1.0, 1.0, 2.0])
    poor = replace(choose(len, cost, 4.0), members=(2,), gain=1.0, cost=2.0)
    curve = budget_curve(len, cost, [2.0], plans={4.0: poor})
    assert curve["gain"].tolist() == [2.0, 2.0]
    assert curve["sites"].tolist() == [(0, 1), (0, 1)]
    assert curve["cost"].tolist() == [2.0, 2.0]
    assert curve["gap"].iloc[1] == pytest.approx(1 / 3)


def test_a_bound_that_is_met_is_not_searched_further():
    asked = []

    def relaxed(x):
        asked.append(x)
        return float(x @ [1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])

    limit = relaxed_bound(relaxed, Rules(np.ones(3), 10.0), iterations=6)
    assert limit.value == pytest.approx(6.0)
    assert len(asked) == 1


def test_an_integer_program_without_any_answer_bounds_nothing(monkeypatch):
    monkeypatch.setattr(bounds, "milp", lambda *args, **kwargs: OptimizeResult(x=None, status=1))
    plan = columns_plan([Columns([0], [(1,)], [3.0])], Rules(np.ones(3), 2.0, must=(2,)))
    assert plan.members == (2,)
    assert plan.cut_off
    assert np.isinf(plan.bound)
    assert plan.gap == 1.0


def test_candidates_that_meet_in_threes_stay_below_the_bound():
    """Three candidates on one edge: with cuts of their own, with a joint cost, and where some exclude each other."""
    links = grid_links(np.ones((3, 4)), neighbours=4)
    rows = np.arange(3)
    face = Interface.build(
        links, edges=(4 * rows + 1, 0 * rows), cuts=(np.repeat(rows, 3), np.arange(9), np.ones(9)),
        crossing=np.full(9, 40.0), patches=[0, 11],
    )  # fmt: skip
    cands = face.candidates([[s] for s in range(9)])
    value, relaxed = SetValue(face, cands, "conductance"), RelaxedGain(face, cands, "conductance")
    one_cut = face.candidates([[0, s] for s in (1, 2, 3)])
    every = [s for k in range(10) for s in combinations(range(9), k)]
    for members in every[::3]:
        whole = np.full(9, 1e-9)
        whole[list(members)] = 1.0
        assert relaxed(whole)[0] >= value(members) * (1 - 1e-9)
    assert relaxed(np.ones(9))[0] == pytest.approx(value(range(9)), rel=1e-6)

    def joint(members):
        cut = np.unique(one_cut.cut[one_cut.rows(members)])
        return cut, np.where(cut == 0, 40.0 / (1 + len(members)) ** 2, 0.0)

    shared = SetValue(face, one_cut, "conductance", joint)
    for apart in ([], [(0, 1)], [(0, 1), (0, 2), (1, 2)]):
        loose = RelaxedGain(face, one_cut, "conductance", joint, apart)
        for k in range(4):
            for members in combinations(range(3), k):
                if any(set(p) <= set(members) for p in apart):
                    continue
                whole = np.full(3, 1e-9)
                whole[list(members)] = 1.0
                assert loose(whole)[0] >= shared(members) * (1 - 1e-9) - 1e-12


def test_openings_side_by_side_in_one_cut_are_each_worth_their_own():
    """Three candidates that open the same single cut: the second adds nothing, and the bound knows that they need not add up."""
    links = grid_links(np.ones((1, 2)))
    face = Interface.build(links, edges=([0], [0]), cuts=([0], [0], [1.0]), crossing=[9.0], patches=[0, 1])
    cands = face.candidates([[0], [0], [0]])
    relaxed = RelaxedGain(face, cands, "conductance")
    today, open_ = 1 / 10, 1.0
    assert relaxed(np.array([1.0, 1e-12, 1e-12]))[0] == pytest.approx(open_ - today)
    assert relaxed(np.ones(3))[0] == pytest.approx(open_ - today)
