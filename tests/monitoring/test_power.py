"""Power of monitoring designs: against one data set after the other, against published and exact cases, and what it must not depend on."""

from __future__ import annotations

import json
import math
import runpy
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy import stats

from permeability.cli.commands import main
from permeability.core.errors import OptionError
from permeability.monitoring import Power, design, paired_controls, power
from permeability.monitoring import power as of_design
from permeability.monitoring.clusters import Clusters
from permeability.monitoring.design_power import contrast_p
from permeability.monitoring.sample_size import SIZES

BRUTE = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "monitoring_power.py"))


@pytest.mark.parametrize("number", [1, 6, 16, 21, 22, 23, 24, 27, 28, 29])
def test_power_equals_brute_force(number: int) -> None:
    """300 data sets, each tested by itself: within what so few can tell (three standard errors)."""
    case: dict[str, Any] = BRUTE["CASES"][number]
    rng = np.random.default_rng(number)
    with np.errstate(all="ignore"):
        brute = float(np.mean([BRUTE["says_changed"](case, rng) for _ in range(300)]))
    assert power(**case, draws=4000).power == pytest.approx(brute, abs=3 * math.sqrt(0.25 / 300))


def test_two_fixed_chances_are_the_two_sample_t_test() -> None:
    """Without likeness and with many encounters the estimates are normal: power of Student's test by its noncentral distribution."""
    k, n, a, b = 12, 400, 0.40, 0.44
    sd = math.sqrt((a * (1 - a) + b * (1 - b)) / 2 / n)
    away = (b - a) / (sd * math.sqrt(2 / k))
    far = stats.t.ppf(0.975, 2 * k - 2)
    exact = stats.nct.sf(far, 2 * k - 2, away) + stats.nct.cdf(-far, 2 * k - 2, away)
    found = power(a, b, k, n, design="before_after", icc=0.0, draws=20_000)
    assert found.power == pytest.approx(exact, abs=0.02)
    assert found.false_alarm == pytest.approx(0.05, abs=0.01)


def test_staggered_equals_hussey_and_hughes() -> None:
    """Equation 8 of Hussey & Hughes 2007 (doi:10.1016/j.cct.2006.05.007) with levels of places of their own (their tau without end).

    Many encounters, no likeness, many places at each step: the variance of a mean is ``p (1 - p) / n``, and the test normal.
    """
    steps, k, n, a, b = 4, 40, 200, 0.40, 0.416
    periods, places = steps + 1, steps
    x = (np.arange(periods)[None, :] > np.arange(steps)[:, None]).astype(float)
    u, w, v = x.sum(), (x.sum(axis=0) ** 2).sum(), (x.sum(axis=1) ** 2).sum()
    sigma2 = (a * (1 - a) + b * (1 - b)) / 2 / n / k  # of the mean of a place in a period
    variance = places * sigma2 * periods / (u**2 + places * periods * u - periods * w - places * v)
    exact = stats.norm.sf(stats.norm.ppf(0.975) - (b - a) / math.sqrt(variance))
    found = power(a, b, k, n, design="staggered", steps=steps, icc=0.0, draws=20_000)
    assert 0.5 < exact < 0.95
    assert found.power == pytest.approx(exact, abs=0.02)
    assert found.false_alarm == pytest.approx(0.05, abs=0.01)


def test_gradient_is_the_slope_of_a_regression() -> None:
    """Fixed chances: the slope of the change over doses is normal with variance ``2 p (1 - p) / n k / sum (d - mean d)^2``."""
    doses, k, n, a, b = (1.0, 0.7, 0.2, 0.0), 20, 400, 0.40, 0.43
    away = np.array(doses) - np.mean(doses)
    variance = 2 * (a * (1 - a)) / n / k / float(away @ away)
    exact = stats.norm.sf(stats.norm.ppf(0.975) - (b - a) / math.sqrt(variance))
    found = power(a, b, k, n, design="gradient", doses=doses, icc=0.0, draws=20_000)
    assert 0.5 < exact < 0.95
    assert found.power == pytest.approx(exact, abs=0.02)


def test_published_sizes_of_two_groups_of_rates() -> None:
    """Two worked examples of others, by the formula of Hayes & Bennett 1999 (doi:10.1093/ije/28.2.319), for two groups of clusters with rates.

    Smith, Morrow & Ross 2015, Field Trials of Health Interventions (doi:10.1093/med/9780198732860.001.0001), p. 91: rates 10 and 5 in 1000, 2500
    child-weeks a village, k = 0.25, power 90 %: 6.8, "roughly seven villages".  R package clusterPower, crtpwr.2rate: 10 person-years, rates
    .1 and .2, cvb = .1, power 80 %: 25 clusters.
    """
    words: dict[str, Any] = {"design": "control_impact", "kind": "rate", "draws": 20_000}
    villages = power(0.01, 0.005, 7, 2500, spread=0.25, **words)
    assert villages.power == pytest.approx(0.90, abs=0.02)
    clusters = [power(0.2, 0.1, k, 10, spread=0.1, **words).power for k in (24, 25)]
    assert clusters[0] - 0.02 < 0.80 < clusters[1] + 0.02


def test_a_change_everywhere_is_not_taken_for_an_effect_of_rings_and_steps() -> None:
    for words in ({"design": "gradient"}, {"design": "staggered"}, {"design": "staggered", "same": True}):
        found = power(0.1, 0.3, 15, 20, control_before=0.1, control_after=0.3, icc=0.05, draws=3000, **words)  # type: ignore[arg-type]
        assert found.power < 0.08, words


def test_years_fool_the_design_without_controls_only() -> None:
    words: dict[str, Any] = {"kind": "rate", "swing": 0.4, "draws": 3000}
    assert power(0.5, 0.5, 15, 60, design="before_after", **words).power > 0.2
    for design_ in ("baci", "gradient", "staggered"):
        assert power(0.5, 0.5, 15, 60, design=design_, **words).power < 0.08, design_


def test_seasons_keep_the_level_of_the_year() -> None:
    for kind in ("chance", "rate"):
        seen = Clusters(kind, 40, seasons=((0.5, 1.6), (0.5, 0.4))).draw(
            (np.full((100_000, 1), 0.3),), np.random.default_rng(3)
        )[0]
        assert np.nanmean(seen) == pytest.approx(0.3, rel=0.01)
    shares = power(0.1, 0.3, 8, 20, seasons=((3, 2), (1, 1)), draws=200).clusters.seasons  # made to add up
    assert sum(s for s, _ in shares) == pytest.approx(1.0)
    assert sum(s * f for s, f in shares) == pytest.approx(1.0)


def test_sites_spread_as_said() -> None:
    """Variance of the mean of a site: between sites, between animals, within, by the formula of two beta levels."""
    p, m, n, icc, site = 0.3, 4, 10, 0.1, 0.2
    seen = Clusters("chance", n, icc=icc, at_site=m, site_icc=site).draw(
        (np.full((200_000, 1), p),), np.random.default_rng(4)
    )[0]
    between = site * p * (1 - p)
    inside = p * (1 - p) * (1 - site)  # mean of q (1 - q)
    assert seen.mean() == pytest.approx(p, rel=0.01)
    assert seen.var() == pytest.approx(between + inside * (1 + (n - 1) * icc) / n / m, rel=0.02)
    first = of_design(0.05, 0.30, 6, 20, at_site=3, draws=3000).power
    assert of_design(0.05, 0.30, 6, 20, at_site=3, site_icc=0.15, draws=3000).power < first


@pytest.mark.parametrize("language", ["en", "mn", "ru"])
def test_sizes_are_drawn_for_whoever_pays(language: str) -> None:
    found = design(0.05, 0.60, effort=20, cost=3000, draws=500)
    drawn = found.plot(language=language)
    ticks = [t.get_text() for t in drawn.axes.get_xticklabels()]
    assert [t.split("\n")[0] for t in ticks] == [str(n) for n in found.table["clusters"]]
    assert found.needed is not None
    assert str(found.needed.groups * found.needed.per_group) in drawn.alt
    none = design(0.05, 0.06, effort=2, budget=10, cost=10, draws=200)
    assert none.needed is None
    assert none.plot(language=language).png(40)[:4] == b"\x89PNG"


def test_contrast_equals_scipys_welch() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, (50, 7)), rng.normal(0.5, 3, (50, 11))
    want = stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue
    np.testing.assert_allclose(contrast_p([(a, 1.0), (b, -1.0)]), want, rtol=1e-10)
    want = stats.ttest_1samp(a, 0.0, axis=1).pvalue
    np.testing.assert_allclose(contrast_p([(a, 1.0)]), want, rtol=1e-10)
    assert contrast_p([(np.array([[1.0, np.nan]]), 1.0)]).tolist() == [1.0]  # one value is no spread


@pytest.mark.parametrize("kind", ["chance", "rate"])
def test_clusters_have_the_spread_that_is_said(kind: str) -> None:
    """Mean and variance by their formulas: beta-binomial and gamma-Poisson."""
    n, level, icc, spread = 20, 0.3, 0.1, 0.5
    values = Clusters(kind, n, icc=icc, spread=spread).draw(
        (np.full((200_000, 1), level),), np.random.default_rng(1)
    )[0]
    within = (
        level * (1 - level) * (1 + (n - 1) * icc) / n
        if kind == "chance"
        else level / n + (spread * level) ** 2
    )
    assert values.mean() == pytest.approx(level, rel=0.01)
    assert values.var() == pytest.approx(within, rel=0.02)


def test_effort_that_differs_between_clusters_spreads_what_they_see() -> None:
    """The mean of one over a gamma of shape k and mean m is k / (m (k - 1)); counts over their effort vary as the level times that."""
    rng, level, cv = np.random.default_rng(2), 0.3, 0.5
    seen = Clusters("rate", 40.0, effort_cv=cv, spread=0.0).draw((np.full((2000, 30), level),), rng)[0]
    k = 1 / cv**2
    assert seen.var() == pytest.approx(level * k / (40.0 * (k - 1)), rel=0.05)
    assert seen.mean() == pytest.approx(level, rel=0.01)


def test_more_of_anything_good_is_more_power() -> None:
    def power(*numbers: float, **words: Any) -> Power:
        return of_design(*numbers, draws=3000, **words)  # type: ignore[arg-type]

    first = power(0.05, 0.25, 8, 20).power
    assert power(0.05, 0.25, 16, 20).power > first
    assert power(0.05, 0.25, 8, 60).power > first
    assert power(0.05, 0.35, 8, 20).power > first
    assert power(0.05, 0.25, 8, 20, icc=0.3).power < first
    assert power(0.05, 0.25, 8, 20, lost=0.6).power < first
    assert power(0.05, 0.25, 8, 20, design="before_after").power > first
    assert power(0.05, 0.25, 8, 20, same=True, kept=0.9).power > first


def test_a_change_everywhere_fools_the_design_without_controls_only() -> None:
    """Control and opening rise alike: before-after cries wolf, the difference of differences does not."""
    words: dict[str, Any] = {"control_before": 0.1, "control_after": 0.3, "icc": 0.05}
    assert power(0.1, 0.3, 15, 20, design="before_after", **words).false_alarm > 0.5
    assert power(0.1, 0.3, 15, 20, **words).power < 0.08
    assert power(0.1, 0.3, 15, 20, **words).false_alarm < 0.08


def test_the_same_seed_gives_the_same_number() -> None:
    one, two, other = (power(0.05, 0.3, 6, 20, rng=r) for r in (1, 1, 2))
    assert one == two
    assert other.power == pytest.approx(one.power, abs=6 * one.error)


def test_a_rate_does_not_hang_on_its_unit() -> None:
    """Counts per day or per week: the same cameras."""
    day = power(0.1, 0.2, 12, 70, kind="rate")
    week = power(0.7, 1.4, 12, 10, kind="rate")
    assert week.power == pytest.approx(day.power, abs=1e-12)


def test_size_reaches_the_target_and_the_one_before_does_not() -> None:
    found = design(0.05, 0.30, effort=20, cost=2500, draws=4000)
    assert found.needed is not None
    at = found.table.index[found.table["per_group"] == found.needed.per_group][0]
    assert found.table["power"].iloc[at] >= 0.8 > found.table["power"].iloc[at - 1]
    assert found.table["cost"].iloc[at] == 2500 * 4 * found.needed.per_group
    assert f"{found.needed.per_group} a group in 4 groups" in found.sentence
    poor = design(0.05, 0.30, effort=20, cost=2500, budget=20_000, draws=2000)
    assert poor.needed is None
    assert "no design within 20,000" in poor.sentence


@pytest.mark.parametrize(
    ("before", "after", "icc", "encounters", "published"),
    [
        (0.05, 0.30, 0.10, 20, 8),
        (0.05, 0.30, 0.02, 20, 4),
        (0.30, 0.60, 0.10, 20, 12),
        (0.01, 0.10, 0.02, 20, 8),
    ],
)
def test_sizes_worked_out_before(
    before: float, after: float, icc: float, encounters: int, published: int
) -> None:
    """Sizes for 80 % found by another program (2,000 simulations each): the same step of the ladder or the next."""
    found = design(before, after, effort=encounters, icc=icc, draws=3000).needed
    assert found is not None
    assert abs(found.per_group - published) <= max(1, 0.25 * published)


def test_a_change_that_no_size_sees_is_told() -> None:
    found = design(0.30, 0.302, effort=3, icc=0.5, draws=100)
    assert found.needed is None
    assert found.table["per_group"].iloc[-1] == SIZES[-1]
    last = 100 * found.table["power"].iloc[-1]
    told = f"no design up to 200 a group sees the change with 80 %; the largest tried has {last:.0f} %"
    assert found.sentence == told


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(OptionError, match=r"U01.*level 1\.2.*per_group below 2"):
        power(0.1, 1.2, 1, 20)
    with pytest.raises(OptionError, match=r"U01.*effort not above 0"):
        power(0.1, 0.2, 5, float("nan"))
    with pytest.raises(OptionError, match=r"O01"):
        power(0.1, 0.2, 5, 20, design="bacy")
    for words in (
        {"doses": (0.5, 0.5)},
        {"steps": 1},
        {"swing": -1.0},
        {"at_site": 0},
        {"seasons": ((1, -1),)},
        {"seasons": ((0.5, 9), (0.5, 0))},
    ):
        with pytest.raises(OptionError, match=r"U01"):
            power(0.1, 0.9, 5, 20, **words)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=r"U02"):
        design(0.1, 0.2, effort=20, target=1.0)


# ---------------------------------------------------------------- controls
def sites(n: int = 60) -> gpd.GeoDataFrame:
    shapes = [shapely.LineString([(x, 0), (x + 900, 0)]) for x in range(0, 1000 * n, 1000)]
    kind = ["rail" if i % 2 else "fence" for i in range(n)]
    return gpd.GeoDataFrame(
        {"id": [f"s{i}" for i in range(n)], "kind": kind, "gain": np.arange(n) % 7.0},
        geometry=shapes,
        crs=32648,
    )


def test_controls_are_far_enough_alike_and_taken_once() -> None:
    table = sites()
    found = paired_controls(table, ["s10", "s12", "s30"], apart_m=5000, like="kind", value="gain")
    place = table.set_index("id")
    assert found["control"].is_unique
    for row in found.itertuples():
        assert place.loc[row.control, "kind"] == place.loc[row.site, "kind"]
        for other in ("s10", "s12", "s30", *(c for c in found["control"] if c != row.control)):
            assert place.loc[row.control, "geometry"].distance(place.loc[other, "geometry"]) >= 5000
        assert abs(row.difference) <= 1
    shuffled = paired_controls(
        table.sample(frac=1, random_state=1), ["s10", "s12", "s30"], apart_m=5000, like="kind", value="gain"
    )
    assert shuffled["control"].tolist() == found["control"].tolist()


def test_no_control_is_told_and_words_are_checked() -> None:
    assert paired_controls(sites(10), ["s5"], apart_m=50_000)["control"].tolist() == [""]
    with pytest.raises(OptionError, match=r"U03.*s99"):
        paired_controls(sites(10), ["s99"], apart_m=100)
    with pytest.raises(OptionError, match=r"U03.*gains"):
        paired_controls(sites(10), ["s5"], apart_m=100, value="gains")


# ---------------------------------------------------------------- commands
def run(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main([*words])
    return int(end.value.code or 0)


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change = ("--before", "0.05", "--after", "0.3", "--effort", "20", "--draws", "1000")
    assert run("monitor", "power", *change, "--per-group", "8", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["power"] == power(0.05, 0.3, 8, 20, draws=1000).power
    assert run("monitor", "design", *change, "--cost", "3000", "--out", str(tmp_path / "sizes.csv")) == 0
    assert "see the change with" in capsys.readouterr().out
    assert (tmp_path / "sizes.csv").read_text().startswith("per_group,clusters,power")
    rings = (
        "--design",
        "gradient",
        "--dose",
        "1",
        "--dose",
        "0.4",
        "--dose",
        "0",
        "--season",
        "0.5",
        "1",
        "--season",
        "0.5",
        "0.5",
    )
    assert run("monitor", "power", *change, *rings, "--per-group", "8", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    seasons = ((0.5, 1.0), (0.5, 0.5))
    want = power(0.05, 0.3, 8, 20, draws=1000, design="gradient", doses=(1, 0.4, 0), seasons=seasons)
    assert (told["power"], told["groups"]) == (want.power, 6)
    assert run("monitor", "design", *change, "--out", str(tmp_path / "sizes.png"), "--language", "mn") == 0
    assert (tmp_path / "sizes.png").read_bytes()[:4] == b"\x89PNG"
    capsys.readouterr()
    assert (
        run("monitor", "power", "--before", "nan", "--after", "0.3", "--effort", "20", "--per-group", "8")
        == 2
    )
    sites().to_file(tmp_path / "sites.gpkg")
    assert (
        run(
            "monitor",
            "controls",
            str(tmp_path / "sites.gpkg"),
            "--open",
            "s10",
            "--apart-km",
            "5",
            "--like",
            "kind",
            "--json",
        )
        == 0
    )
    assert json.loads(capsys.readouterr().out)["rows"][0]["control"] == "s16"
