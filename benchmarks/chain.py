"""Movement chains: functional habitat, survival and visits of all cells at once, beside a sparse factorisation of SciPy.

    python benchmarks/chain.py three 3163        three solves on 1e7 cells (rows of the square): seconds and peak memory
    python benchmarks/chain.py peer 1000         the same at 1e6 cells beside scipy.sparse.linalg.splu, as the peers solve
    python benchmarks/chain.py cells             one landscape at four sizes of cells (table of docs/movement_chain.md)

One thread, a process for each measurement; kernels are compiled on a small grid before the clock starts.  Seconds are those of
the processor, wall seconds stand beside them.  ConScape keeps a dense matrix of 8 bytes x cells x targets: on paper 800 TB for
all of 1e7 cells as targets, 8 TB for 1e5 of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"
HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1]), str(HERE.parents[1] / "tests" / "helpers")]

import numpy as np  # noqa: E402

from permeability.engines.chain.ground_chain import Walk, ground_chain  # noqa: E402
from permeability.engines.circuit import solve_grid  # noqa: E402
from permeability.engines.circuit.solvers.grid_system import link_list  # noqa: E402


def peak_gb() -> float:
    """Largest resident set so far [GB]."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1e6
    return float("nan")


def ground(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Uneven ground and habitat in patches, reproducible."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    waves = sum(np.sin(x / s + y / (s * 1.3) + k) for k, s in enumerate((7.0, 23.0, 61.0)))
    quality = np.clip(waves / 3.0, 0, 1).astype(np.float64)
    resistance = 1.0 + 4.0 * (1.0 - quality) + rng.random((side, side)) * 0.5
    return resistance, quality


def three(side: int) -> dict[str, Any]:
    """Chance to settle, survival distance, and visits from all habitat."""
    resistance, quality = ground(side)
    wall, cpu = time.perf_counter(), time.process_time()
    walk = Walk(resistance, 0.25, death=0.002, settle=0.02 * quality)
    chain = ground_chain(walk)
    built = time.perf_counter() - wall
    outflow_cells = int(np.count_nonzero(chain.outflow))
    links, leak, settling, walked = chain.links, chain.leak, chain.leak_of("settle"), chain.walked
    del walk, resistance, chain
    found = []

    def solve(source: np.ndarray) -> np.ndarray:
        out = solve_grid(links, source, leak=leak, solver="multigrid", rtol=1e-8)
        found.extend(out.reports)
        return out.voltage

    settles = solve(settling)
    survival = float(solve(walked).mean())
    visits = solve(quality)
    total = float((quality * settles).sum()) * 0.0625
    # visits from habitat and the chance to settle are each other's adjoint: the two must agree
    other = float((visits * settling).sum()) * 0.0625
    return {
        "cells": outflow_cells, "wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu, "built_s": built,
        "iterations": [r.iterations for r in found], "peak_gb": peak_gb(), "functional_km2": total,
        "adjoint": abs(other / total - 1), "mean_survival_km": survival,
    }  # fmt: skip


def splu(side: int) -> dict[str, Any]:
    """The same three answers by factorising I - Q, as a user of SciPy would."""
    from scipy.sparse import coo_matrix, identity
    from scipy.sparse.linalg import splu as factorise

    resistance, quality = ground(side)
    chain = ground_chain(Walk(resistance, 0.25, death=0.002, settle=0.02 * quality))
    a, b, g = link_list(chain.links)
    d, n = chain.outflow.ravel(), side * side
    q = coo_matrix(
        (np.concatenate([g / d[a], g / d[b]]), (np.concatenate([a, b]), np.concatenate([b, a]))), shape=(n, n)
    ).tocsc()
    before, cpu, wall = peak_gb(), time.process_time(), time.perf_counter()
    factor = factorise((identity(n, format="csc") - q).tocsc())
    settles = factor.solve(chain.leak_of("settle").ravel() / d)
    factor.solve(chain.walked.ravel() / d)
    factor.solve(quality.ravel(), trans="T")
    return {
        "cells": n, "wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu, "peak_gb": peak_gb(),
        "before_gb": before, "functional_km2": float((quality.ravel() * settles).sum()) * 0.0625,
    }  # fmt: skip


def cells() -> None:
    """The table of the docs."""
    from chain_lands import fence_and_road, strip

    import permeability as pm
    from permeability.engines.chain.step_laws import decay_per_km

    print("cell_m theta success free_energy_km survival_km")
    for theta in (0.0, 0.1, 1.0):
        for cell in (1000.0, 500.0, 250.0, 125.0):
            land, patches = fence_and_road(cell)
            chain = pm.movement_chain(
                land, patches, theta_per_km=theta, death_per_km=pm.hazard(land, per_km=0.001)
            )
            free = chain.free_energy().loc["W", "E"] if theta else float("nan")
            print(
                f"{cell:g} {theta:g} {chain.success_matrix[0, 1]:.4f} {free:.2f} {float(np.nanmean(chain.survival_distance())):.2f}"
            )
    expected = 1 / np.cosh(float(decay_per_km(0.02, 1.0)) * 10.0)
    for cell in (1000.0, 500.0, 250.0, 125.0):
        land, patches = strip(cell, 10.0 - cell / 1000.0)
        found = pm.movement_chain(land, patches, death_per_km=0.02).success().loc["A", "B"]
        print(f"strip {cell:g} error {found / expected - 1:+.4f}")


def own(mode: str, side: int) -> dict[str, Any]:
    """A measurement in a process of its own."""
    out = subprocess.run(
        [sys.executable, str(HERE), "--inner", mode, str(side)], capture_output=True, text=True, check=True
    ).stdout
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def main() -> None:
    """See the top of this file."""
    if sys.argv[1] == "--inner":
        three(60)
        print(json.dumps({"three": three, "splu": splu}[sys.argv[2]](int(sys.argv[3]))))
    elif sys.argv[1] == "cells":
        cells()
    else:
        side = int(sys.argv[2])
        mine = own("three", side)
        print("chain", json.dumps(mine))
        if sys.argv[1] == "peer":
            peer = own("splu", side)
            print("splu ", json.dumps(peer))
            print(
                f"SciPy takes {peer['cpu_s'] / mine['cpu_s']:.1f} times as long and {peer['peak_gb'] / mine['peak_gb']:.1f} times the memory; "
                f"functional habitat differs by {abs(peer['functional_km2'] / mine['functional_km2'] - 1):.1e}"
            )


if __name__ == "__main__":
    main()
