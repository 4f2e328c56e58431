"""What is made of measured numbers: profiles, before and after, the model held against animals, and the commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from places import SHARED

from permeability.barriers.lines import Barriers, prepare
from permeability.cli.commands import main
from permeability.core.errors import OptionError
from permeability.core.estimate import Estimate
from permeability.layers.grid import Grid
from permeability.species import species
from permeability.species.profile import profile_from_dict
from permeability.telemetry import before_after, calibrate, read_tracks, samples, step_selection, validate
from permeability.telemetry.calibration import cost_before, spread_of, toml_text
from permeability.telemetry.opening_effect import Stretch
from permeability.telemetry.tracks import Tracks
from permeability.telemetry.validation import auc, boyce


def measured(best: float = 0.5, factor: float = 1.5) -> dict[str, Estimate]:
    return {"stock": Estimate(best / factor, best, best * factor, "km", "measured", "tracks", "log")}


# ---------------------------------------------------------------- calibrate
def test_more_worth_pulls_more() -> None:
    khulan = species("khulan")
    before = cost_before(khulan, "stock").best
    after = [calibrate(khulan, measured(), prior_worth=w).table["after_km"].iloc[0] for w in (0, 5, 500, 1e7)]
    assert after[0] == pytest.approx(0.5)
    assert after[-1] == pytest.approx(before, rel=1e-3)
    assert np.all(np.diff(np.abs(np.log(after) - np.log(0.5))) > 0)


def test_the_posterior_is_narrower_than_either() -> None:
    row = calibrate(species("khulan"), measured(), prior_worth=4).table.iloc[0]
    width = np.log(row["after_km_high"] / row["after_km_low"])
    assert width < np.log(1.5**2)
    assert width == pytest.approx(2 * 1.96 / np.sqrt(row["prior_worth"] + row["measured_worth"]))


def test_worth_of_a_range() -> None:
    """A count of n has a spread of 1 / sqrt(n) on the logarithm: drawn, not assumed."""
    rng = np.random.default_rng(0)
    for n in (25, 100):
        low, best, high = np.quantile(100.0 / rng.gamma(n, 1.0, 200_000), [0.025, 0.5, 0.975])
        assert 1 / spread_of(Estimate(low, best, high)) ** 2 == pytest.approx(n, rel=0.1)


def test_other_classes_and_numbers_stay_and_the_source_is_told() -> None:
    khulan = species("khulan")
    done = calibrate(khulan, measured(), citation="Mine et al. 2024, doi:10.0/0").profile
    own = done.crossing_cost_km["stock"]
    assert "Mine et al. 2024" in own.source
    assert (own.evidence, own.unit) == ("measured", "km")
    old, new = khulan.estimates(), done.estimates()
    assert {k for k in new if k not in old or new[k] != old[k]} == {"crossing_cost_km.stock"}


def test_the_species_file_gives_the_profile_back() -> None:
    import tomllib

    done = calibrate(species("khulan"), measured())
    assert profile_from_dict(tomllib.loads(done.toml())) == done.profile


def test_toml_of_awkward_texts() -> None:
    import tomllib

    data = {
        "id": 'a "b" \\ c',
        "body": {"x": {"low": 1.5, "source": "line\nbreak"}},
        "facts": [{"text": "т", "ok": True}],
    }
    assert tomllib.loads(toml_text(data)) == data


def test_what_cannot_be_used_is_left_out_and_refused() -> None:
    with pytest.raises(OptionError, match=r"F50(.|\n)*road: profiles hold no measured"):
        calibrate(species("khulan"), {"road": measured()["stock"]})
    with pytest.raises(OptionError, match=r"F51"):
        calibrate(species("khulan"), measured(), prior_worth=-1)


# ---------------------------------------------------------------- before and after
def opened(before: float, after: float, seed: int = 0, animals: int = 8) -> tuple[Tracks, Barriers]:
    """Animals that come at two fences again and again; at the first the chance of passing changes in the middle of time."""
    rng = np.random.default_rng(seed)
    frames = []
    for a in range(animals):
        x, path = -1.0, []
        for k in range(400):
            line = k % 2  # at y = 0 (treated) and y = 50 km (control)
            p = (before if k < 200 else after) if line == 0 else 0.5
            path += [(x * 600, line * 5e4), (x * 30, line * 5e4 + 200)]
            if rng.uniform() < p:
                x = -x
            path += [(x * 30, line * 5e4 + 250), (x * 600, line * 5e4)]
        when = pd.date_range("2024-01-01", periods=len(path), freq="1h", tz="UTC")
        frames.append(
            pd.DataFrame(
                {"animal": f"a{a}", "time": when, "x": [q[0] for q in path], "y": [q[1] for q in path]}
            )
        )
    line = shapely.LineString([(0, -5000), (0, 60_000)])
    fence = prepare(gpd.GeoDataFrame({"id": ["F"], "kind": "fence"}, geometry=[line], crs=32648))
    return read_tracks(pd.concat(frames), crs=32648, simulated=True, max_speed_kmh=1e6), fence


MIDDLE = "2024-02-03 08:00"
TREATED, CONTROL = [Stretch("F", 0, 10)], [Stretch("F", 50, 60)]


def test_an_opening_is_found_and_nothing_is_not() -> None:
    yes = before_after(*opened(0.2, 0.8), TREATED, MIDDLE, controls=CONTROL, kappa=False)
    assert yes.low > 2
    assert yes.ratio == pytest.approx(4, rel=0.25)
    assert yes.p_random < 0.05
    no = before_after(*opened(0.5, 0.5), TREATED, MIDDLE, controls=CONTROL, kappa=False)
    assert no.low < 1 < no.high
    assert no.p_random > 0.05


def test_closing_is_the_other_way_round_and_counts_are_told() -> None:
    found = before_after(*opened(0.8, 0.2), TREATED, MIDDLE, controls=CONTROL, kappa=False)
    assert found.high < 0.5
    assert found.table["crossings"].sum() > 1000
    assert found.animals == 8


def herd_with_an_opening(kappa_after: float, seed: int) -> tuple[Tracks, Barriers, str]:
    """Two herds among the same fences, one after the other, the second with another kappa: a change at every fence alike."""
    first, barriers = samples.herd(5, 50, 0.3, rng=seed)
    second, _ = samples.herd(5, 50, kappa_after, rng=seed + 1)
    shift = float(first.seconds.max() - second.seconds.min()) + 7200.0
    tables = [first.table, second.table.assign(time=second.table["time"] + pd.Timedelta(seconds=shift))]
    both = pd.concat(tables, ignore_index=True)
    return read_tracks(both, simulated=True, max_speed_kmh=1e6), barriers, str(tables[1]["time"].min())


def test_kappa_that_rises_everywhere_is_no_effect_of_the_treatment() -> None:
    tracks, barriers, date = herd_with_an_opening(0.9, 5)
    lines = [Stretch(n, *barriers.km_range(n)) for n in ("F8", "F9", "F10", "F11")]
    found = before_after(tracks, barriers, lines[:2], date, controls=lines[2:], draws=50, dates=4).kappa
    assert found is not None
    assert found.low < 1 < found.high


def test_kappa_at_one_fence_follows_its_opening() -> None:
    """Only the treated fences of the second herd are open: kappa there rises from .3 to .9, threefold."""
    first, barriers = samples.herd(8, 90, 0.3, rng=1)
    second, _ = samples.herd(8, 90, 0.3, rng=2, open_at=(-1500.0, 1500.0), open_kappa=0.9)
    shift = pd.Timedelta(seconds=float(first.seconds.max() - second.seconds.min()) + 7200.0)
    later = second.table.assign(time=second.table["time"] + shift)
    tracks = read_tracks(
        pd.concat([first.table, later], ignore_index=True), simulated=True, max_speed_kmh=1e6
    )
    at = {
        str(n): g.coords[0][0] for n, g in zip(barriers.table["line"], barriers.table.geometry, strict=True)
    }
    lines = {n: Stretch(n, *barriers.km_range(n)) for n, x in at.items() if abs(x) < 8000}
    treated = [s for n, s in lines.items() if abs(at[n]) < 2000]
    controls = [s for n, s in lines.items() if abs(at[n]) >= 2000]
    found = before_after(
        tracks, barriers, treated, str(later["time"].min()), controls=controls, draws=50, dates=80
    ).kappa
    assert found is not None
    assert found.low > 1.5
    assert found.low < 3 < found.high
    assert found.p_random < 0.25  # dates near the true one show most of the change too


def test_kappa_that_cannot_be_told_says_why() -> None:
    found = before_after(*opened(0.5, 0.5, animals=1), TREATED, "2024-01-02", controls=CONTROL, dates=20)
    assert found.kappa is not None
    assert "kappa not told" in repr(found) or found.kappa.note


def test_a_date_outside_is_refused() -> None:
    with pytest.raises(OptionError, match=r"F60.*before or after the date"):
        before_after(*opened(0.5, 0.5), TREATED, "2030-01-01", controls=CONTROL)


# ---------------------------------------------------------------- validate
def test_auc_is_the_share_of_right_pairs() -> None:
    rng = np.random.default_rng(2)
    values, hit = rng.integers(0, 6, 60).astype(float), rng.uniform(size=60) < 0.3
    pairs = [(v > w) + 0.5 * (v == w) for v in values[hit] for w in values[~hit]]
    assert auc(values, hit) == pytest.approx(np.mean(pairs))
    assert auc(-values, hit) == pytest.approx(1 - auc(values, hit))
    assert auc(np.exp(values), hit) == pytest.approx(auc(values, hit))


def test_boyce_of_a_good_a_bad_and_a_flat_rule() -> None:
    rng = np.random.default_rng(3)
    values = rng.uniform(size=4000)
    hit = rng.uniform(size=4000) < values * 0.2
    assert boyce(values, hit) > 0.9
    assert boyce(-values, hit) < -0.9
    assert np.isnan(boyce(np.ones(50), hit[:50]))


def herd_and_map() -> tuple[Tracks, Barriers, Grid, Any]:
    tracks, barriers = samples.herd(5, 120, 0.5)
    grid = Grid.from_bounds((-60_000, -60_000, 60_000, 60_000), cell_size=1000, crs=32648)
    near = -np.hypot(*np.meshgrid(grid.x, grid.y))
    return tracks, barriers, grid, near


def test_a_map_that_knows_is_told_from_one_that_does_not() -> None:
    tracks, barriers, grid, near = herd_and_map()
    good = validate((near, grid), tracks, barriers, draws=200)
    noise = np.random.default_rng(0).normal(size=near.shape)
    bad = validate((noise, grid), tracks, barriers, draws=200)
    assert good.table["auc_low"].iloc[0] > 0.5
    assert good.sentences[0].startswith("The model tells sections that SIMULATED animals crossed")
    assert bad.table["auc_low"].iloc[0] < 0.5 < bad.table["auc_high"].iloc[0]
    assert "does not tell" in bad.sentences[0]
    assert bad.table["p_shifted"].iloc[0] > 0.05
    assert good.table.set_index("group").loc["length", "auc"] == 0.5  # all sections are of one length


def test_the_sentences_follow_from_the_numbers() -> None:
    tracks, barriers, grid, near = herd_and_map()
    found = validate((near, grid), tracks, barriers, draws=100)
    for sentence, row in zip(found.sentences[1:], found.table.iloc[1:].itertuples(), strict=True):
        better = "does better than" in sentence
        worse = "does worse than" in sentence
        assert better == (row.less_than_model_low > 0)
        assert worse == (row.less_than_model_high < 0)


def test_only_the_order_of_the_map_counts() -> None:
    tracks, barriers, grid, near = herd_and_map()
    one = validate((near, grid), tracks, barriers, draws=50, shifts=20).table
    two = validate((np.exp(near / 1e4) * 7, grid), tracks, barriers, draws=50, shifts=20).table
    np.testing.assert_allclose(one["auc"], two["auc"], atol=5e-3)


def test_models_and_tracks_that_cannot_be_scored() -> None:
    tracks, barriers, grid, near = herd_and_map()
    with pytest.raises(OptionError, match=r"F40.*str holds no raster"):
        validate("map.tif", tracks, barriers)
    with pytest.raises(OptionError, match=r"F41.*at least 10 of each"):
        validate((near, grid), tracks.take(np.arange(60)), barriers)


def test_views() -> None:
    tracks, barriers, grid, near = herd_and_map()
    found = validate((near, grid), tracks, barriers, draws=30, shifts=10)
    assert "simulated" in found.plot().alt
    assert "Compared with tracks" in found._repr_html_()


# ---------------------------------------------------------------- commands
@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tracks")
    tracks, barriers = samples.herd(4, 60)
    tracks.table.to_file(folder / "fixes.gpkg")
    barriers.table[["id", "kind", "fence_class", "geometry"]].to_file(folder / "lines.gpkg")
    return folder


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main([*words])
    return int(end.value.code or 0)


def test_check_tells_and_exits_by_fault(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("tracks", "check", str(files / "fixes.gpkg")) == 0
    out = capsys.readouterr().out
    assert "simulated" in out
    assert "No fault found." in out
    broken = gpd.read_file(files / "fixes.gpkg")
    pd.concat([broken, broken.iloc[:2]]).to_file(files / "broken.gpkg")
    assert run("tracks", "check", str(files / "broken.gpkg"), "--json") == 2
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert "F15" in {f["code"] for f in findings}


def test_crossings_and_encounters_as_files_and_json(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = (str(files / "fixes.gpkg"), "--lines", str(files / "lines.gpkg"))
    assert run("tracks", "crossings", *both, "--out", str(files / "c.gpkg"), "--json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert len(rows) == len(gpd.read_file(files / "c.gpkg")) > 50
    assert run("tracks", "encounters", *both, "--out", str(files / "e.csv")) == 0
    assert "behaviour" in pd.read_csv(files / "e.csv").columns
    assert run("tracks", "crossings", *both, "--out", str(files / "c.doc")) == 2


def test_calibrate_writes_a_species_file(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import tomllib

    both = (str(files / "fixes.gpkg"), "--lines", str(files / "lines.gpkg"))
    words = (
        "--species",
        "mongolian_gazelle",
        "--by",
        "steps",
        "--placebos",
        "6",
        "--out",
        str(files / "mine.toml"),
        "--json",
    )
    assert run("tracks", "calibrate", *both, *words) == 0
    moved = json.loads(capsys.readouterr().out)["moved"][0]
    mine = profile_from_dict(tomllib.loads((files / "mine.toml").read_text(encoding="utf-8")))
    assert mine.crossing_cost_km["stock"].best == pytest.approx(moved["after_km"])
    assert "SIMULATED" in mine.crossing_cost_km["stock"].source


def test_columns_of_the_lines_are_helped(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = gpd.read_file(files / "lines.gpkg")[["geometry"]]
    bare.to_file(files / "bare.gpkg")
    fixes = str(files / "fixes.gpkg")
    assert run("tracks", "crossings", fixes, "--lines", str(files / "bare.gpkg")) == 2
    assert "kind" in capsys.readouterr().err
    assert run("tracks", "crossings", fixes, "--lines", str(files / "bare.gpkg"), "--kind", "fence") == 0


@pytest.mark.oracle
@pytest.mark.skipif(
    not (SHARED / "data" / "reference" / "tracks").is_dir(), reason="the tracks of reference are not here"
)
def test_stock_fences_of_wyoming_move_the_profile_to_what_pronghorn_pay() -> None:
    folder = SHARED / "data" / "reference" / "tracks"
    table = gpd.read_file(folder / "fences_wyoming.gpkg")
    fences = prepare(table.assign(id=table["fence_id"].astype(str), kind="fence")[["id", "kind", "geometry"]])
    deer = read_tracks(folder / "pronghorn_wyoming.parquet", crs=32612).to_crs(fences.table.crs)
    row = calibrate(species("mongolian_gazelle"), step_selection(deer, fences, placebos=10)).table.iloc[0]
    assert row["measured_worth"] > row["prior_worth"]
    assert 0.02 < row["after_km"] < 0.8
    assert row["after_km"] < row["before_km"]
