"""Published cases of ConScape, samc 3 and gdistance: randomised shortest paths and absorbing chains by their own rules.

Two ways for everything that is the same both ways: the directed chain (sparse LU) and the leaky circuit (the house's solvers).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from places import REFERENCE
from scipy.sparse import coo_array

from permeability.engines.chain import (
    PathChain,
    coarse_targets,
    conscape_grid,
    conscape_paths,
    largest_eigenvalue,
    samc_grid,
    samc_links,
)
from permeability.engines.chain.path_chain import largest_part


def case(folder: str, name: str) -> dict[str, Any]:
    """A published case; skipped where the references are missing."""
    manifest = REFERENCE / folder / "manifest.json"
    if not manifest.is_file():
        pytest.skip("published reference cases are not on this machine")
    (found,) = (c for c in json.loads(manifest.read_text(encoding="utf-8"))["cases"] if c["id"] == name)
    return {**found, "folder": REFERENCE / folder}


def table(entry: dict[str, Any], name: str, **options: Any) -> np.ndarray:
    path = entry["folder"] / {**entry["inputs"], **entry["expected"]}[name]
    return np.genfromtxt(path, delimiter=",", missing_values="NA", **options)


def asc(entry: dict[str, Any], name: str) -> np.ndarray:
    path = entry["folder"] / {**entry["inputs"], **entry["expected"]}[name]
    lines = path.read_text().split("\n")
    n = next(i for i, line in enumerate(lines) if line and not line[0].isalpha())
    head = {k.lower(): float(v) for k, v in (line.split() for line in lines[:n])}
    values = np.array(" ".join(lines[n:]).split(), float).reshape(int(head["nrows"]), int(head["ncols"]))
    return np.where(values == head.get("nodata_value", -9999.0), np.nan, values)


def asserted(entry: dict[str, Any]) -> dict[str, Any]:
    path = entry["folder"] / entry["expected"]["asserted_values"]
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def close(found: Any, expected: Any, rtol: float = 1e-8) -> None:
    """Relative on the norm of the block, as the peer compares."""
    a, b = np.asarray(found, float), np.asarray(expected, float)
    assert a.shape == b.shape
    assert np.linalg.norm(a - b) <= rtol * np.linalg.norm(b)


# ---------------------------------------------------------------- ConScape


@pytest.fixture(scope="module")
def sno() -> tuple[
    dict[str, Any], dict[str, Any], PathChain, np.ndarray, np.ndarray, Callable[..., np.ndarray]
]:
    entry = case("conscape", "rsp_sno_2000")
    affinity, quality = asc(entry, "affinities"), asc(entry, "qualities")
    quality = np.where((np.nan_to_num(affinity) > 0) & np.isnan(quality), 1e-20, quality)
    paths, cells = conscape_paths(affinity, 0.1)

    def on_grid(values: np.ndarray) -> np.ndarray:
        out = np.full(affinity.size, np.nan)
        out[cells] = values
        return out.reshape(affinity.shape)

    return entry, asserted(entry), paths, np.nan_to_num(quality.ravel()[cells]), cells, on_grid


def window(values: np.ndarray, block: dict[str, Any]) -> np.ndarray:
    (r0, r1), (c0, c1) = block["rows"], block["cols"]
    return values[r0 - 1 : r1, c0 - 1 : c1]


def test_conscape_graph_weights_and_fundamental_matrix(sno: Any) -> None:
    _, said, paths, _, cells, _ = sno
    block = said["pruned_affinity_block"]
    at = np.searchsorted(np.sort(cells), 0) * 0 + 999
    close(paths.affinity[at : at + 3][:, at : at + 3].toarray(), block["matrix"])
    n = len(paths.chain)
    near = np.flatnonzero(paths.affinity[:, [n - 1]].toarray().ravel())
    for name, matrix in (
        ("cost_last_three", paths.cost),
        ("reference_probability_last_three", paths.reference),
        ("weight_last_three", paths.weight),
    ):
        close(matrix[near, n - 1].toarray().ravel()[-3:], said[name])
    close(paths.fundamental[99:102, 110:113], said["fundamental_block"]["matrix"])


def test_conscape_betweenness_habitat_and_divergence(sno: Any) -> None:
    entry, said, paths, q, _cells, on_grid = sno
    close(window(on_grid(paths.betweenness(q, q)), said["betweenness_quality_weighted"]),
          said["betweenness_quality_weighted"]["values"])  # fmt: skip
    expected_cost = paths.expected_cost()
    near = np.exp(-expected_cost)
    habitat = on_grid(paths.connected_habitat(q, q, near))
    np.testing.assert_allclose(habitat, asc(entry, "connected_habitat"), rtol=1e-6, atol=1e-9)
    unit = near.copy()
    np.fill_diagonal(unit, 1.0)
    for name, weights in (
        ("betweenness_proximity_weighted_unit_diagonal", unit),
        ("betweenness_proximity_weighted_exp_50", np.exp(-expected_cost / 50.0)),
    ):
        found = on_grid(paths.betweenness(q, q, weights))
        close(window(found, said[name]), said[name]["values"])
        np.testing.assert_allclose(found, asc(entry, name), rtol=1e-6, atol=1e-9)
    assert paths.mean_divergence(q, q) == pytest.approx(said["mean_kl_divergence"], rel=1e-8)
    straight = float(q @ paths.least_cost_divergence() @ q)
    assert straight == pytest.approx(said["mean_least_cost_kl_divergence"], rel=1e-8)


def test_conscape_habitat_without_a_cell(sno: Any) -> None:
    entry, said, *_ = sno
    affinity, quality = asc(entry, "affinities"), asc(entry, "qualities")
    affinity = affinity.copy()
    affinity[19, 19] = np.nan
    quality = np.where((np.nan_to_num(affinity) > 0) & np.isnan(quality), 1e-20, quality)
    paths, cells = conscape_paths(affinity, 0.1)
    q = np.nan_to_num(quality.ravel()[cells])
    total = float(paths.connected_habitat(q, q).sum())
    assert total == pytest.approx(said["connected_habitat_sum_without_cell_20_20"], rel=1e-8)


def test_conscape_as_a_leaky_circuit(sno: Any) -> None:
    entry, said, paths, _, cells, _ = sno
    affinity = asc(entry, "affinities")
    live = np.zeros(affinity.size, bool)
    live[cells] = True
    grid = conscape_grid(np.where(live.reshape(affinity.shape), affinity, 0.0), 0.1)
    block = grid.fundamental(cells[110:113]).reshape(3, -1)[:, cells[99:102]].T
    close(block, said["fundamental_block"]["matrix"])
    multigrid = conscape_grid(np.where(live.reshape(affinity.shape), affinity, 0.0), 0.1)
    column = type(multigrid)(
        multigrid.links, multigrid.outflow, multigrid.leak, solver="multigrid"
    ).fundamental(cells[[700]])
    close(column.ravel()[cells], paths.fundamental[:, 700])


def test_conscape_two_by_two() -> None:
    entry = case("conscape", "rsp_two_by_two")
    ones = asc(entry, "affinities")
    paths = conscape_paths(ones, 2.0, costs=ones, neighbours=4).chain
    for name, kind in (
        ("free_energy_distance", "free_energy"),
        ("expected_cost", "expected_cost"),
        ("survival_probability", "survival"),
        ("power_mean_proximity", "power_mean"),
    ):
        np.testing.assert_allclose(paths.distance(kind), table(entry, name), atol=1e-5)


def test_conscape_least_cost() -> None:
    entry = case("conscape", "least_cost_small")
    paths = conscape_paths(asc(entry, "affinities"), 1.0).chain
    np.testing.assert_allclose(paths.least_cost(), table(entry, "distances"), rtol=1e-5, atol=1e-5)
    entry = case("conscape", "least_cost_kl_five_nodes")
    five = PathChain(table(entry, "affinities"), table(entry, "costs"), 1.0)
    np.testing.assert_allclose(
        five.least_cost_divergence(), table(entry, "divergence"), rtol=1e-8, atol=1e-12
    )


def test_conscape_wall_and_coarse_targets() -> None:
    entry = case("conscape", "rsp_wall_coarse_targets")
    said = asserted(entry)
    links = table(entry, "affinity_edges", skip_header=1)
    source, target = asc(entry, "source_qualities"), asc(entry, "target_qualities")
    block = said["coarse_target_corner"]
    moved = np.nan_to_num(coarse_targets(target, 3))
    np.testing.assert_allclose(window(moved, block), block["values"])
    rows, cols = source.shape
    n = rows * cols
    ends = links[:, 0].astype(int) - 1, links[:, 1].astype(int) - 1
    affinity = coo_array((links[:, 2], ends), shape=(n, n)).tocsr()
    part = largest_part(affinity)
    affinity = affinity[part][:, part]
    cost = affinity.copy()
    cost.data = -np.log(cost.data)
    q_s = np.nan_to_num(source).T.ravel()[part]
    coarse = coarse_targets(target, 3).T.ravel()[part]
    at = np.flatnonzero(np.isfinite(coarse))
    paths = PathChain(affinity, cost, 0.2, at)
    q_t = coarse[at]
    for name, kind in (
        ("expected_cost", "expected_cost"), ("free_energy", "free_energy"),
        ("survival_probability", "survival"), ("power_mean", "power_mean"),
    ):  # fmt: skip
        value = largest_eigenvalue(paths.proximity(kind), q_s, q_t, at)
        assert value == pytest.approx(said["largest_eigenvalue"][name], rel=1e-10), name


# ---------------------------------------------------------------- samc 3


def samc_case(name: str) -> tuple[dict[str, Any], Any, np.ndarray]:
    entry = case("samc", name)
    r = table(entry, "resistance")
    value = None
    if "asym" in name:
        value = lambda a, b: 1.0 / (0.5 * (a + b) + a)  # noqa: E731
    grid = samc_links(
        r, table(entry, "absorption"), table(entry, "fidelity"), value=value,
        neighbours=entry["options"]["neighbours"],
    )  # fmt: skip
    start = table(entry, "init").ravel()[grid.cells]
    return entry, grid.chain, start


SAMC = ("mask1_sym8", "mask1_asym4", "mask2_sym8", "mask3_asym4")


@pytest.mark.parametrize("name", SAMC)
def test_samc_chain(name: str) -> None:
    entry, chain, p = samc_case(name)
    found = {
        "visits": chain.visits(),
        "visits_from_initial": chain.visits(p),
        "visits_from_initial_within_100_steps": chain.visits_within(p, 100),
        "distribution_from_initial_after_100_steps": chain.after(p, 100),
        "distribution_from_initial_after_3_5_7_11_13_steps": chain.after(p, [3, 5, 7, 11, 13]),
        "absorbed_from_initial": chain.ended(p),
        "absorbed_from_initial_within_100_steps": chain.ended(p, 100),
        "time_to_absorption": chain.time_to_end(),
        "time_to_absorption_from_initial": p @ chain.time_to_end(),
        "probability_of_reaching_13": chain.reaches(12),
        "probability_of_reaching_13_within_100_steps": chain.reaches(12, 100),
        "net_flow_from_initial": chain.net_flow(p),
    }
    if "conditional_first_passage_time_to_13" in entry["expected"]:
        found["conditional_first_passage_time_to_13"] = chain.time_when_reached(12)
    assert set(found) | {"transition_probabilities"} == set(entry["expected"])
    links = table(entry, "transition_probabilities", skip_header=1)
    n = len(chain)
    whole = np.zeros((n, n + 1))
    inner = links[links[:, 0] <= n]
    whole[inner[:, 0].astype(int) - 1, inner[:, 1].astype(int) - 1] = inner[:, 2]
    np.testing.assert_allclose(chain.step.toarray(), whole[:, :n], rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(chain.ends, whole[:, n], rtol=1e-10, atol=1e-14)
    for key, value in found.items():
        expected = table(entry, key)
        if key in ("probability_of_reaching_13_within_100_steps", "conditional_first_passage_time_to_13"):
            value, expected = np.delete(value, 12), np.delete(expected, 12)  # undefined from itself
        np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-12, err_msg=key)


@pytest.mark.parametrize("name", ["mask1_sym8", "mask2_sym8"])
@pytest.mark.parametrize("solver", ["splu", "multigrid", "condensation"])
def test_samc_as_a_leaky_circuit(name: str, solver: str) -> None:
    entry, _, _ = samc_case(name)
    r = table(entry, "resistance")
    grid = samc_grid(
        r, table(entry, "absorption"), table(entry, "fidelity"), neighbours=entry["options"]["neighbours"]
    )
    grid = type(grid)(grid.links, grid.outflow, grid.leak, solver=solver, rtol=1e-12)
    live = np.isfinite(r)
    p = np.nan_to_num(table(entry, "init"))
    for key, value in (
        ("time_to_absorption", grid.time_to_end()),
        ("visits_from_initial", grid.visits(p)),
        ("absorbed_from_initial", grid.ended(p)),
        ("distribution_from_initial_after_100_steps", grid.after(p, 100)),
        ("visits_from_initial_within_100_steps", grid.visits_within(p, 100)),
    ):
        np.testing.assert_allclose(value[live], table(entry, key), rtol=1e-10, err_msg=key)
    goal = np.zeros(r.shape, bool)
    goal.ravel()[np.flatnonzero(live)[12]] = True
    chance = grid.reaches(goal).chance[live]
    expected = table(entry, "probability_of_reaching_13")
    other = np.arange(len(expected)) != 12  # from itself samc gives the chance to come back
    np.testing.assert_allclose(chance[other], expected[other], rtol=1e-10)


def test_samc_and_circuit_theory() -> None:
    entry = case("samc", "circuit_theory_10x10")
    r, strip = table(entry, "resistance"), table(entry, "absorption")
    path = entry["folder"] / entry["expected"]["values"]
    value = {k: float(v) for k, v in (line.split(",") for line in path.read_text().split()[1:])}
    origin, goal = int(value["origin_cell"]) - 1, int(value["dest_cell"]) - 1
    none = np.zeros(r.shape)
    at = np.zeros(r.size)

    def ends_at(cell: int, extra: np.ndarray) -> Any:
        out = extra.ravel().copy()
        out[cell] = 1.0
        return samc_links(r, out.reshape(r.shape), 0.0).chain

    there, back = ends_at(goal, none), ends_at(origin, none)
    for chain, begin, end, word in (
        (there, origin, goal, "origin_to_dest"),
        (back, goal, origin, "dest_to_origin"),
    ):
        assert chain.time_to_end()[begin] == pytest.approx(value[f"survival_{word}"], rel=1e-10)
        assert chain.time_to_end()[begin] - 1 == pytest.approx(value[f"cond_passage_{word}"], rel=1e-10)
        assert end != begin
    both = there.time_to_end()[origin] + back.time_to_end()[goal] - 2
    assert both == pytest.approx(value["commute_distance"], rel=1e-10)
    with_strip = samc_links(r, strip, 0.0).chain
    assert with_strip.time_when_reached(goal)[origin] == pytest.approx(
        value["cond_passage_with_absorption_origin_to_dest"], rel=1e-10
    )
    assert with_strip.time_when_reached(origin)[goal] == pytest.approx(
        value["cond_passage_with_absorption_dest_to_origin"], rel=1e-10
    )
    at[origin] = 1.0
    for key, found in (
        ("total_flow", there.visits(at)),
        ("net_flow", there.net_flow(at)),
        ("net_flow_with_absorption", ends_at(goal, strip).net_flow(at)),
        ("visits_with_absorption", with_strip.visits(at)),
    ):
        np.testing.assert_allclose(found, table(entry, key).ravel(), rtol=1e-10, atol=1e-12, err_msg=key)


# ---------------------------------------------------------------- gdistance


def gdistance_links(entry: dict[str, Any], name: str, n: int) -> Any:
    links = table(entry, name, skip_header=1) if _has_header(entry, name) else table(entry, name)
    return coo_array(
        (links[:, 2], (links[:, 0].astype(int) - 1, links[:, 1].astype(int) - 1)), shape=(n, n)
    ).tocsr()


def _has_header(entry: dict[str, Any], name: str) -> bool:
    path = entry["folder"] / entry["expected"][name]
    return bool(path.read_text()[0].isalpha())


def gdistance_paths(entry: dict[str, Any], name: str, theta: float, n: int = 162) -> PathChain:
    links = gdistance_links(entry, name, n)
    cost = links.copy()
    cost.data = 1.0 / cost.data
    return PathChain(links, cost, theta)


def lonlat_cell(x: float, y: float) -> int:
    return int((90 - y) // 20) * 18 + int((x + 180) // 20)


def test_gdistance_randomised_shortest_paths() -> None:
    entry = case("gdistance", "overview_lonlat_18x9")
    cells = [lonlat_cell(*xy) for xy in entry["options"]["points"]]

    def distances(paths: PathChain, view: str) -> np.ndarray:
        return np.array([[paths.mean_cost(a, b, view) if a != b else 0.0 for b in cells] for a in cells])

    for theta in ("0.5", "2", "10"):
        paths = gdistance_paths(entry, "conductance_edges_least_cost_corrected", float(theta))
        for view in ("total", "net"):
            key = f"rsp_{view}_least_cost_corrected:{theta}"
            np.testing.assert_allclose(
                distances(paths, view), table(entry, key), rtol=1e-9, atol=1e-9, err_msg=key
            )
    paths = gdistance_paths(entry, "conductance_edges_random_walk_corrected", 1e-12)
    np.testing.assert_allclose(
        distances(paths, "total"), table(entry, "rsp_total_random_walk_corrected:1e-12"), rtol=1e-9, atol=1e-9
    )
    origin = lonlat_cell(*entry["options"]["passage_origin"])
    for key, view, number in (
        ("passage_net:3", "net", "3"),
        ("passage_total:3", "total", "3"),
        ("passage_net:1", "net", "1"),
    ):
        goal = lonlat_cell(*entry["options"]["passage_goal"][number])
        found = paths_for(entry, number).passage_map(origin, goal, view)
        np.testing.assert_allclose(found.reshape(9, 18), table(entry, key), rtol=1e-9, atol=1e-9, err_msg=key)


def paths_for(entry: dict[str, Any], number: str) -> PathChain:
    return gdistance_paths(entry, "conductance_edges_least_cost_corrected", float(number))


@pytest.mark.parametrize("neighbours", [4, 8])
def test_gdistance_commute_distance_is_the_time_there_and_back(neighbours: int) -> None:
    """Steps of the walk there and back, each worth the mean conductance of a cell's links: total / n."""
    entry = case("gdistance", "accumulated_cost_6x7")
    n = 42
    links = gdistance_links(entry, f"conductance_edges:{neighbours}", n)
    points = [int(6 - y) * 7 + int(x) for x, y in entry["options"]["points"]]
    paths = PathChain(links, links, 1e-9)
    expected = table(entry, f"commute_distance:{neighbours}")
    for i, a in enumerate(points):
        for j, b in enumerate(points):
            if a < b:
                steps = _hitting(paths, a, b) + _hitting(paths, b, a)
                assert steps == pytest.approx(expected[i, j], rel=1e-9)


def _hitting(paths: PathChain, begin: int, end: int) -> float:
    from permeability.engines.chain import LinkChain

    p = paths.reference.tolil()
    p[end] = 0.0
    ends = np.zeros(p.shape[0])
    ends[end] = 1.0
    return float(LinkChain(p.tocsr(), ends).time_to_end()[begin]) - 1.0
