"""New lines: against every line there is, against the usual practice, and at a million cells.

    python benchmarks/alignment.py brute [50]      small grids against brute force over all admissible lines (numpy only)
    python benchmarks/alignment.py random [8]      100 x 100 cells, 8 patches: loss against the least-cost path on habitat
    python benchmarks/alignment.py large [1000]    damage map and routes on 1000 x 1000 cells, 10 patches

All landscapes are invented.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from permeability.engines.alignment import CornerLine, LineNetwork, LineSpace, move_costs, search_line
from permeability.engines.alignment.line_search import ground_price

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))

CROSSING = 3.0  # cells of open ground, on small grids


def brute(n: int) -> None:
    """How often the best of all lines is found."""
    from every_line import Dense, case, cuts_of, lines

    hits, worse, count = 0, 0, 0
    for seed in range(n):
        ground, labels, a, b = case(seed, 5.5, 8.0)
        dense = Dense(ground, labels)
        allowed = np.ones((ground.shape[0] + 1, ground.shape[1] + 1), bool)
        space = LineSpace([a, b], allowed, 1.2 * float(np.hypot(a[0] - b[0], a[1] - b[1])), max_turn=90.0)
        known: dict[tuple, float] = {}
        paths = 0
        for path in lines(ground.shape, a, b, space.most, 90.0):
            paths += 1
            cuts = cuts_of(path, ground.shape)
            key = tuple(sorted(cuts.items()))
            if key not in known:
                known[key] = dense.loss(cuts, CROSSING)
        best = min(known.values())
        begun = time.process_time()
        network = LineNetwork(ground, labels)
        price = ground_price(1.0 / ground)
        first = search_line(network, space, CROSSING, habitat=price)[0]
        seconds = time.process_time() - begun
        usual, _ = space.cheapest(price)
        assert usual is not None
        keys, weight = usual.crossed(ground.shape)
        hit = first.loss <= best + 1e-9
        hits += hit
        count += paths
        worse += first.loss > network.with_line(keys, CROSSING / weight).loss + 1e-12
        print(f"{seed:3d} {ground.shape!s:9} {paths:8,} lines  best {best:.6f}  found {first.loss:.6f}  {'' if hit else 'MISSED'}  {seconds:.1f} s", flush=True)  # fmt: skip
    print(f"best found on {hits} of {n} grids ({count:,} lines); worse than the habitat path on {worse}")


def invented(size: int, patches: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ground with structure at two scales, and square patches."""
    rng = np.random.default_rng(seed)
    field = sum(w * gaussian_filter(rng.standard_normal((size, size)), s * size) / gaussian_filter(rng.standard_normal((size, size)), s * size).std() for w, s in ((1.0, 0.05), (0.5, 0.015)))  # fmt: skip
    ground = np.exp(field)
    labels = np.zeros((size, size), np.int32)
    half = max(1, size // 50)
    k = 0
    while k < patches:
        r, c = rng.integers(2 * half, size - 2 * half, 2)
        here = labels[r - 2 * half : r + 2 * half + 1, c - 2 * half : c + 2 * half + 1]
        if not here.any():
            k += 1
            labels[r - half : r + half + 1, c - half : c + half + 1] = k
    return ground, labels


def corridor(size: int, inner: float = 0.6) -> np.ndarray:
    """Corners of the middle rows, all columns."""
    allowed = np.zeros((size + 1, size + 1), bool)
    edge = int(size * (1 - inner) / 2)
    allowed[edge : size - edge + 1] = True
    return allowed


def random(n: int, size: int = 100) -> None:
    """Loss against the least-cost path on habitat, at the same limits of length."""
    stretches, crossing = (1.1, 1.25, 1.5), 2.0 * size
    table = np.zeros((n, len(stretches), 3))
    for seed in range(n):
        ground, labels = invented(size, 8, seed)
        network = LineNetwork(ground, labels)
        ends = [(size // 2, 0), (size // 2, size)]
        for k, stretch in enumerate(stretches):
            space = LineSpace(ends, corridor(size), stretch * size)
            price = ground_price(1.0 / ground)
            begun = time.process_time()
            found = search_line(network, space, crossing, habitat=price, n_detours=0)
            seconds = time.process_time() - begun
            barred = np.where(
                move_costs(network.inside_patches.astype(float), per_edge=True) > 0, np.inf, 0.0
            )
            usual, _ = space.cheapest(price + barred)
            straight = CornerLine.through(ends)
            if usual is None or not found:
                table[seed, k] = np.nan
                continue
            losses = [network.with_line(q, crossing / w).loss for q, w in (x.crossed(ground.shape) for x in (usual, straight))]  # fmt: skip
            table[seed, k] = losses[0], found[0].loss, losses[1]
            print(f"{seed} {stretch:.2f}  habitat {losses[0]:.3f}  straight {losses[1]:.3f}  found {found[0].loss:.3f} ({found[0].started}, {found[0].line.length:.0f} cells)  {seconds:.1f} s", flush=True)  # fmt: skip
    for k, stretch in enumerate(stretches):
        usual, ours, straight = np.nanmean(table[:, k], axis=0)
        lower = 1 - table[:, k, 1] / table[:, k, 0]
        print(f"<= {stretch:.2f} x straight: straight {100 * straight:.1f} %  habitat {100 * usual:.1f} %  found {100 * ours:.1f} %  lower by {100 * (1 - ours / usual):.0f} % (mean of grids {100 * np.nanmean(lower):.0f} %)")  # fmt: skip


def large(size: int) -> None:
    """Seconds of wall time and of processors, and memory, at a million cells."""
    ground, labels = invented(size, 10, 1)
    network = LineNetwork(ground, labels)
    begun, used = time.perf_counter(), time.process_time()
    costs = move_costs(network.today.tangent, dtype=np.float32)
    print(f"damage of every move: {time.perf_counter() - begun:.0f} s, {time.process_time() - used:.0f} s of processors, {costs.size:,} numbers", flush=True)  # fmt: skip
    del costs
    price = ground_price(1.0 / ground)
    for stretch in (1.1, 1.25, 1.5):
        begun, used = time.perf_counter(), time.process_time()
        space = LineSpace([(size // 2, 0), (size // 2, size)], corridor(size), stretch * size)
        found = search_line(network, space, 2.0 * size, habitat=price, n_starts=4)
        told = ", ".join(f"{f.started} {f.loss:.3f}" for f in found)
        print(f"route <= {stretch:.2f} x straight, 4 starts: {time.perf_counter() - begun:.0f} s, {time.process_time() - used:.0f} s of processors; {told}; peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB", flush=True)  # fmt: skip


if __name__ == "__main__":
    what, n = sys.argv[1] if len(sys.argv) > 1 else "brute", sys.argv[2:]
    {"brute": brute, "random": random, "large": large}[what](int(n[0]) if n else {"brute": 50, "random": 8, "large": 1000}[what])  # fmt: skip
