"""Where a new line should go, as the report shows it: avoid, minimise, restore, offset; from ``new_lines.csv`` and the layers beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from permeability.linkage.index_table import INDEX, MAIN
from permeability.locale.language import N_, Words
from permeability.report.facts import Row, names
from permeability.report.figures import backdrop, foot, titled
from permeability.report.labels import known
from permeability.report.results import Results, number
from permeability.viz import svg
from permeability.viz.style import scale_for

AREAS = 12  # pieces of ground shown
COLOURS = ("#c2185b", "#0d47a1", "#e65100", "#1b5e20", "#4a148c", "#5d4037")
KINDS: Final[Mapping[str, str]] = {
    "railway_fenced": N_("fenced railway"),
    "railway": N_("railway without fences"),
    "road": N_("road"),
    "border_fence": N_("border fence"),
    "stock_fence": N_("stock fence"),
}
CLASSES: Final[Mapping[str, str]] = {
    "no-go": N_("no-go"),
    "avoid": N_("avoid"),
    "suitable": N_("suitable"),
    "unknown": N_("unknown"),
}


def line_parts(results: Results, tr: Words) -> list[Row]:
    """One part for every new line of the run; empty without."""
    told = results.summary.get("new_lines") or {}
    return [_part(results, str(name), about, tr) for name, about in told.items()]


def _part(results: Results, name: str, about: Mapping[str, Any], tr: Words) -> Row:
    rows = _rows(results, name, tr)
    lines = [_line(str(n), r, tr) for n, r in about["lines"].items()]
    return {
        "name": tr.name(name), "kind": known(KINDS, about["kind"], tr), "lines": lines, "species": rows, "map": _map(results, name, about, tr),
        "avoid": _avoid(about, tr), "refused": [tr("{who}: no line was found. {why}", who=names(results, s, tr)["name"], why=why) for s, why in about["refused"].items()],
        "ground": [{"class": known(CLASSES, c, tr), "km2": tr.number(number(about["ground"][c]))} for c in CLASSES if c in about["ground"]],
        "areas": _areas(results, name, tr), "structures": [r for r in rows if r["structures"]], "has_target": about["target_loss"] is not None,
        "target": tr.percent(number(about["target_loss"])) if about["target_loss"] else "", "left": _left(rows, tr), "has_ranges": any(r["range"] for r in rows),
    }  # fmt: skip


def _share(value: float, tr: Words) -> str:
    """A loss in per cent; no number where patches are parted."""
    return tr.percent(value, 1) if math.isfinite(value) else tr("parts patches")


def _line(name: str, row: Mapping[str, Any], tr: Words) -> Row:
    avoided = number(row["avoided"])
    return {
        "name": tr.name(name), "drawn": tr("drawn") if row["drawn"] else tr("searched for"), "km": tr.number(number(row["length_km"]), 1),
        "loss": _share(number(row["loss"]), tr), "avoided": tr.percent(avoided) if math.isfinite(avoided) else "",
        "parted": tr.number(number(row["pairs_parted"])), "cut_off": tr.number(number(row["patches_cut_off"])),
    }  # fmt: skip


def _avoid(about: Mapping[str, Any], tr: Words) -> str:
    """Which line, and what that saves."""
    lines = about["lines"]
    if not lines:
        return tr("There is no line to compare.")
    best = str(about["best"])
    text = tr("The line {line} takes least: {loss} of the resistance between the places is added.", line=tr.name(best), loss=_share(number(lines[best]["loss"]), tr))  # fmt: skip
    avoided = number(lines[best]["avoided"])
    if len(lines) > 1 and math.isfinite(avoided):
        text += " " + tr("Against the worst of the {n} lines it avoids {share} of the loss.", n=tr.number(len(lines)), share=tr.percent(avoided))  # fmt: skip
    return text


def _rows(results: Results, name: str, tr: Words) -> list[Row]:
    """One row per line and species."""
    table = results.new_lines
    if table is None:
        return []
    mine = table[table["alignment"] == name]
    unit = tr(INDEX[MAIN].label)
    out = []
    for r in mine.to_dict("records"):
        low, high = number(r["loss_low"]), number(r["loss_high"])
        least, most = (number(r.get(f"change_{MAIN}_{end}")) for end in ("low", "high"))
        out.append({
            "line": tr.name(str(r["line"])), "who": names(results, str(r["species"]), tr)["name"], "loss": _share(number(r["loss"]), tr),
            "bounds": f"{_share(low, tr)} – {_share(high, tr)}" if math.isfinite(high) else tr("at least {low}", low=_share(low, tr)),
            "change": tr.number(number(r[f"change_{MAIN}"]), 2), "range": f"{tr.number(least, 2)} – {tr.number(most, 2)}" if math.isfinite(least) else "",
            "structures": tr.number(number(r["structures"])) if math.isfinite(number(r.get("structures"))) else "",
            "at": str(r.get("at_km") or "") if str(r.get("at_km")) != "nan" else "", "after": _share(number(r.get("loss_with_structures")), tr) if "loss_with_structures" in r else "",
            "left": number(r["left"]), "index": unit,
        })  # fmt: skip
    return out


def _left(rows: list[Row], tr: Words) -> str:
    """What restoring and offsets have to make good."""
    if not rows:
        return tr("There is no line to compare.")
    finite = [r["left"] for r in rows if math.isfinite(r["left"])]
    if not finite:
        return tr("Patches are parted, with structures too: restoring or offsets cannot make that good.")
    return tr("What is left, from {low} to {high} by line and species, is for restoring and offsets: see the offset account.", low=tr.percent(min(finite), 1), high=tr.percent(max(finite), 1))  # fmt: skip


def _areas(results: Results, name: str, tr: Words) -> list[Row]:
    """The largest pieces of ground where no line should run, with the reason in the reader's language."""
    table = results.line_shapes("no_go", name)
    if table is None:
        return []
    reason = f"reason_{tr.language}" if f"reason_{tr.language}" in table.columns else "reason"
    shut = (
        table[table["class"] == "no-go"].sort_values("area_km2", ascending=False, kind="stable").head(AREAS)
    )
    return [
        {"km2": tr.number(number(r["area_km2"]), 1), "why": str(r[reason])} for r in shut.to_dict("records")
    ]


def _map(results: Results, name: str, about: Mapping[str, Any], tr: Words) -> Row | None:
    """What a line would take, for the first species, with all lines."""
    species = str(about["species"][0])
    raster = results.raster(f"line_damage_{about['number']}", species)
    if raster is None:
        return None
    who, frame = names(results, species, tr)["name"], svg.frame_of(raster)
    values = np.where(np.isfinite(raster.values), raster.values, np.nan)
    scale = scale_for("damage", values)
    lines = results.line_shapes("lines", name)
    alt = tr("Map of what a new line would take for {who}, up to {high} % per km, with {n} lines.", who=who, high=tr.number(scale.high, 2), n=tr.number(0 if lines is None else len(lines)))  # fmt: skip
    places = svg.label_places(frame)
    figure = svg.base(
        frame,
        titled(tr("What a new line would take"), who),
        alt,
        foot(results, raster, tr),
        f"line-{about['number']}",
        tr,
    )
    figure["barriers"] = svg.barrier_layers(frame, results.barriers, tr)
    figure["patches"] = svg.patch_layer(frame, results.of_species(results.patches, species), tr, places)
    ground = results.raster("habitat", species)
    if ground is not None:
        figure["backdrop"] = backdrop(frame, ground)
    figure["rasters"] = [svg.value_layer(frame, raster, values, scale, tr)]
    rows = [] if lines is None else list(zip(lines["line"].astype(str), lines.geometry))
    for k, (line, shape) in enumerate(rows):
        point = shape.interpolate(0.5, normalized=True)
        x, y = (float(v) for v in frame.xy(np.array([[point.x, point.y]]))[0])
        at = places.place(x, y, tr.name(line), 13.0)
        figure["tops"].append({
            "d": frame.path([shape], 0.05), "colour": COLOURS[k % len(COLOURS)], "width": 3, "text": tr.name(line), "label": tr.name(line) if at else "",
            "x": f"{at.x:.2f}" if at else "0", "y": f"{at.y:.2f}" if at else "0", "anchor": at.anchor if at else "start", "mx": f"{x:.2f}", "my": f"{y:.2f}",
        })  # fmt: skip
    return figure
