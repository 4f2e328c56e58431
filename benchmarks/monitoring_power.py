"""Power of twenty monitoring designs against brute force: ``python benchmarks/monitoring_power.py [--draws N]``.

The brute force shares nothing with the library: beta-binomial and negative binomial numbers of scipy, one data set after the other, tested by
scipy's own Welch or paired test, or, for before-after-control-impact, by Welch's sums written out for one data set.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np
from scipy import stats

from permeability.monitoring import power

CHANCES: list[dict[str, Any]] = [
    {"design": d, "before": b, "after": a, "per_group": k, "effort": n, "icc": i}
    for d, b, a, k, n, i in (
        ("baci", 0.05, 0.30, 8, 20, 0.1), ("baci", 0.05, 0.30, 4, 20, 0.02), ("baci", 0.01, 0.10, 8, 20, 0.02), ("baci", 0.30, 0.45, 25, 20, 0.02),
        ("baci", 0.30, 0.60, 25, 5, 0.1), ("baci", 0.05, 0.15, 20, 20, 0.02), ("before_after", 0.05, 0.30, 6, 20, 0.1),
        ("before_after", 0.01, 0.10, 10, 100, 0.1), ("before_after", 0.30, 0.45, 40, 5, 0.02), ("control_impact", 0.05, 0.15, 30, 20, 0.1),
        ("control_impact", 0.30, 0.60, 15, 20, 0.25), ("control_impact", 0.05, 0.05, 10, 20, 0.1),
    )
]  # fmt: skip
OTHERS: list[dict[str, Any]] = [
    {"design": "before_after", "before": 0.05, "after": 0.20, "per_group": 12, "effort": 20, "icc": 0.1, "same": True, "kept": 0.5},
    {"design": "baci", "before": 0.30, "after": 0.60, "per_group": 8, "effort": 20, "icc": 0.1, "same": True, "kept": 0.8},
    {"design": "baci", "before": 0.05, "after": 0.30, "per_group": 10, "effort": 20, "icc": 0.1, "lost": 0.3},
    {"design": "before_after", "before": 0.10, "after": 0.30, "per_group": 12, "effort": 20, "icc": 0.1, "effort_cv": 0.6},
    {"design": "baci", "before": 0.2, "after": 0.5, "per_group": 12, "effort": 30, "kind": "rate", "spread": 0.5},
    {"design": "control_impact", "before": 0.2, "after": 0.4, "per_group": 15, "effort": 60, "kind": "rate", "spread": 1.0},
    {"design": "before_after", "before": 0.05, "after": 0.10, "per_group": 20, "effort": 90, "kind": "rate", "spread": 0.5, "lost": 0.2},
    {"design": "baci", "before": 0.1, "after": 0.3, "per_group": 8, "effort": 60, "kind": "rate", "spread": 0.7, "same": True, "kept": 0.6},
]  # fmt: skip
CASES = [*CHANCES, *OTHERS]


def seen(
    case: dict[str, Any], level: float, k: int, rng: np.random.Generator, normal: np.ndarray | None = None
) -> list[float]:
    """Estimates of the clusters of one group in one data set."""
    out = []
    for i in range(k):
        n = case["effort"]
        if case.get("effort_cv"):
            n = rng.gamma(case["effort_cv"] ** -2, n * case["effort_cv"] ** 2)
        if rng.random() < case.get("lost", 0.0):
            n = n * rng.random()
        if case.get("kind") == "rate":
            size = case["spread"] ** -2
            if normal is None:
                x = rng.negative_binomial(size, size / (size + level * n))
            else:
                x = rng.poisson(stats.gamma.ppf(stats.norm.cdf(normal[i]), size) / size * level * n)
        else:
            n, size = round(n), 1 / case["icc"] - 1
            if n == 0:
                continue
            chance = (
                rng.beta(level * size, (1 - level) * size)
                if normal is None
                else stats.beta.ppf(stats.norm.cdf(normal[i]), level * size, (1 - level) * size)
            )
            x = rng.binomial(n, chance)
        out.append(x / n)
    return out


def says_changed(case: dict[str, Any], rng: np.random.Generator) -> bool:
    """Whether the test of one data set says that something changed."""
    k, before, after = case["per_group"], case["before"], case["after"]
    if case["design"] == "control_impact":
        groups = [(seen(case, after, k, rng), 1), (seen(case, before, k, rng), -1)]
    elif case.get("same"):
        groups = []
        for late, sign in ((after, 1), (before, -1))[: 2 if case["design"] == "baci" else 1]:
            pair = rng.multivariate_normal([0, 0], [[1, case["kept"]], [case["kept"], 1]], k)
            a, b = (seen(case, v, k, rng, z) for v, z in ((before, pair[:, 0]), (late, pair[:, 1])))
            groups.append(([y - x for x, y in zip(a, b, strict=True)], sign))
    else:
        groups = [(seen(case, after, k, rng), 1), (seen(case, before, k, rng), -1)]
        if case["design"] == "baci":
            groups += [(seen(case, before, k, rng), -1), (seen(case, before, k, rng), 1)]
    if len(groups) == 2:
        return bool(stats.ttest_ind(groups[0][0], groups[1][0], equal_var=False).pvalue < 0.05)
    if len(groups) == 1:
        return bool(stats.ttest_1samp(groups[0][0], 0.0).pvalue < 0.05)
    shares = [statistics.variance(v) / len(v) for v, _ in groups]
    if sum(shares) == 0:
        return False
    free = sum(shares) ** 2 / sum(s**2 / (len(v) - 1) for s, (v, _) in zip(shares, groups, strict=True))
    t = sum(sign * statistics.fmean(v) for v, sign in groups) / sum(shares) ** 0.5
    return bool(2 * stats.t.sf(abs(t), free) < 0.05)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--draws", type=int, default=10_000)
    given = options.parse_args()
    worst, ours_s, theirs_s = 0.0, 0.0, 0.0
    for number, case in enumerate(CASES):
        rng, begun = np.random.default_rng(number), time.process_time()
        with np.errstate(all="ignore"):
            brute = 100 * float(np.mean([says_changed(case, rng) for _ in range(given.draws)]))
        theirs_s, begun = theirs_s + time.process_time() - begun, time.process_time()
        ours = 100 * power(**case).power
        ours_s += time.process_time() - begun
        worst = max(worst, abs(ours - brute))
        print(f"{number + 1:2d} {ours:6.1f} {brute:6.1f} {ours - brute:+5.1f}  {case}", flush=True)
    print(f"largest difference {worst:.1f} points; {ours_s:.1f} s against {theirs_s:.0f} s of processor")


if __name__ == "__main__":
    main()
