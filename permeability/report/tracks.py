"""Tracks of animals in the report: numbers measured from them, and the model held against where animals crossed.

Everything comes from ``tracks.json`` and ``tracks.gpkg`` of the result folder; tracks that no animal walked say so in every head, sentence
and picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from permeability.locale.language import N_, Words
from permeability.report.facts import Row, names
from permeability.report.factsheet_tables import LINES
from permeability.report.figures import foot
from permeability.report.labels import grade, known
from permeability.report.results import Results, number
from permeability.viz import svg

RULES: Final[Mapping[str, str]] = {
    "model": N_("the map of movement"),
    "length": N_("section length"),
    "density": N_("density of lines"),
    "earlier_use": N_("the animals' earlier fixes"),
}
CLASSES: Final[Mapping[str, str]] = {**LINES, "road": N_("road")}
WIDTH, LEFT, RIGHT, ROW, TOP, FOOT = 900.0, 330.0, 44.0, 46.0, 30.0, 46.0
EDGE, ASIDE = 40.0, 170.0  # margins of the staircase of tenths
LEAST_KM = 0.01  # where the logarithmic axis of costs begins
TALL = 220.0
FEW, FINE_H = 10, 1.0  # crossings below, and hours between fixes above, which a cost is told to be weak


def track_parts(results: Results, tr: Words) -> list[Row]:
    """One part for every data set of tracks; empty for a run without."""
    return [_part(results, i, found, tr) for i, found in enumerate(results.tracks)]


def compared_text(results: Results, tr: Words) -> str:
    """What the report says of computed ways, as far as tracks say anything of them."""
    computed = tr("Least-cost ways and currents are computed, not observed.")
    if not results.tracks:
        return computed + " " + tr("This run was not compared with tracks of animals.")
    return " ".join([computed, *(_verdict(results, found, tr) for found in results.tracks)])


def _part(results: Results, i: int, found: Mapping[str, Any], tr: Words) -> Row:
    who = names(results, str(found["species"]), tr)["name"]
    about = found["about"]
    costs = [_cost_row(r, found, tr) for r in found["costs"]]
    return {
        "key": f"tracks-{i}", "who": who, "simulated": bool(about["simulated"]), "about": _about(about, tr), "citation": str(about["citation"]),
        "left_out": [str(t) for t in about["left_out"]], "buffer": tr.number(about["buffer_m"]), "sections": tr.number(about["sections_m"]),
        "block": tr.number(about["block_km"]), "costs": costs, "plot": _forest(found, tr), "kappa": [_kappa_row(r, tr) for r in found["kappa"]],
        "scores": [_score_row(r, tr) for r in found["scores"]], "tenths": _tenths(found, tr), "verdict": _verdict(results, found, tr),
        "beside": _beside(found, tr), "notes": [str(n) for n in found["notes"]], "map": _map(results, i, found, who, tr),
    }  # fmt: skip


def _about(about: Mapping[str, Any], tr: Words) -> str:
    return tr(
        "{fixes} fixes of {n} animals, {first} to {last}, every {step} h; file: {source}.", fixes=tr.number(about["fixes"]),
        n=tr.number(about["animals"]), first=str(about["from"]), last=str(about["to"]), step=tr.number(number(about["step_h"])),
        source=str(about["source"]),
    )  # fmt: skip


# ---------------------------------------------------------------- measured numbers
def _span(low: float, best: float, high: float, tr: Words) -> str:
    """A cost with its interval [km]; one-sided where nothing crossed."""
    if math.isnan(best):
        return tr("never met")
    if math.isinf(best):
        return tr("at least {low}", low=tr.number(low, 2))
    return tr(
        "{best} ({low} to {high})", best=tr.number(best, 2), low=tr.number(low, 2), high=tr.number(high, 2)
    )


def _cost_row(row: Mapping[str, Any], found: Mapping[str, Any], tr: Words) -> Row:
    low, best, high = (number(row[k]) for k in ("cost_km_low", "cost_km", "cost_km_high"))
    held = next((p for p in found["profile"] if p["group"] == row["group"]), None)
    return {
        "name": known(CLASSES, row["group"], tr), "animals": tr.number(row["animals"]), "crossing": tr.number(row["animals_crossing"]),
        "km": tr.number(number(row["km_worked"])), "crossings": tr.number(row["crossings"]), "cost": _span(low, best, high, tr),
        "placebo": _placebo(row, tr),
        "usable": bool(row["usable"]), "note": _cost_note(row, found["about"], tr),
        "held": "" if held is None else f"{_span(held['low'], held['best'], held['high'], tr)}; {grade(held['evidence'], tr)}",
        "meets": "" if held is None or not row["usable"] else tr("the ranges overlap") if held["meets"] else tr("the ranges do not overlap"),
    }  # fmt: skip


def _placebo(row: Mapping[str, Any], tr: Words) -> str:
    """A placebo with its interval, to the hundredth that it is judged by."""
    low, ratio, high = (number(row[k]) for k in ("placebo_low", "placebo", "placebo_high"))
    if math.isnan(ratio):
        return tr("not known")
    return tr(
        "{best} ({low} to {high})", best=tr.fixed(ratio, 2), low=tr.fixed(low, 2), high=tr.fixed(high, 2)
    )


def _placebo_note(row: Mapping[str, Any], tr: Words) -> str:
    """Why a placebo makes a number unusable; empty where it does not."""
    if row["usable"]:
        return ""
    ratio, low, high = (number(row[k]) for k in ("placebo", "placebo_low", "placebo_high"))
    if math.isnan(ratio):
        return tr("too few displaced copies are crossed to tell whether it can be trusted")
    if low > 1 or high < 1:
        return tr("on displaced copies of the lines, where the truth is 1, the same measurement gives {low} to {high}",
                  low=tr.fixed(low, 2), high=tr.fixed(high, 2))  # fmt: skip
    return ""


def _cost_note(row: Mapping[str, Any], about: Mapping[str, Any], tr: Words) -> str:
    """What a reader must know of a measured cost."""
    told = [_placebo_note(row, tr)]
    if row["crossings"] == 0 and number(row["km_worked"]) > 0:
        told.append(tr("nothing crossed: only a lower bound is known"))
    elif 0 < row["crossings"] < FEW:
        told.append(tr("only {n} crossings", n=tr.number(row["crossings"])))
    if row["corrected"]:
        told.append(tr("corrected by simulation for fixes every {n} h", n=tr.number(number(about["step_h"]))))
    elif number(about["step_h"]) > FINE_H:
        told.append(
            tr(
                "fixes every {n} h miss part of the way along a line and some crossings",
                n=tr.number(number(about["step_h"])),
            )
        )
    return "; ".join(t for t in told if t)


def _kappa_row(row: Mapping[str, Any], tr: Words) -> Row:
    return {
        "name": known(CLASSES, row["group"], tr), "steps": tr.number(row["crossing_steps"]),
        "kappa": _span(number(row["kappa_low"]), number(row["kappa"]), number(row["kappa_high"]), tr),
        "cost": _span(number(row["cost_km_low"]), number(row["cost_km"]), number(row["cost_km_high"]), tr),
        "placebo": _placebo(row, tr),
        "usable": bool(row["usable"]), "note": _placebo_note(row, tr),
    }  # fmt: skip


def _forest(found: Mapping[str, Any], tr: Words) -> Row | None:
    """Measured costs and what the profile holds, one above the other, on a logarithmic axis; None without a finite cost."""
    bars = []
    for row in found["costs"]:
        spans = [
            (
                "measured",
                [number(row[k]) for k in ("cost_km_low", "cost_km", "cost_km_high")],
                bool(row["usable"]),
            )
        ]
        spans += [
            ("held", [float(p[k]) for k in ("low", "best", "high")], True)
            for p in found["profile"]
            if p["group"] == row["group"]
        ]
        bars += [
            (known(CLASSES, row["group"], tr) if j == 0 else "", *s)
            for j, s in enumerate(spans)
            if not math.isnan(s[1][1])
        ]
    ends = [v for _, _, s, _ in bars for v in s if math.isfinite(v) and v > 0]
    if not ends:
        return None
    first = math.floor(math.log10(max(min(ends), LEAST_KM)))
    last = max(math.ceil(math.log10(max(ends))), first + 1)

    def at(km: float) -> float:
        share = (math.log10(min(max(km, 10.0**first), 10.0**last)) - first) / (last - first)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    height = TOP + ROW * len(bars) + FOOT
    rows = []
    for j, (label, kind, (low, best, high), usable) in enumerate(bars):
        y = TOP + ROW * (j + 0.5)
        rows.append({
            "y": _n(y), "label": label, "kind": kind, "low": _n(at(low)), "high": _n(at(high)), "best": _n(at(best)) if math.isfinite(best) else "",
            "open": not math.isfinite(high), "text": _span(low, best, high, tr), "usable": usable,
        })  # fmt: skip
    said = "; ".join(f"{r['label'] or tr('the profile')}: {r['text']}" for r in rows)
    return {
        "width": _n(WIDTH), "height": _n(height), "left": _n(LEFT), "right": _n(WIDTH - RIGHT), "base": _n(height - FOOT), "top": _n(TOP), "rows": rows,
        "ticks": [{"x": _n(at(10.0**k)), "text": tr.number(10.0**k)} for k in range(first, last + 1)],
        "alt": tr("Crossing costs in km, measured and held by the profile: {points}.", points=said),
    }  # fmt: skip


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


# ---------------------------------------------------------------- the model against animals
def _animals(found: Mapping[str, Any], tr: Words) -> str:
    return tr("simulated animals") if found["about"]["simulated"] else tr("animals")


def _verdict(results: Results, found: Mapping[str, Any], tr: Words) -> str:
    """Whether the map tells crossed sections, in one sentence that follows from the numbers."""
    who = names(results, str(found["species"]), tr)["name"]
    if not found["scores"]:
        why = next((str(n) for n in found["notes"] if str(n).startswith("comparison: ")), "")
        return tr(
            "{who}: the tracks do not suffice to hold the map against them ({why}).",
            who=who,
            why=why.removeprefix("comparison: "),
        )
    row = found["scores"][0]
    auc, low, high = (number(row[k]) for k in ("auc", "auc_low", "auc_high"))
    values = {
        "who": who, "auc": tr.fixed(auc, 2), "low": tr.fixed(low, 2), "high": tr.fixed(high, 2), "n": tr.number(found["animals_scored"]),
        "animals": _animals(found, tr),
    }  # fmt: skip
    if low > 0.5:
        return tr("{who}: the map of movement tells sections that {animals} crossed from others: AUC {auc}, 95 % interval {low} to {high} over spatial blocks, {n} of them crossing.", **values)  # fmt: skip
    if high < 0.5:
        return tr("{who}: the map of movement is wrong about where {animals} crossed: AUC {auc}, 95 % interval {low} to {high} over spatial blocks, {n} of them crossing.", **values)  # fmt: skip
    return tr("{who}: the map of movement does not tell sections that {animals} crossed from others: AUC {auc}, 95 % interval {low} to {high} over spatial blocks, {n} of them crossing.", **values)  # fmt: skip


def _beside(found: Mapping[str, Any], tr: Words) -> list[str]:
    """The map against each simple rule, in a sentence."""
    out = []
    for row in found["scores"][1:]:
        low, high = number(row["less_than_model_low"]), number(row["less_than_model_high"])
        values = {
            "rule": tr(RULES[str(row["group"])]), "auc": tr.fixed(number(row["auc"]), 2), "low": tr.signed(low, 2), "high": tr.signed(high, 2),
        }  # fmt: skip
        if low > 0:
            out.append(tr("It does better than {rule} (AUC {auc}; difference {low} to {high}).", **values))
        elif high < 0:
            out.append(tr("It does worse than {rule} (AUC {auc}; difference {low} to {high}).", **values))
        else:
            out.append(
                tr("It cannot be told apart from {rule} (AUC {auc}; difference {low} to {high}).", **values)
            )
    return out


def _score_row(row: Mapping[str, Any], tr: Words) -> Row:
    def span(*keys: str) -> str:
        low, best, high = (number(row[k]) for k in keys)
        if math.isnan(best):
            return tr("not known")
        if math.isnan(low) or math.isnan(high):
            return tr.fixed(best, 2)
        return tr(
            "{best} ({low} to {high})", best=tr.fixed(best, 2), low=tr.fixed(low, 2), high=tr.fixed(high, 2)
        )

    boyce, lift = number(row["boyce"]), number(row["lift"])
    return {
        "name": tr(RULES[str(row["group"])]), "auc": span("auc_low", "auc", "auc_high"),
        "animals": span("auc_animals_low", "auc_animals", "auc_animals_high"), "boyce": tr.fixed(boyce, 2) if math.isfinite(boyce) else tr("not known"),
        "lift": tr.fixed(lift, 1) if math.isfinite(lift) else tr("not known"), "shifted": tr.percent(number(row["p_shifted"])),
    }  # fmt: skip


def _tenths(found: Mapping[str, Any], tr: Words) -> Row | None:
    """Crossed share of the sections in tenths by the map: a rising staircase is a map that knows."""
    rows = found["tenths"]
    if not rows:
        return None
    most = max(number(r["share"]) for r in rows) or 1.0
    wide = (WIDTH - EDGE - ASIDE) / len(rows)
    bars = []
    for j, r in enumerate(rows):
        tall = TALL * number(r["share"]) / most
        bars.append({
            "x": _n(EDGE + j * wide + 4), "width": _n(wide - 8), "y": _n(TOP + 14 + TALL - tall), "height": _n(tall), "middle": _n(EDGE + (j + 0.5) * wide),
            "text": tr.percent(number(r["share"]), 1), "tenth": tr.number(r["tenth"]), "sections": tr.number(r["sections"]), "crossed": tr.number(r["crossed"]),
        })  # fmt: skip
    every = sum(number(r["crossed"]) for r in rows) / max(sum(number(r["sections"]) for r in rows), 1)
    said = ", ".join(f"{b['tenth']}: {b['text']}" for b in bars)
    return {
        "width": _n(WIDTH), "height": _n(TOP + 14 + TALL + FOOT), "left": _n(EDGE), "right": _n(WIDTH - ASIDE), "base": _n(TOP + 14 + TALL),
        "bars": bars, "mean_y": _n(TOP + 14 + TALL * (1 - every / most)), "mean": tr("all sections: {share}", share=tr.percent(every, 1)),
        "alt": tr("Share of sections that were crossed, in tenths by the map of movement, lowest first: {points}.", points=said),
    }  # fmt: skip


# ---------------------------------------------------------------- the map
def _map(results: Results, i: int, found: Mapping[str, Any], who: str, tr: Words) -> Row | None:
    """Ways of the animals and their crossings over the lines and the map of movement."""
    raster = results.raster("current", str(found["species"]))
    ways, crossed = results.track_shapes("ways", i), results.track_shapes("crossings", i)
    if raster is None or ways is None:
        return None
    box = np.asarray(ways.total_bounds, float)
    margin = 0.15 * max(box[2] - box[0], box[3] - box[1], raster.cell_size)
    frame = svg.frame_of(raster, [box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin])
    n = 0 if crossed is None else len(crossed)
    mark = tr("SIMULATED: no animal walked these tracks") if found["about"]["simulated"] else ""
    title = tr("Tracks and crossings: {who}", who=who)
    alt = tr(
        "Map of the ways of {n} animals and their {m} crossings of lines: {who}.",
        n=tr.number(len(ways)),
        m=tr.number(n),
        who=who,
    )
    figure = svg.base(
        frame,
        f"{title}. {mark}" if mark else title,
        f"{alt} {mark}".strip(),
        foot(results, raster, tr),
        f"tracks-map-{i}",
        tr,
    )
    figure["barriers"] = svg.barrier_layers(frame, results.barriers, tr)
    figure["tracks"] = {
        "d": frame.path(ways.geometry), "mark": mark, "x": f"{0.02 * frame.width:.2f}", "y": f"{0.05 * frame.height:.2f}",
        "spots": [] if crossed is None else [{"x": f"{x:.2f}", "y": f"{y:.2f}"} for x, y in frame.xy(np.stack([crossed.geometry.x, crossed.geometry.y], axis=1))],
    }  # fmt: skip
    return figure
