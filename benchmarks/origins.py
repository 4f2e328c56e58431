"""Does the ranking belong to the place or to the grid?  The sample with its grid begun at sixteen sub-cell origins.

    python benchmarks/origins.py [--cell 5000 2500 2000] [--length 10000] [--shifts 4]

Prints, for each species and cell size: different first sections, how many of the top ten two grids share (mean, least), Spearman's rank
correlation of the 30 best (mean over pairs of grids), spread of a section's gain over grids, correlation of a section's gain
with the length that its opened edges conduct like; and between cell sizes Spearman over all sections.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

import permeability as pm
from permeability.impact.what_if import CircuitView
from permeability.landscape.edge_effects import EdgeEffects
from permeability.ranking.rank_draws import conductance_gain

GOBI = Path(__file__).resolve().parents[1] / "data" / "samples" / "gobi"
SPECIES = ("khulan", "mongolian_gazelle")


def project(folder: Path, cell: float, dx: float, dy: float) -> pm.Project:
    """The sample with other cells and its grid begun elsewhere (a false easting and northing)."""
    text = (GOBI / "project.toml").read_text(encoding="utf-8")
    lines = []
    for line in text.splitlines():
        if line.startswith("crs") and "+datum" in line:
            line = line.replace("+datum", f"+x_0={dx:g} +y_0={dy:g} +datum")
        elif line.startswith("cell_size_m"):
            line = f"cell_size_m = {cell:g}"
        lines.append(line)
    for name in GOBI.iterdir():
        target = folder / name.name
        if not target.exists():
            target.symlink_to(name)
    path = folder / f"origin_{cell:g}_{dx:g}_{dy:g}.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return pm.open_project(path)


def gains(opened: pm.Project, species: str, length_m: float) -> tuple[list[str], np.ndarray]:
    """Gain in mean conductance of every section alone."""
    land, patches = opened.landscape(species), opened.patches(species)
    sites = pm.candidates(land, "TMR", length_m=length_m)
    effects = EdgeEffects(land, [s.interventions for s in sites])
    view = CircuitView(land, patches, ["TMR"], check=False)
    after, today = view.face.singles_and_today(
        view.candidates(effects.start, effects.keys, effects.after(land)[1])
    )
    return [s.id for s in sites], conductance_gain(today, after, patches.table["weight"].to_numpy(float))


def told(label: str, ids: list[str], g: np.ndarray) -> None:
    """One line of figures."""
    order = np.argsort(-g, axis=1)
    pairs = list(combinations(range(len(g)), 2))
    shared = [len(set(order[a, :10]) & set(order[b, :10])) for a, b in pairs]
    best = np.argsort(-g.mean(axis=0))[:30]
    rho = [spearmanr(g[a, best], g[b, best])[0] for a, b in pairs]
    top = np.argsort(-g.mean(axis=0))[:40]
    sd, between = g[:, top].std(axis=0).mean(), g[:, top].mean(axis=0).std()
    print(
        f"{label}: first {len(set(order[:, 0]))} of {len(g)}; top ten shared {np.mean(shared):.2f} (least {min(shared)}); "
        f"Spearman of 30 best {np.mean(rho):.3f}; sd over grids {sd:.5f}, between the 40 best {between:.5f}; "
        f"first: {ids[int(np.bincount(order[:, 0]).argmax())]}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cell", type=float, nargs="+", default=[5000.0, 2500.0, 2000.0])
    parser.add_argument("--length", type=float, default=10_000.0)
    parser.add_argument("--shifts", type=int, default=4)
    args = parser.parse_args()
    mean: dict[tuple[str, float], np.ndarray] = {}
    first: dict[tuple[str, float], np.ndarray] = {}
    with tempfile.TemporaryDirectory() as name:
        for cell in args.cell:
            found: dict[str, list[np.ndarray]] = {s: [] for s in SPECIES}
            begun, ids = time.perf_counter(), []
            for i in range(args.shifts):
                for j in range(args.shifts):
                    opened = project(Path(name), cell, i * cell / args.shifts, j * cell / args.shifts)
                    for species in SPECIES:
                        ids, g = gains(opened, species, args.length)
                        found[species].append(g)
            for species in SPECIES:
                g = np.array(found[species])
                told(f"{species}, {cell:g} m", ids, g)
                mean[species, cell], first[species, cell] = g.mean(axis=0), g[0]
            print(f"  {time.perf_counter() - begun:.0f} s", flush=True)
    for a, b in combinations(args.cell, 2):
        for s in SPECIES:
            rho, one = spearmanr(mean[s, a], mean[s, b])[0], spearmanr(first[s, a], first[s, b])[0]
            best = np.argsort(-mean[s, min(a, b)])[:30]
            top = spearmanr(mean[s, a][best], mean[s, b][best])[0]
            print(
                f"{s}, {a:g} m against {b:g} m: Spearman {rho:.3f} over origins, {one:.3f} at one; 30 best {top:.3f}"
            )


if __name__ == "__main__":
    main()
