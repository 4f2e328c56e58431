"""Indicators of a run: every value against the file it names, the change since a base, and by hand on the smallest landscape."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

import permeability as pm
from permeability.core.errors import OptionError
from permeability.monitoring.indicator_list import INDICATOR, LIST, NOT_KNOWN
from permeability.monitoring.indicator_values import indicators
from permeability.report.results import Results, read_results


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("indicators")
    project = pm.samples.tiny_project(place / "tiny")
    return pm.run_project(project, place / "results", report=False).folder  # type: ignore[return-value]


def test_values_are_those_of_the_files_they_name(folder: Path) -> None:
    table = indicators(folder).table.set_index("indicator")
    summary = json.loads((folder / "summary.json").read_text())["species"]["khulan"]["today"]
    for name in ("range_cut_off_km2", "reachable_km2", "mean_conductance", "eca_km2", "pairs_apart"):
        assert table.loc[name, "value"] == pytest.approx(summary[name]["value"], rel=1e-9)
        assert table.loc[name, "source"].startswith(f"summary.json: species/khulan/today/{name}")
    drawn = read_results(folder).barriers
    assert drawn is not None
    assert table.loc["barrier_km", "value"] == pytest.approx(float(drawn.length.sum()) / 1000)
    assert table.loc["share_passable", "value"] == 0.0  # nobody crosses a border fence
    assert table.loc["fences_mapped_km", "value"] == table.loc["barrier_km", "value"]


def test_what_the_run_does_not_know_stays_empty(folder: Path) -> None:
    table = indicators(folder).table.set_index("indicator")
    for name in ("crossings_per_km", "busy_road_km"):
        assert math.isnan(table.loc[name, "value"])
        assert table.loc[name, "source"] == ""
    assert {i.activity for i in LIST if i.activity.startswith("2.2.1")} | NOT_KNOWN | {"2.2.1 h"} == {
        f"2.2.1 {c}" for c in "abcdefghijk"
    }


def test_lines_by_hand(folder: Path) -> None:
    """Two kilometres of three that half of the animals cross, and one that none does."""
    results = read_results(folder)
    table = results.barriers
    assert table is not None
    table = pd.concat([table.head(1)] * 2, ignore_index=True)
    table["id"], table["km_from"], table["km_to"], table["standing"] = (
        ["a", "b"],
        [0.0, 2.0],
        [2.0, 3.0],
        True,
    )
    parts = [
        {"id": "a", "p_low": 0.4, "p": 0.5, "p_high": 1.0}, {"id": "a", "p_low": 1.0, "p": 1.0, "p_high": 1.0}, {"id": "b", "p_low": 0.0, "p": 0.0, "p_high": 0.3},
    ]  # fmt: skip
    record = {
        **results.record,
        "species": {"khulan": {**results.record["species"]["khulan"], "components": parts}},
    }
    made = Results(
        **{
            **{k: getattr(results, k) for k in results.__dataclass_fields__},
            "barriers": table,
            "record": record,
        }
    )
    found = indicators(made).table.set_index("indicator")
    assert tuple(found.loc["share_passable", ["low", "value", "high"]]) == pytest.approx((0.0, 2 / 3, 2 / 3))
    assert tuple(found.loc["chance_per_km", ["low", "value", "high"]]) == pytest.approx(
        (0.8 / 3, 1 / 3, 2.3 / 3)
    )


def test_crossings_have_a_poisson_interval(folder: Path) -> None:
    results = read_results(folder)
    costs = [
        {"group": "stock", "crossings": 6, "km_worked": 12.0},
        {"group": "road", "crossings": 2, "km_worked": 4.0},
    ]
    vars(results)["tracks"] = [{"species": "khulan", "about": {"simulated": True}, "costs": costs}]
    row = indicators(results).table.set_index("indicator").loc["crossings_per_km"]
    assert (row["value"], row["low"]) == pytest.approx((0.5, stats.gamma(8).ppf(0.05) / 16))
    assert row["high"] == pytest.approx(stats.gamma(9).ppf(0.95) / 16)
    assert "SIMULATED" in row["interval"]


def test_change_since_a_base_year(folder: Path, tmp_path: Path) -> None:
    then = pm.run_project(pm.samples.tiny_project(tmp_path / "tiny"), tmp_path / "then", report=False).folder
    same = indicators(folder, base=then).table
    assert (same["change"].dropna() == 0).all()
    assert not same["clear"].map(bool).any()
    other = read_results(folder)
    impact = other.impact.replace("khulan", "gazelle")
    with pytest.raises(OptionError, match="U30"):
        indicators(
            Results(**{**{k: getattr(other, k) for k in other.__dataclass_fields__}, "impact": impact}),
            base=folder,
        )


def test_texts_come_in_every_language(folder: Path) -> None:
    found = indicators(folder)
    english = found.translated("en")
    for language in ("mn", "ru"):
        table = found.translated(language)
        assert (
            (
                table[["label", "method", "not_said", "guidance"]]
                != english[["label", "method", "not_said", "guidance"]]
            )
            .all()
            .all()
        )
        pd.testing.assert_series_equal(table["value"], english["value"])
    assert set(english["indicator"]) == set(INDICATOR)
