"""Step selection: the fit, its penalty, kappa by simulation, and kappa to cost by two independent ways."""

from __future__ import annotations

import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from places import SHARED

from permeability.barriers.lines import Barriers, prepare
from permeability.core.errors import OptionError, SolverError
from permeability.layers.grid import Grid
from permeability.telemetry import read_tracks, samples, step_selection
from permeability.telemetry.controls import nearby
from permeability.telemetry.kappa import cost_of_kappa
from permeability.telemetry.logit import conditional_logit
from permeability.telemetry.random_effects import mixed
from permeability.telemetry.tracks import Tracks

DATA = SHARED / "data" / "reference" / "tracks"


def sets(seed: int, strata: int = 400, options: int = 6, covariates: int = 3) -> np.ndarray:
    """Rows of choices with true coefficients .5, -1, 0.2; the chosen one first."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(strata, options, covariates))
    chosen = np.argmax(
        x @ np.array([0.5, -1.0, 0.2])[:covariates] + rng.gumbel(size=(strata, options)), axis=1
    )
    order = (chosen[:, None] + np.arange(options)) % options
    return np.take_along_axis(x, order[:, :, None], axis=1).reshape(-1, covariates)


@pytest.mark.oracle
def test_equals_statsmodels() -> None:
    pytest.importorskip("statsmodels")
    from statsmodels.discrete.conditional_models import ConditionalLogit

    x, options = sets(1), 6
    y, groups = (
        np.tile([1] + [0] * (options - 1), len(x) // options),
        np.repeat(np.arange(len(x) // options), options),
    )
    start = time.perf_counter()
    theirs = ConditionalLogit(y, x, groups=groups).fit(disp=0, method="newton")
    they, start = time.perf_counter() - start, time.perf_counter()
    ours = conditional_logit(x, options, firth=False)
    we = time.perf_counter() - start
    np.testing.assert_allclose(ours.beta, theirs.params, atol=1e-6)
    np.testing.assert_allclose(ours.error, theirs.bse, rtol=1e-4)
    assert they / we > 10


@pytest.mark.parametrize("firth", [False, True])
def test_no_other_coefficients_are_more_likely(firth: bool) -> None:
    from permeability.telemetry.logit import _terms

    x = sets(2)
    fit = conditional_logit(x, 6, firth=firth)
    rows = x.reshape(-1, 6, 3)
    best = _terms(rows, fit.beta, firth)[0]
    for k in range(3):
        for e in (-0.02, 0.02):
            assert _terms(rows, fit.beta + e * np.eye(3)[k], firth)[0] < best


def test_firth_stays_finite_when_nothing_was_crossed() -> None:
    rng = np.random.default_rng(3)
    x = (rng.uniform(size=(200, 11, 1)) < 0.1).astype(float)
    x[:, 0] = 0.0
    fit = conditional_logit(x.reshape(-1, 1), 11)
    assert -8 < fit.beta[0] < -1
    assert fit.error[0] < 3
    with pytest.raises(SolverError, match=r"F30"):
        conditional_logit(x.reshape(-1, 1), 11, firth=False)


def test_covariates_that_say_the_same_are_refused() -> None:
    x = sets(4)
    with pytest.raises(SolverError, match=r"F30.*covariates say the same"):
        conditional_logit(np.c_[x, x[:, 0]], 6)


def test_coefficients_follow_units_and_not_the_order_of_controls() -> None:
    x = sets(5)
    first = conditional_logit(x, 6)
    np.testing.assert_allclose(
        conditional_logit(x * [1000, 1, 1], 6).beta, first.beta / [1000, 1, 1], rtol=1e-6
    )
    shuffled = x.reshape(-1, 6, 3)[:, [0, 3, 1, 5, 2, 4]].reshape(-1, 3)
    np.testing.assert_allclose(conditional_logit(shuffled, 6).beta, first.beta, rtol=1e-6)


@pytest.mark.parametrize("kappa", [0.15, 0.5, 1.0])
def test_kappa_of_a_simulated_herd_is_found(kappa: float) -> None:
    tracks, barriers = samples.herd(6, 80, kappa, rng=1)
    row = step_selection(tracks, barriers, placebos=4, rng=2).table.iloc[0]
    assert row["kappa_low"] < kappa < row["kappa_high"]
    assert row["placebo"] == pytest.approx(1.0, abs=0.15)


def restless(kappa: float, rng: int, animals: int = 4, days: int = 80) -> tuple[Tracks, Barriers]:
    """A simulated herd among parallel fences whose animals rest in some five days (steps of 120 m) and travel in others (1,200 m)."""
    draw = np.random.default_rng(rng)
    n, gap = days * 12, 1200.0
    here, heading = draw.uniform(-3000, 3000, (animals, 2)), draw.uniform(0, 2 * np.pi, animals)
    travels = np.repeat(draw.uniform(size=(days // 5, animals)) < 0.4, 60, axis=0)
    path = np.empty((n, animals, 2))
    for k in range(n):
        path[k] = here
        there, new, wait = here.copy(), heading.copy(), np.ones(animals, bool)
        while wait.any():  # a refused step is drawn again
            way = heading + draw.vonmises(0, 0.5, animals)
            far = draw.exponential(np.where(travels[k], 1200.0, 120.0))
            step = far[:, None] * np.stack([np.cos(way), np.sin(way)], axis=1)
            new[wait], there[wait] = way[wait], (here + step)[wait]
            crossed = np.floor(there[:, 0] / gap) != np.floor(here[:, 0] / gap)
            home = np.exp(-np.maximum(np.hypot(*there.T) - np.hypot(*here.T), 0) / 15_000)
            wait &= draw.uniform(size=animals) > home * np.where(crossed, kappa, 1.0)
        here, heading = there, new
    frame = pd.DataFrame({
        "animal": np.repeat([f"r{i}" for i in range(animals)], n), "x": path[:, :, 0].T.ravel(), "y": path[:, :, 1].T.ravel(),
        "time": np.tile(pd.date_range("2024-01-01", periods=n, freq="2h", tz="UTC"), animals),
    })  # fmt: skip
    shapes = [shapely.LineString([(x, -60_000), (x, 60_000)]) for x in np.arange(-50, 51) * gap]
    table = gpd.GeoDataFrame(
        {"id": [f"F{i}" for i in range(101)], "kind": "fence"}, geometry=shapes, crs=32648
    )
    return read_tracks(frame, crs=32648, simulated=True, max_speed_kmh=1e6), prepare(table)


@pytest.mark.parametrize("kappa", [1.0, 0.4])
def test_animals_that_rest_and_travel_need_controls_of_the_time(kappa: float) -> None:
    """With controls of the whole track kappa is too low, and the placebo says so; with those of some days around it is right."""
    tracks, barriers = restless(kappa, 1)
    local = step_selection(tracks, barriers, placebos=6).table.iloc[0]
    assert local["kappa_low"] < kappa < local["kappa_high"]
    assert local["placebo"] == pytest.approx(1.0, abs=0.08)
    assert local["usable"]
    if kappa < 1.0:
        return
    whole = step_selection(tracks, barriers, placebos=6, local_days=None).table.iloc[0]
    assert whole["kappa_high"] < 0.95
    assert whole["placebo_high"] < 0.95
    assert not whole["usable"]


def test_controls_are_other_steps_of_the_days_around() -> None:
    days = np.sort(np.random.default_rng(0).uniform(0, 40, 300))
    own = np.arange(300)[:, None]
    few = nearby(days, 3.0, 5, np.random.default_rng(1))
    assert np.abs(days[few] - days[own]).max() <= 3.0
    many = np.concatenate([nearby(days, 3.0, 5, np.random.default_rng(k)) for k in range(200)], axis=1)
    for i in (0, 7, 150, 299):
        assert set(many[i].tolist()) == set(np.flatnonzero(np.abs(days - days[i]) <= 3.0).tolist()) - {i}
    lonely = nearby(np.array([0.0, 100.0, 200.0]), 1.0, 5, np.random.default_rng(1))
    assert not (lonely == np.arange(3)[:, None]).any()
    assert set(lonely.ravel()) == {0, 1, 2}
    with pytest.raises(OptionError, match=r"F33.*not above zero"):
        step_selection(*samples.herd(2, 20), local_days=0)


def test_number_of_lines_and_yes_or_no() -> None:
    tracks, barriers = samples.herd(4, 60)
    yes = step_selection(tracks, barriers, placebos=0).table["kappa"].iloc[0]
    number = step_selection(tracks, barriers, placebos=0, crossing="number").table["kappa"].iloc[0]
    assert number == pytest.approx(yes, rel=0.2)
    with pytest.raises(OptionError, match=r"O01"):
        step_selection(tracks, barriers, crossing="numbr")


def test_covariates_of_time_place_length_and_opening_are_in_the_fit() -> None:
    tracks, barriers = samples.herd(4, 60)
    grid = Grid.from_bounds((-80_000, -80_000, 80_000, 80_000), cell_size=10_000, crs=32648)
    east = np.tile(np.arange(grid.shape[1], dtype=float), (grid.shape[0], 1))
    gaps = gpd.GeoDataFrame({"id": ["g"]}, geometry=gpd.points_from_xy([1500], [0]), crs=32648)
    found = step_selection(
        tracks, barriers, placebos=0, rasters={"east": (east, grid)}, when={"night": lambda t: (t.hour < 6).astype(float)},
        length_matters=True, openings=gaps, reach_m=5000,
    ).coefficients  # fmt: skip
    names = set(found[found["animal"] == "all"]["covariate"])
    assert {
        "east",
        "crossing x night",
        "crossing x log_step",
        "crossing_at_opening",
        "crossing:stock",
        "cos_turn",
    } <= names
    night = found[(found["animal"] == "all") & (found["covariate"] == "crossing x night")].iloc[0]
    assert abs(night["beta"]) < 3 * night["error"]  # the herd knows no night


def test_far_lines_are_refused() -> None:
    tracks, _ = samples.herd(2, 20)
    far = prepare(
        gpd.GeoDataFrame(
            {"id": ["f"], "kind": "fence"}, geometry=[shapely.LineString([(9e5, 0), (9e5, 9)])], crs=32648
        )
    )
    with pytest.raises(OptionError, match=r"F32.*no group of lines is crossed by 10"):
        step_selection(tracks, far)
    with pytest.raises(OptionError, match=r"F31.*at least 30"):
        step_selection(*samples.walk())


def test_animals_that_differ_have_a_wider_interval_and_a_wider_new_one() -> None:
    same, apart = (
        mixed(np.full(5, -1.0), np.full(5, 0.1)),
        mixed(np.array([-2.0, -1.5, -1.0, -0.5, 0.0]), np.full(5, 0.1)),
    )
    assert apart.high - apart.low > 2 * (same.high - same.low)
    assert apart.new_high - apart.new_low > apart.high - apart.low
    assert apart.mean == pytest.approx(-1.0)


# ---------------------------------------------------------------- kappa to cost
def integral_cost(kappa: float, half: float = 24.0, n: int = 1200) -> float:
    """Extra distance of a line at 0 that scales links across it by kappa, for steps of mean 1 in the plane: one-dimensional equation.

    Chances of being at x between a source far left and a sink far right: f = P f with the symmetric kernel of the projection of
    exponential steps, links across the line times kappa.  The jump of f over the slope of f far from the line is the cost.
    """
    x = (np.arange(n) - n / 2 + 0.5) * (2 * half / n)
    h = x[1] - x[0]
    theta = (np.arange(400) + 0.5) * np.pi / 800
    far = np.abs(x[:, None] - x[None, :])
    reach = np.arange(0, 2 * half + h, h)
    # density of the projected step: mean over directions of exp(-d / cos) / cos, integrated over the cell
    edges = np.r_[0.0, reach[:-1] + h / 2, reach[-1] + h / 2]
    tail = np.mean(np.exp(-edges[:, None] / np.cos(theta)), axis=1) / 2
    mass = tail[:-1] - tail[1:]
    mass[0] *= 2
    w = mass[np.rint(far / h).astype(int).clip(0, len(mass) - 1)]
    w = np.where((x[:, None] < 0) != (x[None, :] < 0), kappa * w, w)
    # links between cells are conductances; hold the two ends beyond half of it at the values of an even slope
    laplace = np.diag(w.sum(axis=1)) - w
    edge = np.abs(x) > 0.5 * half
    f = np.zeros(n)
    out = np.inf
    for _ in range(60):  # the slope far away is 1; the jump is what is looked for
        jump = 0.0 if not np.isfinite(out) else out
        f[edge] = x[edge] + np.sign(x[edge]) * jump / 2
        inner = ~edge
        f[inner] = np.linalg.solve(laplace[np.ix_(inner, inner)], -laplace[np.ix_(inner, edge)] @ f[edge])
        near_edge = (x > 0.3 * half) & (x < 0.45 * half)
        slope, at = np.polyfit(x[near_edge], f[near_edge], 1)
        new = 2 * at / slope
        if np.isfinite(out) and abs(new - out) < 1e-4 * max(new, 1e-3):
            break
        out = new
    return out


@pytest.mark.parametrize("kappa", [0.8, 0.4, 0.1])
def test_kappa_to_cost_by_an_integral_equation(kappa: float) -> None:
    assert integral_cost(kappa) == pytest.approx(cost_of_kappa(kappa, 1.0), rel=0.005)


@pytest.mark.oracle
@pytest.mark.skipif(not DATA.is_dir(), reason="the tracks of reference are not here")
@pytest.mark.parametrize(
    ("file", "animal", "low", "published", "high"),
    [
        ("pronghorn", "102_2014", 0.54, 0.61, 0.69), ("pronghorn", "103_2014", 0.47, 0.53, 0.60),
        ("mule_deer", "416_2014", 0.75, 0.90, 1.10), ("mule_deer", "419_2014", 0.61, 0.73, 0.86),
    ],
)  # fmt: skip
def test_fences_of_wyoming(file: str, animal: str, low: float, published: float, high: float) -> None:
    tracks, fences = wyoming(file, animal), wyoming_fences()
    whole = step_selection(tracks, fences, placebos=0, local_days=None).table.iloc[0]
    assert whole["kappa"] == pytest.approx(published, abs=0.04)
    row = step_selection(tracks, fences, placebos=0).table.iloc[0]
    assert low <= row["kappa"] <= high
    assert row["kappa_low"] <= published <= row["kappa_high"]
    assert 0 <= row["cost_km_low"] <= row["cost_km_high"] < 1.2


@pytest.mark.slow
@pytest.mark.oracle
@pytest.mark.skipif(not DATA.is_dir(), reason="the tracks of reference are not here")
@pytest.mark.parametrize(
    ("file", "animal"),
    [
        ("pronghorn", "102_2014"),
        ("pronghorn", "103_2014"),
        ("mule_deer", "416_2014"),
        ("mule_deer", "419_2014"),
    ],
)
def test_turned_copies_of_the_fences_of_wyoming_are_nothing_to_anyone(file: str, animal: str) -> None:
    """Twenty copies at four places each: the mean over ten is known to some .03 only."""
    row = step_selection(wyoming(file, animal), wyoming_fences(), placebos=20).table.iloc[0]
    assert row["placebo"] == pytest.approx(1.0, abs=0.05)
    assert row["placebo_low"] < 1.0 < row["placebo_high"]
    assert row["usable"]


def wyoming_fences() -> Barriers:
    table = gpd.read_file(DATA / "fences_wyoming.gpkg")
    return prepare(table.assign(id=table["fence_id"].astype(str), kind="fence")[["id", "kind", "geometry"]])


def wyoming(file: str, animal: str) -> Tracks:
    return (
        read_tracks(DATA / f"{file}_wyoming.parquet", crs=32612)
        .to_crs(wyoming_fences().table.crs)
        .of([animal])
    )


@pytest.mark.oracle
@pytest.mark.skipif(not DATA.is_dir(), reason="the tracks of reference are not here")
def test_highway_and_caribou_with_and_without_spread() -> None:
    road = gpd.read_file(DATA / "caribou_highway.gpkg")
    road = road.assign(id=[f"h{i}" for i in range(len(road))], line="H1", kind="road")
    tracks = read_tracks(DATA / "caribou_boreal.parquet", crs=32611)
    lines = prepare(road[["id", "kind", "line", "geometry"]])
    row = step_selection(tracks, lines, controls=30, placebos=0, local_days=None).table.iloc[0]
    assert row["kappa"] == pytest.approx(0.55, abs=0.06)
    assert (row["kappa_low"], row["kappa_high"]) == pytest.approx((0.37, 0.82), abs=0.06)
    local = step_selection(tracks, lines, controls=30, placebos=0).table.iloc[0]
    assert 0.37 < local["kappa"] < 0.82
    assert local["kappa_low"] < 0.55 < local["kappa_high"]
    for found in (row, local):
        assert (
            found["kappa_animals_low"]
            < found["kappa_low"]
            < found["kappa_high"]
            < found["kappa_animals_high"]
        )
        assert found["kappa_new_low"] < found["kappa_animals_low"]
