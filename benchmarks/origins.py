"""Does the ranking belong to the place or to the grid?

    python benchmarks/origins.py sample [--cells 5000 2500 2000] [--length 25] [--origins 16]
    python benchmarks/origins.py invented [--cell 2500] [--long 4 5 6 8] [--seeds 3] [--origins 16]
    python benchmarks/origins.py uniform [--long 5] [--origins 24]

``sample``: `permeability settle` on the Gobi sample, with sections of another length where asked for.
``invented``: the same on four invented landscapes (``invented_lands.py``), sections of several lengths in cells; beside it the two lists that
the means over every second origin give.
``uniform``: one section of a straight fence in even land, at several angles and random origins: spread of its gain, and its correlation with the
length that the cuts whose place lies in the section stand for (what an opening was before it was shared out).
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from invented_lands import LANDS, uniform

import permeability as pm
from permeability.cli.settle_command import settled_text
from permeability.ranking.settling import Settled, conductance_gains, settle_over, shifted


def sample(cells: list[float], length_km: float, origins: int) -> None:
    """The Gobi sample."""
    project = pm.open_project(pm.sample_folder())
    wanted = [c.model_copy(update={"length_km": length_km}) for c in project.spec.candidates]
    project = pm.Project(project.path, project.spec.model_copy(update={"candidates": wanted}))
    begun = time.perf_counter()
    for found in pm.settle(project, cell_sizes=cells, origins=origins).values():
        print(f"\nsections of {length_km:g} km, {origins} origins, {time.perf_counter() - begun:.0f} s")
        print(settled_text(found), flush=True)


def invented(cell: float, long: list[float], seeds: int, origins: int) -> None:
    """Landscapes unlike the sample."""
    for name, make in LANDS.items():
        for seed in range(seeds):
            land = make(seed)
            for cells in long:
                sites = land.candidates(cells * cell)
                found = settle_over(land.make, land.grid(cell), sites, cell_sizes=[cell], begun=origins)
                row = found.table.iloc[0]
                means = averaged(found, [s.id for s in sites]).table.iloc[0]
                print(
                    f"{name}, seed {seed}, {len(sites)} sections of {cells:g} cells: top {row['top']} shared {row.top_shared:.1f} "
                    f"(least {row.top_shared_least}), Spearman of {row.best} best {row.spearman:.3f} (least {row.spearman_least:.3f}); "
                    f"means of {origins // 2} origins: shared {means.top_shared:.0f}, {means.spearman:.3f}", flush=True,
                )  # fmt: skip


def averaged(found: Settled, ids: list[str]) -> Settled:
    """The same with two lists: the means over every second origin."""
    gains = {c: np.array([g[::2].mean(axis=0), g[1::2].mean(axis=0)]) for c, g in found.gains.items()}
    return Settled.of(found.name, ids, [0.0] * len(ids), gains, top=int(found.table["top"].iloc[0]))


def straight(long: float, origins: int) -> None:
    """A uniform line."""
    rng, all_gains, all_cuts = np.random.default_rng(1), [], []
    for degrees in (0.0, 5.0, 14.0, 26.565, 35.0, 45.0):
        land = uniform(degrees)
        site = land.middle(long * 1000.0)
        gains, cuts = [], []
        for by in rng.uniform(-0.5, 0.5, (origins, 2)):
            there, patches = land.make(shifted(land.grid(1000.0), 1000.0, by))
            gains.append(conductance_gains(there, patches, [site])[0])
            inside = (
                (there.cuts.direction < 4) & (there.cuts.km >= site.km_from) & (there.cuts.km < site.km_to)
            )
            cuts.append(there.weight[inside].sum() / 1000 / (1 + np.sqrt(2)))
        spread = np.std(gains) / np.mean(gains)
        print(
            f"{degrees:g} degrees: gain {np.mean(gains):.4f}, spread {100 * spread:.2f} %; the cuts inside stand for {np.mean(cuts):.2f} cells, spread {100 * np.std(cuts) / np.mean(cuts):.1f} %",
            flush=True,
        )
        all_gains += (np.array(gains) / np.mean(gains)).tolist()
        all_cuts += cuts
    print(
        f"correlation of gain with the length of the cuts inside: {np.corrcoef(all_gains, all_cuts)[0, 1]:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["sample", "invented", "uniform"])
    parser.add_argument("--cells", type=float, nargs="+", default=[5000.0, 2500.0, 2000.0])
    parser.add_argument("--cell", type=float, default=2500.0)
    parser.add_argument("--length", type=float, default=25.0, help="[km]")
    parser.add_argument("--long", type=float, nargs="+", default=[4.0, 5.0, 6.0, 8.0], help="[cells]")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--origins", type=int, default=16)
    args = parser.parse_args()
    if args.what == "sample":
        sample(args.cells, args.length, args.origins)
    elif args.what == "invented":
        invented(args.cell, args.long, args.seeds, args.origins)
    else:
        for long in args.long:
            print(f"a section of {long:g} cells")
            straight(long, args.origins)


if __name__ == "__main__":
    main()
