"""The cheapest line of a limited length against all ways that could be: a search over pairs of cost and length, written plainly."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from permeability.engines.alignment import LineSpace, line_space
from permeability.engines.alignment.corner_lines import MOVE_COL, MOVE_LENGTH, MOVE_ROW, turn_angles
from permeability.engines.alignment.line_space import SMALL, Priced, bounds_of

SIDE = 21  # corners: beyond the size up to which everything is looked at


def cheapest_of_all(cost, allowed, stops, most, max_turn=None) -> float:
    """Least cost of a line not longer than ``most``: of every state all pairs that no other one beats in both."""
    turns = turn_angles()
    kept: dict[tuple, list[tuple[float, float]]] = {}
    queue = [(0.0, 0.0, stops[0], 0, -1)]
    while queue:
        total, length, at, stage, came = heapq.heappop(queue)
        if stage == len(stops) - 1:
            return total
        key = (at, stage, came if max_turn is not None else -1)
        if any(a <= total and b <= length for a, b in kept.get(key, [])):
            continue
        kept.setdefault(key, []).append((total, length))
        for m in range(16):
            if max_turn is not None and came >= 0 and turns[came, m] > max_turn + 1e-9:
                continue
            to = (at[0] + int(MOVE_ROW[m]), at[1] + int(MOVE_COL[m]))
            if not (0 <= to[0] < allowed.shape[0] and 0 <= to[1] < allowed.shape[1]):
                continue
            if not (allowed[to] or to in stops) or not np.isfinite(cost[m][at]):
                continue
            then = stage + (to == stops[stage + 1])
            left = [to, *stops[then + 1 :]]
            rest = sum(np.hypot(a[0] - b[0], a[1] - b[1]) for a, b in itertools.pairwise(left))
            if length + MOVE_LENGTH[m] + rest <= most + 1e-9:
                heapq.heappush(queue, (total + float(cost[m][at]), length + MOVE_LENGTH[m], to, then, m))
    return np.inf


def case(seed: int) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int]]]:
    rng = np.random.default_rng(seed)
    cost = np.exp(1.5 * rng.standard_normal((SIDE, SIDE)))[None] * MOVE_LENGTH[:, None, None] * rng.uniform(0.5, 2, (16, 1, 1))  # fmt: skip
    cost[rng.random(cost.shape) < 0.05] = np.inf
    allowed = rng.random((SIDE, SIDE)) > 0.1
    stops = [(2, 3), (11, 8), (17, 18)] if seed % 2 else [(2, 3), (17, 18)]
    return cost.astype(np.float32).astype(float), allowed, stops


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("stretch", [1.05, 1.2, 2.0])
def test_no_line_of_the_length_is_cheaper(seed: int, stretch: float) -> None:
    cost, allowed, stops = case(seed)
    assert allowed.size > SMALL
    space = LineSpace(stops, allowed, 0.0)
    space = LineSpace(stops, allowed, stretch * space.straight)
    best = cheapest_of_all(cost, allowed, stops, space.most)
    line, found = space.cheapest(cost)
    if not np.isfinite(best):
        assert line is None
        return
    assert line is not None
    at = line.corners[:-1]
    assert cost[line.moves, at[:, 0], at[:, 1]].sum() == pytest.approx(found, rel=1e-6)
    assert best * (1 - 1e-6) <= found <= 1.001 * best  # a layer of lengths keeps one way to each corner
    assert line.length <= space.most + 1e-9
    inner = line.corners[1:-1]
    assert all(allowed[r, c] or (r, c) in stops for r, c in inner.tolist())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_few_turns_hold_and_cost_little_more_than_they_must(seed: int) -> None:
    cost, allowed, stops = case(seed)
    space = LineSpace(stops, allowed, 1.5 * LineSpace(stops, allowed, 0.0).straight, max_turn=46.0)
    line, found = space.cheapest(cost)
    best = cheapest_of_all(cost, allowed, stops, space.most, 46.0)
    assert line is not None
    assert line.largest_turn <= 46.0 + 1e-9
    assert line.length <= space.most + 1e-9
    assert best * (1 - 1e-6) <= found <= 1.001 * best


def legs_of(*lines: tuple[float, float]) -> SimpleNamespace:
    """Lines by cost and length; of those the cheapest at a price, the shorter where two are as dear."""
    priced = [Priced(np.array([k]), *line) for k, line in enumerate(lines)]

    def line(share: float, price: float) -> Priced:
        return min(priced, key=lambda p: (share * p.cost + price * p.length, p.length))

    return SimpleNamespace(line=line)


def test_bounds_from_prices_on_length() -> None:
    """The cheapest line is too long: what lies on the lower hull is found, and what does not is bounded from below."""
    hull = bounds_of(legs_of((9.0, 1.0), (4.0, 2.0), (1.0, 5.0)), 2.0)
    assert (hull.line.cost, hull.low) == (4.0, pytest.approx(4.0))
    within = bounds_of(legs_of((9.0, 1.0), (8.0, 2.0), (1.0, 5.0)), 2.0)  # the middle one is above the hull
    assert within.line.cost == 9.0
    assert within.low == pytest.approx(7.0)  # on the straight between the two others
    assert bounds_of(legs_of((9.0, 3.0)), 2.0) is None
    assert bounds_of(legs_of((9.0, 3.0), (1.0, 5.0)), 5.0) == (1.0, 0.0, (np.array([1]), 1.0, 5.0))


def test_bounds_hold_after_however_few_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [(1.0 / x, x) for x in np.linspace(1.0, 9.0, 200)]
    best = min(c for c, x in lines if x <= 3.0)
    for prices in (1, 2, 12):
        monkeypatch.setattr(line_space, "PRICES", prices)
        found = bounds_of(legs_of(*lines), 3.0)
        assert found.low <= best <= found.line.cost
        assert found.line.length <= 3.0
    assert found.line.cost == pytest.approx(best, rel=0.02)


def test_a_line_that_is_no_dearer_than_the_cheapest_one_is_taken() -> None:
    """The search by cost alone may hand out a longer one of the same cost, which no price on length makes better."""
    short, long = Priced(np.array([0]), 4.0, 1.0), Priced(np.array([1]), 4.0, 5.0)
    found = bounds_of(SimpleNamespace(line=lambda share, price: long if share else short), 2.0)
    assert found.line is short
    assert (found.low, found.price) == (4.0, 0.0)


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_without_the_memory_for_all_lengths_the_line_keeps_the_limit_and_is_no_dearer_than_the_shortest(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    cost, allowed, stops = case(seed)
    space = LineSpace(stops, allowed, 1.2 * LineSpace(stops, allowed, 0.0).straight)
    best = cheapest_of_all(cost, allowed, stops, space.most)
    monkeypatch.setattr(line_space, "MOST_BYTES", 0.0)
    for one in (space, replace(space, max_turn=180.0)):
        line, found = one.cheapest(cost)
        assert line is not None
        at = line.corners[:-1]
        assert cost[line.moves, at[:, 0], at[:, 1]].sum() == pytest.approx(found, rel=1e-6)
        assert found >= best * (1 - 1e-6)
        assert line.length <= space.most + 1e-9
        short = space.cheapest(np.where(np.isfinite(cost), MOVE_LENGTH[:, None, None], np.inf))[0]
        at = short.corners[:-1]
        assert found <= cost[short.moves, at[:, 0], at[:, 1]].sum() * (1 + 1e-6)


def test_wider_layers_of_length_keep_the_limit_on_small_grids_too(monkeypatch: pytest.MonkeyPatch) -> None:
    cost, allowed, stops = case(4)
    part = np.s_[..., :19, :19]
    space = LineSpace(stops, allowed[:19, :19], 1.3 * LineSpace(stops, allowed, 0.0).straight)
    assert space.allowed.size <= SMALL
    fine = space.cheapest(cost[part])[1]
    monkeypatch.setattr(line_space, "MOST_BYTES", 0.0)
    line, found = space.cheapest(cost[part])
    assert line.length <= space.most + 1e-9
    assert fine * (1 - 1e-6) <= found <= 1.2 * fine
