"""The circuit solvers side by side with pyamg, SuperLU and CHOLMOD, one thread, one process per measurement.

    python benchmarks/circuit.py one 1000              one solve at residual 1e-8, both surfaces (rows of
    the square)
    python benchmarks/circuit.py one 4000 --no-peers   sizes that only we can do here
    python benchmarks/circuit.py resistances 1000      30 focal nodes, no maps; add --no-peers for larger
    grids
    python benchmarks/circuit.py maps 1000             20 focal nodes, 190 pairs, two maps and the gradient
    python benchmarks/circuit.py accuracy 500          error against a refined direct solve, ten seeds
    python benchmarks/circuit.py iterations 2000 --seeds 3   hard surfaces, two pairs of cells on each
    python benchmarks/circuit.py threads 1000          the maps job on one and on two threads, bit for bit
    python benchmarks/circuit.py interrupt 4000        seconds from Ctrl-C to the end

Surfaces: benchmarks/surfaces.py.  Every measurement runs in a process of its own; compilation is done on a
small grid
before the clock starts and stated apart; MB and B/cell are the growth of the resident set beyond the links
(32 B/cell).
Seconds are CPU seconds of the one thread, which other jobs on the machine disturb least; wall seconds
stand in brackets.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
for name in THREADS:
    os.environ[name] = "1"
HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

import numpy as np  # noqa: E402
import surfaces  # noqa: E402
from scipy import sparse  # noqa: E402

from permeability.engines.circuit import grid_links, pairwise, solve_grid  # noqa: E402
from permeability.engines.circuit.solvers.grid_system import GridSystem, link_list  # noqa: E402
from permeability.engines.circuit.solvers.multigrid import MultigridSolver  # noqa: E402


def rss(field: str = "VmRSS") -> float:
    """Resident set now (VmRSS) or at its peak (VmHWM) [MB]."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no resident set size on this system")


class Meter:
    """Seconds and growth of the resident set inside a with block."""

    def __enter__(self) -> Meter:
        Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
        self.before, self.start, self.cpu = rss(), time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.seconds = time.perf_counter() - self.start, time.process_time() - self.cpu
        self.mb = rss("VmHWM") - self.before


def surface(kind: str, n: int, seed: int) -> np.ndarray:
    """A square surface; ``holes`` is benign with a quarter of it missing in correlated holes."""
    if kind != "holes":
        return getattr(surfaces, kind)(n, n, seed)
    out, other = surfaces.benign(n, n, seed), surfaces.benign(n, n, seed + 500)
    out[other < np.quantile(other, 0.25)] = np.nan
    return out


def problem(kind: str, n: int, seed: int, points: int) -> tuple:
    """Links, the largest component, and cells of open ground (R < 100) spread over it."""
    r = surface(kind, n, seed)
    links = grid_links(r)
    system = GridSystem(links)
    names, counts = np.unique(system.roots, return_counts=True)
    main = system.roots == names[counts.argmax()]
    good = np.flatnonzero(main & (r < 100))
    cells = np.random.default_rng(seed).choice(good, points, replace=False)
    return r, links, main, cells


def grounded_matrix(links, main: np.ndarray, ground: int) -> tuple[sparse.csc_matrix, np.ndarray]:
    """Laplacian of the component without its ground, and the row of every cell (-1 = none)."""
    a, b, g = link_list(links)
    keep = main.reshape(-1)[a]
    a, b, g = a[keep], b[keep], g[keep]
    row = np.full(main.size, -1)
    row[np.flatnonzero(main)] = np.arange(main.sum())
    i, j = row[a], row[b]
    n = int(main.sum())
    lap = sparse.coo_matrix((-g, (i, j)), shape=(n, n)).tocsr()
    lap = lap + lap.T
    lap = (lap - sparse.diags(np.asarray(lap.sum(axis=1)).ravel())).tocsr()
    free = np.delete(np.arange(n), row[ground])
    matrix = lap[free][:, free].tocsc()
    row = np.where(row > row[ground], row - 1, np.where(row == row[ground], -1, row))
    return matrix, row


def peer(name: str, matrix: sparse.csc_matrix):
    """A solve function of a peer, and a list that collects iteration counts."""
    counts: list[int] = []
    if name == "cholmod":
        from sksparse.cholmod import cholesky

        return cholesky(matrix, ordering_method="amd"), counts
    if name == "splu":
        from scipy.sparse.linalg import splu

        return splu(
            matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
        ).solve, counts
    import pyamg

    levels = pyamg.ruge_stuben_solver(matrix.tocsr())

    def solve(b: np.ndarray) -> np.ndarray:
        steps: list[float] = []
        x = levels.solve(b, tol=1e-8, accel="cg", maxiter=300, residuals=steps)
        counts.append(len(steps) - 1)
        return x

    return solve, counts


def warm(n: int = 200) -> float:
    """Seconds of compilation (or of loading compiled code), on a grid too small to matter."""
    start = time.perf_counter()
    r = surfaces.hard(n, n, 1)
    r[np.isnan(r)] = 5.0
    for solver in ("multigrid", "condensation"):
        pairwise(r, [(0, 0), (n - 1, n - 1), (0, n - 1)], solver=solver, gradient=True)
    pairwise(r, [(0, 0), (n - 1, n - 1)], current=None, solver="condensation")
    return time.perf_counter() - start


def child_one(kind: str, n: int, who: str, seed: int) -> dict:
    compiled = warm()
    _, links, main, (a, b) = problem(kind, n, seed, 2)
    source = np.zeros(main.shape)
    source.flat[a], source.flat[b] = 1.0, -1.0
    out: dict = {}
    if who in ("multigrid", "condensation"):
        with Meter() as m:
            solution = solve_grid(links, source, solver=who)
        v, report = solution.voltage.reshape(-1), solution.reports[0]
        out.update(iterations=report.iterations, notes=[*report.fallbacks, *report.notes])
        r = v[a] - v[b]
        residual = report.residual
    else:
        with Meter() as m:
            matrix, row = grounded_matrix(links, main, int(b))
            rhs = np.zeros(matrix.shape[0])
            rhs[row[a]] = 1.0
            built, wall = time.process_time(), time.perf_counter()
            solve, counts = peer(who, matrix)
            x = solve(rhs)
            # the peer's own time: its matrix is a gift
            own = time.process_time() - built, time.perf_counter() - wall
        m.seconds, m.wall = own
        r, residual = x[row[a]], float(np.linalg.norm(rhs - matrix @ x))
        out["iterations"] = counts[0] if counts else 0
    out.update(
        seconds=m.seconds, wall=m.wall, mb=m.mb, residual=residual, resistance=float(r), compile=compiled
    )
    return out


def child_resistances(kind: str, n: int, who: str, seed: int) -> dict:
    warm()
    r, links, main, cells = problem(kind, n, seed, 30)
    points = [divmod(int(c), n) for c in cells]
    if who == "ours":
        with Meter() as m:
            result = pairwise(r, points, current=None, solver="condensation")
        m.mb -= 8 * 4 * n * n / 2**20  # pairwise builds its own links; "beyond the links"
        among = result.resistance
    else:
        with Meter() as m:
            matrix, row = grounded_matrix(links, main, int(cells[0]))
            start = time.process_time()
            solve, _ = peer(who, matrix)
            seconds = time.process_time() - start
        m.seconds = seconds  # analyse + factor, without the 29 right-hand sides
        among = np.zeros((30, 30))
        for k in range(1, 30):
            b = np.zeros(matrix.shape[0])
            b[row[cells[k]]] = 1.0
            x = solve(b)
            x = x + solve(b - matrix @ x)  # refined
            among[k, 1:] = x[row[cells[1:]]]
        d = np.diag(among)
        among = d[:, None] + d[None, :] - among - among.T
    return {"seconds": m.seconds, "mb": m.mb, "among": among.tolist()}


def child_maps(kind: str, n: int, who: str, seed: int) -> dict:
    warm()
    r, links, main, cells = problem(kind, n, seed, 20)
    points = [divmod(int(c), n) for c in cells]
    if who in ("multigrid", "condensation"):
        from permeability.engines.circuit import pairwise as _
        from permeability.engines.kernels import current as kernels

        spent = {}

        def timed(name: str):
            kernel = getattr(module, name)

            def run(*args: object) -> None:
                start = time.process_time()
                kernel(*args)
                spent[name] = time.process_time() - start

            return run

        module = sys.modules["permeability.engines.circuit.pair_job"]
        assert module.accumulate_pairs is kernels.accumulate_pairs
        for name in ("accumulate_pairs", "pair_gradient"):
            setattr(module, name, timed(name))
        with Meter() as m:
            result = pairwise(r, points, solver=who, gradient=True)
        solves = sum(spent.values())
        return {
            "seconds": m.seconds,
            "mb": m.mb,
            "accumulate": spent["accumulate_pairs"],
            "gradient": spent["pair_gradient"],
            "solves": m.seconds - solves,
            "iterations": result.report.iterations,
            "resistance": float(np.triu(result.resistance).sum()),
        }
    with Meter() as m:
        matrix, row = grounded_matrix(links, main, int(cells[0]))
        start = time.process_time()
        solve, _ = peer(who, matrix)
        setup = time.process_time() - start
        solved = 3 if who == "pyamg" else 19
        start = time.process_time()
        for k in range(1, solved + 1):
            b = np.zeros(matrix.shape[0])
            b[row[cells[k]]] = 1.0
            solve(b)
        each = (time.process_time() - start) / solved
    return {"seconds": setup + 19 * each, "mb": m.mb, "setup": setup, "each": each, "timed": solved}


def child_accuracy(kind: str, n: int, who: str, seed: int) -> dict:
    _, links, main, (a, b) = problem(kind, n, seed, 2)
    source = np.zeros(main.shape)
    source.flat[a], source.flat[b] = 1.0, -1.0
    got = solve_grid(links, source, solver=who)
    want = solve_grid(links, source, solver="splu").voltage
    error = np.abs(got.voltage - want).max() / np.ptp(want)
    r = float((got.voltage * source).sum()) / float((want * source).sum()) - 1
    return {"potential": float(error), "resistance": abs(r), "iterations": got.reports[0].iterations}


def child_iterations(kind: str, n: int, who: str, seed: int) -> dict:
    """Two pairs on one surface: that of ``one``, and one more."""
    _, links, main, first = problem(kind, n, seed, 2)
    good = np.flatnonzero(main)
    pairs = [first, np.random.default_rng(seed + 100).choice(good, 2, replace=False)]
    counts, residuals = [], []
    for a, b in pairs:
        source = np.zeros(main.shape)
        source.flat[a], source.flat[b] = 1.0, -1.0
        report = solve_grid(links, source, solver=who).reports[0]
        counts.append(report.iterations)
        residuals.append(report.residual)
        if report.fallbacks:
            counts.append(-1)
    return {"counts": counts, "residual": max(residuals)}


def child_threads(kind: str, n: int, who: str, seed: int) -> dict:
    warm()
    r, _, _, cells = problem(kind, n, seed, 9)
    points = [divmod(int(c), n) for c in cells]
    wall, maps = [], []
    for workers in (1, 2):
        start = time.perf_counter()
        maps.append(pairwise(r, points, solver=who, workers=workers).current)
        wall.append(time.perf_counter() - start)
    return {"wall": wall, "same": bool(np.array_equal(*maps))}


def child_interrupt(kind: str, n: int, who: str, seed: int) -> dict:
    warm()
    _, links, main, (a, b) = problem(kind, n, seed, 2)
    source = np.zeros(main.shape)
    source.flat[a], source.flat[b] = 1.0, -1.0
    sent: list[float] = []
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background ignores it

    def interrupt() -> None:
        sent.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    built = MultigridSolver(GridSystem(links), main)
    timer = threading.Timer(3.0, interrupt)
    timer.start()
    try:
        built.solve(source, 1e-12)
    except KeyboardInterrupt:
        return {"seconds": time.perf_counter() - sent[0]}
    return {"seconds": -1.0}


def run(job: str, kind: str, n: int, who: str, seed: int = 1) -> dict:
    """One measurement in a process of its own."""
    command = [sys.executable, str(HERE), "child", job, kind, str(n), who, str(seed)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return {
            "failed": done.stderr.strip().splitlines()[-1] if done.stderr.strip() else str(done.returncode)
        }
    return json.loads(done.stdout.splitlines()[-1])


def peers(args: argparse.Namespace) -> list[str]:
    if args.no_peers:
        return []
    names = [p for p in ("pyamg", "cholmod", "splu") if not args.peers or p in args.peers]
    for name, module in (("pyamg", "pyamg"), ("cholmod", "sksparse")):
        if name in names and importlib.util.find_spec(module) is None:
            names.remove(name)
            print(f"{name}: not installed here, left out")
    return names


def report_one(args: argparse.Namespace) -> None:
    n = args.rows
    for kind in args.surfaces:
        ours = None
        for who in ["multigrid", *peers(args)]:
            f = run("one", kind, n, who, args.seed)
            if "failed" in f:
                print(f"{kind:7s} {n * n:>11,} {who:12s} failed: {f['failed']}")
                continue
            ours = ours or f
            print(
                f"{kind:7s} {n * n:>11,} {who:12s} {f['seconds']:8.2f} s ({f['wall']:.2f})  {f['iterations']:3d} its  "
                f"{f['mb']:7.0f} MB {f['mb'] * 2**20 / n**2:6.0f} B/cell  residual {f['residual']:.1e}  "
                f"R {f['resistance']:.9g}  {f['seconds'] / ours['seconds']:6.1f} x  "
                + (
                    f"(compile or load {f['compile']:.1f} s) {f.get('notes') or ''}"
                    if who == "multigrid"
                    else ""
                ),
                flush=True,
            )


def report_resistances(args: argparse.Namespace) -> None:
    n = args.rows
    ours = run("resistances", "hard", n, "ours", args.seed)
    print(
        f"hard {n * n:,}: 30 nodes {ours['seconds']:.2f} s, {ours['mb']:.0f} MB beyond the links", flush=True
    )
    for who in peers(args):
        if who == "pyamg":
            continue
        f = run("resistances", "hard", n, who, args.seed)
        if "failed" in f:
            print(who, "failed:", f["failed"])
            continue
        a, b = np.array(ours["among"]), np.array(f["among"])
        off = ~np.eye(30, dtype=bool)
        print(
            f"  {who}: analyse + factor {f['seconds']:.2f} s, {f['mb']:.0f} MB; ours takes "
            f"{ours['seconds'] / f['seconds']:.2f} x; largest difference {np.abs(a / np.where(off, b, 1) - 1)[off].max():.1e}",
            flush=True,
        )


def report_maps(args: argparse.Namespace) -> None:
    n = args.rows
    for who in ("condensation", "multigrid"):
        f = run("maps", "hard", n, who, args.seed)
        print(
            f"{who}: {f['seconds']:.1f} s in all, {f['mb']:.0f} MB; solves {f['solves']:.1f} s, maps of 190 pairs "
            f"{f['accumulate']:.2f} s ({f['accumulate'] / f['solves']:.2f} of the solves), gradient {f['gradient']:.2f} s, "
            f"{f['iterations']} its, sum of R {f['resistance']:.9g}",
            flush=True,
        )
    for who in peers(args):
        f = run("maps", "hard", n, who, args.seed)
        if "failed" in f:
            print(who, "failed:", f["failed"])
            continue
        print(
            f"{who}: {f['seconds']:.1f} s for 19 solves alone (set-up {f['setup']:.1f} s, {f['each']:.2f} s each over "
            f"{f['timed']} timed), {f['mb']:.0f} MB",
            flush=True,
        )


def report_accuracy(args: argparse.Namespace) -> None:
    for kind in ("benign", "hard", "holes"):
        found = [run("accuracy", kind, args.rows, "multigrid", seed) for seed in range(1, args.seeds + 1)]
        print(
            f"{kind:7s} {args.rows**2:,} cells, {len(found)} seeds: potentials {max(f['potential'] for f in found):.1e}, "
            f"resistance {max(f['resistance'] for f in found):.1e}, iterations {[f['iterations'] for f in found]}",
            flush=True,
        )


def report_iterations(args: argparse.Namespace) -> None:
    for kind in args.surfaces:
        for seed in range(1, args.seeds + 1):
            f = run("iterations", kind, args.rows, "multigrid", seed)
            print(f"{kind} {args.rows**2:,} cells, seed {seed}: {f.get('counts') or f}", flush=True)


def report_threads(args: argparse.Namespace) -> None:
    f = run("threads", "hard", args.rows, "multigrid", args.seed)
    print(
        f"9 focal nodes, {args.rows**2:,} cells: {f['wall'][0]:.1f} s on one thread, {f['wall'][1]:.1f} s on two (wall), "
        f"same bits: {f['same']}"
    )


def main() -> None:
    """Command line."""
    if sys.argv[1:2] == ["child"]:
        job, kind, n, who, seed = sys.argv[2:7]
        print(json.dumps(globals()[f"child_{job}"](kind, int(n), who, int(seed))))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "what", choices=["one", "resistances", "maps", "accuracy", "iterations", "threads", "interrupt"]
    )
    parser.add_argument("rows", type=int)
    parser.add_argument(
        "--surfaces", nargs="+", default=["hard", "benign"], choices=["hard", "benign", "holes"]
    )
    parser.add_argument("--peers", nargs="+", choices=["pyamg", "cholmod", "splu"])
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args()
    if args.what == "interrupt":
        f = run("interrupt", "hard", args.rows, "multigrid")
        print(f"{args.rows**2:,} cells: {f['seconds']:.2f} s from Ctrl-C to the end")
    else:
        globals()[f"report_{args.what}"](args)


if __name__ == "__main__":
    main()
