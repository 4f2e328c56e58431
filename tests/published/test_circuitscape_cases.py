"""Every published Circuitscape case, through the array functions and through the problem file, with two solvers."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from places import SHARED

from permeability.core.errors import InteropError
from permeability.engines.circuit import modes
from permeability.engines.circuit.modes.map_store import MapOptions
from permeability.interop.circuitscape import run_problem
from permeability.interop.circuitscape_lists import (
    read_links,
    read_node_values,
    read_nodes,
    read_pairs,
    read_points,
)
from permeability.layers.exchange_grids import RasterFile, read_raster

FOLDER = SHARED
FOLDER = FOLDER / "reference" / "circuitscape"
MANIFEST = FOLDER / "manifest.json"
CASES: list[dict[str, Any]] = (
    json.loads(MANIFEST.read_text(encoding="utf-8"))["cases"] if MANIFEST.is_file() else []
)
SOLVERS = ("direct", "multigrid")

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(not CASES, reason="published cases are not on this machine"),
]


def cases(*selected: str) -> list[Any]:
    return [pytest.param(c, id=c["id"]) for c in CASES if c["mode"] in selected]


RASTER = ("raster_pairwise", "raster_one_to_all", "raster_all_to_one", "raster_advanced")
NETWORK = ("network_pairwise", "network_advanced")


def plane(case: dict[str, Any], name: str, like: RasterFile | None = None) -> np.ndarray | None:
    if name not in case["inputs"]:
        return None
    path = FOLDER / case["inputs"][name]
    if path.suffix == ".txt":
        assert like is not None
        return read_points(path, like)
    return read_raster(path).values


def close(got: np.ndarray, want: np.ndarray, case: dict[str, Any], kind: str) -> None:
    tolerance = case["tolerance"]
    np.testing.assert_allclose(
        got, want, rtol=tolerance["rtol"], atol=tolerance["atol"][kind], err_msg=f"{case['id']} {kind}"
    )


def common(case: dict[str, Any], solver: str) -> dict[str, Any]:
    options = case["options"]
    return {
        "habitat_is": options["habitat_values"],
        "neighbours": options["neighbours"],
        "average": options["link_average"],
        "mask": plane(case, "mask"),
        "regions": plane(case, "short_circuit_regions"),
        "solver": solver,
    }


def wanted_maps(options: dict[str, Any]) -> MapOptions:
    return MapOptions(
        current=options.get("write_current_maps", False),
        voltage=options.get("write_voltage_maps", False),
        cumulative=options.get("write_current_maps", False),
        maximum=options.get("write_maximum_map", False),
        log_transform=options.get("log_transform_maps", False),
        null_currents=options.get("null_currents_to_nodata", False),
        null_voltages=options.get("null_voltages_to_nodata", False),
    )


def run_arrays(case: dict[str, Any], solver: str) -> dict[str, Any]:
    """Results of the array functions by the keys of the manifest."""
    options = case["options"]
    grid = read_raster(FOLDER / case["inputs"]["habitat"])
    keywords = common(case, solver)
    if case["mode"] == "raster_advanced":
        advanced = modes.raster_advanced(
            grid.values,
            plane(case, "sources", grid),
            plane(case, "grounds", grid),
            grounds_are=options["ground_values"],
            conflicts=options["conflict_policy"],
            unit_sources=options["unit_sources"],
            ideal_grounds=options["ideal_grounds"],
            **keywords,
        )
        return {"current_map": advanced.current, "voltage_map": advanced.voltage}
    if options["use_pair_selection"]:
        keywords["selection"] = read_pairs(FOLDER / case["inputs"]["pairs"])
    keywords["maps"] = wanted_maps(options)
    focal = plane(case, "focal_nodes", grid)
    if case["mode"] == "raster_pairwise":
        pairs = modes.raster_pairwise(grid.values, focal, **keywords)
        found: dict[str, Any] = {"resistances": (pairs.ids, pairs.resistance)}
        result: Any = pairs
    else:
        if options["use_source_strengths"]:
            keywords["strengths"] = read_node_values(FOLDER / case["inputs"]["source_strengths"])
        mode = modes.raster_one_to_all if case["mode"] == "raster_one_to_all" else modes.raster_all_to_one
        result = mode(grid.values, focal, **keywords)
        found = {"resistances": (result.ids, result.resistance)}
    for kind, maps in (("current_map", result.current), ("voltage_map", result.voltage)):
        found |= {f"{kind}:{'_'.join(map(str, key))}": value for key, value in maps.items()}
    return found | {"cumulative_current_map": result.cumulative, "maximum_current_map": result.maximum}


def check_table(case: dict[str, Any], kind: str, path: Path, ids: np.ndarray, values: np.ndarray) -> None:
    shown = np.where(np.isfinite(values), values, -1.0)
    want = np.loadtxt(path, ndmin=2)
    if kind == "pair_status":
        shown = np.where(shown > 0, 1.0, shown)
    if values.ndim == 1:
        np.testing.assert_array_equal(want[:, 0], ids)
        close(shown, want[:, 1], case, kind)
        return
    np.testing.assert_array_equal(want[0, 1:], ids)
    close(shown, want[1:, 1:], case, kind)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("case", cases(*RASTER))
def test_raster_case_through_arrays(case: dict[str, Any], solver: str) -> None:
    found = run_arrays(case, solver)
    for key, name in case["expected"].items():
        path = FOLDER / name
        if key in ("resistances", "pair_status"):
            check_table(case, key, path, *found["resistances"])
            continue
        want = read_raster(path).values
        np.testing.assert_array_equal(np.isnan(found[key]), np.isnan(want), err_msg=f"{case['id']} {key}")
        close(found[key], want, case, key.split(":")[0])


def write_ini(case: dict[str, Any], folder: Path) -> Path:
    """A problem file for the cases that have none of their own."""
    options, inputs = case["options"], {k: Path(v).name for k, v in case["inputs"].items()}
    ini = folder / "problem.ini"
    ini.write_text(
        "[Circuitscape mode]\ndata_type = raster\nscenario = pairwise\n"
        f"habitat_file = {inputs['habitat']}\npoint_file = {inputs['focal_nodes']}\n"
        f"habitat_map_is_resistances = {options['habitat_values'] == 'resistance'}\n"
        f"connect_four_neighbors_only = {options['neighbours'] == 4}\n"
        f"connect_using_avg_resistances = {options['link_average'] == 'resistance'}\n"
        f"use_included_pairs = True\nincluded_pairs_file = {inputs['pairs']}\noutput_file = result.out\n",
        encoding="utf-8",
    )
    return ini


FILE_NAMES = {
    "current_map": "curmap",
    "voltage_map": "voltmap",
    "cumulative_current_map": "cum_curmap",
    "maximum_current_map": "max_curmap",
    "branch_currents": "branch_currents",
    "cumulative_branch_currents": "branch_currents_cum",
    "node_currents": "node_currents",
    "cumulative_node_currents": "node_currents_cum",
    "voltages": "voltages",
}


def result_name(stem: str, key: str) -> str:
    kind, _, qualifier = key.partition(":")
    if kind in ("resistances", "pair_status"):
        return f"{stem}_resistances.out"
    extension = "asc" if kind.endswith("map") else "txt"
    return "_".join([stem, FILE_NAMES[kind], *([qualifier] if qualifier else [])]) + f".{extension}"


def lines_by_node(path: Path) -> dict[tuple[float, ...], float]:
    return {tuple(row[:-1]): row[-1] for row in np.loadtxt(path, ndmin=2).tolist()}


def compare_files(case: dict[str, Any], folder: Path, stem: str) -> None:
    for key, name in case["expected"].items():
        kind = key.split(":")[0]
        ours, theirs = folder / result_name(stem, key), FOLDER / name
        assert ours.is_file(), f"{ours.name} was not written"
        if kind.endswith("map"):
            got, want = read_raster(ours), read_raster(theirs)
            np.testing.assert_array_equal(np.isnan(got.values), np.isnan(want.values))
            assert (got.cell_size, got.xll, got.yll) == (want.cell_size, want.xll, want.yll)
            close(got.values, want.values, case, kind)
        elif kind in ("resistances", "pair_status"):
            table = np.loadtxt(ours, ndmin=2)
            if table.shape[1] == 2:
                check_table(case, kind, theirs, table[:, 0], table[:, 1])
            else:
                check_table(case, kind, theirs, table[0, 1:], table[1:, 1:])
        else:
            got_lines, want_lines = lines_by_node(ours), lines_by_node(theirs)
            assert set(got_lines) == set(want_lines), f"{case['id']} {key}"
            nodes = sorted(want_lines)
            close(
                np.array([got_lines[n] for n in nodes]), np.array([want_lines[n] for n in nodes]), case, kind
            )


def copied(case: dict[str, Any], tmp_path: Path) -> Path:
    """The problem file of a case, copied with its inputs."""
    folder = tmp_path / "case"
    folder.mkdir()
    for name in case["inputs"].values():
        shutil.copy(FOLDER / name, folder)
    if "configuration" not in case["inputs"]:
        return write_ini(case, folder)
    return folder / Path(case["inputs"]["configuration"]).name


def stem_of(ini: Path) -> str:
    line = next(t for t in ini.read_text(encoding="utf-8").splitlines() if t.startswith("output_file"))
    return line.split("=")[1].strip().removesuffix(".out")


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("case", cases(*RASTER))
def test_raster_case_through_problem_file(case: dict[str, Any], solver: str, tmp_path: Path) -> None:
    ini = copied(case, tmp_path)
    written = run_problem(ini, output_dir=tmp_path / "out", solver=solver)
    compare_files(case, tmp_path / "out", stem_of(ini))
    assert sorted(written) == sorted((tmp_path / "out").iterdir())


@pytest.mark.parametrize("case", cases(*NETWORK))
def test_network_case_through_problem_file(case: dict[str, Any], tmp_path: Path) -> None:
    ini = copied(case, tmp_path)
    run_problem(ini)
    compare_files(case, ini.parent, stem_of(ini))


@pytest.mark.parametrize("case", cases("network_pairwise"))
def test_network_pairwise_case_through_arrays(case: dict[str, Any]) -> None:
    ends, values = read_links(FOLDER / case["inputs"]["graph"])
    network = modes.Network.of(ends, values, links_are=case["options"]["link_values"])
    result = modes.network_pairwise(network, read_nodes(FOLDER / case["inputs"]["focal_nodes"]))
    for key, name in case["expected"].items():
        kind, _, qualifier = key.partition(":")
        path = FOLDER / name
        if kind == "resistances":
            check_table(case, kind, path, result.ids, result.resistance)
            continue
        pair = tuple(int(n) for n in qualifier.split("_")) if qualifier else ()
        found: Any = {
            "voltages": result.voltage,
            "node_currents": result.current,
            "branch_currents": result.branch,
            "cumulative_node_currents": {(): result.cumulative},
            "cumulative_branch_currents": {(): result.cumulative_branch},
        }[kind][pair]
        want = lines_by_node(path)
        keys = [found.first, found.second] if "branch" in kind else [found.node]
        got = {tuple(float(k) for k in at): v for *at, v in zip(*keys, found.value)}
        assert set(want) <= set(got)
        for at, value in got.items():
            close(np.array(value), np.array(want.get(at, 0.0)), case, kind)


@pytest.mark.parametrize("case", cases("network_advanced"))
def test_network_advanced_case_through_arrays(case: dict[str, Any]) -> None:
    ends, values = read_links(FOLDER / case["inputs"]["graph"])
    network = modes.Network.of(ends, values, links_are=case["options"]["link_values"])
    sources = read_node_values(FOLDER / case["inputs"]["sources"])
    grounds = read_node_values(FOLDER / case["inputs"]["grounds"])
    result = modes.network_advanced(
        network,
        list(sources),
        list(sources.values()),
        list(grounds),
        list(grounds.values()),
        grounds_are=case["options"]["ground_values"],
        conflicts=case["options"]["conflict_policy"],
    )
    for key, found in (("voltages", result.voltage), ("node_currents", result.current)):
        want = lines_by_node(FOLDER / case["expected"][key])
        close(found.value, np.array([want[(float(n),)] for n in found.node]), case, key)
    want = lines_by_node(FOLDER / case["expected"]["branch_currents"])
    for a, b, value in zip(result.branch.first, result.branch.second, result.branch.value):
        close(np.array(value), np.array(want.get((float(a), float(b)), 0.0)), case, "branch_currents")


@pytest.mark.parametrize("kind", ["gzip", "geotiff"])
def test_compressed_and_geotiff_inputs_are_equal_to_plain_ones(kind: str, tmp_path: Path) -> None:
    case = next(c for c in CASES if c["id"] == "raster_pairwise_01")
    ini = copied(case, tmp_path)
    text = ini.read_text(encoding="utf-8")
    if kind == "geotiff":
        text = text.replace("polygons.asc", "polygons.tif")
    else:
        for name in ("cellmap.asc", "points.asc"):
            raw = (ini.parent / name).read_bytes()
            (ini.parent / f"{name}.gz").write_bytes(gzip.compress(raw))
            (ini.parent / name).unlink()
            text = text.replace(name, f"{name}.gz")
    ini.write_text(text, encoding="utf-8")
    run_problem(ini)
    compare_files(case, ini.parent, stem_of(ini))


def facts() -> dict[str, Any]:
    case = next(c for c in CASES if c["mode"] == "unit_facts")
    result: dict[str, Any] = json.loads((FOLDER / case["expected"]["facts"]).read_text(encoding="utf-8"))
    return result


def grouping(numbers: np.ndarray) -> set[frozenset[int]]:
    flat = numbers.reshape(-1)
    return {frozenset(np.flatnonzero(flat == n).tolist()) for n in np.unique(flat[flat > 0])}


def test_fact_node_grouping() -> None:
    for fact in facts()["node_grouping"]:
        resistance = modes.cell_resistance(fact["conductance"], habitat_is="conductance")
        regions = None if fact["regions"] is None else np.array(fact["regions"])
        circuit = modes.RasterCircuit.of(resistance, regions=regions)
        assert grouping(circuit.owner + 1) == grouping(np.array(fact["node_numbers"]))


def test_fact_link_conductances() -> None:
    fact = facts()["conductance_graph"]
    numbers = np.array(fact["node_numbers"])
    order = np.argsort(numbers.reshape(-1))[-numbers.max() :]
    for matrix in fact["matrices"]:
        resistance = modes.cell_resistance(fact["conductance"], habitat_is="conductance")
        circuit = modes.RasterCircuit.of(
            resistance, neighbours=matrix["neighbours"], average=matrix["link_average"]
        )
        found = dense_links(circuit)[np.ix_(order, order)]
        np.testing.assert_allclose(found, matrix["matrix"], atol=1e-5)


def dense_links(circuit: modes.RasterCircuit) -> np.ndarray:
    rows, cols = circuit.shape
    out = np.zeros((rows * cols, rows * cols))
    steps = [(0, 1), (1, 0), (1, 1), (1, -1)]
    for conductance, (dr, dc) in zip(circuit.links, steps):
        for r, c in zip(*np.nonzero(conductance)):
            a, b = r * cols + c, (r + dr) * cols + c + dc
            out[a, b] += conductance[r, c]
            out[b, a] += conductance[r, c]
    return out


def test_fact_laplacian() -> None:
    links = dense_links(modes.RasterCircuit.of(np.ones((3, 3)), neighbours=4))
    laplacian = np.diag(links.sum(axis=0)) - links
    np.testing.assert_array_equal(laplacian, facts()["laplacian"][0]["matrix"])


def test_fact_conflicts() -> None:
    for fact in facts()["conflict_resolution"]:
        found = modes.resolve_conflicts(fact["sources"], fact["ground_conductances"], fact["policy"])
        np.testing.assert_array_equal(found.source, fact["sources_after"])
        np.testing.assert_array_equal(found.ground, fact["grounds_after"])
        np.testing.assert_array_equal(found.finite, fact["finite_grounds"])


def test_error_point_outside_through_list_and_problem_file(tmp_path: Path) -> None:
    case = next(c for c in CASES if c["id"] == "error_point_outside")
    options = case["options"]
    shape = (options["nrows"], options["ncols"])
    header = "".join(
        f"{key} {options[key]}\n" for key in ("ncols", "nrows", "xllcorner", "yllcorner", "cellsize")
    )
    habitat = tmp_path / "habitat.asc"
    habitat.write_text(header + ("1 " * shape[1] + "\n") * shape[0], encoding="utf-8")
    points = FOLDER / case["inputs"]["focal_nodes"]
    with pytest.raises(InteropError, match=r"\[X08\].*10 of 10 points"):
        read_points(points, read_raster(habitat))
    ini = tmp_path / "problem.ini"
    ini.write_text(
        f"scenario = pairwise\nhabitat_file = habitat.asc\npoint_file = {points}\noutput_file = out.out\n",
        encoding="utf-8",
    )
    with pytest.raises(InteropError, match=r"\[X08\]"):
        run_problem(ini)
    assert not list(tmp_path.glob("*out*"))
