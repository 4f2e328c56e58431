"""The interface in layers: equal to one dense front and to fresh solves, whatever the pieces."""

from __future__ import annotations

import numpy as np
import pytest
from gains import draw_gains, greedy, single_gains
from random_barriers import STEPS, Case, fresh_resistances, random_case, same, series
from scipy.sparse import coo_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from permeability.core.errors import MemoryLimitError, OptionError, SolverError
from permeability.engines.circuit.interface import forms, layered, layered_state, two_sides
from permeability.engines.circuit.interface.holding import held_apart
from permeability.engines.circuit.interface.interface import Interface
from permeability.engines.kernels.edges import grid_links


def built(case: Case, form: str = "layers", **options) -> Interface:
    return Interface.build(
        case.links,
        edges=(case.edges[:, 0], case.edges[:, 1]),
        cuts=(case.cuts[:, 0], case.cuts[:, 1], case.factor),
        crossing=case.crossing,
        patches=case.patches,
        form=form,
        **options,
    )


@pytest.fixture(autouse=True)
def _small_units(monkeypatch):
    monkeypatch.setattr(layered, "UNIT", 64)  # several layers on small grids too


@pytest.mark.oracle
def test_large_candidates_are_eliminated_in_their_own_state_to_the_same_numbers(monkeypatch):
    found = []
    for most in (1000, 1):  # by Woodbury's identity; all of more than one edge afresh
        monkeypatch.setattr(layered_state, "MOST_OPENED", most)
        case = random_case(3)
        face, n = built(case), len(case.crossing)
        groups = [[s, (s + 1) % n, (s + 2) % n] for s in range(n)]
        found.append(face.single_resistances(face.candidates(groups)))
        for k in (0, n - 1):
            treated = dict.fromkeys(groups[k], (1.0, 0.0))
            same(found[-1][k], fresh_resistances(case, series(case, treated)))
    same(*found)


def test_singles_and_sets_equal_fresh_solves():
    complete = 0
    for seed in range(40):
        case = random_case(seed)
        rng = np.random.default_rng(seed + 20_000)
        face, n = built(case), len(case.crossing)
        assert face.report.form == "layers"
        today = fresh_resistances(case, series(case, {}))
        complete += np.isinf(today).any()
        same(face.resistances(), today)
        same(face.today.resistances, today)
        after = rng.choice([0.0, 0.5, np.inf], n)  # openings and closings
        share = rng.choice([1.0, 0.3], n)
        cands = face.candidates([[s] for s in range(n)], after=after, share=share)
        singles = face.single_resistances(cands)
        for k in rng.choice(n, 2, replace=False):
            same(singles[k], fresh_resistances(case, series(case, {int(k): (share[k], after[k])})))
        chosen = rng.choice(n, 3, replace=False)
        treated = {int(s): (share[s], after[s]) for s in chosen}
        same(face.set_resistances(cands, chosen), fresh_resistances(case, series(case, treated)))
    assert complete >= 5


def test_both_forms_agree_in_all_they_offer():
    for seed in range(12):
        case = random_case(seed)
        one, many, n = built(case, "front"), built(case), len(case.crossing)
        assert (one.report.form, many.report.form) == ("front", "layers")
        cands = one.candidates([[s, (s + 1) % n] for s in range(n)])
        drops = one.drops()
        np.testing.assert_array_equal(np.isnan(many.drops()), np.isnan(drops))
        np.testing.assert_allclose(many.drops(), drops, rtol=1e-8, atol=1e-9)
        gains = [gain for _, gain in greedy(many, cands, 4, index="conductance")]
        np.testing.assert_allclose(
            gains, [gain for _, gain in greedy(one, cands, 4, index="conductance")], rtol=1e-8
        )
        assert held_apart(many) == held_apart(one)
        costs = case.crossing * np.random.default_rng(seed).uniform(0.5, 2, (2, n))
        for got, expected in zip(
            draw_gains(many, cands, costs, index="conductance"),
            draw_gains(one, cands, costs, index="conductance"),
        ):
            np.testing.assert_allclose(got, expected, rtol=1e-7, atol=1e-11)


def three_fences(side: int, seed: int, complete: bool) -> Case:
    """Three fences across a landscape, one of them with a gap, sections of four rows."""
    rng = np.random.default_rng(seed)
    surface = np.exp(rng.normal(size=(side, side)))
    surface[rng.random((side, side)) < 0.03] = np.nan
    links = grid_links(surface)
    edges, cuts = {}, []
    for line, column in enumerate((side // 4, side // 2, side - side // 4)):
        at = column + np.clip(np.cumsum(rng.integers(-1, 2, side)), -8, 8)
        for k, (dr, dc) in enumerate(STEPS):
            for r, c in zip(*np.nonzero(links[k])):
                if abs(c - at[r]) < 4 and (c <= at[r]) != (c + dc <= at[r + dr]) and (line or r > 5):
                    edge = edges.setdefault((r * side + c, k), len(edges))
                    cuts.append((edge, line * side + r // 4))
    crossing = 10 ** rng.uniform(1, 4, 3 * side)
    if complete:
        crossing[2 * side :] = np.inf
    alive = np.flatnonzero(links.e.ravel() > 0)
    spots = [
        alive[np.argmin(abs(alive % side - c) + abs(alive // side - 9 * k))]
        for k, c in enumerate((1, 8, 40, 58))
    ]
    return Case(
        links, np.array(list(edges)), np.array(cuts), rng.uniform(0.5, 2, len(cuts)), crossing, np.array(spots)
    )  # fmt: skip


def by_superlu(case: Case, z: np.ndarray) -> np.ndarray:
    """Resistances among the patches from a sparse factorisation of the edited graph, one per component."""
    rows, cols = case.links.shape
    planes = [p.copy().ravel() for p in case.links]
    total = np.bincount(case.cuts[:, 0], weights=z, minlength=len(case.edges))
    for (cell, k), extra in zip(case.edges, total):
        planes[k][cell] = 1.0 / (1.0 / planes[k][cell] + extra)
    at = [np.flatnonzero(p) for p in planes]
    a = np.concatenate(at)
    b = np.concatenate([i + dr * cols + dc for i, (dr, dc) in zip(at, STEPS)])
    g = np.concatenate([p[i] for p, i in zip(planes, at)])
    graph = coo_array((np.r_[g, g], (np.r_[a, b], np.r_[b, a])), shape=(rows * cols,) * 2).tocsr()
    part = connected_components(graph, directed=False)[1]
    out = np.where(part[case.patches][:, None] == part[case.patches], 0.0, np.inf)
    laplacian = (diags_array(np.asarray(graph.sum(axis=1)).ravel()) - graph).tocsr()
    for p in np.unique(part[case.patches]):
        mine = np.flatnonzero(
            case.patches[np.flatnonzero(part[case.patches] == p)[0]] != np.arange(len(part))
        )
        mine = mine[part[mine] == p]
        lu = splu(laplacian[mine][:, mine].tocsc())
        here = np.flatnonzero(part[case.patches] == p)
        rhs = np.zeros((len(mine), len(here)))
        for j, i in enumerate(here[1:], start=1):
            rhs[np.searchsorted(mine, case.patches[i]), j] = 1.0
        x = np.zeros((len(part), len(here)))
        x[mine] = lu.solve(rhs)
        x = x[case.patches[here]]
        out[np.ix_(here, here)] = np.diag(x)[:, None] + np.diag(x) - 2 * x
    return out


@pytest.mark.oracle
@pytest.mark.parametrize("complete", [False, True])
def test_three_fences_equal_a_sparse_factorisation(complete, monkeypatch):
    monkeypatch.setattr(layered_state, "PASS_BYTES", 300_000)  # several passes
    case = three_fences(64, 3 + complete, complete)
    face = built(case)
    fronts = face.layered.fronts
    assert fronts.live.sum() > 30
    same(face.resistances(), by_superlu(case, series(case, {})))
    groups = [np.arange(s, min(s + 3, 192)) for s in range(0, 192, 5)]
    cands = face.candidates(groups)
    assert len(face.singles(cands).passes) > 1
    singles = face.single_resistances(cands)
    for k in (1, 14, 27, 30):
        same(singles[k], by_superlu(case, series(case, {int(s): (1.0, 0.0) for s in groups[k]})))
    chosen = [2, 3, 15, 28, 29]
    opened = {int(s): (1.0, 0.0) for k in chosen for s in groups[k]}
    same(face.set_resistances(cands, chosen), by_superlu(case, series(case, opened)))
    state = face.today
    for k in chosen:
        state = state.build(cands, k)
    same(state.resistances, by_superlu(case, series(case, opened)))
    same(state.with_each(cands, np.array([9]))[0], face.set_resistances(cands, [*chosen, 9]))


def test_a_very_tight_barrier_keeps_its_digits():
    """Crossing costs of 1e9 cells: resistances on either side, and of an opening, still to 1e-8."""
    case = three_fences(40, 5, False)
    case = case._replace(crossing=np.full_like(case.crossing, 1e9))
    face = built(case)
    cands = face.candidates([np.arange(46, 50)])
    one = built(case, "front")  # eliminated by additions only
    same(face.resistances(), one.resistances())
    same(face.single_resistances(cands)[0], one.single_resistances(cands)[0])


def test_the_form_is_chosen_with_a_reason_and_refused_before_it_runs(monkeypatch):
    case = random_case(1)
    assert "few" in built(case, "auto").report.why
    monkeypatch.setattr(forms, "FRONT_ALWAYS", 1)
    assert built(case, "auto").report.why.startswith("expected")
    with pytest.raises(OptionError):
        built(case, "tree")
    for form in ("front", "layers"):
        with pytest.raises(MemoryLimitError, match="M11"):
            built(case, form, memory_limit=1000)
    big = three_fences(64, 3, False)
    tight = built(big, "auto", memory_limit=5_000_000)
    assert tight.report.form == "layers"
    assert "memory" in tight.report.why


@pytest.mark.parametrize("form", ["front", "layers"])
def test_answers_are_checked_by_another_solver_and_faults_are_found(form, monkeypatch):
    case = three_fences(64, 3, False)
    face = built(case, form)
    cands = face.candidates([[s, s + 1] for s in range(0, 128, 8)])
    single_gains(face, cands)
    assert [c.what.split()[0] for c in face.report.checks] == ["candidate"]
    assert face.report.checks[0].solver == "splu"
    assert face.report.difference < 1e-8
    face.agreement.answers = 10**9  # another check is due
    face.set_gain(cands, [1, 2])
    assert face.report.checks[1].what == "a set of candidates"
    monkeypatch.setattr("permeability.engines.circuit.interface.agreement.DIRECT_CELLS", 100)
    face.set_gain(cands, [3, 2])
    assert (face.report.checks[2].solver, face.report.difference < 1e-8) == ("multigrid", True)
    wrong = built(case, form)
    fault = wrong.network if form == "front" else wrong.layered._cache
    fault *= 1.001
    with pytest.raises(SolverError, match="S24"):
        single_gains(wrong, cands)
    assert single_gains(built(case, form, check=False), cands).shape == (16,)


def test_regions_are_checked_too():
    links = grid_links(np.exp(np.random.default_rng(2).normal(size=(30, 30))))
    regions = np.zeros((30, 30), int)
    regions[:4, :4], regions[-5:, 20:] = 3, 8
    cell = 15 * 30 + np.arange(30)
    face = Interface.build(
        links, edges=(cell, np.ones(30, int)), cuts=(np.arange(30), np.arange(30) // 3, np.ones(30)),
        crossing=np.full(10, 50.0), regions=regions, patches=[500],
    )  # fmt: skip
    single_gains(face, face.candidates([[s] for s in range(10)]))
    assert face.report.difference < 1e-8


def test_two_sides_equal_fresh_solves(monkeypatch):
    """Dense interfaces that barriers part: each side has its own factor."""
    monkeypatch.setattr(two_sides, "WORTH_NODES", 1)
    monkeypatch.setattr(two_sides, "LARGEST", 0.95)
    parted = complete = 0
    for seed in range(60):
        case = random_case(seed)
        face, n = built(case, "front"), len(case.crossing)
        rng = np.random.default_rng(seed)
        after = rng.choice([0.0, 0.5, np.inf], n)
        cands = face.candidates([[s] for s in range(n)], after=after)
        if not isinstance(face.singles(cands), layered_state.LayeredSingles):
            continue
        parted += 1
        today = fresh_resistances(case, series(case, {}))
        complete += np.isinf(today).any()
        singles, now = face.singles_and_today(cands)
        same(now, today)
        for k in rng.choice(n, 2, replace=False):
            same(singles[k], fresh_resistances(case, series(case, {int(k): (1.0, after[k])})))
    assert parted > 10
    assert complete > 2


def test_two_sides_work_in_the_room_of_the_first_state(monkeypatch):
    """Several states one after another, the first again last: nothing of one is left in the next."""
    monkeypatch.setattr(two_sides, "WORTH_NODES", 1)
    monkeypatch.setattr(two_sides, "LARGEST", 0.95)
    seed = next(s for s in range(60) if two_sides.TwoSides.of(built(random_case(s), "front")) is not None)
    face = built(random_case(seed), "front")
    cands = face.candidates([[s] for s in range(len(face.crossing))])
    prepared = face.singles(cands)
    assert isinstance(prepared, layered_state.LayeredSingles)
    states = [face.crossing, face.crossing * 3.0, face.crossing]
    first, other, again = (face.singles_and_today(cands, z, prepared=prepared) for z in states)
    for one, two in zip(first, again):
        np.testing.assert_array_equal(one, two)
    for one, two in zip(other, built(random_case(seed), "front").singles_and_today(cands, states[1])):
        same(one, two)


def test_what_hangs_together_in_a_state_is_found_in_whatever_order_states_come():
    for seed in range(10):
        face, rng = built(random_case(seed)), np.random.default_rng(seed)
        states = rng.random((8, len(face.base))) < rng.random((8, 1))
        for k in rng.integers(0, len(states), 24).tolist():
            label = np.unique(face.side, return_inverse=True)[1].copy()
            for a, b in zip(face.node_a[states[k]].tolist(), face.node_b[states[k]].tolist()):
                label[label == label[b]] = label[a]  # one edge after the other
            parts = face.parts(np.where(states[k], face.base, 0.0))
            assert parts.shape == label.shape
            np.testing.assert_array_equal(parts[:, None] == parts, label[:, None] == label)
