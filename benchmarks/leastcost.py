"""Least-cost engine against its peers, measured in one run: ratios, memory, equality.

    python benchmarks/leastcost.py                      peers at 1e6 cells, barriers, threads, gains, memory
    python benchmarks/leastcost.py --cells 10000000     peers at another size
    python benchmarks/leastcost.py --only large         1e8 cells in one call (about 3 GB of memory)

Every line states the load average.  Times are the median of the repeats; a peer slower than 20 s runs once.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent))

import surfaces  # noqa: E402

from permeability.engines.kernels.edges import D_COL, D_ROW, EdgeBarriers  # noqa: E402
from permeability.engines.leastcost.distance import cost_distance, cost_distances  # noqa: E402
from permeability.engines.leastcost.surface import cost_surface  # noqa: E402

Field = Any


def clock(run: Callable[[], Any], repeats: int = 3) -> tuple[float, Any]:
    """Median seconds and the last result; one run is enough when it is long."""
    times: list[float] = []
    result = None
    while len(times) < repeats and (not times or sum(times) < 20):
        start = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - start)
    return statistics.median(times), result


def say(*words: Any) -> None:
    print(*words, f"[load {os.getloadavg()[0]:.1f}]", flush=True)


def source_of(r: Field) -> tuple[int, int]:
    """A valid cell at one seventh of the grid."""
    flat = r.reshape(-1)
    at = flat.size // 7
    while not np.isfinite(flat[at]):
        at += 1
    return divmod(at, r.shape[1])


def side(cells: int) -> int:
    return round(cells**0.5)


def warm_up() -> None:
    """Compile (or load) all kernels."""
    for barriers in (None, EdgeBarriers(np.array([0]), np.zeros(1, np.uint8), np.ones(1), np.ones(1))):
        cost_distance(np.ones((40, 40)), [(0, 0)], barriers=barriers)


def explicit_graph(r: Field, barriers: EdgeBarriers | None = None) -> Any:
    """The 8-neighbour movement graph as a sparse matrix, both directions."""
    from scipy.sparse import csr_matrix

    rows, cols = r.shape
    index = np.arange(r.size, dtype=np.int32).reshape(r.shape)
    i, j, v = [], [], []
    for k in range(4):
        dr, dc = int(D_ROW[k]), int(D_COL[k])
        first = (slice(0, rows - dr), slice(max(0, -dc), cols - max(0, dc)))
        second = (slice(dr, rows), slice(max(0, dc), cols - max(0, -dc)))
        w = 0.5 * np.sqrt(float(dr * dr + dc * dc)) * (r[first] + r[second])
        if barriers is not None:
            extra = np.zeros(r.shape)
            own = barriers.direction == k
            extra.reshape(-1)[barriers.cell[own]] = barriers.cost[own]
            w = w + extra[first]
        keep = np.isfinite(w)
        for a, b in ((first, second), (second, first)):
            i.append(index[a][keep])
            j.append(index[b][keep])
            v.append(w[keep])
    return csr_matrix((np.concatenate(v), (np.concatenate(i), np.concatenate(j))), shape=(r.size, r.size))


# ------------------------------------------------------------------ peers


def bench_peers(cells: int, kind: str) -> None:
    n = side(cells)
    r = getattr(surfaces, kind)(n, n, 1)
    start = source_of(r)
    own, field = clock(lambda: cost_distance(r, [start]), 5)
    say(f"{n * n:.1e} cells, {kind}: permeability {own:.3f} s = {own / r.size * 1e9:.1f} ns/cell")
    for peer in (skimage_field, dijkstra3d_field, scipy_field, xarray_spatial_field):
        try:
            seconds, theirs, note = peer(r, start)
        except ImportError as missing:
            say(f"  {missing.name}: {missing.msg}")
            continue
        again, _ = clock(lambda: cost_distance(r, [start]), 5)  # after the peer as before it
        ours = (own + again) / 2
        equal = "" if theirs is None else f", same bits: {np.array_equal(theirs, field)}"
        say(f"  {note}: {seconds:.2f} s, ratio {seconds / ours:.1f}{equal}")


def skimage_field(r: Field, start: tuple[int, int]) -> tuple[float, Field, str]:
    from skimage.graph import MCP_Geometric

    costs = np.where(np.isnan(r), np.inf, r)

    def run() -> Field:
        return MCP_Geometric(costs).find_costs([start])[0]

    return *clock(run), "scikit-image MCP_Geometric"


def dijkstra3d_field(r: Field, start: tuple[int, int]) -> tuple[float, None, str]:
    import dijkstra3d

    costs = np.asfortranarray(np.where(np.isnan(r), np.inf, r).astype(np.float32))

    def run() -> Any:
        return dijkstra3d.distance_field(costs, source=start)

    return clock(run)[0], None, "dijkstra3d (cost of the cell entered, float32)"


def scipy_field(r: Field, start: tuple[int, int]) -> tuple[float, Field, str]:
    from scipy.sparse.csgraph import dijkstra

    if r.size > 4e6:
        raise ImportError("left out above 4e6 cells (152 bytes per cell)", name="scipy csgraph")
    build, graph = clock(lambda: explicit_graph(r), 1)
    seconds, flat = clock(lambda: dijkstra(graph, indices=start[0] * r.shape[1] + start[1]))
    return seconds, flat.reshape(r.shape), f"scipy csgraph.dijkstra, graph given ({build:.2f} s to build)"


def xarray_spatial_field(r: Field, start: tuple[int, int]) -> tuple[float, None, str]:
    import xarray as xr  # needs Python 3.12 for 0.10
    from xrspatial import cost_distance as theirs

    raster = np.zeros(r.shape)
    raster[start] = 1.0
    maps = [
        xr.DataArray(a, {"y": np.arange(r.shape[0])[::-1], "x": np.arange(r.shape[1])}, ("y", "x"))
        for a in (raster, r)
    ]
    theirs(*[m[:20, :20] for m in maps])  # compile
    return clock(lambda: theirs(*maps))[0], None, "xarray-spatial cost_distance (float32)"


# ------------------------------------------------------------------ barriers on edges


def fences(r: Field, cuts: int, seed: int) -> EdgeBarriers:
    """Wandering fences across the grid until `cuts` edges are cut; gaps of 3 cells every 200 or so, some closed."""
    rng = np.random.default_rng(seed)
    rows, cols = r.shape
    per_line = 3 * cols
    lines = max(1, round(cuts / per_line))
    above = np.zeros(r.shape, np.int32)
    for i in range(lines):
        line = np.clip((i + 0.5) * rows / lines + np.cumsum(rng.choice([-1, 0, 0, 1], cols)), 1, rows - 2)
        above += np.arange(rows)[:, None] > line[None]
    gap = np.zeros(cols, bool)
    for at in np.cumsum(rng.integers(150, 250, cols // 150)):
        gap[at : at + 3] = True
    cell, direction = [], []
    for k in range(4):
        dr, dc = int(D_ROW[k]), int(D_COL[k])
        a = above[: rows - dr, max(0, -dc) : cols - max(0, dc)]
        b = above[dr:, max(0, dc) : cols - max(0, -dc)]
        y, x = np.nonzero(a != b)
        x += max(0, -dc)
        keep = ~gap[x]
        cell.append(y[keep] * cols + x[keep])
        direction.append(np.full(int(keep.sum()), k, np.uint8))
    at, way = np.concatenate(cell), np.concatenate(direction)
    order = np.lexsort((way, at))[:cuts]
    cost = np.where(rng.random(len(order)) < 0.5, np.inf, 2000.0)
    return EdgeBarriers(at[order], way[order], cost, cost)


def bench_barriers(cells: int) -> None:
    from scipy.sparse.csgraph import dijkstra

    n = side(cells)
    r = surfaces.hard(n, n, 2)
    start = source_of(r)
    plain = cost_surface(r)
    for cuts in (5_000, 200_000):
        for kind in ("fences", "anywhere"):
            walls = fences(r, cuts, 3) if kind == "fences" else scattered(r, cuts, 3)
            surface = cost_surface(r, barriers=walls)
            sort, _ = clock(lambda s=surface: s.cuts(32, 1), 1)
            times = [[], []]
            for _ in range(15):  # alternately, so that both see the same machine
                for which, s in enumerate((plain, surface)):
                    begin = time.perf_counter()
                    field = cost_distance(s, [start])
                    times[which].append(time.perf_counter() - begin)
            without, with_cuts = (statistics.median(t) for t in times)
            flat = dijkstra(explicit_graph(r, walls), indices=start[0] * n + start[1]).reshape(r.shape)
            both = np.isfinite(flat)
            error = np.max(np.abs(field[both] - flat[both]) / np.maximum(flat[both], 1e-300))
            same = np.array_equal(np.isfinite(field), both)
            say(
                f"{n * n:.1e} cells, {len(walls.cell):,} cut edges ({kind}): {with_cuts:.3f} s, "
                f"{with_cuts / without:.2f} x without barriers (sorted once in {sort:.3f} s); "
                f"against csgraph: largest relative difference {error:.1e}, same cells reached: {same}"
            )


def scattered(r: Field, cuts: int, seed: int) -> EdgeBarriers:
    """Cut edges anywhere, so that every tile has some."""
    rng = np.random.default_rng(seed)
    rows, cols = r.shape
    name = np.unique(rng.integers(0, (rows - 1) * cols * 4, int(cuts * 1.1)))
    cell, k = name // 4, name % 4
    keep = (cell % cols > 0) & (cell % cols < cols - 1)
    pick = np.sort(rng.choice(np.flatnonzero(keep), min(cuts, int(keep.sum())), replace=False))
    cost = np.where(rng.random(len(pick)) < 0.5, np.inf, 2000.0)
    return EdgeBarriers(cell[pick], k[pick].astype(np.uint8), cost, cost)


# ------------------------------------------------------------------ memory


CHILD = """
import json, sys, psutil
sys.path[:0] = [{here!r}, {root!r}]
import numpy as np, leastcost as b
cells, cuts, dtype = {cells}, {cuts}, {dtype!r}
b.warm_up()
if dtype == "float32":
    b.cost_distance(np.ones((40, 40), np.float32), [(0, 0)])
n = b.side(cells)
r = b.surfaces.hard(n, n, 1, dtype)
walls = b.fences(r, cuts, 3) if cuts else None
start = b.source_of(r)
import gc; gc.collect()
before = psutil.Process().memory_info().rss
open("/proc/self/clear_refs", "w").write("5")  # the peak starts again
import time; t = time.perf_counter()
field = b.cost_distance(r, [start], barriers=walls)
t = time.perf_counter() - t
peak = next(int(l.split()[1]) * 1024 for l in open("/proc/self/status") if l.startswith("VmHWM"))
print(json.dumps(dict(growth=peak - before, seconds=t, reached=int(np.isfinite(field).sum()))))
"""


def in_child(cells: int, cuts: int = 0, dtype: str = "float64") -> dict[str, Any]:
    code = CHILD.format(here=str(HERE), root=str(HERE.parent), cells=cells, cuts=cuts, dtype=dtype)
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return dict(json.loads(out.stdout.strip().splitlines()[-1]))


def bench_memory(cells: int) -> None:
    for cuts in (0, 5_000, 200_000):
        found = in_child(cells, cuts)
        size = side(cells) ** 2
        say(
            f"{size:.1e} cells, {cuts:,} cut edges: peak {found['growth'] / 1e6:.1f} MB beyond the cost raster = "
            f"{found['growth'] / size:.2f} bytes per cell (the field itself is 8)"
        )


def bench_large() -> None:
    small = in_child(1_000_000, dtype="float32")
    found = in_child(100_000_000, dtype="float32")
    per = [found["seconds"] / 1e8, small["seconds"] / 1e6]
    say(
        f"1.0e+08 cells, hard, float32 raster: {found['seconds']:.1f} s in one call, "
        f"peak {found['growth'] / 1e9:.2f} GB beyond the input, {found['reached']:,} cells reached, "
        f"{per[0] * 1e9:.0f} ns/cell = {per[0] / per[1]:.2f} x that at 1e6 ({per[1] * 1e9:.0f} ns/cell)"
    )


# ------------------------------------------------------------------ threads and gains


def bench_threads(cells: int) -> None:
    n = side(cells)
    r = surfaces.hard(n, n, 1)
    sources = [[source_of(r)], [source_of(r[::-1])]]
    sources[1] = [(n - 1 - sources[1][0][0], sources[1][0][1])]
    surface = cost_surface(r)
    runs: list[Callable[[], Any]] = [lambda s=s: cost_distance(surface, s) for s in sources]
    runs.append(lambda: cost_distances(surface, sources, workers=2))
    times: list[list[float]] = [[], [], []]
    for run in runs:
        run()
    while len(times[0]) < 31 and sum(map(sum, times)) < 60:
        for run, own in zip(runs, times):  # alternately, so that all see the same machine
            begin = time.perf_counter()
            run()
            own.append(time.perf_counter() - begin)
    one, other, both = (statistics.median(t) for t in times)
    say(
        f"{n * n:.1e} cells: two fields in two threads {both:.4f} s, {both / max(one, other):.2f} x the longer one alone "
        f"({one:.4f} s, {other:.4f} s; median of {len(times[0])}; {os.cpu_count()} cores)"
    )


def bench_gains(cells: int, candidates: int = 500) -> None:
    from permeability.engines.leastcost.openings import Openings, opened_costs

    n = side(cells)
    r = surfaces.hard(n, n, 3)
    walls = fences(r, 9 * n, 5)  # three fences
    surface = cost_surface(r, barriers=walls)
    valid = np.argwhere(np.isfinite(r))
    start, end = tuple(valid[5].tolist()), tuple(valid[-50].tolist())
    once, ds = clock(lambda: cost_distance(surface, [start]), 5)
    dt = cost_distance(surface, [end])
    rng = np.random.default_rng(4)
    column, row = walls.cell % n, walls.cell // n
    picks = []
    while len(picks) < candidates:
        x, width, line = rng.integers(n), rng.integers(2, 11), rng.choice(row)
        own = (column >= x) & (column < x + width) & (np.abs(row - line) < n // 8)
        if own.any():
            picks.append((walls.cell[own], walls.direction[own], float(rng.choice([0.0, 50.0]))))
    openings = Openings.of(picks)
    opened_costs(surface, ds, dt, openings)
    all_of_them, new = clock(lambda: opened_costs(surface, ds, dt, openings), 5)
    worst = 0.0
    name = walls.cell * 8 + walls.direction
    for i in range(candidates):
        one = openings.union([i])
        cost = walls.cost.copy()
        cost[np.searchsorted(name, one.cell * 8 + one.direction)] = one.cost
        again = cost_distance(surface.with_barriers(walls._replace(cost=cost)), [start], targets=[end])[end]
        worst = max(worst, abs(again - new[i]) / again)
    each = all_of_them / candidates
    say(
        f"{n * n:.1e} cells, {candidates} candidates of {len(openings.cell) / candidates:.0f} edges: {each * 1e6:.0f} us each, "
        f"1/{once / each:.0f} of a run ({once * 1e3:.0f} ms); {int((new < ds[end]).sum())} gain; "
        f"largest relative difference to re-running all {candidates}: {worst:.1e}"
    )


PARTS = {
    "peers": lambda cells: (bench_peers(cells, "hard"), bench_peers(cells, "benign")),
    "barriers": bench_barriers,
    "memory": bench_memory,
    "threads": bench_threads,
    "gains": bench_gains,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", type=float, default=1e6)
    parser.add_argument("--only", choices=[*PARTS, "large"])
    options = parser.parse_args()
    say(f"Python {sys.version.split()[0]}, numpy {np.__version__}, {os.cpu_count()} cores")
    warm_up()
    if options.only == "large":
        bench_large()
        return
    for name, part in PARTS.items():
        if options.only in (None, name):
            part(int(options.cells))


if __name__ == "__main__":
    main()
