"""A plan in the draws: every number against landscapes edited and solved afresh, and what the report says of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

import permeability as pm
from permeability.core.errors import OptionError
from permeability.core.tasks import RunOn
from permeability.linkage.measured import indices
from permeability.locale.language import words
from permeability.planning.plan_draws import plan_draws
from permeability.ranking.rank_draws import draw_quantiles
from permeability.ranking.unknown_numbers import unknowns
from permeability.report.budget import plan_sentences
from permeability.report.said import share_text, with_range

KINDS = ("crossing", "trace")
BUDGET = 6_000.0


@pytest.fixture(scope="module")
def ranking():
    land, patches = pm.samples.tiny()
    return pm.rank(land, patches, pm.candidates(land, "F", length_m=1_000), draws=30)


@pytest.fixture(scope="module")
def plan(ranking):
    return pm.portfolio(ranking, budget_usd=BUDGET)


def test_every_draw_equals_the_edited_landscape_solved_afresh(ranking, plan):
    drawn = plan_draws(plan, BUDGET, draws=6, vary=KINDS, rng=3)
    table, land = drawn.gains["khulan"], ranking.land
    by_id = {s.id: s for s in ranking.sites}
    assert drawn.sites != drawn.one_by_one  # else the second column proves nothing
    sets = {
        c: [i for n in ids for i in by_id[n].interventions]
        for c, ids in zip(table, (drawn.sites, drawn.one_by_one))
    }
    numbers = unknowns(land, ranking.engine.patches, list(sets.values()), {}, KINDS)
    quantiles = draw_quantiles(numbers, 6, 3)
    for d in range(6):
        there = land.drawn({k: float(v) for k, v in quantiles.iloc[d].items()})
        before = indices(there, ranking.engine.patches, ranking.engine.inside).values["mean_conductance"]
        for column, steps in sets.items():
            after = indices(
                there.with_scenario(pm.Scenario("x", steps)), ranking.engine.patches, ranking.engine.inside
            )
            assert table[column].iloc[d] == pytest.approx(after.values["mean_conductance"] - before, rel=1e-8)


def test_does_not_hang_on_workers_or_on_how_the_sites_are_listed(plan):
    one = plan_draws(plan, BUDGET, draws=8, rng=2)
    two = plan_draws(plan, BUDGET, draws=8, rng=2, on=RunOn(workers=2))
    assert np.array_equal(one.gains["khulan"], two.gains["khulan"])


def test_more_money_is_enough_in_more_draws(plan):
    shares = [plan_draws(plan, b, draws=30).share_within_budget for b in (1.0, plan.cost_usd, 1e9)]
    assert (shares[0], shares[2]) == (0.0, 1.0)
    assert shares == sorted(shares)
    costs = plan.ranking.draws.costs[:, [s.id in plan.sites for s in plan.ranking.sites]].sum(axis=1)
    assert shares[1] == pytest.approx((costs <= plan.cost_usd).mean())


def test_shares_add_up_and_the_same_set_is_never_better_than_itself(ranking):
    everything = pm.portfolio(ranking, budget_usd=1e9)
    table = plan_draws(everything, 1e9, draws=5).table
    assert table[["share_above", "share_below"]].to_numpy().tolist() == [[0.0, 0.0]]
    assert (table["low"] <= table["high"]).all()


@pytest.mark.parametrize(("view", "draws"), [("least_cost", 5), ("circuit", 0)])
def test_what_cannot_be_drawn_is_refused(ranking, view, draws):
    plan = pm.portfolio(ranking, budget_usd=BUDGET, view=view)
    with pytest.raises(OptionError, match="O55"):
        plan_draws(plan, BUDGET, draws=draws)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan")
    path = pm.samples.tiny_project(folder / "tiny")
    text = path.read_text(encoding="utf-8")
    assert "[ranking]" in text
    lines = [x for x in text.splitlines() if not x.startswith(("draws", "budget_usd"))]
    at = lines.index("[ranking]")
    lines[at + 1 : at + 1] = ["draws = 25", f"budget_usd = {BUDGET}"]
    path.write_text("\n".join(lines), encoding="utf-8")
    run = pm.run_project(path, folder / "out")
    return run, json.loads((folder / "out" / "summary.json").read_text(encoding="utf-8"))


def test_the_sentences_follow_from_summary_json_and_that_from_the_draws(told):
    run, summary = told
    plan, tr = summary["plans"]["khulan"], words()
    row, drawn = plan["drawn"]["khulan"], run.choice.drawn["khulan"]
    gains = drawn.gains["khulan"]["plan"].to_numpy()
    assert row["expected"]["value"] == pytest.approx(gains.mean())
    low, high = row["low"]["value"], row["high"]["value"]
    assert np.mean((gains >= low) & (gains <= high)) >= 0.9 - 1e-9
    assert row["share_gains"]["value"] == np.mean(gains > 1e-9 * gains.max())
    text = " ".join(plan_sentences(plan, ["khulan"], tr))
    assert with_range(row["expected"]["value"], low, high, tr) in text
    assert f"In {share_text(plan['share_within_budget']['value'], tr)} of the draws of the costs" in text
    usual = drawn.gains["khulan"]["one_by_one"].to_numpy()
    if set(plan["one_by_one"]) != set(plan["sites"]):
        assert (
            f"in {share_text(float(np.mean(gains > usual * (1 + 1e-9))), tr)} of the draws, and less" in text
        )
    report = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "over the draws the sites together raise" in report.lower()


@pytest.mark.parametrize("language", ["mn", "ru"])
def test_other_languages_say_as_much(told, language):
    plan = told[1]["plans"]["khulan"]
    said = plan_sentences(plan, ["khulan"], words(language))
    assert len(said) == len(plan_sentences(plan, ["khulan"], words()))
    assert not any("draws" in s for s in said)
