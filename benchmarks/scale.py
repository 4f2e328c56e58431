"""Time and memory against size, 1e5 to 1e8 cells at 250 m, with barriers on edges; each job in a process of its own.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/scale.py [--jobs leastcost,pairs,map,pair,windows,files]
        [--cells 1e5,1e6,1e7] [--json FILE] [--plot FILE.svg]
    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/scale.py country [--cells 2.5e7] [--workers 2]

leastcost   one cost field over the whole grid
pairs       effective resistances of all pairs of ten patches (10 x 10 cells), by condensation
map         current map of one pair of patches, by multigrid (solve_grid and node_currents)
pair        effective resistance and current map of one pair of patches, as a user asks for them (pairwise, "auto")
windows     moving windows, radius 100, block 21, current alone
files       the same from file to file: the raster has so many cells, the windows lie on 250,000 of them

``country`` runs what a country at 250 m needs, one after the other, and prints each result as it comes: a cost field and
windows on a part of 1e6 cells, both in memory and from the raster of the whole country, then the current maps and
resistances of ten patches by multigrid (nine solves: the long one).  It fails when a job needs more than 20 GB.

Seconds of the processor are the ones to read on a busy machine.  Growth exponents are fitted by least squares to the
logarithms, over the sizes from 1e6 on where there are two of them (below, start-up counts) and over all sizes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from surfaces import hard  # noqa: E402

from permeability.engines.kernels.edges import EdgeBarriers, grid_links  # noqa: E402

CELL_M = 250.0
CROSSING_M = 20_000.0  # of open ground
LIMIT_GB = 20.0
PATCHES = 10
PART = 1000  # rows and columns of the part of a country with windows


class Clock:
    """Wall and processor seconds since it was made: on a busy machine they differ."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        return {"seconds": time.perf_counter() - self.wall, "cpu_s": time.process_time() - self.cpu}


def barrier_lines(rows: int, cols: int, lines: int, seed: int = 5) -> EdgeBarriers:
    """Edges cut by wandering west-east lines (8 neighbours), none twice."""
    rng = np.random.default_rng(seed)
    taken = []
    for k in range(lines):
        start = (k + 1) * rows // (lines + 1)
        line = np.clip(start + np.cumsum(rng.choice([-1, 0, 0, 0, 1], cols)), 2, rows - 4)
        for offset in (-1, 0, 1):
            r, c = line + offset, np.arange(cols)
            for direction, (dr, dc) in enumerate(((0, 1), (1, 0), (1, 1), (1, -1))):
                at = (c + dc >= 0) & (c + dc < cols)
                other = np.clip(c + dc, 0, cols - 1)
                cut = at & ((r <= line) != (r + dr <= line[other]))
                taken.append((r[cut] * cols + c[cut]) * 4 + direction)
    name = np.unique(np.concatenate(taken))
    metres = np.full(len(name), CROSSING_M)
    return EdgeBarriers(name // 4, (name % 4).astype(np.uint8), metres, metres / CELL_M)


def landscape(cells: int) -> tuple[np.ndarray, EdgeBarriers]:
    side = round(cells**0.5)
    return hard(side, side, seed=7), barrier_lines(side, side, max(1, side // 500))


def patches(grid: np.ndarray, count: int) -> np.ndarray:
    """Labels of square patches spread over the grid."""
    label = np.zeros(grid.shape, dtype=np.int32)
    rng = np.random.default_rng(2)
    side = grid.shape[0]
    for k in range(count):
        row, col = rng.integers(side // 20, side - side // 20 - 10, 2)
        grid[row : row + 10, col : col + 10] = 1.0
        label[row : row + 10, col : col + 10] = k + 1
    return label


def job_leastcost(cells: int) -> dict[str, Any]:
    from permeability.engines.leastcost.distance import cost_distance

    cost_distance(
        np.ones((40, 40)), [(0, 0)], barriers=barrier_lines(40, 40, 1), cell_size=CELL_M
    )  # compiled
    grid, barriers = landscape(cells)
    middle = grid.shape[0] // 2
    grid[middle, middle] = 1.0
    begun = Clock()
    field = cost_distance(grid, [(middle, middle)], barriers=barriers, cell_size=CELL_M)
    seconds = begun.read()
    return {**seconds, "reached": int(np.isfinite(field).sum())}


def job_pairs(cells: int) -> dict[str, Any]:
    from permeability.engines.circuit.solvers.condensation import effective_resistances

    for size in (cells, 40_000)[::-1]:  # compiled, or read from the cache, by the small one
        grid, barriers = landscape(size)
        label = patches(grid, PATCHES)
        begun = Clock()
        links = grid_links(grid, barriers=barriers)
        del grid
        resistances = effective_resistances(links, regions=label, memory_limit=16 * 2**30)
    return {**begun.read(), "largest": float(resistances[np.isfinite(resistances)].max())}


def job_pairwise(cells: int, workers: int) -> dict[str, Any]:
    """Ten patches: all resistances and the summed current map, as asked for without options."""
    from inspect import signature

    from permeability.engines.circuit import pairwise

    threads = {"workers": workers} if "workers" in signature(pairwise).parameters else {}

    def run(size: int, tell: Any) -> tuple[Any, dict[str, float]]:
        grid, barriers = landscape(size)
        label = patches(grid, PATCHES)
        begun = Clock()
        found = pairwise(
            grid, label, barriers=barriers, current="cumulative",
            progress=lambda done, total: tell(f"{done} of {total} solves, {begun.read()['seconds']:.0f} s"), **threads,
        )  # fmt: skip
        return found, begun.read()

    run(40_000, lambda text: None)
    found, times = run(cells, lambda text: print(f"    {text}", file=sys.stderr, flush=True))
    report = found.report
    return {
        **times, **threads, "solver": report.solver, "solves": report.solves, "iterations": report.iterations, "residual": report.residual,
        "largest": float(found.resistance[np.isfinite(found.resistance)].max()),
    }  # fmt: skip


def job_map(cells: int) -> dict[str, Any]:
    from permeability.engines.circuit import node_currents, solve_grid

    def one(grid: np.ndarray, barriers: EdgeBarriers, label: np.ndarray) -> dict[str, Any]:
        links = grid_links(grid, barriers=barriers)
        source = np.zeros(grid.shape)
        row, col = np.argwhere(label == 1)[0]
        source[row, col] = 1.0
        solution = solve_grid(links, source, ground=label == 2, regions=label, solver="multigrid", rtol=1e-8)
        current = node_currents(links, solution.voltage)
        report = solution.reports[0]
        return {
            "iterations": report.iterations, "residual": report.residual, "resistance": float(solution.voltage[row, col]),
            "largest": float(current.max()),
        }  # fmt: skip

    small, few = landscape(10_000)
    one(small, few, patches(small, 2))
    grid, barriers = landscape(cells)
    label = patches(grid, 2)
    begun = Clock()
    found = one(grid, barriers, label)
    return {**begun.read(), **found}


def job_pair(cells: int) -> dict[str, Any]:
    from permeability.engines.circuit import pairwise

    def one(size: int) -> tuple[Any, dict[str, float]]:
        grid, barriers = landscape(size)
        label = patches(grid, 2)
        solver = "multigrid" if size < cells else "auto"  # the small one compiles what the large one needs
        begun = Clock()
        return pairwise(grid, label, barriers=barriers, current="cumulative", solver=solver), begun.read()

    one(10_000)
    found, times = one(cells)
    report = found.report
    return {
        **times, "solver": report.solver, "iterations": report.iterations, "residual": report.residual,
        "resistance": float(found.resistance[0, 1]), "largest": float(found.current.max()),
        "foretold_mb": report.bytes / 2**20,
    }  # fmt: skip


def job_windows(cells: int) -> dict[str, Any]:
    from permeability.engines.omnidirectional import omnidirectional

    omnidirectional(np.ones((30, 30)), radius=3, block_size=3)
    grid, barriers = landscape(cells)
    begun = Clock()
    result = omnidirectional(grid, radius=100, block_size=21, barriers=barriers)
    times = begun.read()
    return {**times, "windows": result.windows, "cpu_ms_per_window": 1e3 * times["cpu_s"] / result.windows}


def write_country(cells: int, part: int, folder: Path) -> None:
    """Raster of resistances and of source strengths: 1 in a square of ``part`` cells in the middle, none elsewhere."""
    from affine import Affine

    from permeability.layers.exchange_grids import RasterFile
    from permeability.layers.raster_rows import geotiff_rows

    side = round(cells**0.5)
    grid = hard(side, side, seed=7, dtype=np.float32)
    like = RasterFile(grid, CELL_M, 0.0, 0.0, None, None, Affine(CELL_M, 0, 0, 0, -CELL_M, CELL_M * side))
    part = min(part, side)
    first = (side - part) // 2
    with (
        geotiff_rows(folder / "resistance.tif", like, dtype="float32") as resistances,
        geotiff_rows(folder / "strength.tif", like, dtype="float32") as strengths,
    ):
        for top in range(0, side, 256):
            rows = grid[top : top + 256].astype(np.float64)
            resistances(top, rows)
            inside = np.zeros(rows.shape)
            inside[max(0, first - top) : max(0, first + part - top), first : first + part] = 1.0
            strengths(top, inside * np.isfinite(rows))


def job_files(cells: int, part: int = 500) -> dict[str, Any]:
    """Windows from file to file; the rasters are written by another process, so that the memory is the run's own."""
    from permeability.engines.omnidirectional import omnidirectional
    from permeability.interop.raster_windows import omnidirectional_files

    omnidirectional(np.ones((30, 30)), radius=3, block_size=3)
    side = round(cells**0.5)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        code = f"import scale, pathlib; scale.write_country({cells}, {part}, pathlib.Path({name!r}))"
        subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        begun = Clock()
        run = omnidirectional_files(
            folder / "resistance.tif", folder / "maps", strength=folder / "strength.tif", radius=100, block_size=21,
            barriers=barrier_lines(side, side, max(1, side // 500)),
        )  # fmt: skip
        times = begun.read()
        size = sum(p.stat().st_size for p in folder.rglob("*.tif")) / 2**20
    return {**times, "windows": run.windows, "cpu_ms_per_window": 1e3 * times["cpu_s"] / run.windows,
            "mb_before": before, "files_mb": size, "array_mb": cells * 8 / 2**20}  # fmt: skip


JOBS = {
    "leastcost": job_leastcost,
    "pairs": job_pairs,
    "map": job_map,
    "pair": job_pair,
    "windows": job_windows,
    "files": job_files,
}


def exponent(rows: list[dict[str, Any]], key: str, least: float = 0.0) -> float:
    """Growth exponent by least squares over the sizes of at least ``least`` cells; NaN for fewer than two."""
    some = [r for r in rows if r["cells"] >= least]
    if len(some) < 2:
        return float("nan")
    return float(np.polyfit(np.log([r["cells"] for r in some]), np.log([r[key] for r in some]), 1)[0])


def in_child(job: str, cells: int, workers: int = 1) -> dict[str, Any] | None:
    """A job in a process of its own, with the peak of its memory; None when it failed."""
    command = [sys.executable, __file__, "--one", job, str(cells), "--workers", str(workers)]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0:
        print(f"{cells:12,d}   failed with exit code {run.returncode}", flush=True)
        return None
    return {"cells": cells, **json.loads(run.stdout.splitlines()[-1])}


def one_job(job: str, cells: int, workers: int) -> None:
    if job == "pairwise":
        result = job_pairwise(cells, workers)
    elif job == "part":
        result = job_files(cells, PART)
    else:
        result = JOBS[job](cells)
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(result))


def rounded(facts: dict[str, Any]) -> str:
    plain = ("cells", "seconds", "cpu_s", "peak_mb")
    return ", ".join(
        f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v:,}" if isinstance(v, int) else f"{k} {v}"
        for k, v in facts.items()
        if k not in plain
    )


def table(jobs: list[str], sizes: list[int]) -> dict[str, Any]:
    everything = {}
    for job in jobs:
        rows = []
        print(f"\n{job}\n       cells   seconds     cpu s   peak MB  cpu us/cell  B/cell")
        for cells in sizes:
            if (row := in_child(job, cells)) is None:
                continue
            rows.append(row)
            print(f"{cells:12,d} {row['seconds']:9.2f} {row['cpu_s']:9.2f} {row['peak_mb']:9.0f} {1e6 * row['cpu_s'] / cells:12.2f} "
                  f"{row['peak_mb'] * 2**20 / cells:7.0f}  {rounded(row)}", flush=True)  # fmt: skip
        for what, key in (("time", "cpu_s"), ("memory", "peak_mb")):
            print(
                f"{what} grows as cells^{exponent(rows, key):.2f}; from 1e6 on as cells^{exponent(rows, key, 9e5):.2f}"
            )
        everything[job] = rows
    return everything


def plot(everything: dict[str, Any], path: str) -> None:
    """Seconds of the processor and peak memory against cells, with the fitted exponents."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "scale"
    from matplotlib import pyplot as plt

    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for job, rows in everything.items():
        n = [r["cells"] for r in rows]
        for axes, key in ((left, "cpu_s"), (right, "peak_mb")):
            axes.loglog(n, [r[key] for r in rows], "-o", label=f"{job}: cells^{exponent(rows, key, 9e5):.2f}")
    for axes, words in ((left, "seconds of the processor"), (right, "peak memory [MB]")):
        axes.set(xlabel="cells", ylabel=words)
        axes.legend(fontsize=7)
        axes.grid(alpha=0.3)
    fig.savefig(path, metadata={"Date": None})


def country(cells: int, workers: int) -> bool:
    """Everything a country needs, one job after the other; whether all of them fitted."""
    fits = True
    jobs = (
        ("leastcost", cells, "cost field from one cell"),
        ("windows", PART**2, "windows, radius 100, block 21, on a part of 1e6 cells in memory"),
        ("part", cells, "the same windows, read from the raster of the country"),
        ("pairwise", cells, f"circuit of {PATCHES} patches, all resistances and the current map"),
    )
    for job, size, words in jobs:
        print(f"{words} ({size:,} cells)", flush=True)
        found = in_child(job, size, workers)
        ok = found is not None and found["peak_mb"] / 1024 <= LIMIT_GB
        fits = fits and ok
        if found is not None:
            print(
                f"    {found['seconds']:.1f} s ({found['cpu_s']:.1f} of the processor), peak {found['peak_mb'] / 1024:.2f} GB"
                f"{'' if ok else f', above {LIMIT_GB:g} GB'}; {rounded(found)}",
                flush=True,
            )
    return fits


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=["table", "country"], default="table")
    parser.add_argument("--jobs", default="leastcost,pairs,map,windows,files")
    parser.add_argument("--cells")
    parser.add_argument("--workers", type=int, default=2, help="threads of the ten-patch circuit")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", help="svg of seconds and memory against cells")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one_job(options.one[0], int(float(options.one[1])), options.workers)
        return
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if options.what == "country":
        sys.exit(0 if country(round(float(options.cells or 2.5e7) ** 0.5) ** 2, options.workers) else 1)
    sizes = [round(float(size) ** 0.5) ** 2 for size in (options.cells or "1e5,1e6").split(",")]
    everything = table(options.jobs.split(","), sizes)
    if options.plot:
        plot(everything, options.plot)
    if options.json:
        options.json.write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
