"""The summary page, the command line and ``summary.json`` say one thing, and what they say holds in the stated share of draws."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from derived import KINDS, derive, holds_nine_in_ten, near, stray_numbers, value

import permeability as pm
from permeability.cli.printed import site_table
from permeability.linkage.measured import indices
from permeability.locale.language import words
from permeability.planning.alternatives import Option, evaluate_options
from permeability.planning.option_statements import option_statements
from permeability.ranking.impact_statements import headline
from permeability.ranking.statements import places, statements
from permeability.report.alternatives import OPTION_SENTENCES, option_sentences
from permeability.report.first_page import NEXT, next_steps
from permeability.report.results import read_results
from permeability.report.said import SENTENCES, known_number, said, with_range
from permeability.report.sections import report_context

DRAWS = 60


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("said")
    path = pm.samples.tiny_project(folder / "tiny")
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"\[ranking\]\n(draws = \d+\n)?", f"[ranking]\ndraws = {DRAWS}\n", text)
    if "[ranking]" not in text:
        text += f"\n[ranking]\ndraws = {DRAWS}\n"
    path.write_text(text, encoding="utf-8")
    return pm.run_project(path, folder / "out")


@pytest.fixture(scope="module")
def told(run):
    return json.loads((run.folder / "summary.json").read_text(encoding="utf-8"))["species"]["khulan"]


@pytest.fixture(scope="module")
def lost(run):
    """Share of reach and conductance lost in every draw: budget and weights put into the profile, both landscapes measured."""
    result = run.species["khulan"]
    ranking, patches, found = result.ranking, result.patches, {"reachable_km2": [], "mean_conductance": []}
    bare = result.land.without_barriers()
    estimate = bare.profile.estimates()["movement.budget_km"]
    for d in range(DRAWS):
        km = float(estimate.draw(ranking.draws.quantiles["movement.budget_km"].iloc[d]))
        own = replace(bare, profile=bare.profile.override({"movement.budget_km": km}))
        values = indices(own, patches, result.inside).values
        for index, shares in found.items():
            shares.append(1 - ranking.draws.today[index].iloc[d] / values[index])
    return {k: np.array(v) for k, v in found.items()}


def test_a_new_kind_of_sentence_needs_its_derivation():
    """Whoever adds a sentence to the summary adds how it follows from the draws; no other text is on the summary."""
    assert set(SENTENCES) == KINDS
    assert set(OPTION_SENTENCES) == {"takes", "gives_back"}


def test_report_and_command_line_say_what_summary_json_says(run, told, capsys):
    from permeability.cli.printed import print_run

    for language in ("en", "mn", "ru"):
        tr = words(language)
        page = report_context(read_results(run.folder), tr)["species"][0]["summary"]["text"]
        assert len(page) == len(told["headline"])
        if language == "en":
            from_json = said(told["headline"], tr, lambda site: "X")
            assert [re.sub(r"\(.*?\), ", "", p, count=1) for p in page] == [
                re.sub(r"\(.*?\), ", "", p, count=1) for p in from_json
            ]
    print_run(run)
    out = capsys.readouterr().out
    for sentence in said(told["headline"], words(), lambda site: "F"):
        assert sentence in out


def test_every_statement_follows_from_the_draws(run, told, lost):
    seen = derive(run.species["khulan"], told["headline"], lost)
    assert seen == {"apart", "lost", "takes_most", "first", "alike", "joins", "reach", "short"}


def test_every_number_of_every_sentence_is_one_of_summary_json(run, told):
    for statement in told["headline"]:
        (sentence,) = said([statement], words(), lambda site: "LINE")
        assert not stray_numbers(sentence, statement, statement.get("site", ""), "LINE"), sentence


def test_cards_and_next_steps_are_derived_from_summary_json(run, told):
    """The three numbers and the steps of page one; a new kind of step needs its line here."""
    assert set(NEXT) == {"choose", "find_out", "watch"}
    page = report_context(read_results(run.folder), words())["species"][0]["summary"]
    lost, first = (next(s for s in told["headline"] if s["statement"] == k) for k in ("lost", "first"))
    gain, cost = page["cards"][1:]
    assert not stray_numbers(f"{page['cards'][0]['value']} {page['cards'][0]['range']}", lost)
    assert not stray_numbers(f"{gain['value']} {gain['range']}", [first["gain"], first["low"], first["high"]])
    assert not stray_numbers(
        f"{cost['value']} {cost['range']}", [first[f"cost_usd{e}"] for e in ("_low", "", "_high")]
    )
    gaps = told["knowledge_gaps"]
    most = max(gaps.values(), key=lambda g: value(g["share"]))
    steps = next_steps(told, words(), lambda key: f"WHAT {gaps[key]['what']}")
    assert [
        bool(re.search(p, t)) for p, t in zip(("Choose one of", "Find out first", "Watch it"), steps)
    ] == [True] * 3
    assert f"WHAT {most['what']}" in steps[1]
    assert not stray_numbers(steps[1], most, most["what"])
    alike = next(s for s in told["headline"] if s["statement"] == "alike")
    assert not stray_numbers(steps[0], alike["sites"])
    assert not next_steps({"headline": []}, words(), str)  # nothing is advised where nothing is known


def test_a_stray_number_is_found():
    statement = {"statement": "apart", "value": {"value": 96.0}, "share_at_least_half": 0.42}
    assert not stray_numbers("96 km², in 42 % of the draws (5 to 95 %)", statement)
    assert stray_numbers("96 km², in 43 % of the draws; 7 of them", statement) == ["43", "7"]


def test_nothing_cut_off_at_best_values_may_still_be_so_in_draws():
    """Two patches on one side of a fence whose chance is unknown: whole at best values, cut off in some draws."""
    land, patches = pm.samples.tiny()
    open_land = land.with_scenario(pm.Scenario("gap").treat("F", km=4, treatment="gap", width_m=2000))
    impact = pm.barrier_impact(open_land, patches)
    ranking = pm.rank(open_land, patches, pm.candidates(open_land, "F", length_m=2000), draws=DRAWS)
    found = headline(impact, ranking)
    whole = [s for s in found if s["statement"] == "whole"]
    assert [s["index"] for s in whole] == ["range_cut_off_km2", "pairs_apart"]
    by = SimpleNamespace(impact=impact, ranking=ranking)
    derive(by, found)
    for s in found:
        (sentence,) = said([s], words(), lambda site: "LINE")
        assert not stray_numbers(sentence, s, s.get("site", ""), "LINE"), sentence


def test_without_a_ranking_everything_is_said_at_best_values():
    land, patches = pm.samples.tiny()
    for s in headline(pm.barrier_impact(land, patches)):
        (sentence,) = said([s], words())
        assert "best values" in sentence
        assert not stray_numbers(sentence, s), sentence


def test_options_are_said_with_the_share_of_draws_in_which_it_holds():
    land, patches = pm.samples.tiny()

    def option(name, plan, on=None, measure=None):
        return Option(name, land.with_scenario(plan), patches, land.valid, based_on=on, measure=measure)

    options = [
        option("bare", pm.Scenario("bare").drop("F").drop("S")), option("fence", pm.Scenario("fence"), "bare"),
        option("gap", pm.Scenario("gap").treat("F", km=4, treatment="gap", width_m=500), "fence"),
        option("removed", pm.Scenario("removed").remove("F", km=(3, 5)), "fence"),
        option("elsewhere", pm.Scenario("elsewhere").drop("F"), "fence", "offset"),
    ]  # fmt: skip
    found = evaluate_options(options, "bare", draws=DRAWS)
    told, drawn = option_statements(found), found.drawn.set_index("scenario")
    assert [s["statement"] for s in told] == ["takes", *["gives_back"] * (len(told) - 1)]
    for index, cell in told[0]["indices"].items():
        moved = drawn.loc["fence", index].to_numpy() - drawn.loc["bare", index].to_numpy()
        worse = moved > 0 if index == "range_cut_off_km2" else moved < 0
        assert near(cell["share_worse"], worse.mean())
        holds_nine_in_ten(moved, value(cell["low"]), value(cell["high"]))
    for s in told[1:]:
        assert s["option"] != "elsewhere"  # an offset gives back elsewhere
        lost_by = {
            n: abs(drawn.loc[n, s["index"]].to_numpy() - drawn.loc["bare", s["index"]].to_numpy())
            for n in ("fence", "gap", "removed")
        }
        other = {"gap": "removed", "removed": "gap"}[s["option"]]
        assert near(s["share_most"], (lost_by[s["option"]] <= lost_by[other]).mean())
        with np.errstate(invalid="ignore", divide="ignore"):
            share = 1 - lost_by[s["option"]] / lost_by["fence"]
        share = share[lost_by["fence"] > 0]
        holds_nine_in_ten(share, value(s["low"]), value(s["high"]))
    for s, sentence in zip(told, option_sentences(told, words())):
        assert not stray_numbers(sentence, s), sentence
        assert "most of it" not in sentence  # 22 % is not most of it
    few = option_statements(evaluate_options(options, "bare"))
    assert all("best values" in text for text in option_sentences(few, words()))


def test_every_printed_gain_has_its_range(run, told):
    ranking = run.species["khulan"].ranking
    row = site_table(ranking, 4).splitlines()[1]
    assert (
        len(re.findall(r"\([^)]* to [^)]*\)", row)) == 2
    )  # conductance and cost; all draws agree on the reach
    assert " 48 " in row
    for site in told["sites"].values():
        for name in (
            "gain",
            "gain_reachable_km2",
            "gain_pairs_apart",
            "gain_range_cut_off_km2",
            "gain_eca_km2",
        ):
            low, mean, high = (site[f"{name}_{e}"]["value"] for e in ("low", "expected", "high"))
            assert low - 1e-9 <= mean <= high + 1e-9, name
    part = report_context(read_results(run.folder), words())["species"][0]
    assert all("(" in r["gains"]["mean_conductance"] for r in part["best"])


def test_no_site_is_named_where_none_gains():
    land, patches = pm.samples.tiny()
    shut = pm.candidates(
        land, "F", length_m=2000, treatment=None, chance=pm.Estimate(0.0, 0.0, 0.0), cost_usd=1e6
    )
    for draws in (0, 20):
        ranking = pm.rank(land, patches, shut, draws=draws)
        assert not ranking.table["has_gain"].any()
        found = statements(ranking)
        assert "first" not in [s["statement"] for s in found]
        text = " ".join(said(found, words()))
        assert "No candidate gains: of 4" in text
        assert not any(s.id in text for s in shut)
        assert "First to open" not in text


def test_a_candidate_that_harms_is_never_first():
    """The expected gain decides, not the best value, and a range that lies at zero is no gain."""
    import pandas as pd

    from permeability.ranking.ranked_order import has_gain

    table = pd.DataFrame({
        "gain_mean_conductance": [0.5, 0.5, 0.5, 0.5], "gain_expected": [0.1, -0.1, 0.0, 1e-15], "gain_high": [0.3, 0.2, 0.0, 1e-14],
    })  # fmt: skip
    assert has_gain(table, 1.0).tolist() == [True, False, False, False]


def test_without_draws_it_is_said_that_nothing_is_known_of_how_sure_it_is():
    land, patches = pm.samples.tiny()
    found = statements(pm.rank(land, patches, pm.candidates(land, "F", length_m=2000)))
    text = " ".join(said(found, words()))
    assert "No draws were made" in text
    assert "cannot be told apart" not in text
    assert "whether animals use the opening is the chance 1 to 1" in text  # nothing is left of a fence


def test_digits_follow_the_range():
    tr = words()
    assert with_range(0.123456, 0.1, 0.15, tr) == "0.12 (0.10 to 0.15)"
    assert with_range(0.123456, 0.1230, 0.1239, tr) == "0.1235 (0.1230 to 0.1239)"
    assert known_number(3222.0, 81.0, 38909.0, tr) == "3,000"
    for width in (0.001, 0.1, 10.0, 1e5):  # a wider range never shows more digits
        assert (
            len(known_number(123.456789, 0, width, tr))
            >= len(known_number(123.456789, 0, 10 * width, tr)) - 1
        )


def test_neighbours_are_named_as_one_stretch(run):
    table = run.species["khulan"].ranking.table
    assert places(table) == [["F", float(table["km_from"].min()), float(table["km_to"].max())]]
