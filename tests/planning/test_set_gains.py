"""Gains of sets are asked once and kept small: held against a plain dictionary of sorted tuples."""

from __future__ import annotations

import numpy as np
import pytest

from permeability.planning.set_gains import Answers, Objective
from permeability.planning.set_search import choose


class Counting:
    """A gain that is plain to work out, and how often it was asked."""

    def __init__(self, worth: np.ndarray) -> None:
        self.worth, self.sets, self.rows = worth, 0, 0

    def __call__(self, members: tuple[int, ...]) -> float:
        self.sets += 1
        return float(np.sqrt(self.worth[list(members)].sum()))

    def with_each(self, built: tuple[int, ...], which: list[int]) -> np.ndarray:
        self.rows += 1
        return np.sqrt(self.worth[list(built)].sum() + self.worth[list(which)])


@pytest.mark.parametrize("seed", range(3))
def test_answers_are_those_of_a_dictionary(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gain, plain = Counting(rng.random(30)), {}
    asked = Objective([gain, lambda s: float(len(s))], [1.0, 0.1])
    for _ in range(200):
        built = tuple(sorted(rng.choice(30, int(rng.integers(0, 12)), replace=False).tolist()))
        which = [k for k in rng.choice(30, 8, replace=False).tolist() if k not in built]
        shuffled = rng.permutation(built).tolist()
        if rng.random() < 0.3:
            found = {built: asked(shuffled)}
        elif built and rng.random() < 0.5:
            less = rng.permutation(built)[:3].tolist()
            found = {
                tuple(j for j in built if j != k): v for k, v in zip(less, asked.without_each(shuffled, less))
            }
        else:
            found = {tuple(sorted((*built, k))): v for k, v in zip(which, asked.with_each(shuffled, which))}
        for members, value in found.items():
            plain.setdefault(members, np.sqrt(gain.worth[list(members)].sum()) + 0.1 * len(members))
            assert value == pytest.approx(plain[members], rel=1e-12)
        if rng.random() < 0.1:  # sets that come later are counted as well, and so are other costs
            assert len(asked.known.spent(gain.worth)) == len(asked.known.spent(2 * gain.worth)) == len(plain)
    known = asked.known
    assert {known.members(i) for i in range(len(known))} == set(plain)
    assert len(known) == len(plain)
    by_number = dict(zip((known.members(i) for i in range(len(known))), asked.known_values()))
    assert all(by_number[m] == pytest.approx(v, rel=1e-12) for m, v in plain.items())
    spent = known.spent(gain.worth)
    assert all(spent[i] == pytest.approx(gain.worth[list(known.members(i))].sum()) for i in range(len(known)))


def test_a_set_is_asked_once_and_never_again_of_answers_that_were_kept() -> None:
    gain = Counting(np.arange(1.0, 8.0))
    asked = Objective([gain])
    asked.with_each((1, 2), [3, 4])
    asked((4, 2, 1)), asked.with_each((2, 1), [4, 3])
    assert (gain.sets, gain.rows) == (0, 1)
    again = Objective([gain])
    again.known = Answers.of(asked.known.told())
    assert again((1, 2, 3)) == asked((3, 2, 1))
    assert (gain.sets, gain.rows) == (0, 1)
    assert np.array_equal(again.known.gains, asked.known.gains)


def test_a_choice_from_kept_answers_is_the_same_choice() -> None:
    rng = np.random.default_rng(1)
    gain, cost = Counting(rng.random(40)), rng.random(40)
    first = Objective([gain])
    plan = choose(first, cost, 4.0)
    second, before = Objective([gain]), (gain.sets, gain.rows)
    second.known = Answers.of(first.known.told())
    again = choose(second, cost, 4.0)
    assert (again.members, again.gain) == (plan.members, plan.gain)
    assert (gain.sets, gain.rows) == before
    assert again.near_best.equals(plan.near_best)
    assert again.methods.equals(plan.methods)


def test_answers_that_are_known_already_are_kept_once_and_as_they_were() -> None:
    known = Answers()
    names = known.names_with((1,), [2, 3])
    known.add((1,), [2, 3], names, np.array([[5.0], [6.0]]))
    known.add((1,), [3, 2], names[::-1], np.array([[7.0], [8.0]]))
    assert len(known) == 2
    assert known.gains.tolist() == [[5.0], [6.0]]
    assert known.told()[3].tolist() == [[1, 2]]  # one built set, with two more each


def test_answers_of_many_built_sets_come_back_as_they_were() -> None:
    rng = np.random.default_rng(8)
    known = Answers()
    for _ in range(30):
        built = tuple(sorted(rng.choice(12, rng.integers(0, 6), replace=False).tolist()))
        which = rng.integers(0, 12, 4).tolist()
        known.add(built, which, known.names_with(built, which), rng.normal(size=(4, 2)))
    again = Answers.of(known.told())
    assert [again.members(n) for n in range(len(again))] == [known.members(n) for n in range(len(known))]
    np.testing.assert_array_equal(again.gains, known.gains)
    assert len(Answers.of(Answers().told())) == 0
