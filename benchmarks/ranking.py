"""Exact ranking, side by side with re-solving: one railway across the grid, 20 patches, 500 sections of 5-10 columns.

    python benchmarks/ranking.py [--side 1000] [--kind hard] [--draws 100] [--no-resolve] [--form auto]
    python benchmarks/ranking.py --draws 1000 --compressed --no-resolve
    python benchmarks/ranking.py --resistances            30 focal nodes against a sparse factorisation

One thread.  Set-up = condensation; singles (with the fresh multigrid solve that checks one of them) = every section opened alone; sets of ten and a greedy choice of ten follow
Woodbury's identity after one inverse.  The comparison solves the edited landscape afresh for a few sections
with the multigrid solver (19 right-hand sides for 20 patches) and multiplies; it says so.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.append(str(Path(__file__).parents[1] / "tests" / "helpers"))

import numpy as np
from gains import draw_gains, greedy, single_gains
from surfaces import benign, hard

from permeability.core.tasks import in_threads
from permeability.engines.circuit import pairwise
from permeability.engines.circuit.interface import two_sides
from permeability.engines.circuit.interface.compressed_singles import compressed_singles
from permeability.engines.circuit.interface.interface import Candidates, Interface
from permeability.engines.circuit.solvers.condensation import effective_resistances
from permeability.engines.kernels.edges import D_COL, D_ROW, EdgeBarriers, grid_links
from permeability.ranking.rank_statistics import ranks


def railway(surface: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges that a wandering line across the grid cuts: cells, directions, columns."""
    rows, cols = surface.shape
    line = np.clip(rows // 2 + np.cumsum(rng.choice([-1, 0, 0, 1], cols)), 2, rows - 3)
    valid = np.isfinite(surface)
    cells, directions = [], []
    for k in range(4):
        r, c = np.nonzero(valid)
        r2, c2 = r + D_ROW[k], c + D_COL[k]
        inside = (r2 < rows) & (c2 >= 0) & (c2 < cols) & (np.abs(r - line[c]) < 4)
        r, c, r2, c2 = r[inside], c[inside], r2[inside], c2[inside]
        cut = valid[r2, c2] & ((r <= line[c]) != (r2 <= line[c2]))
        cells.append((r * cols + c)[cut])
        directions.append(np.full(cut.sum(), k))
    cell, direction = np.concatenate(cells), np.concatenate(directions)
    order = np.lexsort((direction, cell % cols))
    return cell[order], direction[order], (cell % cols)[order]


class Clock:
    """Wall seconds and growth of the resident peak [MB]."""

    def __init__(self) -> None:
        self.start_mb = self.peak_mb()

    @staticmethod
    def peak_mb() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    def run(self, label: str, work: Callable[[], object], repeat: int = 1) -> tuple[object, float]:
        best, cpu, out = np.inf, np.inf, None
        for _ in range(repeat):
            begun, begun_cpu = time.perf_counter(), time.process_time()
            out = work()
            best = min(best, time.perf_counter() - begun)
            cpu = min(cpu, time.process_time() - begun_cpu)
        print(
            f"{label:<52}{best:10.4f} s  (cpu {cpu:8.4f} s)   peak +{self.peak_mb() - self.start_mb:6.0f} MB",
            flush=True,
        )
        return out, best


def warm_up() -> None:
    """Compile (or load) everything on a small landscape."""
    rng = np.random.default_rng(0)
    surface = benign(60, 60, 1)
    cell, direction, column = railway(surface, rng)
    face = Interface.build(
        grid_links(surface), edges=(cell, direction), cuts=(np.arange(len(cell)), column, np.ones(len(cell))),
        crossing=np.full(60, 100.0), patches=rng.choice(1200, 20, replace=False),
    )  # fmt: skip
    cands = face.candidates([np.arange(s, s + 7) for s in range(0, 50, 5)])
    single_gains(face, cands)
    two_sides.WORTH_NODES, usual = 1, two_sides.WORTH_NODES
    single_gains(face, cands)
    two_sides.WORTH_NODES = usual
    pairwise(surface, [(1, 1), (5, 5)], solver="multigrid", current=None)
    made = compressed_singles(face, cands, face.state_at(np.zeros(len(face.base))), face.singles(cands))
    assert made is None or made.run_with_today(face.crossing, cands)
    greedy(face, cands, 3)
    face.set_gain(cands, [1, 2])


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=1000)
    parser.add_argument("--kind", choices=["hard", "benign"], default="hard")
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--sections", type=int, default=500)
    parser.add_argument("--form", choices=["auto", "front", "layers"], default="auto")
    parser.add_argument(
        "--compressed",
        action="store_true",
        help="the same draws through a compressed network as well, on all cores",
    )
    parser.add_argument("--no-resolve", action="store_true")
    parser.add_argument("--resistances", action="store_true")
    options = parser.parse_args()
    n = options.side
    rng = np.random.default_rng(7)
    begun = time.perf_counter()
    warm_up()
    print(f"compile or load {time.perf_counter() - begun:.1f} s; load average {os.getloadavg()[0]:.1f}")
    surface = (hard if options.kind == "hard" else benign)(n, n, 1)
    links = grid_links(surface)
    if options.resistances:
        resistances_only(links, rng)
        return
    cell, direction, column = railway(surface, rng)
    patches = well_placed(links, rng)
    tight = 1e4  # metres of open ground: barrier conductance 1e-4 of the landscape's
    crossing = np.full(n, tight)
    groups = [
        np.arange(s, s + w)
        for s, w in zip(rng.integers(0, n - 10, options.sections), rng.integers(5, 11, options.sections))
    ]
    clock = Clock()
    print(
        f"{n * n:,} cells {options.kind}, {len(cell):,} barrier edges, {options.sections} sections, 20 patches"
    )

    def build() -> Interface:
        return Interface.build(
            links, edges=(cell, direction), cuts=(np.arange(len(cell)), column, np.ones(len(cell))),
            crossing=crossing, patches=patches, form=options.form,
        )  # fmt: skip

    face, t_build = clock.run("condense onto the interface", build)
    assert isinstance(face, Interface)
    print(
        f"   T = {face.report.nodes:,}, {face.report.form} ({face.report.why}), residual {face.report.residual:.1e}"
    )
    cands = face.candidates(groups)
    assert isinstance(cands, Candidates)
    gains, t_single = clock.run(f"all {len(groups)} exact singles", lambda: single_gains(face, cands))
    gains = np.asarray(gains)
    print(f"   set-up + singles {t_build + t_single:.2f} s, the fresh solve of one of them included:")
    for check in face.report.checks:
        print(
            f"   {check.what} against {check.solver}: {check.difference:.1e} ({check.seconds:.2f} s) {check.note}"
        )
    _, _ = clock.run("generalised inverse (for sets)", lambda: face.today)
    ten = rng.choice(len(groups), 10, replace=False)
    _, _ = clock.run("one set of ten", lambda: face.set_gain(cands, ten), repeat=20)
    chosen, _ = clock.run("greedy ten", lambda: greedy(face, cands, 10))
    assert isinstance(chosen, list)
    draws = tight * 10 ** rng.uniform(-1, 1, (options.draws, n))
    few = draws[: min(len(draws), 20)] if options.compressed else draws
    _, t_draw = clock.run(
        f"{len(few)} draws of all crossing chances",
        lambda: draw_gains(face, cands, few, index="resistance"),
    )
    print(f"   1,000 draws (times {1000 / len(few):.0f}): {t_draw / len(few) * 1000 / 60:.1f} min")
    if options.compressed:
        compressed(face, cands, draws, clock)
    base = float(face.index(face.today.resistances))
    best_ten = face.set_gain(cands, np.argsort(-gains)[:10])
    print(
        f"index today {base:.6g}; ten best singles {best_ten / base:.1%}, greedy ten {chosen[-1][1] / base:.1%}"
    )
    if not options.no_resolve:
        side_by_side(surface, face, cands, gains, (cell, direction), crossing, t_build + t_single, clock)


def compressed(face: Interface, cands: Candidates, draws: np.ndarray, clock: Clock) -> None:
    """The draws both ways on all cores; how many have the same ranks, and how far gains are off."""

    def ways(prepared) -> np.ndarray:  # type: ignore[no-untyped-def]
        gains = np.empty((len(draws), len(cands)))

        def one(d: int) -> None:
            after, today = prepared.run_with_today(draws[d], cands)
            gains[d] = face.gain(today, after, "conductance")

        in_threads(one, range(len(draws)), os.cpu_count() or 1)
        return gains

    small, _ = clock.run("compressed network, with its checks", lambda: face.singles(cands, many=True))
    print(f"   {type(small).__name__}, {getattr(getattr(small, 'tree', None), 'modes', 0):,} modes")
    mine, t_mine = clock.run(f"{len(draws)} draws through it", lambda: ways(small))
    true, t_true = clock.run(f"{len(draws)} draws, exact to rounding", lambda: ways(face.singles(cands)))
    same = (ranks(mine) == ranks(true)).all(axis=1)
    level = face.index(face.today.resistances, "conductance")
    off = np.abs(mine - true)
    some = true > 1e-8 * level
    print(f"   {t_true / t_mine:.1f} x; the same ranks in {same.sum()} of {len(draws)} draws; gains off by {(off[some] / true[some]).max():.1e} at most, "
          f"median {np.median(off[some] / true[some]):.1e}; those below 1e-8 of the index ({(~some).sum()} of {some.size}) by {off[~some].max(initial=0.0) / level:.1e} of it")  # fmt: skip


def well_placed(links, rng) -> np.ndarray:  # type: ignore[no-untyped-def]
    """20 cells of the largest component."""
    candidates = rng.choice(np.flatnonzero(links.e.ravel() > 0), 60, replace=False)
    finite = np.isfinite(effective_resistances(links, candidates))
    return candidates[finite[np.argmax(finite.sum(axis=1))]][:20]


def side_by_side(surface, face, cands, gains, edges, crossing, ours, clock) -> None:  # type: ignore[no-untyped-def]
    """Re-solve the edited landscape for the best section and one other, by multigrid, and compare."""
    patches = face.agreement.patches
    spots = [tuple(p) for p in np.stack(np.unravel_index(patches, surface.shape), axis=1)]
    k = int(np.argmax(gains))
    z = face.state(cands, [k])
    order = np.lexsort((edges[1], edges[0]))
    barriers = EdgeBarriers(edges[0][order], edges[1][order].astype(np.uint8), z[order], z[order])
    result, seconds = clock.run(
        "re-solve one section by multigrid (19 right-hand sides)",
        lambda: pairwise(surface, spots, barriers=barriers, solver="multigrid", current=None),
    )
    fresh = face.index(np.asarray(result.resistance))
    here = face.index(face.today.resistances) - gains[k]
    print(f"   relative difference of the index after opening the best section {abs(fresh / here - 1):.1e}")
    print(
        f"   {len(gains)} x {seconds:.1f} s (extrapolated from one) / {ours:.2f} s = {len(gains) * seconds / ours:.0f} x"
    )


def resistances_only(links, rng) -> None:  # type: ignore[no-untyped-def]
    """30 focal nodes: condensation against SciPy's SuperLU (factorisation only), and the difference."""
    from scipy.sparse import coo_array, diags_array
    from scipy.sparse.csgraph import connected_components
    from scipy.sparse.linalg import splu

    clock = Clock()
    focal = rng.choice(np.flatnonzero(links.e.ravel() > 0), 30, replace=False)
    clock.run("condensation, resistances among 30 focal nodes", lambda: effective_resistances(links, focal))
    ours, seconds = clock.run("   again", lambda: effective_resistances(links, focal))
    rows, cols = links.shape
    i, j, g = [], [], []
    for k, plane in enumerate(links):
        at = np.flatnonzero(plane.ravel())
        i.append(at)
        j.append(at + D_ROW[k] * cols + D_COL[k])
        g.append(plane.ravel()[at])
    a, b, w = np.concatenate(i), np.concatenate(j), np.concatenate(g)
    graph = coo_array((np.r_[w, w], (np.r_[a, b], np.r_[b, a])), shape=(rows * cols,) * 2).tocsr()
    part = connected_components(graph, directed=False)[1]
    main = np.flatnonzero(part == np.bincount(part).argmax())[1:]
    degree = np.asarray(graph.sum(axis=1)).ravel()[main]
    inner = graph[main][:, main]
    matrix = (diags_array(degree) - inner).tocsc()
    options = {"SymmetricMode": True}
    lu, theirs = clock.run(
        "SuperLU, factorisation",
        lambda: splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options),
    )
    print(f"   condensation / SuperLU factorisation = {seconds / theirs:.3f}")
    spots = np.flatnonzero(np.isin(focal, main))[:3]
    at = np.searchsorted(main, focal[spots])
    grounded = degree - np.asarray(inner.sum(axis=1)).ravel()
    upper = inner.tocoo()
    for s in (1, 2):
        source = np.zeros(len(main))
        source[at[0]], source[at[s]] = 1.0, -1.0
        v = np.zeros(len(main))
        for _ in range(4):  # refinement with residuals from differences of potentials
            flow = np.bincount(upper.row, upper.data * (v[upper.row] - v[upper.col]), minlength=len(main))
            v += lu.solve(source - flow - grounded * v)
        fresh = v[at[0]] - v[at[s]]
        print(
            f"   relative difference to the refined direct solve {abs(ours[spots[0], spots[s]] / fresh - 1):.1e}"
        )


if __name__ == "__main__":
    main()
