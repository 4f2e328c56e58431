"""Time and memory against size, 1e5 to 1e8 cells at 250 m, with barriers on edges; each job in a process of its own.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/scale.py [--jobs leastcost,pairs,map,windows]
        [--cells 1e5,1e6,2.5e7] [--json FILE]

leastcost   one cost field over the whole grid
pairs       effective resistances of all pairs of ten patches (10 x 10 cells), by condensation
map         current map of one pair of patches, by multigrid
windows     moving windows, radius 100, block 21, current alone
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from surfaces import hard

from permeability.kernels.edges import EdgeBarriers, grid_links

CELL_M = 250.0
CROSSING_M = 20_000.0  # of open ground


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
    from permeability.leastcost import cost_distance

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
    from permeability.circuit.condensation import effective_resistances

    effective_resistances(grid_links(np.ones((60, 60))), [0, 99])
    grid, barriers = landscape(cells)
    label = patches(grid, 10)
    begun = Clock()
    links = grid_links(grid, barriers=barriers)
    del grid
    resistances = effective_resistances(links, regions=label, memory_limit=16 * 2**30)
    return {
        **begun.read(),
        "largest": float(resistances[np.isfinite(resistances)].max()),
    }


def job_map(cells: int) -> dict[str, Any]:
    from permeability.circuit import node_currents, solve_grid

    def one(grid: np.ndarray, barriers: EdgeBarriers, label: np.ndarray) -> tuple[float, int]:
        links = grid_links(grid, barriers=barriers)
        source = np.zeros(grid.shape)
        row, col = np.argwhere(label == 1)[0]
        source[row, col] = 1.0
        solution = solve_grid(links, source, ground=label == 2, regions=label, solver="multigrid", rtol=1e-6)
        current = node_currents(links, solution.voltage)
        return float(current.max()), solution.reports[0].iterations

    small, few = landscape(10_000)
    one(small, few, patches(small, 2))
    grid, barriers = landscape(cells)
    label = patches(grid, 2)
    begun = Clock()
    _, iterations = one(grid, barriers, label)
    return {**begun.read(), "iterations": iterations}


def job_windows(cells: int) -> dict[str, Any]:
    from permeability.omnidirectional import omnidirectional

    omnidirectional(np.ones((30, 30)), radius=3, block_size=3)
    grid, barriers = landscape(cells)
    begun = Clock()
    result = omnidirectional(grid, radius=100, block_size=21, barriers=barriers)
    return {**begun.read(), "windows": result.windows}


JOBS = {"leastcost": job_leastcost, "pairs": job_pairs, "map": job_map, "windows": job_windows}


def exponent(rows: list[dict[str, Any]], key: str) -> float:
    """Growth exponent over the sizes from 1e6 on (all of them where there are no two)."""
    large = [r for r in rows if r["cells"] >= 9e5] if sum(r["cells"] >= 9e5 for r in rows) > 1 else rows
    if len(large) < 2:
        return float("nan")
    return float(np.polyfit(np.log([r["cells"] for r in large]), np.log([r[key] for r in large]), 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", default="leastcost,pairs,map,windows")
    parser.add_argument("--cells", default="1e5,1e6")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        result = JOBS[options.one[0]](int(float(options.one[1])))
        result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(result))
        return
    everything = {}
    for job in options.jobs.split(","):
        rows = []
        print(f"\n{job}\n       cells   seconds     cpu s   peak MB  cpu us/cell  B/cell")
        for size in options.cells.split(","):
            cells = round(float(size) ** 0.5) ** 2
            command = [sys.executable, __file__, "--one", job, str(cells)]
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            if run.returncode != 0:
                print(f"{cells:12,d}   failed: {run.stderr.strip().splitlines()[-1][:120]}")
                continue
            row = {"cells": cells, **json.loads(run.stdout.splitlines()[-1])}
            rows.append(row)
            extra = {k: v for k, v in row.items() if k not in ("cells", "seconds", "cpu_s", "peak_mb")}
            print(f"{cells:12,d} {row['seconds']:9.2f} {row['cpu_s']:9.2f} {row['peak_mb']:9.0f} {1e6 * row['cpu_s'] / cells:12.2f} "
                  f"{row['peak_mb'] * 2**20 / cells:7.0f}  {extra}", flush=True)  # fmt: skip
        if rows:
            print(
                f"time grows as cells^{exponent(rows, 'cpu_s'):.2f}, memory as cells^{exponent(rows, 'peak_mb'):.2f}"
            )
        everything[job] = rows
    if options.json:
        options.json.write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
