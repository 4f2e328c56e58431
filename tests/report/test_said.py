"""The summary page, the command line and ``summary.json`` say one thing, and what they say holds in the stated share of draws."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import permeability as pm
from permeability.cli.commands import site_table
from permeability.locale.language import words
from permeability.ranking.rank_statistics import ranks
from permeability.ranking.statements import places, statements
from permeability.report.results import read_results
from permeability.report.said import known_number, said, with_range
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


def test_report_and_command_line_say_what_summary_json_says(run, told, capsys):
    from permeability.cli.commands import _print_run

    for language in ("en", "mn", "ru"):
        tr = words(language)
        page = report_context(read_results(run.folder), tr)["species"][0]["summary"]["text"]
        lines = dict(zip(run.species["khulan"].ranking.table["id"], ["Border fence"] * 99))
        assert len(page) == len(told["headline"])
        if language == "en":
            from_json = said(told["headline"], tr, lambda site: "X")
            assert [re.sub(r"\(.*?\), ", "", p, count=1) for p in page] == [
                re.sub(r"\(.*?\), ", "", p, count=1) for p in from_json
            ], lines
    _print_run(run)
    out = capsys.readouterr().out
    for sentence in said(told["headline"], words(), lambda site: "F"):
        assert sentence in out


def inside(values, statement):
    """Share of drawn values within the range that is said; files keep twelve digits."""
    low, high = (statement[e]["value"] for e in ("low", "high"))
    slack = 1e-9 * max(abs(low), abs(high))
    return float(((values >= low - slack) & (values <= high + slack)).mean())


def test_every_statement_holds_in_the_stated_share_of_the_draws(run, told):
    ranking = run.species["khulan"].ranking
    drawn, ids = ranking.draws, [s.id for s in ranking.sites]
    assert len(drawn.gains) == DRAWS
    seen = {}
    for s in told["headline"]:
        seen.setdefault(s["statement"], []).append(s)
    for s in seen["apart"]:
        values = drawn.today[s["index"]].to_numpy()
        assert s["share_at_least_half"] == pytest.approx((values >= 0.5 * ranking.today[s["index"]]).mean())
        assert inside(values, s) >= 0.9
    first = seen["first"][0]
    k = ids.index(first["site"])
    gain = drawn.gains[:, k]
    assert first["gain"]["value"] == pytest.approx(gain.mean())
    assert k == int(np.argmax(drawn.gains.mean(axis=0)))  # the largest expected gain of all
    assert inside(gain, first) >= 0.9
    assert first["share_in_top"] == pytest.approx((ranks(drawn.gains)[:, k] <= first["top"]).mean())
    assert first["share_gains"] == pytest.approx((gain > 0).mean())
    alike = seen.get("alike", [{"sites": [first["site"]]}])[0]["sites"]
    for other in range(len(ids)):  # one rule for what cannot be told apart
        behind = float((ranks(drawn.gains)[:, k] < ranks(drawn.gains)[:, other]).mean()) > 0.9
        assert (ids[other] in alike) == (not behind)
    joins = (drawn.index_gains["pairs_apart"][:, k] > 0) | (drawn.index_gains["range_cut_off_km2"][:, k] > 0)
    assert seen["joins"][0]["share"] == pytest.approx(joins.mean())
    assert 0 < joins.mean() < 1  # the fence is complete in some of the draws only
    assert inside(drawn.index_gains["reachable_km2"][:, k], seen["reach"][0]) >= 0.9


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

    from permeability.ranking.ranking import has_gain

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
