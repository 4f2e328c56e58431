"""Moving windows: time per window against one sparse solve per window, in the same run, on one thread.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/windows.py [--quick] [--json FILE]
    python benchmarks/windows.py --only multigrid       multigrid windows against the exact ones
    python benchmarks/windows.py --only speedup         two threads, two dask workers (needs an idle machine)

Ours: links, nested dissection, potentials and current map of a window.  Peer: CHOLMOD (scikit-sparse) where it
is installed, otherwise SciPy's splu in its symmetric mode: assembly, factorisation and solve, without a current
map.  Every window that the peer solves is compared cell by cell.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from scipy.ndimage import label

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from surfaces import benign, hard

from permeability.engines.kernels.edges import grid_links
from permeability.engines.kernels.windows_current import Targets, memory_for, window_currents
from permeability.engines.kernels.windows_structure import disc_mask, window_structure
from permeability.engines.omnidirectional import WindowOptions, omnidirectional, prepare
from permeability.engines.omnidirectional.shared_windows import groups_of, shared_windows
from permeability.engines.omnidirectional.solving import measure_deviation, solve_task
from permeability.engines.omnidirectional.tasks import WindowTasks, rules_of


def cholmod() -> Any:
    """scikit-sparse's factorisation, or None."""
    try:
        from sksparse.cholmod import cholesky
    except ImportError:
        return None
    return cholesky


def peer_window(
    planes: np.ndarray, source: np.ndarray, radius: int, row: int, col: int
) -> tuple[float, np.ndarray]:
    """Seconds and current map of one window by a sparse direct solve."""
    begun = time.perf_counter()
    size, keep = 2 * radius + 1, disc_mask(2 * radius + 1, radius)
    number = np.arange(size * size).reshape(size, size)
    a, b, g = [], [], []
    for plane, (dr, dc) in zip(planes, ((0, 1), (1, 0), (1, 1), (1, -1))):
        c0, c1 = max(0, -dc), size - max(0, dc)
        link = plane[row - radius : row + radius + 1 - dr, col - radius + c0 : col - radius + c1]
        use = keep[: size - dr, c0:c1] & keep[dr:, c0 + dc : c1 + dc] & (link > 0)
        a.append(number[: size - dr, c0:c1][use])
        b.append(number[dr:, c0 + dc : c1 + dc][use])
        g.append(link[use])
    first, second, link = np.concatenate(a), np.concatenate(b), np.concatenate(g)
    half = sp.coo_matrix((link, (first, second)), shape=(size**2, size**2))
    links = (half + half.T).tocsr()
    _, part = sp.csgraph.connected_components(links, directed=False)
    centre = radius * size + radius
    live = (part == part[centre]) & (np.arange(size**2) != centre)
    index = np.flatnonzero(live)
    window = source[row - radius : row + radius + 1, col - radius : col + radius + 1] * keep
    window[radius, radius] = 0.0
    inject = window.ravel() / window.sum() * source[row, col]
    matrix = (sp.diags(np.asarray(links.sum(axis=1)).ravel()) - links).tocsr()[index][:, index].tocsc()
    v = np.zeros(size**2)
    if (factor := cholmod()) is not None:
        v[index] = factor(matrix)(inject[index])
    else:
        lu = spla.splu(
            matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
        )
        v[index] = lu.solve(inject[index])
    seconds = time.perf_counter() - begun
    flow = np.abs(link * (v[first] - v[second]))
    total = np.bincount(first, flow, size**2) + np.bincount(second, flow, size**2)
    current = np.where(total > 0, (total + np.where(live, inject, 0.0)) / 2, 0.0)
    current[centre] = total[centre]
    return seconds, current.reshape(size, size)


def compare(radius: int, name: str, windows: int, peers: int, grid_cells: int) -> dict[str, Any]:
    """Exact windows of one radius on one surface against the peer."""
    grid = (hard if name == "hard" else benign)(grid_cells, grid_cells, seed=3)
    planes = np.array(grid_links(grid))
    source = np.where(np.isfinite(grid), 1.0, 0.0)
    problem = prepare(grid, WindowOptions(radius), strength=source)
    inside = (np.minimum(problem.row, problem.col) >= radius) & (
        np.maximum(problem.row, problem.col) < grid_cells - radius
    )
    rng = np.random.default_rng(1)
    chosen = rng.choice(np.flatnonzero(inside), windows, replace=False)
    begun = time.perf_counter()
    structure = window_structure(2 * radius + 1, float(radius))
    symbolic = time.perf_counter() - begun
    task = WindowTasks(problem)[0]
    rules, memory, ones = rules_of(task), memory_for(structure), np.ones((2 * radius + 1,) * 2)
    none, out = np.zeros((0, *grid.shape)), np.zeros(grid.shape)

    def ours(some: np.ndarray, to: np.ndarray) -> float:
        targets = Targets(problem.row[some], problem.col[some], problem.strength[some], problem.wanted[some])
        begun = time.perf_counter()
        window_currents(structure, rules, planes, source, none, targets, ones, memory, to)
        return time.perf_counter() - begun

    ours(chosen[:1], out)  # compiled, memory touched
    times, peer_times, worst = [], [], 0.0
    for k, one in enumerate(chosen):
        out[:] = 0.0
        times.append(ours(np.array([one]), out))
        if k < peers:
            row, col = int(problem.row[one]), int(problem.col[one])
            seconds, expected = peer_window(planes, source, radius, row, col)
            peer_times.append(seconds)
            near = out[row - radius : row + radius + 1, col - radius : col + radius + 1]
            worst = max(worst, float(np.abs(near - expected).max() / expected.max()))
    mine, theirs = float(np.median(times)), float(np.median(peer_times))
    return {
        "radius": radius, "surface": name, "unknowns": int(disc_mask(2 * radius + 1, radius).sum()) - 1,
        "ours_ms": 1e3 * mine, "peer_ms": 1e3 * theirs, "ratio": theirs / mine, "error_of_maximum": worst,
        "symbolic_s": symbolic,
    }  # fmt: skip


def shared(radius: int, name: str, along: int, peer_ms: float) -> dict[str, Any]:
    """Shared domains against the same peer, with their measured deviation."""
    size = 2 * radius + 12 * along
    grid = (hard if name == "hard" else benign)(size, size, seed=3)
    options = WindowOptions(radius, domain="shared", shared_targets=along)
    problem = prepare(grid, options, strength=np.where(np.isfinite(grid), 1.0, 0.0))
    members = [m for m, _, _ in groups_of(options, problem.row, problem.col, 0, 0)]
    some = members[len(members) // 2]
    part = problem.__class__(
        **{**problem.__dict__, "row": problem.row[some], "col": problem.col[some],
           "strength": problem.strength[some], "wanted": problem.wanted[some]}
    )  # fmt: skip
    task = WindowTasks(part)[0]
    planes, ones = np.array(grid_links(task.resistance)), np.ones((2 * radius + 1,) * 2)
    seconds = []
    for _ in range(4):
        begun = time.perf_counter()
        windows, _ = shared_windows(task, planes, ones, np.zeros(task.resistance.shape))
        seconds.append(time.perf_counter() - begun)
    report = measure_deviation(problem, domains=2)
    mine = 1e3 * float(np.median(seconds[1:])) / windows
    return {
        "radius": radius, "surface": name, "targets_along": along, "ours_ms": mine, "ratio": peer_ms / mine,
        "share": report.share, "largest": report.largest, "correlation": report.correlation,
        "sample_windows": report.windows,
    }  # fmt: skip


def multigrid(radius: int, name: str) -> dict[str, Any]:
    """One multigrid window against the exact one."""
    size = 2 * radius + 21
    grid = (hard if name == "hard" else benign)(size, size, seed=4)
    part, _ = label(np.isfinite(grid), np.ones((3, 3)))
    cells = np.argwhere(part == np.bincount(part[part > 0]).argmax())  # the middle itself may lie in a hole
    middle = tuple(cells[np.abs(cells - size // 2).sum(axis=1).argmin()])
    source = np.where(np.isfinite(grid), 1.0, 0.0)
    result: dict[str, Any] = {"radius": radius, "surface": name}
    maps = {}
    for solver in ("dissection", "multigrid"):
        problem = prepare(grid, WindowOptions(radius, solver=solver), strength=source)
        at = np.flatnonzero((problem.row == middle[0]) & (problem.col == middle[1]))
        part = problem.__class__(
            **{**problem.__dict__, "row": problem.row[at], "col": problem.col[at],
               "strength": problem.strength[at], "wanted": problem.wanted[at]}
        )  # fmt: skip
        (task,) = WindowTasks(part)
        solve_task(task)
        begun = time.perf_counter()
        maps[solver] = solve_task(task).current
        result[f"{solver}_ms"] = 1e3 * (time.perf_counter() - begun)
    gap = np.abs(maps["multigrid"] - maps["dissection"]).max()
    result["error_of_maximum"] = float(gap / maps["dissection"].max())
    return result


def multigrid_table() -> list[dict[str, Any]]:
    """Multigrid windows of three radii on both surfaces."""
    grids = []
    print("\nmultigrid windows\nradius surface  dissection ms  multigrid ms   error/max")
    for radius in (100, 160, 220):
        for name in ("benign", "hard"):
            result = multigrid(radius, name)
            grids.append(result)
            print(f"{radius:6d} {name:7s} {result['dissection_ms']:14.1f} {result['multigrid_ms']:13.1f} "
                  f"{result['error_of_maximum']:11.1e}", flush=True)  # fmt: skip
    return grids


def speed_up(radius: int, block: int, side: int) -> None:
    """The same run on one thread, two threads and two processes of a local cluster, in turn."""
    from distributed import Client, LocalCluster

    grid = hard(side, side, seed=7)
    omnidirectional(grid[:60, :60], radius=5, block_size=3)
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    with cluster, Client(cluster) as client:
        ways: dict[str, dict[str, Any]] = {
            "one thread": {},
            "two threads": {"workers": 2},
            "two dask workers": {"scheduler": client},
        }
        omnidirectional(
            grid[:200, :200], radius=radius, block_size=block, scheduler=client
        )  # workers compile
        times: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        maps = []
        for _ in range(3):
            for way, how in ways.items():
                begun, cpu = time.perf_counter(), processor_seconds(client)
                result = omnidirectional(grid, radius=radius, block_size=block, **how)
                times[way].append((time.perf_counter() - begun, processor_seconds(client) - cpu))
                maps.append(result.current)
    print(f"{result.windows} windows of radius {radius}, block {block}, {side} x {side} cells")
    print(
        f"                   seconds  speed-up  cpu s  (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)"
    )
    alone, _ = median_pair(times["one thread"])
    for way, pairs in times.items():
        seconds, cpu = median_pair(pairs)
        print(f"{way:17s} {seconds:8.2f} {alone / seconds:9.2f} {cpu:6.2f}")
    same = all(np.array_equal(maps[0], other, equal_nan=True) for other in maps[1:])
    print(f"same bits: {same}")


def processor_seconds(client: Any) -> float:
    """Of this process and of all workers."""
    return time.process_time() + sum(client.run(time.process_time).values())


def median_pair(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    """Medians of wall and processor seconds."""
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="radius 25 and a shared domain only")
    parser.add_argument(
        "--only", choices=["multigrid", "speedup"], help="one part: multigrid windows, or workers"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.only == "speedup":
        speed_up(50, 11, 500)
        return
    if options.only == "multigrid":
        multigrid_table()
        return
    peer = "CHOLMOD" if cholmod() is not None else "splu (scikit-sparse is not installed)"
    print(f"one thread; peer: {peer}, median of single windows\n")
    exact = []
    sizes = ((25, 80, 20), (50, 40, 12), (100, 16, 6))[: 1 if options.quick else 3]
    print("radius surface  unknowns   ours ms   peer ms   ratio   error/max   symbolic s")
    for radius, windows, peers in sizes:
        for name in ("benign", "hard"):
            row = compare(radius, name, windows, peers, 2 * radius + 200)
            exact.append(row)
            print(f"{radius:6d} {name:7s} {row['unknowns']:9d} {row['ours_ms']:9.2f} {row['peer_ms']:9.1f} "
                  f"{row['ratio']:7.1f} {row['error_of_maximum']:11.1e} {row['symbolic_s']:10.2f}")  # fmt: skip
    print("\nshared domain\nradius surface  targets   ours ms   ratio   share   largest   correlation")
    spread = []
    for row in exact:
        if row["radius"] != (25 if options.quick else 50):
            continue
        result = shared(row["radius"], row["surface"], 8, row["peer_ms"])
        spread.append(result)
        print(f"{result['radius']:6d} {result['surface']:7s}     8x8 {result['ours_ms']:9.2f} {result['ratio']:7.1f} "
              f"{100 * result['share']:6.1f}% {100 * result['largest']:8.1f}% {result['correlation']:13.4f}")  # fmt: skip
    grids = [] if options.quick else multigrid_table()
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    if options.json:
        options.json.write_text(
            json.dumps({"peer": peer, "exact": exact, "shared": spread, "multigrid": grids}, indent=1)
        )


if __name__ == "__main__":
    main()
