"""The choice through the front door: several species, rules, views, against brute force over all sets."""

from __future__ import annotations

from functools import partial
from itertools import combinations

import geopandas as gpd
import numpy as np
import pytest
import shapely

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.core.errors import OptionError
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.linkage.measured import indices
from permeability.planning import budget_choice, joint_gains, set_search
from permeability.planning.joint_gains import CircuitGains, LeastCostGains, exclusive_pairs
from permeability.ranking.candidate_sites import merged
from permeability.species import species

CRS = "EPSG:32648"
SPOTS = [(6_000, 6_000), (7_000, 22_000), (30_000, 5_000), (31_000, 24_000)]


def landscape(name="mongolian_gazelle", seed=0, spots=SPOTS):
    """A railway fenced on both sides, a stock fence beside it in the south, and patches on either side."""
    grid = pm.Grid.from_bounds((0, 0, 36_000, 28_000), cell_size=1_000, crs=CRS)
    rng = np.random.default_rng(seed)
    resistance = np.exp(rng.normal(0.4, 0.4, grid.shape)).clip(1)
    rail = shapely.LineString([(17_300, -500), (18_400, 14_000), (17_600, 28_500)])
    fence = shapely.LineString([(20_600, -500), (21_300, 28_500)])
    table = gpd.GeoDataFrame(
        {
            "id": ["R", "F"],
            "kind": ["railway", "fence"],
            "fenced": ["yes", None],
            "fence_class": ["rail_barbed_both_sides", "stock"],
        },
        geometry=[rail, fence],
        crs=CRS,
    )
    land = build(grid, resistance, prepare(table), species(name))
    patches = gpd.GeoDataFrame(
        {"id": [f"p{i}" for i in range(len(spots))], "weight": 1.0 + np.arange(len(spots))},
        geometry=[shapely.Point(c).buffer(2_000) for c in spots], crs=CRS,
    )  # fmt: skip
    return land, place(patches, land)


@pytest.fixture(scope="module")
def pair():
    """Two species on the same nine candidates; the second lives in the south only."""
    out = {}
    for name, spots in (("mongolian_gazelle", SPOTS), ("khulan", SPOTS[::2])):
        land, patches = landscape(name, spots=spots)
        sites = pm.candidates(land, "R", length_m=5_000, each_side=False)
        sites += pm.candidates(land, "F", length_m=10_000)
        out[name] = pm.rank(land, patches, sites)
    return out


def sets(cost, budget, allowed=lambda s: True):
    for size in range(len(cost) + 1):
        for s in combinations(range(len(cost)), size):
            if cost[list(s)].sum() <= budget + 1e-9 and allowed(s):
                yield s


def by_engine(ranking, members, index="mean_conductance"):
    """Gain by the whole evaluation of the landscape."""
    after = ranking.engine.after([i for k in members for i in ranking.sites[k].interventions])
    return after[index] - ranking.today[index]


def costs(ranking):
    return np.array([s.cost_usd.best for s in ranking.sites])


@pytest.fixture(scope="module")
def table(pair):
    """Gain of every affordable set for both species."""
    first = next(iter(pair.values()))
    cost = costs(first)
    budget = 0.45 * cost.sum()
    gains = [CircuitGains(r) for r in pair.values()]
    every = list(sets(cost, budget))
    found = {s: np.array([g(s) for g in gains]) for s in every}
    rng = np.random.default_rng(0)
    for s in [
        every[i] for i in rng.choice(len(every), 12, replace=False)
    ]:  # the brute force itself is checked
        assert found[s] == pytest.approx([by_engine(r, s) for r in pair.values()], rel=1e-7, abs=1e-10)
    full = np.array([g(range(len(cost))) for g in gains])
    return cost, budget, found, full


def test_weighted_choice_is_the_best_of_all_sets(pair, table):
    _, budget, found, full = table
    for w in ([1, 1], [3, 1], [1, 20]):
        plan = pm.portfolio(pair, budget, weights=w)
        share = np.array(w) / sum(w)
        best = max(float(share @ (g / full)) for g in found.values())
        assert plan.gain == pytest.approx(best, rel=1e-9)
        assert plan.gap == 0
        assert plan.species["gain"].to_numpy() @ (share / full) == pytest.approx(best, rel=1e-9)
        after = plan.indices[plan.indices["index"] == "mean_conductance"]
        assert after["gain"].to_numpy() == pytest.approx(plan.species["gain"].to_numpy(), rel=1e-7)
        assert {"gain_khulan", "gain_mongolian_gazelle"} <= set(plan.methods.columns)


def test_maximin_choice_is_the_best_of_all_sets(pair, table):
    _, budget, found, full = table
    plan = pm.portfolio(pair, budget, rule="worst_of")
    assert plan.gain == pytest.approx(max(float((g / full).min()) for g in found.values()), rel=1e-9)
    assert plan.species["share"].min() == pytest.approx(plan.gain, rel=1e-9)
    heavier = pm.portfolio(pair, budget, rule="worst_of", weights={"khulan": 4.0})
    best = max(float((g / full / [1.0, 4.0]).min()) for g in found.values())
    assert heavier.gain == pytest.approx(best, rel=1e-9)


def test_pareto_front_equals_brute_force(pair, table):
    _, budget, found, _ = table
    values = np.array(list(found.values()))
    beaten = [
        bool(((values >= v * (1 - 1e-12)).all(axis=1) & (values > v + 1e-12 * abs(v)).any(axis=1)).any())
        for v in values
    ]
    expected = {tuple(v.round(10)) for v, b in zip(values, beaten) if not b}
    front = pm.portfolio(pair, budget, rule="pareto").pareto
    got = {tuple(v) for v in front[["gain_mongolian_gazelle", "gain_khulan"]].to_numpy().round(10)}
    assert got == expected
    assert front["chosen"].sum() <= 1
    assert (front["cost_usd"] <= budget + 1e-6).all()


def test_seasons_of_one_species_are_named(pair):
    one = pair["khulan"]
    with pytest.raises(OptionError, match=r"O60.*one name"):
        pm.portfolio([one, one], 1e5)
    plan = pm.portfolio({"khulan winter": one, "khulan summer": one}, 5e4)
    assert list(plan.species["species"]) == ["khulan winter", "khulan summer"]
    assert plan.species["share"].nunique() == 1
    assert plan.sites == pm.portfolio(one, 5e4).sites


def test_rules_by_name_and_kilometre(pair):
    ranking = pair["mongolian_gazelle"]
    cost, budget = costs(ranking), 0.5 * costs(ranking).sum()
    ids = [s.id for s in ranking.sites]
    gain = CircuitGains(ranking)

    def allowed(s):
        middle = [(ranking.sites[k].line, (ranking.sites[k].km_from + ranking.sites[k].km_to) / 2) for k in s]
        near = any(a[0] == b[0] and abs(a[1] - b[1]) < 6 for a, b in combinations(middle, 2))
        return (
            ids.index("R km 20-25") in s
            and 2 not in s
            and not near
            and any(ids[k].startswith("F") for k in s)
        )

    plan = pm.portfolio(
        ranking, budget, must=["R km 20-25"], must_not=[ids[2]], min_spacing_km=6, per_stretch=[("F", 0, 30)]
    )
    best = max(gain(s) for s in sets(cost, budget, allowed))
    assert plan.gain == pytest.approx(best, rel=1e-9)
    assert allowed([ids.index(i) for i in plan.sites])
    with pytest.raises(OptionError, match=r"O61.*no candidate lies on 'R' between km 200 and km 300"):
        pm.portfolio(ranking, budget, per_stretch=[("R", 200, 300)])


def test_what_to_build_after_a_pilot(pair):
    ranking = pair["mongolian_gazelle"]
    plan = pm.portfolio(ranking, 5e4, budgets=[2e4, 5e4])
    after = plan.next_best([plan.sites[0]])
    assert plan.sites[0] not in set(after["id"])
    ids = [s.id for s in ranking.sites]
    k0 = ids.index(plan.sites[0])
    for row in after.head(3).itertuples():
        k = ids.index(row.id)
        assert row.gain == pytest.approx(by_engine(ranking, (k0, k)) - by_engine(ranking, (k0,)), rel=1e-7)
        assert row.gain_per_musd == pytest.approx(row.gain / row.cost_usd * 1e6)
    assert after["gain_per_musd"].is_monotonic_decreasing
    assert plan.curve["budget_usd"].tolist() == [2e4, 5e4]
    assert plan.curve["gain"].iloc[1] == pytest.approx(plan.gain)
    both = pm.portfolio(pair, 5e4).next_best()
    assert {"gain_khulan", "gain_mongolian_gazelle"} <= set(both.columns)


def test_two_fences_of_one_railway_are_a_chain(pair):
    """The series trap through the front door: each fence alone is worth nothing, a complete barrier stays."""
    land, patches = landscape("khulan", spots=SPOTS[::2])
    sites = pm.candidates(land, "R", length_m=15_000, each_side=True)
    ranking = pm.rank(land, patches, sites)
    gain = CircuitGains(ranking, exclusive_pairs(sites))
    for s in sets(np.ones(len(sites)), 3):
        assert gain(s) == pytest.approx(by_engine(ranking, s), rel=1e-7, abs=1e-10)
    price = sites[0].cost_usd.best + sites[1].cost_usd.best
    plan = pm.portfolio(ranking, price)
    chosen = [ranking.sites[[s.id for s in sites].index(i)] for i in plan.sites]
    assert {s.interventions[0].components for s in chosen} == {("fence left",), ("fence right",)}
    assert len({s.km_from for s in chosen}) == 1
    methods = plan.methods.set_index("method")["gain"]
    assert methods["greedy"] == pytest.approx(0.0, abs=1e-12)  # no single fence is worth anything
    assert methods["greedy with bundles"] > 0.9 * plan.gain > 0
    assert plan.gain == pytest.approx(max(gain(s) for s in sets(costs(ranking), price)), rel=1e-9)
    found = pm.bundled_candidates(ranking)
    assert found
    assert {i.components for i in found[0].interventions} == {("fence left",), ("fence right",)}
    again = pm.rank(land, patches, [*sites, *found])
    assert again.table["id"].iloc[0] in {c.id for c in found}


def test_treatments_of_one_place_exclude_each_other():
    land, patches = landscape()
    sites = pm.candidates(land, "R", length_m=15_000)
    softer = pm.candidates(land, "R", length_m=15_000, treatment="modify")
    softer = [
        pm.Candidate(s.id + " modify", s.line, s.km_from, s.km_to, s.interventions, s.cost_usd)
        for s in softer
    ]
    gaps = pm.structure_candidates(land, "R", [5.0, 5.1, 20.0], treatment="gap")
    both = [*sites, *softer, *gaps]
    assert exclusive_pairs(both) == [(0, 2), (1, 3), (4, 5)]
    ranking = pm.rank(land, patches, both)
    plan = pm.portfolio(ranking, 1e7)
    assert len(plan.table) < len(both)
    allowed = lambda s: not any({a, b} <= set(s) for a, b in exclusive_pairs(both))  # noqa: E731
    best = max(by_engine(ranking, s) for s in sets(costs(ranking), 1e7, allowed))
    assert plan.gain == pytest.approx(best, rel=1e-7)


def test_least_cost_choice_is_proven_and_the_best_of_all_sets(pair):
    ranking = pair["mongolian_gazelle"]
    land, patches = landscape()
    cost, budget = costs(ranking), 0.4 * costs(ranking).sum()

    def efficiency(members):
        steps = tuple(i for k in members for i in ranking.sites[k].interventions)
        fresh = land.with_scenario(pm.Scenario("x", steps)) if steps else land
        return 1 / indices(fresh, patches, land.valid).values["detour"]

    plan = pm.portfolio(ranking, budget, view="least_cost")
    today = efficiency(())
    chosen = [[s.id for s in ranking.sites].index(i) for i in plan.sites]
    assert plan.gain == pytest.approx(efficiency(chosen) - today, rel=1e-9)
    gains = LeastCostGains(ranking)
    rng = np.random.default_rng(1)
    for _ in range(10):
        members = tuple(np.flatnonzero(rng.random(len(cost)) < 0.5).tolist())
        assert gains(members) == pytest.approx(efficiency(members) - today, rel=1e-9, abs=1e-12)
    assert plan.gain == pytest.approx(max(gains(s) for s in sets(cost, budget)), rel=1e-9)
    assert 0 <= plan.gap < 1e-6
    assert "integer program" in set(plan.methods["method"])
    proof = plan.methods.set_index("method")["gain"]
    assert proof["integer program"] == pytest.approx(proof["exhaustive"], rel=1e-7)


def test_least_cost_view_knows_both_fences_of_a_railway():
    land, patches = landscape("khulan", spots=SPOTS[::2])
    sites = pm.candidates(land, "R", length_m=15_000, each_side=True)
    ranking = pm.rank(land, patches, sites)
    plan = pm.portfolio(ranking, sites[0].cost_usd.best * 2.01, view="least_cost")
    assert plan.gain == pytest.approx(
        max(LeastCostGains(ranking)(s) for s in sets(costs(ranking), sites[0].cost_usd.best * 2.01)), rel=1e-9
    )
    assert len({i.split(",")[0] for i in plan.sites}) == 1
    several = pm.portfolio({"a": ranking, "b": ranking}, 1e9, view="least_cost", rule="worst_of")
    assert several.gain == pytest.approx(1.0)


def test_refusals(pair):
    first = next(iter(pair.values()))
    with pytest.raises(OptionError, match="O65"):
        pm.portfolio(pair, 1e5, weights=[1.0])
    with pytest.raises(OptionError, match="O01"):
        pm.portfolio(pair, 1e5, weights={"khulam": 2.0})
    with pytest.raises(OptionError, match="O01"):
        pm.portfolio(first, 1e5, rule="worst")
    with pytest.raises(OptionError, match=r"O60.*no ranking"):
        pm.portfolio([], 1e5)
    land, patches = landscape("khulan", spots=SPOTS[::2])
    other = pm.rank(land, patches, pm.candidates(land, "R", length_m=5_000))
    with pytest.raises(OptionError, match=r"O60.*not of the same candidates[\s\S]*F km"):
        pm.portfolio({"a": first, "b": other}, 1e5)
    twice = pm.rank(land, patches, [*other.sites, other.sites[0]])
    with pytest.raises(OptionError, match=r"O60.*share an id"):
        pm.portfolio(twice, 1e5)
    one_side, spots = landscape("khulan", spots=[SPOTS[0], SPOTS[1]])
    idle = pm.rank(one_side, spots, pm.candidates(one_side, "R", length_m=5_000, each_side=True)[:1])
    with pytest.raises(OptionError, match=r"O62.*no candidate helps"):
        pm.portfolio({"a": idle, "b": idle}, 1e5, rule="worst_of")
    tighter = pm.Candidate(
        "worse", "F", 0, 20, (pm.Intervention("treat", "F", 0, 20, chance=pm.Estimate.exact(0.001)),), other.sites[0].cost_usd
    )  # fmt: skip
    worse = pm.rank(land, patches, [tighter])
    with pytest.raises(OptionError, match=r"O63[\s\S]*worse"):
        pm.portfolio(worse, 1e6, view="least_cost")
    assert pm.portfolio(worse, 1e6).gain <= 0


# ---------------------------------------------------------------- more candidates than every set of which is looked at
@pytest.fixture
def not_all_sets(monkeypatch):
    """Nine candidates are searched as more than eighteen are: greedily, with a bound from elsewhere."""
    monkeypatch.setattr(budget_choice, "EXHAUSTIVE", 0)
    monkeypatch.setattr(set_search, "EXHAUSTIVE", 0)


def test_the_integer_program_alone_proves_the_best_of_all_sets(pair, not_all_sets):
    ranking = pair["mongolian_gazelle"]
    cost, gains = costs(ranking), LeastCostGains(ranking)
    budgets = [0.2 * cost.sum(), 0.4 * cost.sum()]
    plan = pm.portfolio(ranking, budgets[1], view="least_cost", budgets=budgets[:1])
    assert "exhaustive" not in set(plan.methods["method"])
    best = [max(gains(s) for s in sets(cost, b)) for b in budgets]
    assert plan.gain == pytest.approx(best[1], rel=1e-7)
    assert plan.curve["gain"].to_numpy() == pytest.approx(best, rel=1e-7)
    assert (plan.curve["gap"] < 1e-6).all()
    assert plan.bound == pytest.approx(best[1], rel=1e-6)


def test_ways_that_are_not_all_listed_prove_nothing(pair, not_all_sets, monkeypatch):
    """The integer program then bounds what it knows of only; what all candidates give still bounds every plan."""
    monkeypatch.setattr(joint_gains, "way_sets", partial(joint_gains.way_sets, most_sets=1))
    ranking = pair["mongolian_gazelle"]
    cost, gains = costs(ranking), LeastCostGains(ranking)
    assert not gains.columns[1]
    plan = pm.portfolio(ranking, 0.4 * cost.sum(), view="least_cost")
    assert plan.bound == pytest.approx(gains(range(len(cost))), rel=1e-9)
    assert plan.gap > 0
    assert plan.gain <= max(gains(s) for s in sets(cost, 0.4 * cost.sum())) * (1 + 1e-9)


def test_the_bound_of_the_smallest_share_lies_above_every_set(pair, table, not_all_sets):
    _, budget, found, full = table
    plan = pm.portfolio(pair, budget, rule="worst_of")
    best = max(float((g / full).min()) for g in found.values())
    assert plan.gain <= best * (1 + 1e-9)
    assert plan.bound >= best * (1 - 1e-9)
    assert plan.gap == pytest.approx(1 - plan.gain / plan.bound)


def test_a_front_that_is_searched_holds_the_best_for_each_species(pair, table, not_all_sets):
    cost, budget, found, _ = table
    plan = pm.portfolio(pair, budget, rule="pareto")
    ids = [s.id for s in next(iter(pair.values())).sites]
    got = plan.pareto[["gain_mongolian_gazelle", "gain_khulan"]].to_numpy()
    for row, gains in zip(plan.pareto.itertuples(), got):
        members = tuple(sorted(ids.index(i) for i in row.sites.split(", ")))
        assert gains == pytest.approx(found[members], rel=1e-9)
        assert row.cost_usd == pytest.approx(cost[list(members)].sum())
    assert got.max(axis=0) == pytest.approx(np.max(list(found.values()), axis=0), rel=1e-9)
    for a, b in combinations(got, 2):
        assert ((a > b).any() and (b > a).any()) or np.allclose(a, b)


def test_a_plan_for_several_species_says_what_each_gets(pair):
    text = repr(pm.portfolio(pair, 5e4))
    assert "share of what all candidates would give" in text
    assert all(name in text for name in pair)
    assert "share of what" not in repr(pm.portfolio(pair["khulan"], 5e4))


def test_of_fences_that_may_get_tighter_each_set_is_asked_for_by_itself(pair):
    """Closing can part what was joined, so that sums over one network would not do."""
    ranking = pair["khulan"]
    tighter = pm.Candidate(
        "worse", "F", 0, 20, (pm.Intervention("treat", "F", 0, 20, chance=pm.Estimate.exact(0.001)),), ranking.sites[0].cost_usd
    )  # fmt: skip
    land, patches = landscape("khulan", spots=SPOTS[::2])
    mixed = pm.rank(land, patches, [*ranking.sites[:2], tighter])
    gains = CircuitGains(mixed)
    assert not gains.monotone
    found = gains.without_each((0, 1, 2), [0, 2])
    assert found == pytest.approx([by_engine(mixed, (1, 2)), by_engine(mixed, (0, 1))], rel=1e-7, abs=1e-12)
    assert found[0] < found[1]
    assert gains.with_each((0, 1), [2]) == pytest.approx([by_engine(mixed, (0, 1, 2))], rel=1e-7, abs=1e-12)


def test_too_many_candidates_on_one_edge_are_named(monkeypatch):
    land, patches = pm.samples.tiny()
    sites = [*pm.candidates(land, "F", length_m=4000), *pm.candidates(land, "F", length_m=8000)]
    ranking = pm.rank(land, patches, sites)
    monkeypatch.setattr(joint_gains, "MOST_SHARING", 1)
    with pytest.raises(OptionError, match=r"O64.*3 candidates meet on one edge[\s\S]*F km 4-8, F km 0-8"):
        LeastCostGains(ranking)


def test_a_bundle_and_its_parts_exclude_each_other():
    land, _ = pm.samples.tiny()
    one, two, far = pm.candidates(land, "F", length_m=2000)[:3]
    assert exclusive_pairs([one, two, far, merged([one, two], "both")]) == [(0, 3), (1, 3)]


# ---------------------------------------------------------------- from the project file to the result folder
MONEY = """
[ranking]
budget_usd = 30000

[portfolio]
must_not = ["{last}"]
per_stretch = [["F", 0.0, 4.0]]
budgets = [6000.0]

[cost_benefit]
years = 10
rates = [0.0, 0.05]
usd_per_collision = [100.0, 200.0, 400.0]
collisions_avoided = {{ "{first}" = 2.0 }}
"""


def tiny(folder, candidates, money=""):
    path = pm.samples.tiny_project(folder)
    text = path.read_text(encoding="utf-8")
    if "[ranking]" in money:
        text = text.replace("[ranking]\ndraws = 0\n", "")
    head, _, rest = text.partition("[candidates]")
    after = rest.partition("\n[")[2]
    path.write_text(head + candidates + (f"\n[{after}" if after else "") + money, encoding="utf-8")
    return path


def test_a_project_with_a_budget_writes_its_plan(tmp_path):
    import json

    import pandas as pd

    two = '[[candidates]]\nline = "F"\nlength_km = 2\n\n[[candidates]]\nlines = ["F"]\nstructures_km = [1.0, 7.0]\ntreatment = "gap"\nwidth_m = 500\n'
    money = MONEY.format(first="F km 0-2", last="F km 7 gap")
    run = pm.run_project(tiny(tmp_path / "p", two, money), tmp_path / "out")
    plan = run.choice.plans["khulan"]
    assert {s.id for s in plan.ranking.sites} == {
        "F km 0-2",
        "F km 2-4",
        "F km 4-6",
        "F km 6-8",
        "F km 1 gap",
        "F km 7 gap",
    }
    assert "F km 7 gap" not in plan.sites
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    told = summary["plans"]["khulan"]
    assert told["sites"] == plan.sites
    assert told["gain"]["value"] == pytest.approx(plan.gain)
    assert told["budget_usd"] == {"value": 30000.0, "unit": "USD"}
    assert [c["budget_usd"]["value"] for c in told["curve"]] == [6000.0, 30000.0]
    assert told["indices"]["khulan"]["reachable_km2"]["gain"]["unit"] == "km2"
    table = pd.read_csv(tmp_path / "out" / "plan.csv")
    assert table["id"].tolist() == plan.sites
    assert table["cost_usd"].sum() == pytest.approx(plan.cost_usd)
    drawn = gpd.read_file(tmp_path / "out" / "sites.gpkg", layer="plan")
    assert len(drawn) == len(table)
    money = pd.read_csv(tmp_path / "out" / "cost_benefit.csv")
    first = money[(money["id"] == "F km 0-2") & (money["rate"] == 0.0)].iloc[0]
    assert (first["benefit_usd_low"], first["benefit_usd"], first["benefit_usd_high"]) == (
        2000.0,
        4000.0,
        8000.0,
    )
    assert set(money["plan"].dropna()) == {"khulan"}
    assert (tmp_path / "out" / "offset.csv").is_file()


@pytest.mark.parametrize(
    ("candidates", "money", "expected"),
    [
        ('[candidates]\nline = "F"\nlines = ["F"]\n', "", r"J03.*give one of line, lines, kind and layer"),
        ('[candidates]\nline = "F"\nchance = [0.9, 0.5, 1.0]\n', "", "J03.*chance needs low, best and high"),
        ('[candidates]\nlines = ["F", "G"]\n', "", "B06.*no line 'G'"),
        ('[candidates]\nlayer = "mine"\n', "", "L09.*'mine'"),
        ('[[candidates]]\nline = "F"\n\n[[candidates]]\nline = "F"\n', "", "O60.*share an id"),
        ('[candidates]\nline = "F"\n', '\n[portfolio]\nmust = ["F km 0-8"]\n', "J08.*no budget"),
        ('[candidates]\nline = "F"\n', '\n[ranking]\nbudget_usd = 5\n[portfolio]\nmust = ["F km 0-9"]\n', "O45.*not a candidate"),
        ('[candidates]\nline = "F"\n', '\n[ranking]\nbudget_usd = 5\n[portfolio]\nper_stretch = [["F", 50, 60]]\n', "O61"),
        ('[candidates]\nline = "F"\n', '\n[ranking]\nbudget_usd = 5\n[portfolio]\nweights = { khulam = 2.0 }\n', "O01.*khulam"),
        ('[candidates]\nline = "F"\n', '\n[cost_benefit]\ncollisions_avoided = { "F km 0-8" = 2.0 }\n', "J09.*what one costs"),
        ('[candidates]\nline = "F"\nlenght_km = 2\n', "", "J03.*lenght_km"),
    ],
)  # fmt: skip
def test_check_names_what_is_wrong_with_candidates_and_choice(tmp_path, candidates, money, expected):
    import re

    found = [f.text() for f in pm.check(tiny(tmp_path / "p", candidates, money))]
    assert any(re.search(expected, " ".join(t.split())) for t in found), found


def test_drawn_sites_and_own_treatments_from_the_project_file(tmp_path):
    own = '[[candidates]]\nline = "F"\nlength_km = 4\ntreatment = "own"\nchance = [0.3, 0.6, 0.9]\ncost_usd = 700.0\n\n[[candidates]]\nlayer = "wishes"\ntolerance_m = 500\n\n[layers.wishes]\npath = "wishes.gpkg"\n'
    path = tiny(tmp_path / "p", own)
    project = pm.open_project(path)
    line = project.barriers.table.geometry.iloc[0]
    spot = shapely.LineString([line.interpolate(d) for d in (1_000, 2_500)])
    gpd.GeoDataFrame({"id": ["here"]}, geometry=[spot], crs=project.grid.crs).to_file(
        path.parent / "wishes.gpkg"
    )
    assert pm.check(path) == []
    sites = pm.open_project(path).candidates("khulan")
    assert [s.id for s in sites] == ["F km 0-4 own", "F km 4-8 own", "here"]
    assert sites[0].interventions[0].chance.best == 0.6
    assert sites[2].km_to - sites[2].km_from == pytest.approx(1.5)
