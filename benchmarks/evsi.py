"""Value of a planned pilot beside nested Monte Carlo, value and time: ``python benchmarks/evsi.py``.

Three invented candidates: the gain of one hangs on a crossing chance, of one on another number, of one on nothing.  Nested Monte Carlo draws a
truth and the result that it gives; for every result anew draws of all numbers, weighed by how likely they make it; the best mean gain less that of the
choice made now.  Results are drawn until the value is known to 5 % (95 % interval), with as many draws inside as the ranking holds; gains are a formula
here, so that no solve is counted against it.
"""

from __future__ import annotations

import time
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from permeability.core.estimate import Estimate
from permeability.monitoring import Pilot, value_of_information
from permeability.monitoring.pilot_evidence import log_likelihood
from permeability.ranking import rank_statistics
from permeability.ranking.drawing import quantiles
from permeability.ranking.held_draws import HeldRanking
from permeability.ranking.ranked_draws import RankDraws
from permeability.ranking.unknown_numbers import Unknown
from permeability.species import species

CHANCE = Estimate(0.05, 0.4, 0.9)
DRAWS = 4000
CASES: list[dict[str, Any]] = [
    {"met": 10, "animals": 10, "icc": 0.0, "site_icc": 0.0},
    {"met": 10, "animals": 5, "icc": 0.1, "site_icc": 0.05},
    {"met": 4, "animals": 1, "icc": 0.1, "site_icc": 0.0},
    {"met": 30, "animals": 6, "icc": 0.2, "site_icc": 0.1},
    {"met": 20, "animals": 20, "icc": 0.1, "site_icc": 0.2},
]


def gains_of(p: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Gain of the three candidates in every draw."""
    return np.column_stack([2 * p, 0.4 + 0.8 * b, np.full(len(p), 0.75)])


def held() -> HeldRanking:
    """A ranking of them with its draws."""
    u = quantiles(["crossing.stock", "b"], DRAWS, 1)
    p = CHANCE.draw(u["crossing.stock"].to_numpy())
    gains = gains_of(p, u["b"].to_numpy())
    numbers = [Unknown.of("crossing.stock", "crossing", "chance", CHANCE), Unknown.of("b", "traffic", "b", Estimate(0, 0.5, 1))]  # fmt: skip
    drawn = RankDraws(u, gains, rank_statistics.ranks(gains), numbers, today=pd.DataFrame({"mean_conductance": np.ones(DRAWS)}))  # fmt: skip
    table = gpd.GeoDataFrame({
        "id": ["A", "B", "C"], "line": "F", "km_from": [0.0, 2.0, 4.0], "length_km": 2.0, "gain_mean_conductance": [0.8, 0.8, 0.75],
        "gain_reachable_km2": 0.0, "cost_usd": 1000.0, "geometry": [None] * 3,
    })  # fmt: skip
    use = np.column_stack([p, np.ones(DRAWS), np.ones(DRAWS)])
    return HeldRanking(
        table,
        ("A", "B", "C"),
        drawn,
        use,
        (("crossing.stock",), (), ()),
        species("khulan"),
        today=1.0,
    )


def result(case: dict[str, Any], rng: np.random.Generator) -> int:
    """Crossings of one pilot: a truth, its opening, its animals."""

    def own(mean: float, like: float) -> float:
        size = 1 / like - 1 if like else 0.0
        return float(rng.beta(mean * size, (1 - mean) * size)) if like and 0 < mean < 1 else mean

    opening = own(float(CHANCE.draw(np.array([rng.random()]))[0]), case["site_icc"])
    each, more = divmod(case["met"], case["animals"])
    return sum(int(rng.binomial(each + (a < more), own(opening, case["icc"]))) for a in range(case["animals"]))  # fmt: skip


def nested(
    case: dict[str, Any], rng: np.random.Generator, within: float = 0.05, least: int = 400
) -> tuple[float, float, int]:
    """Value, half of its 95 % interval, and how many results it took."""
    now = int(gains_of(CHANCE.draw(rng.random(1_000_000)), rng.random(1_000_000)).mean(axis=0).argmax())
    seen: list[float] = []
    while True:
        pilot = Pilot(site="A", crossed=result(case, rng), **case)
        p, b = CHANCE.draw(rng.random(DRAWS)), rng.random(DRAWS)
        likely = np.exp(log_likelihood(pilot, p))
        mean = likely @ gains_of(p, b) / likely.sum()
        seen.append(float(mean.max() - mean[now]))
        if len(seen) >= least and len(seen) % 50 == 0:
            half = 1.96 * float(np.std(seen, ddof=1)) / len(seen) ** 0.5
            if half <= within * float(np.mean(seen)):
                return float(np.mean(seen)), half, len(seen)


def main() -> None:
    kept = held()
    value_of_information(kept, [{"site": "A", **CASES[0]}])  # what is loaded once is not counted
    for number, case in enumerate(CASES):
        begun = time.process_time()
        for _ in range(10):
            ours = float(value_of_information(kept, [{"site": "A", **case}]).pilots["evsi"].iloc[0])
        mine = (time.process_time() - begun) / 10
        begun = time.process_time()
        value, half, many = nested(case, np.random.default_rng(number))
        theirs = time.process_time() - begun
        print(
            f"{number + 1} {ours:.4f} {value:.4f} +- {half:.4f} ({many} results), {100 * (ours / value - 1):+.1f} %; "
            f"{1000 * mine:.1f} ms against {theirs:.1f} s of processor: 1/{theirs / mine:.0f}   {case}", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
