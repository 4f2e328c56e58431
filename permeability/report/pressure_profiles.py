"""Pressure and passages along a line as a small figure: two strips over the kilometres, the best sections marked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from permeability.locale.language import Words
from permeability.report.facts import Row
from permeability.report.results import Results, number
from permeability.viz.style import round_length

WIDTH, LEFT, RIGHT = 900.0, 12.0, 24.0
STRIP, GAP, TOP, FOOT = 92.0, 34.0, 30.0, 40.0
MARKED = 3
MOST_LINES = 12  # figures


def pressure_profiles(results: Results, species: str, sites: list[Row], tr: Words) -> list[Row]:
    """One figure for every line with ranked sections, of many those of the best; none for results without pressures."""
    table = results.pressure
    if table is None:
        return []
    mine = table[table["species"] == species]
    best = list(dict.fromkeys(s["line_id"] for s in sites))[:MOST_LINES]
    return [
        _figure(str(line), part, sites, tr)
        for line, part in mine.groupby("line", sort=False)
        if str(line) in best
    ]


def _figure(line: str, part: pd.DataFrame, sites: list[Row], tr: Words) -> Row:
    low, high = float(part["km_from"].min()), float(part["km_to"].max())

    def at(km: float) -> float:
        return LEFT + (km - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    marks = [
        {"x": _n(at(s["km_from"])), "width": _n(max(2.0, at(s["km_to"]) - at(s["km_from"]))),
         "middle": _n((at(s["km_from"]) + at(s["km_to"])) / 2), "rank": str(s["rank"]), "title": s["id"]}
        for s in sites if s["line_id"] == line and s["rank"] <= MARKED
    ]  # fmt: skip
    strips = [
        _strip(part, "pressure", tr("Pressure"), at, 0, tr),
        _strip(part, "passages", tr("Passages"), at, 1, tr),
    ]
    worst = part.loc[part["pressure"].idxmax()] if part["pressure"].notna().any() else part.iloc[0]
    alt = tr(
        "Pressure along {line}, km {low} to {high}: highest at km {at}, {share} of the way's whole resistance.",
        line=line, low=tr.number(low), high=tr.number(high), at=tr.number(worst["km_from"]), share=tr.percent(number(worst["pressure"])),
    )  # fmt: skip
    step = round_length((high - low) / 5)
    ticks = [
        {"x": _n(at(k)), "text": tr.number(k)}
        for k in np.arange(math.ceil(low / step) * step, high + 1e-9, step)
    ]
    return {
        "title": tr("Pressure along the line, km by km: {line}", line=line), "alt": alt, "marks": marks, "strips": strips,
        "ticks": ticks, "width": _n(WIDTH), "height": _n(TOP + 2 * STRIP + GAP + FOOT), "foot": _n(TOP + 2 * STRIP + GAP),
        "left": _n(LEFT), "right": _n(WIDTH - RIGHT), "top": _n(TOP), "tall": _n(2 * STRIP + GAP), "axis": tr("kilometre of the line"),
    }  # fmt: skip


def _strip(part: pd.DataFrame, column: str, label: str, at: Any, place: int, tr: Words) -> Row:
    """Bars of one column as one path, with its scale."""
    top = TOP + place * (STRIP + GAP)
    values = part[column].fillna(0.0).to_numpy(float)
    most = float(values.max()) if len(values) and values.max() > 0 else 1.0
    bars = "".join(
        f"M{_n(at(a))} {_n(top + STRIP)}V{_n(top + STRIP * (1 - v / most))}H{_n(at(b))}V{_n(top + STRIP)}Z"
        for a, b, v in zip(part["km_from"], part["km_to"], values)
        if v > 0
    )
    shown = tr.percent(most) if column == "pressure" else tr.number(most, 2)
    return {
        "label": tr("{what}: up to {most}", what=label, most=shown) if values.any() else tr("{what}: none", what=label), "d": bars,
        "top": _n(top), "base": _n(top + STRIP), "kind": column, "label_y": _n(top - 6),
    }  # fmt: skip


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
