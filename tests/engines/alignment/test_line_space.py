"""The cheapest line of a limited length against all ways that could be: a search over pairs of cost and length, written plainly."""

from __future__ import annotations

import heapq
import itertools

import numpy as np
import pytest

from permeability.engines.alignment import LineSpace
from permeability.engines.alignment.corner_lines import MOVE_COL, MOVE_LENGTH, MOVE_ROW, turn_angles
from permeability.engines.alignment.line_space import SMALL

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
