"""Random problem files of every mode, run as commands run them, against the written rules."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import circuitscape_rules as rules
import numpy as np
import pytest
from problem_writer import Writer, same

from permeability.core.errors import Finding
from permeability.interop.circuitscape import run_problem


def random_pairs(writer: Writer, ids: list[int], zero: bool = False) -> rules.Pairs:
    """A list or a matrix of pairs, and what it means."""
    rng = writer.rng
    if rng.random() < 0.5:
        mode = str(rng.choice(["include", "exclude"]))
        everyone = [(a, b) for k, a in enumerate(ids) for b in ids[k + 1 :]]
        some = [everyone[k] for k in rng.permutation(len(everyone))[: rng.integers(1, len(everyone) + 1)]]
        some += some[:1]
        lines = [f"{a}\t{b}" if rng.random() < 0.5 else f"{b} {a}" for a, b in some]
        named = {n for pair in some for n in pair}
        if not zero and rng.random() < 0.3:
            named.add(ids[0])
            lines.append(f"{ids[0]}\t0")
        if rng.random() < 0.3:  # a number that is no focal node
            lines.append(f"{ids[0]} 99")
            named |= {ids[0], 99}
        writer.text("included_pairs_file", [f"mode\t{mode}", *lines])
        return rules.Pairs(mode, set(some), named)
    table = rng.integers(0, 100, (len(ids), len(ids)))
    pairs = {
        (ids[i], ids[j])
        for i in range(len(ids))
        for j in range(i + 1, len(ids))
        if 20 <= table[i, j] <= 60 or 20 <= table[j, i] <= 60
    }
    rows = [" ".join(map(str, [n, *row])) for n, row in zip(ids, table.tolist(), strict=True)]
    writer.text("included_pairs_file", ["min 20", "max 60", " ".join(map(str, [0, *ids])), *rows])
    return rules.Pairs("include", pairs, set(ids))


def landscape(writer: Writer, shape: rules.Cell) -> dict[str, Any]:
    """Habitat, mask, regions and wiring: written, and as arguments of the rules."""
    rng = writer.rng
    is_resistance = writer.flag("habitat_map_is_resistances", rng.random() < 0.5)
    habitat = rng.choice([0.5, 1.0, 2.0, 7.0, 100.0], shape)
    habitat[rng.random(shape) < rng.choice([0, 0.1, 0.3])] = np.nan
    if not is_resistance:
        habitat[rng.random(shape) < 0.05] = 0
    habitat[0, :3] = 1.0
    writer.grid("habitat_file", habitat)
    mask = None
    if writer.flag("use_mask", rng.random() < 0.25):
        mask = rng.choice([1.0, 5.0, 0.0, -1.0, np.nan], shape, p=[0.5, 0.3, 0.1, 0.05, 0.05])
        mask[0, :3] = 1.0
        writer.grid("mask_file", mask)
    else:
        writer.options["mask_file"] = str(rng.choice(["None", "(Browse for a raster mask file)"]))
    shorts = None
    if writer.flag("use_polygons", rng.random() < 0.6):
        shorts = np.where(rng.random(shape) < 0.35, rng.integers(1, 6, shape), 0)
        writer.grid("polygon_file", np.where(shorts > 0, shorts, rng.choice([0.0, np.nan], shape)))
    else:
        writer.options["polygon_file"] = "(Browse for a short-circuit region file)"
    four = writer.flag("connect_four_neighbors_only", rng.random() < 0.5)
    resistance = writer.flag("connect_using_avg_resistances", rng.random() < 0.5)
    return {
        "g": rules.conductance(habitat, is_resistance, mask),
        "neighbours": 4 if four else 8,
        "average": "resistance" if resistance else "conductance",
        "shorts": shorts,
    }


def focal_nodes(writer: Writer, shape: rules.Cell) -> rules.Focal:
    """Points or regions, as raster or list; in a list two numbers may share a cell."""
    rng = writer.rng
    cells = [divmod(int(k), shape[1]) for k in rng.permutation(shape[0] * shape[1])]
    cells = [cell for cell in cells if cell not in ((0, 0), (0, 2))]
    points = [(2, (0, 0)), (5, (0, 2))]
    for number in (3, 9)[: rng.integers(0, 3)]:
        points.append((number, cells.pop()))
    if rng.random() < 0.6:
        points += [(int(rng.choice([2, 5])), cells.pop()) for _ in range(rng.integers(1, 5))]
    focal: rules.Focal = {}
    as_list = rng.random() < 0.5
    if as_list and rng.random() < 0.4:
        points += [(11, points[-1][1]), points[0]]  # a shared cell, a line given twice
    for number, cell in points:
        if cell not in focal.setdefault(number, []):
            focal[number].append(cell)
    if as_list:
        extra = [(-4.0, cells[0])] if rng.random() < 0.3 else []
        order = rng.permutation(len(points))
        writer.point_list(
            "point_file", [*extra, *((float(points[k][0]), points[k][1]) for k in order)], shape
        )
    else:
        plane = np.where(rng.random(shape) < 0.5, np.nan, 0.0)
        for number, cell in points:
            plane[cell] = number
        writer.grid("point_file", plane)
    return focal


def read_maps(folder: Path, stem: str, shape: rules.Cell) -> dict[tuple[str, tuple[int, ...]], np.ndarray]:
    """Every map of a run, its header checked."""
    maps = {}
    for path in folder.glob(f"{stem}_*map*.asc"):
        kind, keys = re.fullmatch(
            rf"{stem}_(cum_curmap|max_curmap|curmap|voltmap)((?:_\d+)*)\.asc", path.name
        ).groups()  # type: ignore[union-attr]
        lines = path.read_text().splitlines()
        header = {line.split()[0]: float(line.split()[1]) for line in lines[:6]}
        assert list(header) == ["ncols", "nrows", "xllcorner", "yllcorner", "cellsize", "NODATA_value"]
        assert list(header.values()) == [shape[1], shape[0], 7.5, -20, 2.5, -9999]
        maps[kind, tuple(int(k) for k in keys.split("_")[1:])] = np.loadtxt(lines[6:], ndmin=2)
    return maps


def expected_maps(result: rules.Result, wanted: dict[str, bool], single: bool) -> dict[Any, np.ndarray]:
    maps: dict[Any, np.ndarray] = {}
    if single:
        maps |= {("curmap", key): plane for key, plane in result.current.items()}
    if wanted["write_volt_maps"]:
        maps |= {("voltmap", key): plane for key, plane in result.voltage.items()}
    if wanted["write_cur_maps"] or wanted["write_cum_cur_map_only"]:
        maps["cum_curmap", ()] = result.cumulative
    if wanted["write_max_cur_maps"]:
        maps["max_curmap", ()] = result.maximum
    return maps


def compare(folder: Path, shape: rules.Cell, expected: dict[Any, np.ndarray]) -> None:
    got = read_maps(folder, "result", shape)
    assert got.keys() == expected.keys()
    for key, plane in expected.items():
        same(got[key], plane, key)


MAP_FLAGS = ("write_cur_maps", "write_volt_maps", "write_cum_cur_map_only", "write_max_cur_maps")


def start(folder: Path, seed: int, scenario: str) -> tuple[Writer, rules.Cell, dict[str, bool]]:
    rng = np.random.default_rng(seed)
    writer = Writer(folder, rng)
    writer.options |= {"scenario": scenario, "output_file": "result.out", "data_type": "raster"}
    wanted = {name: writer.flag(name, rng.random() < 0.6) for name in MAP_FLAGS}
    return writer, (int(rng.integers(3, 8)), int(rng.integers(3, 8))), wanted


def fits(selection: rules.Pairs | None, focal: rules.Focal, always: bool) -> bool:
    """Whether at least two focal nodes remain."""
    if selection is None or not (always or selection.mode == "include"):
        return True
    return len(selection.named & set(focal)) > 1


@pytest.mark.parametrize("seed", range(30))
def test_pairwise_problem_files(seed: int, tmp_path: Path) -> None:
    writer, shape, wanted = start(tmp_path, seed, "pairwise")
    given = landscape(writer, shape)
    focal = focal_nodes(writer, shape)
    selection = None
    if writer.flag("use_included_pairs", writer.rng.random() < 0.4):
        selection = random_pairs(writer, sorted(focal))
    options = {
        key: writer.flag(name, writer.rng.random() < 0.25)
        for key, name in {
            "log": "log_transform_maps",
            "null_currents": "set_null_currents_to_nodata",
            "null_voltages": "set_null_voltages_to_nodata",
            "focal_zero": "set_focal_node_currents_to_zero",
        }.items()
    }
    if not fits(selection, focal, False):
        pytest.skip("fewer than two focal nodes")
    expected = rules.pairwise(focal=focal, selection=selection, **given, **options)
    run_problem(writer.ini())
    table = np.loadtxt(tmp_path / "result_resistances.out", ndmin=2)
    assert table[0].tolist() == [0, *expected.ids]
    assert table[:, 0].tolist() == [0, *expected.ids]
    same(table[1:, 1:], expected.resistance)
    columns = np.loadtxt(tmp_path / "result_resistances_3columns.out", ndmin=2)
    upper = np.triu_indices(len(expected.ids), 1)
    ids = np.array(expected.ids)
    same(columns, np.stack([ids[upper[0]], ids[upper[1]], expected.resistance[upper]], axis=1))
    single = wanted["write_cur_maps"] and not wanted["write_cum_cur_map_only"]
    compare(tmp_path, shape, expected_maps(expected, wanted, single))


@pytest.mark.parametrize("seed", range(40))
def test_one_to_all_and_all_to_one_problem_files(seed: int, tmp_path: Path) -> None:
    scenario = ("one-to-all", "all-to-one", "one_to_all", "all_to_one")[seed % 4]
    writer, shape, wanted = start(tmp_path, 1000 + seed, scenario)
    given = landscape(writer, shape)
    focal = focal_nodes(writer, shape)
    selection, strengths = None, None
    if writer.flag("use_included_pairs", writer.rng.random() < 0.4):
        selection = random_pairs(writer, sorted(focal))
    if writer.flag("use_variable_source_strengths", writer.rng.random() < 0.4):
        strengths = {n: float(writer.rng.choice([0.5, 2.0, 3.5])) for n in (*focal, 77)}
        writer.text("variable_source_file", [f"{n}\t{s}" for n, s in strengths.items()])
    zero = writer.flag("set_focal_node_currents_to_zero", writer.rng.random() < 0.25)
    if not fits(selection, focal, True):
        pytest.skip("fewer than two focal nodes")
    expected = rules.each(
        focal=focal,
        inward=scenario.startswith("all"),
        selection=selection,
        strengths=strengths,
        focal_zero=zero,
        **given,
    )
    run_problem(writer.ini())
    lines = np.loadtxt(tmp_path / "result_resistances.out", ndmin=2)
    assert lines[:, 0].tolist() == expected.ids
    same(lines[:, 1], expected.resistance)
    single = wanted["write_cur_maps"] or wanted["write_cum_cur_map_only"]
    compare(tmp_path, shape, expected_maps(expected, wanted, single))


@pytest.mark.parametrize("seed", range(30))
def test_advanced_problem_files(seed: int, tmp_path: Path) -> None:
    writer, shape, wanted = start(tmp_path, 2000 + seed, "advanced")
    rng, given = writer.rng, landscape(writer, shape)
    sources = np.where(rng.random(shape) < 0.3, rng.choice([0.0, 1.0, -0.3, 2.5], shape), np.nan)
    grounds = np.where(rng.random(shape) < 0.3, rng.choice([0.0, 0.5, 4.0], shape), np.nan)
    sources[0, 0], grounds[0, 1] = 1.5, 0.0
    for key, plane in (("source_file", sources), ("ground_file", grounds)):
        if rng.random() < 0.5:
            writer.grid(key, plane)
            continue
        points = [(float(plane[cell]), cell) for cell in np.ndindex(shape) if not np.isnan(plane[cell])]
        writer.point_list(key, [(3.0, points[0][1]), *points], shape)  # a later line replaces an earlier one
    expected = rules.advanced(
        sources=sources,
        grounds=grounds,
        grounds_are_resistance=writer.flag("ground_file_is_resistances", rng.random() < 0.6),
        unit_sources=writer.flag("use_unit_currents", rng.random() < 0.3),
        ideal_grounds=writer.flag("use_direct_grounds", rng.random() < 0.3),
        conflicts=writer.options.setdefault(
            "remove_src_or_gnd", str(rng.choice(["keepall", "rmvsrc", "rmvgnd", "rmvall"]))
        ),
        **given,
    )
    run_problem(writer.ini())
    maps = {}
    if wanted["write_volt_maps"]:
        maps["voltmap", ()] = expected[0]
    if wanted["write_cur_maps"] or wanted["write_cum_cur_map_only"]:
        maps["curmap", ()] = expected[1]
    compare(tmp_path, shape, maps)


def test_parts_of_a_focal_region_inside_and_outside_regions_stay_apart(tmp_path: Path) -> None:
    """A row of cells 1 1 . 2: the first cell is a short-circuit region of its own number or of another."""
    writer = Writer(tmp_path, np.random.default_rng(0))
    writer.options = {"scenario": "one-to-all", "output_file": "result.out"}
    writer.grid("habitat_file", np.ones((1, 4)))
    writer.grid("point_file", np.array([[1.0, 1, 0, 2]]))
    writer.grid("polygon_file", np.array([[7.0, 0, 0, 0]]))
    writer.flag("use_polygons", True)
    told: list[Finding] = []
    run_problem(writer.ini(), tell=told.append)
    assert [(f.code, f.rows) for f in told if f.severity == "warning"] == [("X13", (1,))]
    # from the first cell of 1 three links to 2; from 2 two links to the nearer part of 1
    assert (tmp_path / "result_resistances.out").read_text() == "1 3\n2 2\n"


def test_two_numbers_of_a_list_may_share_a_cell(tmp_path: Path) -> None:
    writer = Writer(tmp_path, np.random.default_rng(0))
    writer.options = {"scenario": "pairwise", "output_file": "result.out"}
    writer.grid("habitat_file", np.ones((1, 3)))
    writer.point_list("point_file", [(4, (0, 0)), (9, (0, 2)), (5, (0, 0))], (1, 3))
    run_problem(writer.ini())
    lines = (tmp_path / "result_resistances_3columns.out").read_text()
    assert lines == "4 5 0\n4 9 2\n5 9 2\n"


def test_numbers_dropped_by_the_pairs_are_not_shorted(tmp_path: Path) -> None:
    """A row 1 . 8 . 2 with 8 bent around: dropped, its cells are plain ones."""
    writer = Writer(tmp_path, np.random.default_rng(0))
    writer.options = {"scenario": "one-to-all", "output_file": "result.out"}
    writer.grid("habitat_file", np.ones((1, 5)))
    writer.grid("point_file", np.array([[1.0, 8, 0, 8, 2]]))
    writer.flag("use_included_pairs", True)
    writer.text("included_pairs_file", ["mode include", "1 2"])
    run_problem(writer.ini())
    assert (tmp_path / "result_resistances.out").read_text() == "1 4\n2 4\n"


# networks ---------------------------------------------------------------------------------------------------


def network_problem(writer: Writer) -> tuple[rules.Plain, list[int]]:
    """Links with repeats and loops, numbered from 0 or 1, one island; written, and as a dense network."""
    rng = writer.rng
    start, size = int(rng.integers(0, 2)), int(rng.integers(4, 9))
    numbers = list(range(start, start + size))
    links = []
    for _ in range(2 * size):
        a, b = (int(n) for n in rng.choice(numbers[:-2], 2))
        links.append((a, b, float(rng.choice([0.5, 1.0, 3.0]))))
    links.append((numbers[-2], numbers[-1], 2.0))
    links.append((numbers[0], numbers[1], 4.0))
    inverse = writer.flag("habitat_map_is_resistances", rng.random() < 0.5)
    writer.text("habitat_file", [f"{a}\t{b} {value!r}" for a, b, value in links])
    conductances = [(a, b, 1 / value if inverse else value) for a, b, value in links]
    return rules.Plain(conductances, numbers), numbers


def read_rows(path: Path) -> dict[tuple[int, ...], float]:
    """A list of a run; the order of rows and of the ends of a link carries no meaning."""
    rows = [line.split() for line in path.read_text().splitlines()]
    return {tuple(sorted(int(word) for word in row[:-1])): float(row[-1]) for row in rows}


def same_rows(path: Path, expected: dict[tuple[int, ...], float]) -> None:
    got = read_rows(path)
    assert got.keys() == expected.keys(), path.name
    for key, value in expected.items():
        same(got[key], value, (path.name, key))


def visible(flow: float) -> bool:
    return flow >= 1e-6


@pytest.mark.parametrize("seed", range(12))
def test_network_pairwise_problem_files(seed: int, tmp_path: Path) -> None:
    writer, _, wanted = start(tmp_path, 4000 + seed, "pairwise")
    writer.options["data_type"] = "network"
    net, numbers = network_problem(writer)
    ids = sorted(int(n) for n in writer.rng.choice(numbers[1:], 4 if len(numbers) > 4 else 3, replace=False))
    ids = sorted({numbers[0], *ids})
    writer.text("point_file", [str(n) for n in (*reversed(ids), ids[0], -3)])
    selection = None
    if writer.flag("use_included_pairs", writer.rng.random() < 0.4):
        selection = random_pairs(writer, ids, zero=True)
        if selection.mode == "include":
            ids = [n for n in ids if n in selection.named]
    run_problem(writer.ini())
    size, at = net.size, {n: k for k, n in enumerate(net.number)}
    table = np.where(np.eye(len(ids)) > 0, 0.0, -1.0)
    total, total_branch = np.zeros(size), dict.fromkeys(net.branches(np.zeros(size), lambda _: True), 0.0)
    files = {"result.out", "result_resistances.out", "result_resistances_3columns.out"}
    for i, a in enumerate(ids):
        for j, b in enumerate(ids[i + 1 :], i + 1):
            low, high = at[a], at[b]
            part = net.component == net.component[low]
            if not part[high] or not (selection is None or selection.wants(a, b)):
                continue
            source, ideal = np.zeros(size), np.zeros(size, bool)
            source[high], ideal[low] = 1, True
            v = net.solve(source, np.zeros(size), ideal, part)
            table[i, j] = table[j, i] = v[high]
            current, members = net.currents(v), [n for n in net.number if part[at[n]]]
            total += current
            for key, flow in net.branches(v, lambda _: True).items():
                total_branch[key] += flow
            if wanted["write_volt_maps"]:
                files.add(f"result_voltages_{a}_{b}.txt")
                same_rows(tmp_path / f"result_voltages_{a}_{b}.txt", {(n,): v[at[n]] for n in members})
            if wanted["write_cur_maps"] or wanted["write_cum_cur_map_only"]:
                files |= {f"result_{kind}_currents_{a}_{b}.txt" for kind in ("node", "branch")}
                name = tmp_path / f"result_node_currents_{a}_{b}.txt"
                same_rows(name, {(n,): current[at[n]] for n in members})
                same_rows(tmp_path / f"result_branch_currents_{a}_{b}.txt", net.branches(v, visible))
    if wanted["write_cur_maps"] or wanted["write_cum_cur_map_only"]:
        files |= {"result_node_currents_cum.txt", "result_branch_currents_cum.txt"}
        same_rows(tmp_path / "result_node_currents_cum.txt", {(n,): total[at[n]] for n in net.number})
        shown = {key: flow for key, flow in total_branch.items() if visible(flow)}
        same_rows(tmp_path / "result_branch_currents_cum.txt", shown)
    got = np.loadtxt(tmp_path / "result_resistances.out", ndmin=2)
    assert got[0].tolist() == [0, *ids]
    same(got[1:, 1:], table)
    assert {p.name for p in tmp_path.glob("result*")} == files


@pytest.mark.parametrize("seed", range(12))
def test_network_advanced_problem_files(seed: int, tmp_path: Path) -> None:
    writer, _, wanted = start(tmp_path, 5000 + seed, "advanced")
    writer.options["data_type"] = "network"
    net, numbers = network_problem(writer)
    rng, at = writer.rng, {n: k for k, n in enumerate(net.number)}
    come = {int(n): float(rng.choice([1.0, 2.0, -0.3])) for n in rng.choice(numbers, 3, replace=False)}
    go = {int(n): float(rng.choice([0.0, 2.0, 5.0])) for n in rng.choice(numbers, 3, replace=False)}
    first = next(iter(come))
    writer.text("source_file", [f"{first}\t9.5", *(f"{n}\t{v!r}" for n, v in come.items())])
    writer.text("ground_file", [f"{n} {v!r}" for n, v in go.items()])
    inverse = writer.flag("ground_file_is_resistances", rng.random() < 0.6)
    unit = writer.flag("use_unit_currents", rng.random() < 0.3)
    ideal = writer.flag("use_direct_grounds", rng.random() < 0.3)
    conflicts = str(rng.choice(["keepall", "rmvsrc", "rmvgnd", "rmvall"]))
    writer.options["remove_src_or_gnd"] = conflicts
    run_problem(writer.ini())
    sources = [(at[n], 1.0 if unit else v) for n, v in come.items()]
    grounds = [(at[n], rules.ground_value(v, inverse, ideal)) for n, v in go.items()]
    v, finite = rules.settle(net, *rules.terminals(net.size, sources, grounds, conflicts))
    files = {"result.out"}
    if wanted["write_volt_maps"]:
        files.add("result_voltages.txt")
        same_rows(tmp_path / "result_voltages.txt", {(n,): v[at[n]] for n in net.number})
    if wanted["write_cur_maps"] or wanted["write_cum_cur_map_only"]:
        files |= {"result_node_currents.txt", "result_branch_currents.txt"}
        current = net.currents(v, finite)
        same_rows(tmp_path / "result_node_currents.txt", {(n,): current[at[n]] for n in net.number})
        same_rows(tmp_path / "result_branch_currents.txt", net.branches(v, visible))
    assert {p.name for p in tmp_path.glob("result*")} == files
