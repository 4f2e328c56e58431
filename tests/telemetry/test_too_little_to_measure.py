"""Where there is nothing, or too little, to measure: said in words, never in a number."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from permeability.barriers.lines import Barriers, prepare
from permeability.core.errors import OptionError, SolverError
from permeability.core.estimate import Estimate
from permeability.species import species
from permeability.species.profile import profile_from_dict
from permeability.telemetry import (
    calibrate,
    crossing_cost,
    encounters,
    logit,
    measured_cost,
    read_tracks,
    samples,
    selection,
    step_selection,
)
from permeability.telemetry.calibration import cost_before
from permeability.telemetry.coarse_fixes import Corrected
from permeability.telemetry.controls import choices
from permeability.telemetry.intervals import per_crossing
from permeability.telemetry.kappa import cost_of_kappa
from permeability.telemetry.line_classes import class_of, classes_of, groups
from permeability.telemetry.line_index import LineIndex
from permeability.telemetry.line_sections import sections
from permeability.telemetry.logit import conditional_logit
from permeability.telemetry.opening_effect import BeforeAfter
from permeability.telemetry.opening_kappa import KappaChange, _Work, kappa_change
from permeability.telemetry.tracks import Tracks
from permeability.telemetry.validation import _over_animals


def walk(*places: tuple[float, float], step: str = "1h", animal: str = "a") -> Tracks:
    when = pd.date_range("2024-01-01", periods=len(places), freq=step, tz="UTC")
    x, y = np.array(places, float).T
    return read_tracks(
        pd.DataFrame({"animal": animal, "time": when, "x": x, "y": y}), crs=32648, max_speed_kmh=1e6
    )


def fences(*x: float, **columns: Any) -> Barriers:
    shapes = [shapely.LineString([(v, -50_000), (v, 50_000)]) for v in x]
    table = {"id": [f"F{i}" for i in range(len(x))], "kind": "fence", **columns}
    return prepare(gpd.GeoDataFrame(table, geometry=shapes, crs=32648))


# ---------------------------------------------------------------- kilometres and crossings
def test_a_line_that_nobody_met_has_no_cost_and_says_so() -> None:
    there_and_back = [(x, 10.0 * k) for k, x in enumerate([-400, -60, 60, 400] * 6)]
    found = crossing_cost(walk(*there_and_back, step="15min"), fences(0, 30_000), by="line", placebos=0)
    far = found.table.set_index("group").loc["F1"]
    assert np.isnan(far["cost_km"])
    assert far["note"] == "no animal came near"
    assert "F1 never met" in repr(found)
    assert found.table.set_index("group").loc["F0", "crossings"] > 0


@pytest.mark.parametrize(("crossings", "cost"), [(0, float("nan")), (3, 0.0)])
def test_no_kilometre_worked_is_no_cost_or_an_unknown_one(crossings: int, cost: float) -> None:
    found = per_crossing(np.zeros(2), np.array([crossings, 0]))
    np.testing.assert_array_equal(found, [cost] * 3)


def test_only_lines_that_were_crossed_are_corrected(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def known(signs: Any, step_h: float, raw_km: float, *more: Any, **options: Any) -> Corrected:
        asked.append(step_h)
        return Corrected(1.0, 2.0, 3.0, 0.2, {}, 0.0)

    monkeypatch.setattr(measured_cost, "corrected", known)
    places = [(x, 100.0 * k) for k, x in enumerate([-400, -100, 400, 100] * 8)]
    found = crossing_cost(walk(*places, step="4h"), fences(0, 450, 30_000), by="line", placebos=0)
    rows = found.table.set_index("group")
    assert asked == [4.0]
    assert rows["corrected"].to_dict() == {"F0": True, "F1": False, "F2": False}
    assert rows.loc["F0", "cost_km"] == 2.0
    assert rows.loc["F1", "crossings"] == 0


def test_without_steps_no_part_of_a_line_is_near() -> None:
    index = LineIndex(fences(0).table.geometry.to_numpy())
    step, row, start, end = index.within(np.zeros((0, 2)), np.zeros((0, 2)), 100.0)
    assert [len(v) for v in (step, row, start, end)] == [0, 0, 0, 0]
    assert step.dtype == row.dtype == np.int64
    one = index.within(np.array([[-200.0, 0.0]]), np.array([[200.0, 0.0]]), 100.0)
    assert (one[2][0], one[3][0]) == pytest.approx((0.25, 0.75))


def test_places_on_a_line_that_is_not_cut_have_no_section() -> None:
    cut = sections(fences(0, 1000), 25_000.0)
    line, places = (
        np.array(["F0", "road", "F1"], object),
        shapely.points([(5, 10_000), (5, 10_000), (990, -40_000)]),
    )
    found = cut.at(line, places)
    assert found[1] == -1
    assert cut.table["line"].iloc[found[[0, 2]]].tolist() == ["F0", "F1"]


# ---------------------------------------------------------------- names of lines
@pytest.mark.parametrize(
    ("fenced", "assumed", "name"),
    [
        ("no", "yes", "rail_unfenced"),
        ("partly", "yes", "rail_unfenced"),
        (None, "no", "rail_unfenced"),
        (None, "yes", "rail_barbed_both_sides"),
        ("mostly", "no", "rail_barbed_both_sides"),
    ],
)
def test_a_railway_is_fenced_where_it_says_so(fenced: str | None, assumed: str, name: str) -> None:
    assert class_of({"kind": "railway", "fenced": fenced}, assumed) == name


def test_all_lines_can_be_one_group() -> None:
    lines = fences(0, 500, fence_class=["stock", "border"])
    names, group = groups(lines, "all")
    assert (names, group.tolist()) == (("all lines",), [0, 0])
    assert groups(lines)[0] == tuple(classes_of(lines.table)) == ("stock", "border")


# ---------------------------------------------------------------- encounters
def test_a_short_encounter_at_the_end_of_a_track_is_no_bounce() -> None:
    near, far = (-50.0, 0.0), (-5000.0, 0.0)
    line = fences(0)
    whole = encounters(walk(far, far, near, far, far), line, buffer_m=100).table
    ends = encounters(walk(far, far, far, near), line, buffer_m=100).table
    begins = encounters(walk(near, far, far, far), line, buffer_m=100).table
    assert [t["behaviour"].tolist() for t in (whole, ends, begins)] == [["bounce"], ["unknown"], ["unknown"]]


def test_more_hours_at_a_fence_than_any_rule_is_trapped() -> None:
    places = [(-5000.0, 0.0)] * 3 + [(-50.0, 10.0 * k) for k in range(40)] + [(-5000.0, 0.0)] * 3
    for hours, behaviour in ((36, "trapped"), (48, "unknown")):
        found = encounters(walk(*places), fences(0), buffer_m=100, trapped_h=hours).table
        assert found["hours"].tolist() == [39.0]
        assert (found["behaviour"] == "trapped").tolist() == [behaviour == "trapped"]


# ---------------------------------------------------------------- the fit
def test_a_permeability_that_is_not_known_costs_what_is_not_known() -> None:
    assert np.isnan(cost_of_kappa(float("nan"), 1.0))
    assert cost_of_kappa(1e-9, 1.0) > 1e6


def choices_of_two(seed: int, strength: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.standard_t(2, size=(60, 2, 2))
    order = np.argsort(-(x @ [strength, -strength] + rng.gumbel(size=(60, 2))), axis=1)
    return np.take_along_axis(x, order[:, :, None], axis=1).reshape(-1, 2)


def test_a_fit_that_does_not_settle_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    x = choices_of_two(1, 1.0)
    assert np.isfinite(conditional_logit(x, 2).beta).all()
    monkeypatch.setattr(logit, "ROUNDS", 1)
    with pytest.raises(SolverError, match=r"F30.*run away or do not settle"):
        conditional_logit(x, 2)


@pytest.mark.parametrize("times", [3.0, 8.0, 50.0])
def test_steps_that_go_too_far_are_halved(monkeypatch: pytest.MonkeyPatch, times: float) -> None:
    """Newton's first steps made too long: the fit ends at the same coefficients."""
    x = choices_of_two(2, 1.0)
    plain, solve, left = conditional_logit(x, 2), logit._solve, [4]

    def longer(info: np.ndarray, right: np.ndarray) -> np.ndarray:
        left[0] -= 1
        return solve(info, right) * (times if left[0] >= 0 else 1.0)

    monkeypatch.setattr(logit, "_solve", longer)
    np.testing.assert_allclose(conditional_logit(x, 2).beta, plain.beta, rtol=1e-6)
    assert left[0] < 0


def test_steps_that_lead_nowhere_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    solve = logit._solve
    monkeypatch.setattr(logit, "_solve", lambda info, right: -solve(info, right))
    with pytest.raises(SolverError, match=r"F30.*run away or do not settle"):
        conditional_logit(choices_of_two(2, 1.0), 2)


def test_covariates_that_nearly_say_the_same_are_refused() -> None:
    x = choices_of_two(3, 1.0)
    nearly = x[:, 0] + 1e-8 * x[:, 1]
    with pytest.raises(SolverError, match=r"F30.*covariates say the same"):
        conditional_logit(np.c_[x[:, 0], nearly], 2, firth=False)


# ---------------------------------------------------------------- step selection
@pytest.fixture(scope="module")
def herd() -> tuple[Tracks, Barriers]:
    return samples.herd(4, 40, 0.4, rng=3)


def test_an_animal_with_few_steps_is_not_fitted_by_itself(herd: tuple[Tracks, Barriers]) -> None:
    tracks, barriers = herd
    long, short = tracks.of(tracks.animals[:3]), tracks.of(tracks.animals[3:])
    keep = np.zeros(len(tracks), bool)
    keep[: len(long) + 14] = True
    assert len(short) > 14
    found = step_selection(tracks.take(keep), barriers, placebos=0)
    assert set(found.coefficients["animal"]) == {"all", *tracks.animals[:3]}
    with pytest.raises(OptionError, match=r"(?s)F23.*no measured crossing cost of 'roads'.*stock"):
        found.of("roads")


def test_copies_that_cannot_be_fitted_are_no_placebo(
    herd: tuple[Tracks, Barriers], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = selection.conditional_logit, [0]

    def fails_on_copies(*given: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] > 1 + len(herd[0].animals):
            raise SolverError("F30", "nothing settles.", remedy="none")
        return real(*given, **options)

    monkeypatch.setattr(selection, "conditional_logit", fails_on_copies)
    row = step_selection(*herd, placebos=2).table.iloc[0]
    assert np.isnan(row["placebo"])
    assert not row["usable"]
    assert np.isfinite(row["kappa"])


def test_an_animal_without_steps_has_no_choices(herd: tuple[Tracks, Barriers]) -> None:
    tracks, _ = herd
    last = np.flatnonzero(tracks.number == 3)
    keep = tracks.number != 3
    keep[last[:2]] = True  # two fixes: no step with one before it
    for days in (4.0, None):
        found = choices(tracks.take(keep).bursts(), 5, local_days=days)
        assert set(found.who.tolist()) == {0, 1, 2}
        assert np.isfinite(found.end).all()


# ---------------------------------------------------------------- before and after, validation
def test_one_animal_gives_no_spread_between_animals(herd: tuple[Tracks, Barriers]) -> None:
    tracks, barriers = herd
    lines, middle = list(barriers.table.geometry), float(np.median(tracks.seconds))
    one = tracks.of(tracks.animals[:1])
    found = kappa_change(one, lines[9:11], lines[11:13], middle, np.array([middle]))
    assert found.note.startswith("one animal" if np.isfinite(found.ratio) else "fewer than")
    work = _Work(tracks, lines[9:11], lines[11:13], 0)
    fit = work.fit(middle)
    assert fit is not None
    assert work.between(middle, fit) > 0
    work.sets = work.sets.of(work.sets.who == work.sets.who[0])
    work.crossed = work.crossed[: len(work.sets.who)]
    work.moving = work.moving[: len(work.sets.who)]
    assert np.isnan(work.between(middle, fit))


def test_a_change_of_kappa_is_told_with_its_range_or_why_it_is_not() -> None:
    known = BeforeAfter(2.0, 1.5, 3.0, 0.01, pd.DataFrame(), 5, KappaChange(1.8, 1.2, 2.7, 0.04, ""))
    assert repr(known).endswith("; kappa times 1.8 (1.2-2.7), random dates do as much in 4 %)")
    nan = float("nan")
    unknown = BeforeAfter(2.0, 1.5, 3.0, 0.01, pd.DataFrame(), 5, KappaChange(nan, nan, nan, nan, "too few"))
    assert repr(unknown).endswith("; kappa not told: too few)")


def test_a_mean_over_animals_needs_animals() -> None:
    assert np.isnan(_over_animals(np.zeros(0))).all()
    mean, low, high = _over_animals(np.array([0.7]))
    assert mean == 0.7
    assert np.isnan([low, high]).all()
    assert _over_animals(np.array([0.6, 0.8]))[0] == pytest.approx(0.7)


# ---------------------------------------------------------------- calibration
def test_a_cost_that_the_profile_states_counts_before_chance_and_trace() -> None:
    told = {"low": 2.0, "best": 2.0, "high": 2.0, "unit": "km", "evidence": "D", "source": "a study"}
    khulan = species("khulan").to_dict()
    profile = profile_from_dict({**khulan, "crossing_cost_km": {"stock": told}})
    assert cost_before(profile, "stock").best == 2.0
    assert cost_before(profile, "border").source == cost_before(species("khulan"), "border").source
    measured = Estimate(4.0, 8.0, 16.0, "km", "measured", "tracks", "log")
    row = calibrate(profile, {"stock": measured}).table.iloc[0]
    assert row["prior_worth"] == row["measured_worth"]  # no range: no more certain than what was seen
    assert row["after_km"] == pytest.approx((2.0 * 8.0) ** 0.5)


def test_costs_that_are_bounds_only_do_not_move_a_profile() -> None:
    never = [(-400.0 - 10 * (k % 3), 40.0 * k) for k in range(60)]
    found = crossing_cost(walk(*[(x + 350, y) for x, y in never], step="15min"), fences(0), placebos=0)
    assert found.table["crossings"].tolist() == [0]
    with pytest.raises(OptionError, match=r"F50(.|\n)*stock: ") as caught:
        calibrate(species("khulan"), found)
    assert "nothing crossed" in str(caught.value)
