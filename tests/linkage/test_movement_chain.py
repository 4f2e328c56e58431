"""Movement chains over landscapes: both known views at their ends, cells that play no part, walks that are simulated."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from chain_lands import fence_and_road, strip
from scipy.linalg import expm

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.core.errors import OptionError, PatchError, ResistanceError
from permeability.engines.chain.ground_chain import Walk, ground_chain, link_costs
from permeability.engines.chain.step_laws import deadly_line, decay_per_km
from permeability.engines.circuit.solvers.grid_system import link_list
from permeability.landscape.landscape import build
from permeability.layers.grid import Grid
from permeability.linkage.exposure import Hazard, access_hours, collision_chance, hazard
from permeability.linkage.movement_chain import _by_stretch
from permeability.species import species


def dense(chain: object) -> np.ndarray:
    a, b, g = link_list(chain.links)  # type: ignore[attr-defined]
    m = np.diag(chain.leak.ravel()).astype(float)  # type: ignore[attr-defined]
    for i, j, w in zip(a, b, g):
        m[i, i] += w
        m[j, j] += w
        m[i, j] -= w
        m[j, i] -= w
    return m


# ---------------------------------------------------------------- both ends of theta


def test_theta_to_zero_is_the_circuit_view() -> None:
    land, patches = fence_and_road()
    current = pm.connectivity(land, patches).current.values
    flow = pm.movement_chain(land, patches, theta_per_km=1e-7).passage()["net"].values
    out = patches.labels == 0
    np.testing.assert_allclose(flow[out], 2 * current[out], rtol=1e-4)  # there and back
    chain = ground_chain(Walk(land.resistance, 1.0, edges=land.edge_barriers()))
    for a, b in zip(chain.links, land.links()):
        np.testing.assert_allclose(a, b, rtol=1e-14)
    assert not chain.leak.any()


def test_theta_to_infinity_is_the_least_cost_view() -> None:
    land, patches = fence_and_road()
    least = pm.connectivity(land, patches).pairs["cost_km"].item()
    found = []
    for theta in (0.7, 2.0, 7.0):
        chain = pm.movement_chain(land, patches, theta_per_km=theta, step_km=200.0)
        found.append((chain.expected_cost().loc["W", "E"], chain.free_energy().loc["W", "E"]))
    cost, free = np.array(found).T
    assert abs(cost[-1] / least - 1) < 0.015
    assert abs(free[-1] / least - 1) < 5e-3
    assert np.all(np.diff(np.abs(free - least)) < 0)


def test_ways_that_weigh_less_than_a_number_can_are_no_number() -> None:
    land, patches = fence_and_road()
    chain = pm.movement_chain(land, patches, theta_per_km=40.0)
    assert np.isnan(chain.free_energy().loc["W", "E"])
    assert np.isnan(chain.expected_cost().loc["W", "E"])
    assert np.isnan(chain.success().loc["W", "E"])


@pytest.mark.parametrize("form", ["chance", "cost"])
def test_each_form_of_a_barrier_is_forgotten_at_one_end(form: str) -> None:
    """That is why both are the default."""
    land, patches = fence_and_road()
    bare = land.without_barriers()

    def free(one: pm.Landscape) -> float:
        chain = pm.movement_chain(one, patches, theta_per_km=5.0, step_km=200.0, barriers=form)
        return float(chain.free_energy().loc["W", "E"])

    def links(one: pm.Landscape) -> np.ndarray:
        return pm.movement_chain(one, patches, theta_per_km=1e-6, barriers=form)._between.links.e

    held = float((links(bare) / np.where(links(land) > 0, links(land), 1.0)).max())
    assert free(land) / free(bare) < 1.05 if form == "chance" else free(land) / free(bare) > 1.5
    assert held > 5 if form == "chance" else held < 1.001


# ---------------------------------------------------------------- the size of cells


def test_a_strip_against_its_closed_form() -> None:
    """Even ground, patches at both ends: the chance to get across alive is 1 / cosh(m d)."""
    for death, step in ((0.02, 1.0), (0.2, 0.5)):
        expected = 1 / np.cosh(float(decay_per_km(death, step)) * 10.0)
        found = []
        for cell in (1000.0, 500.0, 250.0):
            land, patches = strip(cell, 10.0 - cell / 1000.0)  # ends of the way are centres of cells
            found.append(
                pm.movement_chain(land, patches, death_per_km=death, step_km=step).success().loc["A", "B"]
            )
        error = np.abs(np.array(found) / expected - 1)
        assert error[-1] < 0.035
        assert np.all(error[1:] < 0.56 * error[:-1])  # first order or better


@pytest.mark.parametrize("theta", [0.0, 0.1, 1.0])
def test_the_size_of_cells_plays_no_part(theta: float) -> None:
    rows = []
    for cell in (1000.0, 500.0, 250.0):
        land, patches = fence_and_road(cell)
        chain = pm.movement_chain(land, patches, theta_per_km=theta, death_per_km=hazard(land, per_km=0.001))
        free = chain.free_energy().loc["W", "E"] if theta else 1.0
        rows.append(
            [*chain.success_matrix[[0, 1], [1, 0]], free, float(np.nanmean(chain.survival_distance()))]
        )
    coarse, middle, fine = np.array(rows)
    np.testing.assert_allclose(middle, fine, rtol=0.02)
    np.testing.assert_allclose(coarse, fine, rtol=0.05)


# ---------------------------------------------------------------- against walks that are simulated


def test_a_deadly_line_in_a_strip_against_simulated_straights() -> None:
    """12,000 animals walk straights of 0.4 km in continuous space; a tenth of the crossings kills."""
    rng = np.random.default_rng(11)
    n, d, step, death, killed = 12_000, 6.0, 0.4, 0.03, 0.1
    x, arrived = np.zeros(n), 0
    while len(x):
        length = rng.exponential(step, len(x))
        to = x + length * np.cos(rng.uniform(0, 2 * np.pi, len(x)))
        to = np.where(to < 0, -to, to)  # the western end sends them back
        crosses = (x < d / 2) != (to < d / 2)
        alive = (rng.random(len(x)) < np.exp(-death * length)) & ~(crosses & (rng.random(len(x)) < killed))
        won = alive & (to >= d)
        arrived += int(won.sum())
        x = to[alive & ~won]
    seen = arrived / n
    cell = 100.0
    far = (
        d + 0.8 * step
    )  # straights meet an absorbing end as if it stood that far behind its edge (Milne's problem)
    land, patches = strip(cell, far - cell / 1000.0, line_km=d / 2)
    land = replace(land, components=tuple(() for _ in land.components))  # a line that nobody minds
    risk = hazard(land, per_km=death, at_lines={"R": killed})
    found = pm.movement_chain(land, patches, death_per_km=risk, step_km=step).success().loc["A", "B"]
    assert abs(found - seen) < 4 * np.sqrt(seen * (1 - seen) / n)
    none = pm.movement_chain(land, patches, death_per_km=death, step_km=step).success().loc["A", "B"]
    assert none > 1.25 * seen  # the line takes more than the tolerance


def test_success_against_a_random_walk_on_the_cells() -> None:
    """40,000 animals roam by the chances of the steps themselves; fence, road deaths and homes included."""
    land, patches = fence_and_road(2000.0)
    chain = pm.movement_chain(land, patches, death_per_km=hazard(land, per_km=0.004))
    c = chain._between
    m = dense(c)
    labels = patches.labels.ravel()
    node = np.where(labels > 0, labels - 1, 2 + np.arange(labels.size))
    node = np.unique(node, return_inverse=True)[1]
    k = node.max() + 1
    gather = np.zeros((k, labels.size))
    gather[node, np.arange(labels.size)] = 1.0
    merged = gather @ m @ gather.T
    rate = np.diag(merged).copy()
    p = -merged / rate[:, None]
    np.fill_diagonal(p, 0.0)
    table = np.cumsum(p, axis=1)
    rng = np.random.default_rng(3)
    home, goal = node[labels == 1][0], node[labels == 2][0]
    at = np.full(40_000, home)
    arrived = 0
    while len(at):
        nxt = (table[at] < rng.random(len(at))[:, None]).sum(axis=1)
        arrived += int((nxt == goal).sum())
        at = nxt[(nxt != goal) & (nxt < k)]
    chance = chain.success().loc["W", "E"]
    assert abs(arrived / 40_000 - chance) < 4 * np.sqrt(chance * (1 - chance) / 40_000)


# ---------------------------------------------------------------- what belongs together


@pytest.fixture(scope="module")
def chain() -> pm.MovementChain:  # type: ignore[name-defined]
    land, patches = fence_and_road(2000.0)
    return pm.movement_chain(
        land, patches, theta_per_km=0.05, death_per_km=hazard(land, per_km=0.002), settle=0.001
    )


def test_expected_cost_and_time_are_derivatives(chain: object) -> None:
    h = 1e-5
    walk = chain._homes  # type: ignore[attr-defined]

    def log_weight(**change: float) -> np.ndarray:
        return np.log(ground_chain(replace(walk, **change)).region_chances()[0, 1])

    cost = -(log_weight(theta=walk.theta + h) - log_weight(theta=walk.theta - h)) / (2 * h)
    km = -(log_weight(death=walk.death + h) - log_weight(death=walk.death - h)) / (2 * h)
    assert chain.expected_cost().loc["W", "E"] == pytest.approx(cost, rel=1e-6)  # type: ignore[attr-defined]
    days = chain.time().loc["W", "E"]  # type: ignore[attr-defined]
    # deaths at lines do not hang on the hazard per km: the derivative is of the ground alone
    assert days * chain.km_per_day == pytest.approx(km, rel=1e-6)  # type: ignore[attr-defined]
    assert link_costs(walk)[0].e.min() >= 0


def test_kilometres_on_the_map_are_those_of_the_time(chain: object) -> None:
    km = chain.time() * chain.km_per_day  # type: ignore[attr-defined]
    total = float(chain.passage()["walked"].sum())  # type: ignore[attr-defined]
    assert total == pytest.approx(km.loc["W", "E"] + km.loc["E", "W"], rel=1e-7)


def test_every_animal_has_one_fate(chain: object) -> None:
    free = replace(chain._homes, theta=0.0)  # type: ignore[attr-defined]
    c = ground_chain(free)
    start = np.zeros(c.shape)
    start[np.unravel_index(np.flatnonzero(chain.patches.mask(1))[0], c.shape)] = 1.0  # type: ignore[attr-defined]
    there = c.solve(start)
    fates = [float((c.leak_of(cause) * there).sum()) for cause in ("death", "settle", "line")]
    assert sum(fates) == pytest.approx(1.0, rel=1e-9)
    deaths = chain.mortality()  # type: ignore[attr-defined]
    start[:] = 0
    for i in (1, 2):
        start[np.unravel_index(np.flatnonzero(chain.patches.mask(i))[0], c.shape)] = 0.5  # type: ignore[attr-defined]
    at_lines = float((c.leak_of("line") * c.solve(start)).sum())
    assert deaths["deaths"].sum() == pytest.approx(at_lines, rel=1e-9)
    assert set(deaths["line"]) == {"R"}
    assert deaths["deaths_per_km"].is_monotonic_decreasing


def test_survival_visits_and_habitat_against_dense_algebra(chain: object) -> None:
    c = chain._anywhere  # type: ignore[attr-defined]
    inverse = np.linalg.inv(dense(c))
    np.testing.assert_allclose(
        chain.survival_distance().values.ravel(),
        inverse @ c.walked.ravel(),
        rtol=1e-8,  # type: ignore[attr-defined]
    )
    w = chain.patches.mask(1).ravel() / chain.patches.mask(1).sum()  # type: ignore[attr-defined]
    np.testing.assert_allclose(
        chain.visits("W").values.ravel(),
        (w @ inverse) * c.walked.ravel(),
        rtol=1e-8,  # type: ignore[attr-defined]
    )
    rng = np.random.default_rng(1)
    quality = rng.random(c.shape)
    found = chain.functional_habitat(quality, settle_per_km=0.01)  # type: ignore[attr-defined]
    settling = ground_chain(replace(chain.walk, theta=0.0, settle=0.01 * quality))  # type: ignore[attr-defined]
    chance = np.linalg.inv(dense(settling)) @ settling.leak_of("settle").ravel()
    np.testing.assert_allclose(found.chance.values.ravel(), chance, rtol=1e-8)
    assert found.total_km2 == pytest.approx(float(quality.ravel() @ chance) * 4.0, rel=1e-8)
    assert found.habitat_km2 == pytest.approx(quality.sum() * 4.0)
    assert found.total_km2 < found.habitat_km2


def test_distribution_against_the_exponential_of_the_chain(chain: object) -> None:
    c = chain._anywhere  # type: ignore[attr-defined]
    start = np.zeros(c.shape)
    start[3, 3] = 1.0
    q = dense(c) / c.walked.ravel()[None]
    found = chain.distribution(start, km=[20.0, 60.0], steps=80)  # type: ignore[attr-defined]
    for km, values in zip((20.0, 60.0), found.values):
        exact = expm(-q * km) @ start.ravel()
        np.testing.assert_allclose(values.ravel(), exact, rtol=2e-3, atol=2e-5)
    days = chain.distribution(start, days=20.0 / chain.km_per_day, steps=80)  # type: ignore[attr-defined]
    np.testing.assert_allclose(days.values[0], found.values[0], rtol=1e-9)


def test_animals_spread_as_walkers_in_the_plane_do() -> None:
    """Mean squared distance after x km is 2 step x, whatever the cells; the living fall off as exp(-death x)."""
    land, _ = pm.samples.tiny()
    from permeability.landscape.landscape import build
    from permeability.layers.grid import Grid

    for cell in (500.0, 250.0):
        grid = Grid.from_bounds((0, 0, 20_000, 20_000), cell_size=cell, crs="EPSG:32648")
        even = build(grid, np.ones(grid.shape), land.barriers, land.profile).without_barriers()
        start = np.zeros(grid.shape)
        mid = grid.shape[0] // 2
        start[mid - 1 : mid + 1, mid - 1 : mid + 1] = 0.25
        out = pm.movement_chain(even, death_per_km=0.05, step_km=0.5).distribution(start, km=4.0).values[0]
        assert out.sum() == pytest.approx(np.exp(-0.2), rel=2e-3)
        y, x = (np.indices(grid.shape) - (mid - 0.5)) * cell / 1000.0
        spread = float(((x**2 + y**2) * out).sum() / out.sum()) - 2 * (0.5 * cell / 1000.0) ** 2
        assert spread == pytest.approx(2 * 0.5 * 4.0, rel=0.02)


@pytest.mark.parametrize("stored", [{"turned": True}, {"split": True}, {"east_m": 5000.0}])
def test_how_the_layers_are_stored_changes_nothing(stored: dict[str, float]) -> None:
    found = []
    for how in ({}, stored):
        land, patches = fence_and_road(1000.0, **how)  # type: ignore[arg-type]
        chain = pm.movement_chain(
            land, patches, theta_per_km=0.05, death_per_km=pm.hazard(land, per_km=0.001)
        )
        deaths = float(chain.mortality()["deaths"].sum())
        found.append([*chain.success_matrix[[0, 1], [1, 0]], chain.expected_cost().loc["W", "E"], deaths])
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9)


def test_rasters_may_lie_with_their_south_up() -> None:
    land, patches = fence_and_road(1000.0)
    rate = np.random.default_rng(2).uniform(0, 0.01, land.grid.shape)
    plain = pm.movement_chain(land, patches, death_per_km=rate).success()
    turned = land.to_xarray(rate, "death").sortby("y")
    assert pm.movement_chain(land, patches, death_per_km=turned).success().equals(plain)


# ---------------------------------------------------------------- hazards


def test_hazards_of_people_and_traffic() -> None:
    land, _ = fence_and_road(1000.0, vehicles=2000.0)
    town = np.zeros(land.grid.shape, bool)
    town[8, 12] = True
    hours = access_hours(land, town, ground_kmh=20.0)
    assert hours[8, 12] == 0.0
    assert hours[8, 14] == pytest.approx(2 / 20.0)
    road = np.zeros_like(town)
    road[8] = True
    assert access_hours(land, town, roads=road, road_kmh=80.0, ground_kmh=20.0)[8, 20] == pytest.approx(
        8 / 80.0
    )
    risk = hazard(land, per_km=0.001, access=hours, per_km_at_door=0.1, reach_hours=0.5)
    assert np.asarray(risk.per_km)[8, 12] == pytest.approx(0.101)
    assert np.asarray(risk.per_km)[8, 14] == pytest.approx(0.001 + 0.1 * np.exp(-0.2))
    assert risk.at_rows is not None
    assert risk.at_rows.tolist() == [0.0, pytest.approx(float(collision_chance(2000.0)))]
    assert risk.without(land.barriers.rows_of("R")).at_rows.tolist() == [0.0, 0.0]
    edges = risk.on(land)
    line = deadly_line(0.0, edges.chance, 1000.0)
    assert len(edges.keys)
    assert np.all(line.each_side > 0)
    # each row of cells: one straight and two diagonal links, 1 + sqrt 2 cells of line in the units of the circuit
    assert edges.weight_m.sum() / 16_000 == pytest.approx(1 + np.sqrt(2), rel=0.08)
    assert hazard(land, traffic=False).at_rows is None


def test_refusals() -> None:
    land, patches = pm.samples.tiny()
    chain = pm.movement_chain(land)
    with pytest.raises(PatchError, match="Q08"):
        chain.success()
    with pytest.raises(OptionError, match="Q08"):
        pm.movement_chain(land, patches).free_energy()
    with pytest.raises(OptionError, match="Q08"):
        chain.visits(np.ones(land.grid.shape))
    with pytest.raises(OptionError, match="Q08"):
        pm.movement_chain(land, patches, death_per_km=0.1).visits("nobody")
    with pytest.raises(OptionError, match="Q08"):
        chain.distribution(np.ones(land.grid.shape))
    with pytest.raises(OptionError, match="Q08"):
        chain.distribution(np.ones(land.grid.shape), km=[2.0, 1.0])
    for wrong in ({"theta_per_km": -1.0}, {"step_km": 0.0}, {"barriers": "none"}):
        with pytest.raises(OptionError, match="Q06"):
            pm.movement_chain(land, **wrong)
    with pytest.raises(ResistanceError, match="Q07"):
        pm.movement_chain(land, death_per_km=-0.1)
    with pytest.raises(ResistanceError, match="Q07"):
        pm.movement_chain(land, death_per_km=np.full((2, 2), 0.1))
    with pytest.raises(ResistanceError, match="Q07"):
        hazard(land, at_lines={"F": 1.5})
    with pytest.raises(ResistanceError, match="Q07"):
        hazard(land, per_km=-1.0)
    with pytest.raises(OptionError, match="Q06"):
        collision_chance(10.0, animal_m_per_s=0.0)
    with pytest.raises(OptionError, match="Q06"):
        access_hours(land, np.zeros(land.grid.shape, bool))
    assert Hazard.of(land, 0.0).without(np.array([0])).at_rows is None
    assert np.isinf(chain.survival_distance().values[land.valid]).all()


def test_a_chain_tells_how_far_it_is() -> None:
    land, patches = pm.samples.tiny()
    seen: list[tuple[str, int, int]] = []
    chain = pm.movement_chain(
        land.without_barriers(),
        patches,
        theta_per_km=1.0,
        progress=lambda what, done, total: seen.append((what, done, total)),
    )
    assert [(done, total) for _, done, total in seen] == [(1, 2), (2, 2)]
    counts: list[tuple[int, int]] = []
    told = chain.expected_cost(progress=lambda done, total: counts.append((done, total)))
    chain.passage(progress=lambda done, total: counts.append((done, total)))
    assert counts == [(1, 2), (2, 2)] * 2
    quiet = pm.movement_chain(land.without_barriers(), patches, theta_per_km=1.0)
    pd.testing.assert_frame_equal(told, quiet.expected_cost())


@pytest.mark.parametrize("length_m", [None, 700.0, 1000.0, 2000.0, 3000.0, 4000.0, 8000.0, 90_000.0])
def test_no_death_is_lost_at_the_end_of_a_line(length_m: float | None) -> None:
    """The line ends on the way between two cells: whoever crosses there is counted in its last stretch."""
    grid = Grid.from_bounds((0, 0, 12_000, 8000), cell_size=1000, crs="EPSG:32648")
    line = shapely.LineString([(6000, -500), (6000, 7500)])
    rail = gpd.GeoDataFrame({"id": ["R"], "kind": "railway", "fenced": "no"}, geometry=[line], crs=grid.crs)
    land = build(grid, np.ones(grid.shape), prepare(rail), species("khulan"))
    keys = np.unique(land.cuts.edge_keys)
    assert land.cuts.km.max() == land.barriers.km_range("R")[1]
    table = _by_stretch(land, keys, np.arange(1.0, len(keys) + 1), length_m)
    assert table["deaths"].sum() == pytest.approx(len(keys) * (len(keys) + 1) / 2)
    assert (table["km_to"] > table["km_from"]).all()
    assert table["km_to"].max() == 8
    assert table.geometry.length.tolist() == pytest.approx(
        (1000 * (table["km_to"] - table["km_from"])).tolist()
    )
    np.testing.assert_allclose(table["deaths_per_km"] * (table["km_to"] - table["km_from"]), table["deaths"])
