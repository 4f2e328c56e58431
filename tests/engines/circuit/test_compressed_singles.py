"""Every candidate alone through a compressed network, against a direct solve of the whole grid and against the exact way."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import permeability as pm
from permeability.engines.circuit.interface import compressed_singles as small
from permeability.engines.circuit.interface import edge_tree
from permeability.engines.circuit.interface.candidates import Candidates
from permeability.engines.circuit.interface.compressed_singles import CompressedSingles, compressed_singles
from permeability.engines.circuit.interface.edge_tree import NotPositiveError, halves
from permeability.engines.circuit.interface.interface import Interface
from permeability.engines.kernels.edges import D_COL, D_ROW, grid_links
from permeability.ranking import rank_draws

Array = np.ndarray


def landscape(
    rows: int, cols: int, lines: int, seed: int, form: str = "auto"
) -> tuple[Interface, Candidates, Array]:
    """A rough ground with wandering fences from west to east, sections of three columns, five patches, candidates of one to three sections."""
    rng = np.random.default_rng(seed)
    ground = np.exp(rng.normal(0.0, 1.0, (rows, cols)))
    ground[rng.random(ground.shape) < 0.03] = np.nan
    valid = np.isfinite(ground)
    links = grid_links(ground)
    edges: dict[tuple[int, int], None] = {}
    cuts: list[tuple[tuple[int, int], int, float]] = []
    sections = -(-cols // 3)
    for n in range(lines):
        line = np.clip(
            (n + 1) * rows // (lines + 1) + np.cumsum(rng.choice([-1, 0, 0, 1], cols)), 1, rows - 3
        )
        for k in range(4):
            for r, c in np.argwhere(valid):
                r2, c2 = r + D_ROW[k], c + D_COL[k]
                if r2 < rows and 0 <= c2 < cols and valid[r2, c2] and (r <= line[c]) != (r2 <= line[c2]):
                    edges[(int(r * cols + c), k)] = None
                    cuts.append(((int(r * cols + c), k), n * sections + c // 3, float(rng.uniform(0.5, 1.5))))
    names = sorted(edges)
    number = {e: i for i, e in enumerate(names)}
    whole = links.e.ravel() + links.s.ravel() > 0
    patches = rng.choice(np.flatnonzero(whole), 5, replace=False)
    face = Interface.build(
        links, edges=([e[0] for e in names], [e[1] for e in names]),
        cuts=([number[e] for e, _, _ in cuts], [s for _, s, _ in cuts], [f for _, _, f in cuts]),
        crossing=rng.uniform(20.0, 400.0, lines * sections), patches=patches, check=False, form=form,
    )  # fmt: skip
    starts = np.arange(lines * sections)
    groups = [np.arange(s, min(s + 1 + s % 3, lines * sections)) for s in starts]
    return face, face.candidates(groups), patches


def compressed(face: Interface, candidates: Candidates) -> CompressedSingles:
    made = compressed_singles(
        face, candidates, face.state_at(np.zeros(len(face.base))), face.singles(candidates)
    )
    assert made is not None
    return made


@pytest.fixture
def small_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small, "LEAF_EDGES", 12)
    monkeypatch.setattr(small, "STATE_RATE", np.inf)  # of small things the exact way is the quicker one


def direct(face: Interface, conductance: Array) -> Array:
    """Resistances among the patches by a dense pseudo-inverse for every connected component."""
    g = face.network.copy()
    np.add.at(g, (face.node_a, face.node_b), conductance)
    np.add.at(g, (face.node_b, face.node_a), conductance)
    part = face.parts(conductance)
    out = np.full((len(face.focal),) * 2, np.inf)
    for name in np.unique(part[face.focal]):
        mine = np.flatnonzero(part == name)
        here = g[np.ix_(mine, mine)]
        np.fill_diagonal(here, 0.0)
        x = np.linalg.pinv(np.diag(here.sum(axis=1)) - here, hermitian=True)
        at = np.flatnonzero(part[face.focal] == name)
        place = np.searchsorted(mine, face.focal[at])
        d = np.diag(x)[place]
        out[np.ix_(at, at)] = d[:, None] + d[None, :] - 2 * x[np.ix_(place, place)]
    np.fill_diagonal(out, 0.0)
    return out


@pytest.mark.usefixtures("small_leaves")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_direct_solve_of_every_candidate_in_states_of_all_kinds(seed: int) -> None:
    face, candidates, _ = landscape(24, 30, 2, seed)
    mine = compressed(face, candidates)
    assert (mine.tree.child[:, 0] >= 0).sum() > 5
    rng = np.random.default_rng(seed)
    n = len(face.crossing)
    complete = np.where(rng.random(n) < 0.7, np.inf, 50.0)
    for crossing, after in (
        (face.crossing * 10 ** rng.uniform(-1, 1, n), 0.0),
        (np.full(n, np.inf), 3.0),  # patches apart until a candidate joins them
        (complete, 0.0),
        (np.full(n, 30.0), np.inf),  # closing
        (np.zeros(n), 0.0),  # nothing stands
    ):
        asked = replace(candidates, after=np.full(len(candidates.cut), after))
        found, today = mine.run_with_today(crossing, asked)
        expected = direct(face, face.edge_conductances(face.cut_resistances(crossing)))
        assert np.array_equal(np.isfinite(today), np.isfinite(expected))
        np.testing.assert_allclose(today, expected, rtol=1e-8)
        for k in range(len(candidates)):
            state = direct(face, face.edge_conductances(face.state(asked, [k], crossing)))
            assert np.array_equal(np.isfinite(found[k]), np.isfinite(state))
            np.testing.assert_allclose(found[k], state, rtol=1e-8)


@pytest.mark.usefixtures("small_leaves")
def test_gains_follow_what_is_opened_and_not_the_order_of_candidates() -> None:
    face, candidates, _ = landscape(40, 60, 3, 5)
    mine = compressed(face, candidates)
    after, today = mine.run_with_today(face.crossing, candidates)
    gains = face.gain(today, after, "conductance")
    turned = candidates.subset(np.arange(len(candidates))[::-1])
    other, same = compressed(face, turned).run_with_today(face.crossing, turned)
    np.testing.assert_allclose(face.gain(same, other, "conductance")[::-1], gains, rtol=1e-7)
    as_it_is = replace(candidates, after=face.crossing[face.cut_section[candidates.cut]])
    nothing = mine.run_with_today(face.crossing, as_it_is)[0]
    assert np.array_equal(nothing, np.broadcast_to(today, nothing.shape))  # not even rounding is left
    levels = np.array([
        face.gain(today, mine.run_with_today(face.crossing, replace(candidates, share=np.full(len(candidates.cut), s)))[0], "conductance")
        for s in (0.2, 0.6, 1.0)
    ])  # fmt: skip
    assert (levels[0] >= 0).all()
    assert (np.diff(levels, axis=0) >= -1e-12 * face.index(today, "conductance")).all()


@pytest.mark.usefixtures("small_leaves")
def test_gains_do_not_hang_on_the_order_of_edges_nor_on_which_way_is_up() -> None:
    rng = np.random.default_rng(3)
    ground = np.exp(rng.normal(size=(30, 40)))
    line = np.clip(15 + np.cumsum(rng.choice([-1, 0, 1], 40)), 2, 27)
    found = []
    for turned, order in ((False, np.arange(40)), (False, rng.permutation(40)), (True, np.arange(40))):
        here = ground.T if turned else ground
        cols = here.shape[1]
        cells = np.array([c * cols + line[c] if turned else line[c] * cols + c for c in order])
        ends = [2 * 40 + 3, 27 * 40 + 30]
        patches = [e % 40 * cols + e // 40 for e in ends] if turned else ends
        face = Interface.build(
            grid_links(here, neighbours=4), edges=(cells, np.full(40, 0 if turned else 1)),
            cuts=(np.arange(40), order, np.ones(40)), crossing=np.linspace(5.0, 500.0, 40), patches=patches, check=False,
        )  # fmt: skip
        candidates = face.candidates([np.arange(s, s + 4) for s in range(0, 40, 4)])
        after, today = compressed(face, candidates).run_with_today(2 * face.crossing, candidates)
        found.append(face.gain(today, after, "conductance"))
    np.testing.assert_allclose(found[1:], [found[0]] * 2, rtol=1e-8)


@pytest.mark.usefixtures("small_leaves")
def test_equal_candidates_have_equal_gains_and_threads_change_no_bit() -> None:
    face, candidates, _ = landscape(40, 60, 3, 6)
    twice = candidates.subset([3, 7, 3, 20, 7])
    mine = compressed(face, twice)
    after, today = mine.run_with_today(face.crossing, twice)
    assert np.array_equal(after[0], after[2])
    assert np.array_equal(after[1], after[4])
    found: list[Any] = [None] * 4

    def work(i: int) -> None:
        found[i] = mine.run_with_today((1 + i % 2) * face.crossing, twice)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert np.array_equal(found[0][0], after)
    assert np.array_equal(found[2][1], today)
    assert np.array_equal(found[1][0], found[3][0])


def test_one_line_across_a_large_ground_is_compressed_and_ranks_as_the_exact_way() -> None:
    face, candidates, _ = landscape(60, 420, 1, 8, "front")
    assert small.worth_compressing(face, face.singles(candidates), len(candidates))
    mine, exact = face.singles(candidates, many=True), face.singles(candidates)
    assert isinstance(mine, CompressedSingles)
    assert not isinstance(exact, CompressedSingles)
    assert mine.tree.modes < 0.6 * len(face.base)
    rng = np.random.default_rng(4)
    for _ in range(8):
        crossing = face.crossing * 10 ** rng.uniform(-1, 1, len(face.crossing))
        gains, true = (
            face.gain(*w.run_with_today(crossing, candidates)[::-1], "conductance") for w in (mine, exact)
        )
        np.testing.assert_allclose(gains, true, rtol=1e-6)
        assert np.array_equal(np.argsort(gains), np.argsort(true))


@pytest.mark.usefixtures("small_leaves")
def test_what_is_not_close_enough_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    face, candidates, _ = landscape(24, 40, 1, 9)
    reference, exact = face.state_at(np.zeros(len(face.base))), face.singles(candidates)
    assert compressed_singles(face, candidates, reference, exact) is not None
    monkeypatch.setattr(small, "OWN", 1.0)
    monkeypatch.setattr(small, "CUT", 0.3)
    assert compressed_singles(face, candidates, reference, exact) is None
    monkeypatch.setattr(small, "CUT", 1e-8)
    monkeypatch.setattr(small, "MOST_SEEN", 3)  # more patches and components than that
    assert compressed_singles(face, candidates, reference, exact) is None
    assert not small.worth_compressing(face, face.singles(candidates), len(candidates))


def test_what_is_dearer_than_the_exact_way_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    face, candidates, _ = landscape(24, 40, 1, 9)
    monkeypatch.setattr(small, "STATE_RATE", 1.0)
    reference, exact = face.state_at(np.zeros(len(face.base))), face.singles(candidates)
    assert compressed_singles(face, candidates, reference, exact) is None
    monkeypatch.setattr(small, "worth_compressing", lambda face, exact, sites: True)
    assert not isinstance(face.singles(candidates, many=True), CompressedSingles)


@pytest.mark.usefixtures("small_leaves")
def test_a_network_that_rounding_made_negative_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotPositiveError):
        edge_tree._root(-np.eye(2))
    face, candidates, _ = landscape(24, 40, 1, 9)

    def fails(*args: Any) -> Any:
        raise NotPositiveError

    monkeypatch.setattr(small, "edge_tree", fails)
    reference = face.state_at(np.zeros(len(face.base)))
    assert compressed_singles(face, candidates, reference, face.singles(candidates)) is None


def test_halves_are_cut_where_few_candidates_are_cut_in_two() -> None:
    place = np.column_stack([np.zeros(100), np.arange(100.0)])
    sets = [np.arange(20, 45), np.arange(45, 70), np.arange(70, 99)]
    child, leaf, edges = halves(place, sets, 40)
    assert (leaf[sets[1]] == leaf[45]).all()
    assert (leaf[sets[2]] == leaf[70]).all()
    assert sorted(np.concatenate(edges).tolist()) == list(range(100))
    assert (child.max(axis=1) < np.arange(len(child))).all()  # children before their parents
    assert len(halves(place[:0], [], 40)[2][0]) == 0


def test_draws_through_a_compressed_network_have_the_gains_of_exact_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    land, patches = pm.samples.tiny()
    sets = [s.interventions for s in pm.candidates(land, "F", length_m=2000)]
    kinds = ("crossing", "trace")
    exact = rank_draws.draw_ranks(land, patches, sets, ["F"], draws=8, vary=kinds)
    made: list[CompressedSingles] = []

    def forced(face: Interface, candidates: Candidates, *, many: bool = False) -> Any:
        made.append(compressed(face, candidates))
        return made[-1]

    monkeypatch.setattr(small, "LEAF_EDGES", 4)
    monkeypatch.setattr(small, "STATE_RATE", np.inf)
    monkeypatch.setattr(rank_draws, "worth_sharing", lambda land, lines: True)
    usual = Interface.singles
    monkeypatch.setattr(
        Interface, "singles", lambda self, c, many=False: forced(self, c) if many else usual(self, c)
    )
    monkeypatch.setattr(rank_draws, "MANY", 8)
    found = rank_draws.draw_ranks(land, patches, sets, ["F"], draws=8, vary=kinds)
    assert made
    np.testing.assert_allclose(found.gains, exact.gains, rtol=1e-8)
    assert np.array_equal(found.ranks, exact.ranks)
