"""Pilots: beliefs against adaptive quadrature and closed forms, weights against Bayes by hand, regression to the mean against simulated sites,
the value of information against nested Monte Carlo."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

import permeability as pm
from permeability.core.errors import OptionError
from permeability.core.estimate import Estimate
from permeability.locale.language import words
from permeability.monitoring import Pilot, regression_to_mean, update, value_of_information
from permeability.monitoring.beliefs import ChanceBelief, RateBelief, posterior
from permeability.monitoring.pilot_evidence import (
    chance_counts,
    log_likelihood,
    mixed_over_sites,
    pilots_of,
    site_nodes,
)
from permeability.monitoring.pilot_update import pilot_weights, seen_by, worth_of_draws
from permeability.monitoring.update_page import update_page
from permeability.ranking import rank_statistics
from permeability.ranking.drawing import quantiles
from permeability.ranking.held_draws import HeldRanking, from_arrays, held, to_arrays
from permeability.ranking.ranked_draws import RankDraws
from permeability.ranking.unknown_numbers import Unknown
from permeability.species import species

KHULAN = species("khulan")
GAPS = {
    "khulan gap": (0.02, 0.15, 0.5),
    "khulan rail": (0.1, 0.5, 0.9),
    "gazelle fence": (0.0, 0.01, 0.05),
    "gazelle gap": (0.2, 0.45, 0.8),
}


# ---------------------------------------------------------------- beliefs
@pytest.mark.parametrize("ends", GAPS.values(), ids=GAPS)
@pytest.mark.parametrize(("x", "n", "icc"), [(0, 10, 0.0), (8, 10, 0.1), (3, 40, 0.3)])
def test_posterior_equals_adaptive_quadrature(
    ends: tuple[float, float, float], x: int, n: int, icc: float
) -> None:
    belief = ChanceBelief.of(Estimate(*ends))
    seen = Pilot(number="n", crossed=x, met=n, icc=icc, site_icc=0.0)
    found = posterior(belief, lambda p, q: log_likelihood(seen, p, q))

    def height(t: float) -> float:  # in log odds, one value at a time, with scipy's own distributions
        p = special.expit(t)
        if icc == 0:
            chance = stats.binom.pmf(x, n, p)
        else:
            s = (1 - icc) / icc
            chance = stats.betabinom.pmf(x, n, max(p * s, 1e-300), max(special.expit(-t) * s, 1e-300))
        return float(special.xlogy(belief.a, p) and p**belief.a * special.expit(-t) ** belief.b * chance)

    def whole(f: object, to: float = 60.0) -> float:
        cuts = sorted({-400.0, -100.0, -40.0, -15.0, -8.0, -4.0, -2.0, 0.0, 2.0, 4.0, 8.0, 15.0, 60.0} | {to})
        return sum(
            integrate.quad(f, a, b, epsabs=0, epsrel=1e-11, limit=400)[0] for a, b in itertools.pairwise(cuts) if b <= to
        )  # fmt: skip

    total = whole(height)
    mean = whole(lambda t: special.expit(t) * height(t)) / total
    assert found.mean == pytest.approx(mean, abs=1e-6)
    for level, value in ((0.05, found.low), (0.5, found.median), (0.95, found.high)):
        assert whole(height, float(special.logit(value))) / total == pytest.approx(level, abs=1e-6)
    evidence = math.log(total) - special.betaln(belief.a, belief.b)
    assert found.log_evidence == pytest.approx(evidence, abs=1e-6)


def test_conjugate_cases_have_their_closed_form() -> None:
    found = posterior(ChanceBelief(1.5, 2.5), lambda p, q: 3 * np.log(p) + 9 * np.log(q))
    exact = stats.beta(4.5, 11.5)
    got = (found.mean, found.sd, found.low, found.median, found.high, found.below(0.3))
    want = (exact.mean(), exact.std(), *exact.ppf([0.05, 0.5, 0.95]), exact.cdf(0.3))
    np.testing.assert_allclose(got, want, atol=1e-9)
    rate = posterior(
        RateBelief(2.0, 3.0), lambda r, _: log_likelihood(Pilot(number="n", crossed=4, km=7.0, spread=0.0), r)
    )
    exact = stats.gamma(6.0, scale=1 / 10.0)
    np.testing.assert_allclose(
        (rate.mean, rate.low, rate.high), (exact.mean(), *exact.ppf([0.05, 0.95])), atol=1e-9
    )


def test_gamma_poisson_equals_adaptive_quadrature() -> None:
    belief = RateBelief.of_cost(Estimate(0.2, 0.5, 2.0, "km"))
    seen = Pilot(number="n", crossed=3, km=12.0, animals=2, spread=0.6)
    found = posterior(belief, lambda r, _: log_likelihood(seen, r))
    size = 2 / 0.36

    def height(r: float) -> float:
        return float(
            stats.gamma.pdf(r, belief.shape, scale=1 / belief.km)
            * stats.nbinom.pmf(3, size, size / (size + 12 * r))
        )

    total = integrate.quad(height, 0, 40, epsabs=0, epsrel=1e-11, limit=500)[0]
    mean = integrate.quad(lambda r: r * height(r), 0, 40, epsabs=0, epsrel=1e-11, limit=500)[0] / total
    assert found.mean == pytest.approx(mean, abs=1e-6)


def test_what_profiles_are_worth_as_measured_before() -> None:
    """The measured table of `next_capabilities.md`: a range from 0.1 to 0.9 is a beta (1.53, 1.53); none of ten leaves 0.117, up to 0.331."""
    belief = ChanceBelief.of(KHULAN.crossing["rail_unfenced"])
    assert (round(belief.a, 2), round(belief.b, 2)) == (1.53, 1.53)
    after = posterior(belief, lambda p, q: 10 * np.log(q))
    assert (round(after.mean, 3), round(after.high, 3)) == (
        0.117,
        stats.beta(belief.a, belief.b + 10).ppf(0.95).round(3),
    )


def test_the_share_below_a_node_is_exact_as_well() -> None:
    after = posterior(ChanceBelief(2.0, 3.0), lambda p, q: np.zeros_like(p))
    node = float(after.values[len(after.values) // 2])
    assert after.below(node) == pytest.approx(stats.beta(2, 3).cdf(node), abs=1e-8)


def test_what_cannot_be_believed_or_moved_is_refused() -> None:
    belief = ChanceBelief.drawn(Estimate(0.1, 0.3, 0.8))
    with pytest.raises(OptionError, match="U21"):
        posterior(belief, lambda p, q: np.where(p > 0.9, 0.0, -np.inf))
    with pytest.raises(OptionError, match=r"U22.*0\.4 has no range"):
        ChanceBelief.of(Estimate(0.4, 0.4, 0.4))


def test_drawn_belief_is_what_a_ranking_draws() -> None:
    e = Estimate(0.1, 0.3, 0.8)
    belief = ChanceBelief.drawn(e)
    after = posterior(belief, lambda p, q: np.zeros_like(p))
    np.testing.assert_allclose((after.low, after.median, after.high), e.draw([0.05, 0.5, 0.95]), atol=1e-8)


# ---------------------------------------------------------------- likelihoods
def test_counts_of_several_animals_equal_drawn_animals() -> None:
    rng, n, k, icc = np.random.default_rng(4), 11, 3, 0.3
    s = (1 - icc) / icc
    drawn = sum(rng.binomial(m, rng.beta(0.4 * s, 0.6 * s, 200_000)) for m in (4, 4, 3))
    share = np.bincount(drawn, minlength=n + 1) / 200_000
    np.testing.assert_allclose(chance_counts([0.4], n, k, icc)[0], share, atol=4 * math.sqrt(0.25 / 200_000))


@pytest.mark.parametrize(("n", "k"), [(7, 3), (11, 3), (8, 2)])
def test_animals_that_do_not_resemble_themselves_are_one_binomial(n: int, k: int) -> None:
    np.testing.assert_allclose(
        chance_counts([0.4], n, k, 0.0)[0], stats.binom.pmf(range(n + 1), n, 0.4), rtol=1e-10
    )


@pytest.mark.parametrize("p", [0.02, 0.3, 0.97])
def test_openings_of_a_kind_are_mixed_exactly(p: float) -> None:
    row = Pilot(number="n", crossed=0, met=9, animals=2, icc=0.2, site_icc=0.15)
    got = mixed_over_sites([p], row)[0]
    s = (1 - 0.15) / 0.15
    a, b = p * s, (1 - p) * s
    for x in (0, 4, 9):

        def height(t: float, x: int = x) -> float:
            q, r = special.expit(t), special.expit(-t)
            return float(chance_counts([q], 9, 2, 0.2, [r])[0, x] * q**a * r**b / special.beta(a, b))

        want = sum(
            integrate.quad(height, lo, hi, epsabs=0, epsrel=1e-10, limit=300)[0]
            for lo, hi in ((-300, -20), (-20, 0), (0, 20), (20, 300))
        )
        assert got[x] == pytest.approx(want, rel=1e-7)
    assert got.sum() == pytest.approx(1, abs=1e-12)


def test_the_best_of_several_says_less() -> None:
    p = np.linspace(0.01, 0.99, 99)
    one = Pilot(number="n", crossed=8, met=10)
    alone, best = (np.exp(log_likelihood(replace(one, best_of=k), p)) for k in (1, 6))
    assert (p * best).sum() / best.sum() < (p * alone).sum() / alone.sum()
    rng = np.random.default_rng(0)
    s, t = 19.0, 9.0  # of openings, of the one animal at each
    own = rng.beta(0.5 * s, 0.5 * s, (100_000, 6))
    seen = rng.binomial(10, rng.beta(own * t, (1 - own) * t)).max(axis=1)
    assert np.exp(log_likelihood(replace(one, best_of=6), [0.5]))[0] == pytest.approx(
        (seen == 8).mean(), abs=0.006
    )


@pytest.mark.parametrize("spread", [0.0, 0.6])
def test_the_best_of_several_rates_is_the_highest_count_of_them(spread: float) -> None:
    row = Pilot(number="n", crossed=4, km=7.0, animals=2, spread=spread, best_of=5)
    rate = 0.5
    size = 2 / 0.36
    counts = stats.nbinom(size, size / (size + 7 * rate)) if spread else stats.poisson(7 * rate)
    want = counts.cdf(4) ** 5 - counts.cdf(3) ** 5
    assert np.exp(log_likelihood(row, [rate]))[0] == pytest.approx(want, rel=1e-9)


def test_certain_chances_do_not_break() -> None:
    row = Pilot(number="n", crossed=0, met=5)
    assert np.exp(log_likelihood(row, [0.0, 1.0])).tolist() == [1.0, 0.0]


def test_every_fault_of_every_row_is_told() -> None:
    rows = [
        {"site": "A", "crossed": 11, "met": 10},
        {"site": "A", "number": "n", "crossed": 1, "met": 2},
        {"site": "B", "crosed": 1, "met": 2},
    ]
    with pytest.raises(OptionError, match="U20") as error:
        pilots_of(rows)
    assert len(error.value.details) == 3
    with pytest.raises(OptionError, match="U20") as error:
        pilots_of([])
    assert error.value.details == {"1": "no row"}


# ---------------------------------------------------------------- a ranking by hand
def invented(draws: int = 4000, seed: int = 1) -> HeldRanking:
    """Three candidates: one hangs on a chance, one on another number, one on nothing."""
    e = Estimate(0.05, 0.4, 0.9)
    u = quantiles(["crossing.stock", "b"], draws, seed)
    p, b = e.draw(u["crossing.stock"].to_numpy()), u["b"].to_numpy()
    gains = np.column_stack([2 * p, 0.4 + 0.8 * b, np.full(draws, 0.75)])
    numbers = [
        Unknown.of("crossing.stock", "crossing", "chance", e),
        Unknown.of("b", "traffic", "b", Estimate(0, 0.5, 1)),
    ]
    drawn = RankDraws(
        u,
        gains,
        rank_statistics.ranks(gains),
        numbers,
        today=pd.DataFrame({"mean_conductance": np.ones(draws)}),
    )
    table = gpd.GeoDataFrame({
        "id": ["A", "B", "C"], "line": "F", "km_from": [0.0, 2.0, 4.0], "length_km": 2.0, "gain_mean_conductance": [0.8, 0.8, 0.75],
        "gain_reachable_km2": 0.0, "cost_usd": 1000.0, "geometry": [None] * 3,
    })  # fmt: skip
    kept = HeldRanking(
        table,
        ("A", "B", "C"),
        drawn,
        np.column_stack([p, np.ones(draws), np.ones(draws)]),
        (("crossing.stock",), (), ()),
        KHULAN,
        today=1.0,
    )
    return replace(kept, table=kept.reweighted(np.ones(draws)))


def test_weights_of_one_are_the_ranking_and_whole_weights_are_repeated_draws() -> None:
    kept = invented(60)
    times = np.random.default_rng(0).integers(0, 4, 60)
    again = np.repeat(np.arange(60), times)
    one = rank_statistics.rank_table(kept.draws.gains, top=1, weights=times)
    two = rank_statistics.rank_table(kept.draws.gains[again], top=1)
    pd.testing.assert_frame_equal(one, two)
    plain, ones = (
        rank_statistics.rank_table(kept.draws.gains, top=1),
        rank_statistics.rank_table(kept.draws.gains, top=1, weights=np.ones(60)),
    )
    pd.testing.assert_frame_equal(plain, ones)
    assert rank_statistics.together(kept.draws.gains, weights=times) == rank_statistics.together(
        kept.draws.gains[again]
    )


def test_none_of_ten_and_eight_of_ten_move_the_ranking_as_bayes_says() -> None:
    kept = invented()
    belief = ChanceBelief.drawn(Estimate(0.05, 0.4, 0.9))
    for crossed, rank in ((0, 3), (8, 1)):
        row = Pilot(site="A", crossed=crossed, met=10, animals=5)
        done = update(kept, [row])
        exact = posterior(belief, lambda p, q, row=row: log_likelihood(row, p, q))
        at = done.ranking.set_index("id")
        assert at.loc["A", "gain_expected"] == pytest.approx(2 * exact.mean, rel=0.01)
        assert at.loc["B", "gain_expected"] == pytest.approx(0.8, abs=0.02)  # hangs on something else
        assert at.loc["A", "rank"] == rank
        assert at.loc["A", "rank_before"] in (1, 2, 3)
        assert "After the pilots" in str(done.notes[0])
        assert done.sites["use_after"].iloc[0] == pytest.approx(exact.mean, rel=0.01)
        own = done.sites["own"].iloc[0]  # the opening itself goes further than its kind
        assert abs(own - crossed / 10) < abs(exact.mean - crossed / 10)


def test_many_pilots_degenerate_and_are_refused() -> None:
    kept = invented(200)
    with pytest.raises(OptionError, match="U27"):
        update(kept, [Pilot(site="A", crossed=90, met=100, animals=100, icc=0.0, site_icc=0.0)])
    rough = update(
        kept, [Pilot(site="A", crossed=18, met=20, animals=20, icc=0.0, site_icc=0.0)], least_draws=2
    )
    assert any("rough" in str(note) for note in rough.notes)
    assert worth_of_draws(rough.weights) == pytest.approx(rough.effective_draws)


def test_a_pilot_beyond_the_range_asks_for_a_new_run() -> None:
    done = update(
        invented(),
        [Pilot(number="crossing.stock", crossed=0, met=60, animals=20, site_icc=0.0)],
        least_draws=1,
    )
    assert done.numbers["outside"].iloc[0] > 0.2
    assert any("anew" in str(note) for note in done.notes)


def test_a_pilot_where_nothing_is_unknown_changes_no_number() -> None:
    kept = invented(60)
    done = update(kept, [Pilot(site="B", crossed=3, met=3)])
    assert any("hangs on 0 numbers (-)" in str(note) for note in done.notes)
    assert len(done.numbers) == 0
    assert done.profile == KHULAN
    np.testing.assert_allclose(done.weights, 1 / 60)
    with pytest.raises(OptionError, match=r"U27.*no draw"):  # everybody crosses there in every draw
        update(kept, [Pilot(site="B", crossed=2, met=3)])


def with_cost(kept: HeldRanking, cost: Estimate) -> HeldRanking:
    """The same with a crossing cost among the drawn numbers."""
    unknown = Unknown.of("crossing_cost.stock", "crossing", "cost", cost)
    extra = quantiles(["crossing_cost.stock"], len(kept.draws.gains), 5)
    drawn = replace(
        kept.draws, quantiles=kept.draws.quantiles.join(extra), unknowns=[*kept.draws.unknowns, unknown]
    )
    return replace(kept, draws=drawn)


def test_rates_in_the_draws_are_crossings_per_kilometre() -> None:
    """A crossing cost of 500 m is two crossings a km; the same cost follows from a chance p as trace x (1 - p) / p."""
    kept = with_cost(invented(50), Estimate(200.0, 500.0, 2000.0, "m"))
    told = seen_by(kept, Pilot(number="crossing_cost.stock", crossed=4, km=2.0))
    np.testing.assert_allclose(1000 / told, kept.values("crossing_cost.stock"))
    p = kept.values("crossing.stock")
    trace = KHULAN.trace_of("stock")[0].best
    by_chance = seen_by(kept, Pilot(number="crossing.stock", crossed=4, km=2.0))
    np.testing.assert_allclose(1000 / by_chance, trace * (1 - p) / p)
    with pytest.raises(OptionError, match="U26") as error:
        seen_by(kept, Pilot(number="crossing.border", crossed=0, met=5))
    assert error.value.details == {"drawn": "crossing.stock, crossing_cost.stock"}


def test_held_draws_come_back_from_arrays() -> None:
    kept = invented(50)
    again = from_arrays(to_arrays(kept), kept.table)
    w = np.random.default_rng(1).uniform(size=50)
    pd.testing.assert_frame_equal(pd.DataFrame(kept.reweighted(w)), pd.DataFrame(again.reweighted(w)))
    with pytest.raises(OptionError, match="U24"):
        from_arrays(to_arrays(kept), kept.table.head(2))


def test_a_real_ranking_is_reweighted_like_its_own_table() -> None:
    land, patches = pm.samples.tiny()
    sites = pm.rank(
        land, patches, pm.candidates(land, "F", length_m=2000, chance=Estimate(0.1, 0.4, 0.9)), draws=40
    )
    kept = held(sites)
    assert kept.numbers[0] == ("treatment.remove",)
    same = kept.reweighted(np.ones(40))
    pd.testing.assert_frame_equal(
        pd.DataFrame(same), pd.DataFrame(sites.table.drop(columns="moved_by"))[list(same.columns)]
    )
    low, best, high = (float(sites.table[c].iloc[0]) for c in ("use_low", "use", "use_high"))
    assert (low, best, high) == (0.1, 0.4, 0.9)
    assert kept.use.min() >= low
    assert kept.use.max() <= high


# ---------------------------------------------------------------- a profile
def test_a_profile_follows_the_pilots() -> None:
    done = update(
        KHULAN,
        [{"number": "structures.gap_50_500m", "crossed": 0, "met": 10, "animals": 10}],
        icc=0.0,
        site_icc=0.0,
    )
    assert done.profile.structures["gap_50_500m"].best < KHULAN.structures["gap_50_500m"].best
    assert done.profile.structures["gap_50_500m"].evidence == "measured"
    assert any(
        "hardly counts" in str(note) for note in done.notes
    )  # ten encounters overrule a range worth six
    with pytest.raises(OptionError, match="O01"):
        update(KHULAN, [{"number": "structures.gap", "crossed": 0, "met": 10}])
    with pytest.raises(OptionError, match="U26"):
        update(KHULAN, [{"site": "A", "crossed": 0, "met": 10}])


def test_costs_follow_kilometres_worked() -> None:
    done = update(KHULAN, [{"number": "crossing_cost.stock", "crossings": 40, "km": 200}])
    row = done.numbers.iloc[0]
    assert 5.0 < row["after"] < row["before"]  # a crossing every five kilometres pulls the cost down
    assert done.profile.crossing_cost_km["stock"].best == pytest.approx(row["after"])


def test_the_record_of_a_profile_alone_has_no_ranking() -> None:
    told = update(KHULAN, [{"number": "structures.gap_50_500m", "crossed": 0, "met": 10}]).record()
    assert (told["ranking"], told["sites"], told["draws"]) == ([], [], 0)
    assert [row["number"] for row in told["numbers"]] == ["structures.gap_50_500m"]
    assert update(invented(60), [Pilot(site="A", crossed=0, met=2)]).record()["ranking"][0].keys() >= {
        "rank_before",
        "gain",
    }


# ---------------------------------------------------------------- regression to the mean
def test_regression_to_the_mean_is_taken_off() -> None:
    """Sites that never change: of twenty the one with the fewest crossings is chosen and measured again."""
    rng = np.random.default_rng(8)
    seen, left, held_true = [], [], []
    for _ in range(150):
        p = rng.beta(4, 6, 20)
        before = rng.binomial(15, p)
        k = int(before.argmin())
        rows = [
            {"site": str(i), "before_crossed": int(x), "before_met": 15, "animals": 15}
            for i, x in enumerate(before)
        ]
        rows[k] |= {"crossed": int(rng.binomial(15, p[k])), "met": 15}
        table, notes = regression_to_mean(rows, icc=0.0)
        assert "regression to the mean" in str(notes[0])
        seen.append(table["change_seen"].iloc[0])
        left.append(table["change"].iloc[0])
        held_true.append(table["change_low"].iloc[0] <= 0 <= table["change_high"].iloc[0])
    error = np.std(left) / math.sqrt(len(left))
    assert np.mean(seen) > 0.08  # nothing was done, and yet it "worked"
    assert abs(np.mean(left)) < 3 * error + 0.01
    assert np.mean(held_true) > 0.82  # 90 % intervals; how much sites differ is estimated as well


def test_too_few_sites_are_warned_of() -> None:
    rows = [{"site": "A", "before_crossed": 0, "before_met": 10, "crossed": 3, "met": 10}]
    table, notes = regression_to_mean(rows)
    assert len(table) == 0
    assert "cannot be taken off" in str(notes[0])


# ---------------------------------------------------------------- value of information
CASES = [
    {"met": 5, "animals": 5, "icc": 0.0, "site_icc": 0.0}, {"met": 20, "animals": 20, "icc": 0.0, "site_icc": 0.0},
    {"met": 10, "animals": 1, "icc": 0.2, "site_icc": 0.0}, {"met": 12, "animals": 4, "icc": 0.1, "site_icc": 0.1},
    {"met": 40, "animals": 40, "icc": 0.0, "site_icc": 0.05},
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_evsi_equals_nested_monte_carlo(case: dict[str, float]) -> None:
    """Results drawn from the truth outside; inside, for every result, draws that gave it (rejection), their mean gains compared."""
    kept = invented(4000)
    found = value_of_information(kept, [{"site": "A", **case}])
    rng, e, many = np.random.default_rng(3), Estimate(0.05, 0.4, 0.9), 300_000
    p = e.draw(rng.uniform(size=many))
    own = p
    if case["site_icc"]:
        s = (1 - case["site_icc"]) / case["site_icc"]
        own = rng.beta(p * s, (1 - p) * s)
    each, s = int(case["met"] / case["animals"]), (1 - case["icc"]) / max(case["icc"], 1e-12)
    x = np.zeros(many, int)
    for _ in range(int(case["animals"])):
        x += rng.binomial(each, own if case["icc"] == 0 else rng.beta(own * s, (1 - own) * s))
    others = (0.8, 0.75)  # the other two are no wiser for it
    after = np.bincount(x, weights=2 * p) / np.maximum(np.bincount(x), 1)
    nested = float(np.mean(np.maximum(after, max(others))[x])) - max(2 * p.mean(), *others)
    assert found.pilots["evsi"].iloc[0] == pytest.approx(nested, rel=0.05)
    assert found.pilots["evsi"].iloc[0] <= found.evpi + 1e-12


def test_evsi_of_kilometres_equals_nested_monte_carlo() -> None:
    kept = invented(4000)
    found = value_of_information(kept, [{"number": "crossing.stock", "km": 4.0, "spread": 0.0}])
    rng, many = np.random.default_rng(3), 300_000
    p = Estimate(0.05, 0.4, 0.9).draw(rng.uniform(size=many))
    rate = p / (1 - p) / (KHULAN.trace_of("stock")[0].best / 1000)
    x = rng.poisson(4.0 * rate)
    after = np.bincount(x, weights=2 * p) / np.maximum(np.bincount(x), 1)
    nested = float(np.mean(np.maximum(after, 0.8)[x])) - max(2 * p.mean(), 0.8)
    assert found.pilots["evsi"].iloc[0] == pytest.approx(nested, rel=0.05)
    assert found.pilots["pilot"].iloc[0] == "4 km at crossing.stock"


def test_perfect_information_by_hand() -> None:
    """Two candidates, two draws: each is best once; knowing which adds half of the difference."""
    kept = invented(2)
    drawn = replace(kept.draws, gains=np.array([[1.0, 0.0, 0.0], [0.0, 3.0, 0.0]]))
    worth = value_of_information(replace(kept, draws=drawn))
    assert (worth.choice, worth.now, worth.evpi) == (("B",), 1.5, 0.5)
    assert worth.evpi_km == pytest.approx(0.5 / (1.5 / 2.0))  # the choice gains 1.5 with 2 km
    assert worth.evpi_usd == pytest.approx(0.5 / (1.5 / 1000.0))
    two = value_of_information(replace(kept, draws=drawn), sites=2)
    assert (two.now, two.evpi) == (2.0, 0.0)
    with pytest.raises(OptionError, match="U28"):
        value_of_information(kept, sites=3)


def test_more_encounters_are_worth_more_and_never_more_than_all() -> None:
    kept = invented(3000)
    rows = [{"site": "A", "met": n, "animals": n} for n in (2, 5, 10, 40)]
    worth = value_of_information(kept, rows)
    assert (np.diff(worth.pilots["evsi"]) > -1e-9).all()
    assert worth.pilots["evsi"].max() <= worth.evpi
    useless = value_of_information(kept, [{"site": "B", "met": 10}])  # everybody crosses there in every draw
    assert useless.pilots["evsi"].iloc[0] == pytest.approx(0, abs=1e-12)


def test_weights_multiply_over_pilots() -> None:
    kept = invented(100)
    a, b = Pilot(site="A", crossed=1, met=4), Pilot(number="crossing.stock", crossed=2, met=3)
    both, one, two = (pilot_weights(kept, rows) for rows in ([a, b], [a], [b]))
    np.testing.assert_allclose(both, one * two / (one * two).sum(), rtol=1e-12)


def test_nodes_have_the_moments_of_the_beta_distribution() -> None:
    q, w = site_nodes([0.01, 0.5, 0.8], 0.2, 8)
    for m in range(1, 15):
        want = [
            special.beta(4 * p + m, 4 * (1 - p)) / special.beta(4 * p, 4 * (1 - p)) for p in (0.01, 0.5, 0.8)
        ]
        np.testing.assert_allclose((w * q**m).sum(axis=1), want, rtol=1e-9)


@pytest.mark.parametrize("language", ["en", "mn", "ru"])
def test_the_page_says_what_changed(language: str) -> None:
    rows = [Pilot(site="A", crossed=0, met=10, animals=5)]
    done = update(invented(), rows)
    page = update_page({"khulan": done}, title="<b>", statement="", language=language)
    assert "&lt;b&gt;" in page
    assert f"<td>{words(language).said(rows[0].said())}</td>" in page
    assert "src=" not in page
    assert "http" not in page
    told = words(language).said(done.notes[0])
    assert told in page
    assert (language == "en") == (told == str(done.notes[0]))
    for r in done.ranking.itertuples():
        assert f"<td>{r.rank}</td><td>{r.rank_before}</td><td>{r.id}</td>" in page
