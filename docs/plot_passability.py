"""Draw the pictures of docs/passability.md from the rules themselves: ``python docs/plot_passability.py``."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from permeability.barriers.passability import (
    Structure,
    crossing_cost_m,
    fence_passage,
    gap_encounter_chance,
    learning_factor,
    rail_chance,
    road_chance,
    split_fenced_railway,
    structure_chance,
)
from permeability.species import species

OUT = Path(__file__).parent / "images"
COLOURS = ("#1b6ca8", "#c1440e", "#4b7a1e", "#7a4fa3", "#8a6d00")
NIGHT = [20, 21, 22, 23, 0, 1, 2, 3, 4, 5]


def cost(ax: plt.Axes) -> None:
    p = np.geomspace(0.001, 0.999, 90)
    for m, colour in zip((4, 16, 62), COLOURS):
        ax.loglog(p, crossing_cost_m(p, m * 1000.0) / 1000.0, color=colour, label=f"trace {m} km")
    ax.axvspan(0.0005, 0.001, color="0.85")
    ax.text(0.00055, 0.02, "impassable", rotation=90, fontsize=8)
    ax.set(
        xlabel="crossing chance per encounter", ylabel="crossing cost [km of open ground]", xlim=(0.0005, 1)
    )


def road(ax: plt.Axes) -> None:
    q = np.linspace(0, 5_000, 80)
    for gap, colour in zip((30, 60, 120), COLOURS):
        ax.plot(q, road_chance(1.0, q, float(gap)), color=colour, label=f"gap {gap} s")
    closed = road_chance(1.0, q, 60.0, closed_hours=NIGHT)
    ax.plot(q, closed, "--", color=COLOURS[1], label="60 s, closed at night, traffic moved to the day")
    ax.plot(q, road_chance(1.0, q, 60.0, bunching=5), ":", color=COLOURS[1], label="60 s, convoys of five")
    ax.axvline(1_000, color="0.6", lw=0.8)
    ax.set(
        xlabel="vehicles a day", ylabel="share of moments that start a gap", ylim=(0, 1.7), yticks=(0, 0.5, 1)
    )


def rail(ax: plt.Axes) -> None:
    n = np.linspace(0, 300, 80)
    for name, colour in zip(("khulan", "mongolian_gazelle"), COLOURS):
        s = species(name)
        low, best, high = (
            rail_chance(p, n, s.road_gap_s.best) for p in s.crossing["rail_unfenced"].as_tuple()
        )
        ax.plot(n, best, color=colour, label=s.name())
        ax.fill_between(n, low, high, color=colour, alpha=0.12)
    ax.set(xlabel="trains a day", ylabel="chance to cross an unfenced track", ylim=(0, 1))


def fence(ax: plt.Axes) -> None:
    clearance = np.linspace(0, 0.9, 80)
    for (label, options), colour in zip(
        (("smooth", {}), ("barbed", {"bottom": "barbed"}), ("smooth, 20 cm of snow", {"snow_m": 0.2})),
        COLOURS,
    ):
        passage = fence_passage(clearance, 1.1, 0.7, **{"bottom": "smooth", "crawls": True, **options})
        ax.plot(clearance * 100, passage, color=colour, label=f"gazelle (70 cm), {label}")
    ax.axvline(46, color="0.6", lw=0.8)
    ax.set(
        xlabel="height of the lowest wire [cm]",
        ylabel="share that can pass",
        ylim=(0, 1.4),
        yticks=(0, 0.5, 1),
    )


def jump(ax: plt.Axes) -> None:
    top = np.linspace(0.8, 2.2, 80)
    for (label, h, factor), colour in zip(
        (("argali", 1.18, 1.0), ("deer of 1 m", 1.0, 1.0), ("Bukhara deer", 1.12, 1.5)), COLOURS
    ):
        passage = fence_passage(0.1, top, h, jumps=True, jump_factor=factor)
        ax.plot(top * 100, passage, color=colour, label=label)
    ax.axvline(102, color="0.6", lw=0.8)
    ax.set(xlabel="height of the highest wire [cm]", ylabel="share that can pass", ylim=(0, 1.02))


def gaps(ax: plt.Axes) -> None:
    s = np.geomspace(0.5, 500, 80)
    for m, colour in zip((16, 40, 62), COLOURS):
        ax.semilogx(s, gap_encounter_chance(s, float(m)), color=colour, label=f"trace {m} km")
    ax.axvline(230, color="0.6", lw=0.8)
    ax.text(222, 0.95, "three gaps, 2020", fontsize=8, ha="right")
    ax.set(xlabel="distance between gaps [km]", ylabel="chance to find one", ylim=(0, 1))


def structures(ax: plt.Axes) -> None:
    w = np.linspace(1, 150, 90)
    for name, colour in zip(("khulan", "mongolian_gazelle", "argali", "snow_leopard"), COLOURS):
        s = species(name)
        ax.plot(
            w, [structure_chance(Structure("under", x, 4.0), s).best for x in w], color=colour, label=s.name()
        )
    ax.set(xlabel="width of a 4 m high underpass [m]", ylabel="chance at the mouth", ylim=(0, 1))


def learning(ax: plt.Axes) -> None:
    t = np.linspace(0, 5, 80)
    for years, colour in zip((1.0, 2.0, 3.0), COLOURS):
        ax.plot(t, learning_factor(t, years), color=colour, label=f"learnt in {years:g} years")
    ax.set(xlabel="years open", ylabel="share of the full chance", ylim=(0, 1.05))


def split(ax: plt.Axes) -> None:
    p = np.geomspace(0.0006, 0.5, 100)
    for track, colour in zip((0.5, 0.8, 1.0), COLOURS):
        ax.loglog(
            p,
            np.where(p < 0.001, np.nan, split_fenced_railway(p, track)),
            color=colour,
            label=f"track {track:g}",
        )
    ax.plot([0.001, 0.5], [0.001, 0.5], color="0.7", lw=0.8)
    ax.set(xlabel="chance for the whole fenced railway", ylabel="chance per fence line")


def main() -> None:
    OUT.mkdir(exist_ok=True)
    plt.rcParams |= {
        "svg.hashsalt": "permeability",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    for draw in (cost, road, rail, fence, jump, gaps, structures, learning, split):
        figure, ax = plt.subplots(figsize=(5.2, 3.2), layout="constrained")
        draw(ax)
        ax.legend(frameon=False, fontsize=8, loc="best")
        figure.savefig(OUT / f"rule_{draw.__name__}.svg", metadata={"Date": None})
        plt.close(figure)


if __name__ == "__main__":
    main()
