"""Power of thirty monitoring designs against brute force: ``python benchmarks/monitoring_power.py [--draws N] [--from N]``.

The brute force shares no code with the library: beta-binomial and negative binomial numbers of scipy, one data set after the other, tested by
scipy's own Welch or paired test, or, for contrasts of more than two means, by Welch's sums written out for one data set.  Weights of gradients and
staggered designs come from the pseudo-inverse of their regression on places, periods and effect.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np
from scipy import special, stats

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
FADING = (1.0, 0.6, 0.3, 0.1, 0.0)
WIDER: list[dict[str, Any]] = [
    {"design": "gradient", "before": 0.05, "after": 0.30, "per_group": 8, "effort": 20, "icc": 0.1},
    {"design": "gradient", "before": 0.30, "after": 0.60, "per_group": 12, "effort": 10, "icc": 0.1, "lost": 0.3, "doses": FADING},
    {"design": "gradient", "before": 0.1, "after": 0.25, "per_group": 6, "effort": 60, "kind": "rate", "spread": 0.6, "same": True, "kept": 0.6, "doses": FADING},
    {"design": "staggered", "before": 0.05, "after": 0.15, "per_group": 5, "effort": 20, "icc": 0.1, "steps": 3},
    {"design": "staggered", "before": 0.30, "after": 0.40, "per_group": 5, "effort": 20, "icc": 0.1, "same": True, "kept": 0.5, "steps": 4},
    {"design": "staggered", "before": 0.2, "after": 0.45, "control_after": 0.3, "per_group": 5, "effort": 30, "kind": "rate", "spread": 0.7, "steps": 3},
    {"design": "staggered", "before": 0.10, "after": 0.20, "per_group": 6, "effort": 20, "icc": 0.05, "effort_cv": 0.5, "lost": 0.2, "swing": 0.2, "steps": 3},
    {"design": "baci", "before": 0.05, "after": 0.20, "per_group": 8, "effort": 15, "icc": 0.1, "at_site": 3, "site_icc": 0.05},
    {"design": "baci", "before": 0.10, "after": 0.30, "per_group": 10, "effort": 20, "icc": 0.1, "seasons": ((0.6, 1.0), (0.4, 0.3)), "lost": 0.3},
    {"design": "before_after", "before": 0.1, "after": 0.2, "per_group": 10, "effort": 60, "kind": "rate", "spread": 0.5, "swing": 0.3},
]  # fmt: skip
CASES = [*CHANCES, *OTHERS, *WIDER]


def own(case: dict[str, Any], level: float, apart: float, rng: np.random.Generator, normal: float | None) -> float:  # fmt: skip
    """Own chance or rate of one site or cluster."""
    if apart == 0:
        return level
    rate = case.get("kind") == "rate"
    size = apart**-2 if rate else 1 / apart - 1
    if normal is not None:
        rank = special.ndtr(normal)
        return float(special.gammaincinv(size, rank) * level / size if rate else special.betaincinv(level * size, (1 - level) * size, rank))  # fmt: skip
    if rate:
        return float(rng.gamma(size, level / size))
    return float(rng.beta(level * size, (1 - level) * size)) if 0 < level < 1 else level


def share_seen(
    case: dict[str, Any], level: float, rng: np.random.Generator, normal: float | None
) -> float | None:
    """What one animal or camera sees; None where it saw nothing."""
    n, lasted = case["effort"], 1.0
    if case.get("effort_cv"):
        n = rng.gamma(case["effort_cv"] ** -2, n * case["effort_cv"] ** 2)
    if rng.random() < case.get("lost", 0.0):
        lasted = rng.random()
    rate, seasons = case.get("kind") == "rate", case.get("seasons", ((1.0, 1.0),))
    apart = case["spread"] if rate else case["icc"]
    mean = sum(s * f for s, f in seasons)
    if len(seasons) > 1 and normal is None:
        normal = rng.standard_normal()
    crossed, met, begun = 0, 0.0, 0.0
    for share, factor in seasons:
        effort = n * max(0.0, min(lasted - begun, share))
        begun += share
        if rate and normal is None:
            size = apart**-2
            crossed += rng.negative_binomial(size, size / (size + level * factor / mean * effort))
        elif rate:
            crossed += rng.poisson(own(case, level * factor / mean, apart, rng, normal) * effort)
        else:
            effort = round(effort)
            crossed += rng.binomial(effort, own(case, level * factor / mean, apart, rng, normal))
        met += effort
    return crossed / met if met else None


def seen(
    case: dict[str, Any], level: float, k: int, rng: np.random.Generator, normal: Any = None
) -> list[float | None]:
    """Estimates of the clusters, or sites, of one group in one period of one data set."""
    out = []
    for i in range(k):
        rank = None if normal is None else float(normal[i])
        if case.get("at_site", 1) == 1:
            out.append(share_seen(case, level, rng, rank))
            continue
        here = own(case, level, case["site_icc"], rng, rank)
        each = [share_seen(case, here, rng, None) for _ in range(case["at_site"])]
        known = [v for v in each if v is not None]
        out.append(statistics.fmean(known) if known else None)
    return out


def cells(case: dict[str, Any]) -> list[list[tuple[int, float, float]]]:
    """Group by group: period, level and weight of each of its cells."""
    before, after = case["before"], case["after"]
    trend = case.get("control_after", before) - before
    if case["design"] == "gradient":
        doses = case.get("doses", (1.0, 0.5, 0.25, 0.0))
        when = [(g, t, t * d, float(t)) for g, d in enumerate(doses) for t in (0, 1)]
    elif case["design"] == "staggered":
        steps = case["steps"]
        when = [(s, t, float(t > s), t / steps) for s in range(steps) for t in range(steps + 1)]
    else:
        early, late = (0, before, -1.0), (1, after, 1.0)
        quiet = [(0, before, 1.0), (1, before, -1.0)]
        return {"baci": [[early, late], quiet], "before_after": [[early, late]], "control_impact": [[late], quiet[1:]]}[case["design"]]  # fmt: skip
    places, periods = 1 + max(w[0] for w in when), 1 + max(w[1] for w in when)
    design = np.zeros((len(when), places + periods))  # places, periods but the first, effect
    for row, (g, t, dose, _) in enumerate(when):
        design[row, g] = 1
        if t:
            design[row, places + t - 1] = 1
        design[row, -1] = dose
    weight = np.linalg.pinv(design)[-1]
    found: list[list[tuple[int, float, float]]] = [[] for _ in range(places)]
    for w, (g, t, dose, time_) in zip(weight, when, strict=True):
        found[g].append((t, before + trend * time_ + dose * (after - before - trend), float(w)))
    return found


def says_changed(case: dict[str, Any], rng: np.random.Generator) -> bool:
    """Whether the test of one data set says that something changed."""
    k, groups = case["per_group"], []
    wide = float(np.log1p(case.get("swing", 0.0) ** 2)) ** 0.5
    years = [float(np.exp(rng.normal(-(wide**2) / 2, wide))) for _ in range(10)]
    for mine in cells(case):
        levels = [v * years[t] for t, v, _ in mine]
        if case.get("same"):
            like = np.full((len(mine), len(mine)), case["kept"]) + (1 - case["kept"]) * np.eye(len(mine))
            rank = rng.multivariate_normal(np.zeros(len(mine)), like, k)
            each = [seen(case, v, k, rng, rank[:, i]) for i, v in enumerate(levels)]
            pairs = [(u, w) for u, (_, _, w) in zip(each, mine, strict=True)]
            groups.append(([sum(w * u[i] for u, w in pairs) for i in range(k) if all(u[i] is not None for u, _ in pairs)], 1.0))  # type: ignore[misc]  # fmt: skip
        else:
            groups += [([x for x in seen(case, v, k, rng) if x is not None], w) for v, (_, _, w) in zip(levels, mine, strict=True)]  # fmt: skip
    if any(len(v) < 2 for v, _ in groups):
        return False
    if len(groups) == 2 and {abs(w) for _, w in groups} == {1.0} and groups[0][1] != groups[1][1]:
        return bool(stats.ttest_ind(groups[0][0], groups[1][0], equal_var=False).pvalue < 0.05)
    if len(groups) == 1:
        return bool(stats.ttest_1samp(groups[0][0], 0.0).pvalue < 0.05)
    shares = [w**2 * statistics.variance(v) / len(v) for v, w in groups]
    if sum(shares) == 0:
        return False
    free = sum(shares) ** 2 / sum(s**2 / (len(v) - 1) for s, (v, _) in zip(shares, groups, strict=True))
    t = sum(w * statistics.fmean(v) for v, w in groups) / sum(shares) ** 0.5
    return bool(2 * stats.t.sf(abs(t), free) < 0.05)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--draws", type=int, default=10_000)
    options.add_argument("--from", type=int, default=1, dest="first")
    given = options.parse_args()
    worst, ours_s, theirs_s = 0.0, 0.0, 0.0
    for number, case in enumerate(CASES):
        if number + 1 < given.first:
            continue
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
