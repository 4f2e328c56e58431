"""Where the numbers come from: parameters, crossing chances and habitat factors with grade and source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from permeability.barriers.step_words import COMPONENTS, TREATMENTS
from permeability.locale.language import Words, proper_name
from permeability.report.facts import Row, chance_text
from permeability.report.factsheet_tables import LINES
from permeability.report.labels import (
    FACTORS,
    PARAMETERS,
    UNITS,
    UNKNOWNS,
    grade,
    known,
    why_not,
)
from permeability.report.results import Results, number

LEAST, MOST = 3, 5  # unknown numbers shown


def component_rows(results: Results, species: str, tr: Words) -> list[Row]:
    """Crossing chances of the standing barriers, rows that say the same joined."""
    joined: dict[tuple[Any, ...], Row] = {}
    for row in results.record.get("species", {}).get(species, {}).get("components", []):
        if not row.get("standing", True):
            continue
        low, best, high = (number(row.get(k)) for k in ("p_low", "p", "p_high"))
        key = (row.get("line"), row.get("key"), low, best, high)
        found = joined.setdefault(key, {
            "line": str(row.get("line")), "components": [], "chance": chance_text(low, best, high, tr), "grade": grade(row.get("evidence"), tr),
            "source": str(row.get("source") or ""),
        })  # fmt: skip
        name = known(COMPONENTS, row.get("component"), tr)
        if name not in found["components"]:
            found["components"].append(name)
    return list(joined.values())


OF_CLASS = {"trace_km": "trace_length", "crossing_cost_km": "crossing_cost"}
"""Sections of a profile with one number a class of barriers, and the kind of their keys among the unknown numbers."""


def profile_rows(results: Results, species: str, tr: Words) -> list[Row]:
    """Numbers of the species profile with grade and source."""
    out = []
    for name, e in results.record.get("species", {}).get(species, {}).get("profile", {}).items():
        section, _, barrier = name.partition(".")
        label = (
            known(PARAMETERS, name, tr)
            if name in PARAMETERS
            else f"{tr(UNKNOWNS[OF_CLASS[section]], name=known(LINES, barrier, tr))} [{e.get('unit')}]"
            if section in OF_CLASS
            else f"{name} [{e.get('unit')}]"
            if e.get("unit")
            else name
        )
        low, best, high = (tr.number(number(e.get(k)), 2) for k in ("low", "best", "high"))
        out.append(
            {
                "label": label,
                "low": low,
                "best": best,
                "high": high,
                "grade": grade(e.get("evidence"), tr),
                "source": str(e.get("source") or ""),
            }
        )
    return out


def grade_counts(results: Results, species: str) -> dict[str, int]:
    """How many numbers of a species carry which evidence grade."""
    mine = results.record.get("species", {}).get(species, {})
    codes = [str(e.get("evidence")) for e in [*mine.get("profile", {}).values(), *mine.get("habitat", [])]]
    return {code: codes.count(code) for code in sorted(set(codes))}


def habitat_rows(results: Results, species: str, tr: Words) -> list[Row]:
    """Habitat factors: used or why not, multipliers, grade and source."""
    out = []
    for f in results.record.get("species", {}).get(species, {}).get("habitat", []):
        low, high = number(f.get("multiplier_min")), number(f.get("multiplier_max"))
        span = (
            tr("{low} to {high}", low=tr.number(low, 2), high=tr.number(high, 2))
            if np.isfinite(low) and np.isfinite(high)
            else ""
        )
        out.append({"label": known(FACTORS, f.get("factor"), tr), "used": bool(f.get("used")), "why_not": why_not(f.get("why_not"), tr), "span": span,
                    "grade": grade(f.get("evidence"), tr) if f.get("evidence") else "", "source": str(f.get("source") or "")})  # fmt: skip
    return out


def influence(results: Results, species: str, tr: Words) -> list[str]:
    """The unknown numbers that move the ranking most, each with its share."""
    return [f"{g['what']}: {g['share']}" for g in knowledge_gaps(results, species, tr) if g["clear"]]


def knowledge_gaps(results: Results, species: str, tr: Words) -> list[Row]:
    """What to find out first: at least three numbers, at most five, by their share of the movement of ranks."""
    found = results.record.get("species", {}).get(species, {}).get("influence") or []
    rows = []
    for i, f in enumerate(found[:MOST]):
        clear = bool(f.get("clear", number(f.get("share")) >= 0.01))
        if i >= LEAST and not clear:
            break
        rows.append({
            "what": unknown_words(str(f.get("number")), results, tr), "share": tr.percent(number(f.get("share"))), "clear": clear,
            "range": _known_range(f, tr), "grade": grade(f.get("evidence"), tr) if f.get("evidence") else "", "section": str(f.get("most_moved") or ""),
        })  # fmt: skip
    return rows


def unknown_words(key: str, results: Results, tr: Words) -> str:
    """An unknown number in the reader's language: its own text, or that of its kind with the name of its thing."""
    kind, _, name = key.partition(".")
    if key in PARAMETERS or kind not in UNKNOWNS:
        return known(PARAMETERS, key, tr)
    tables = {"treatment": TREATMENTS, "habitat": FACTORS} | dict.fromkeys(OF_CLASS.values(), LINES)
    if kind in tables:
        return tr(UNKNOWNS[kind], name=known(tables[kind], name, tr))
    layer = results.patches if kind == "weight" else results.barriers
    rows = [] if layer is None else layer.drop(columns="geometry").to_dict("records")
    column = "id" if kind in ("weight", "presence") else "line"
    mine = [{str(k): v for k, v in r.items()} for r in rows if str(r.get(column)) == name]
    return tr(UNKNOWNS[kind], name=proper_name(mine[0], tr) if len(mine) == 1 else name)


def _known_range(found: Mapping[str, Any], tr: Words) -> str:
    """From where to where a number is known."""
    low, best, high = (number(found.get(k)) for k in ("low", "best", "high"))
    kind, unit = found.get("kind"), str(found.get("unit") or "")
    if kind == "unmapped":
        return tr("yes or no, chance {p}", p=tr.percent(best))
    if not (np.isfinite(low) and np.isfinite(high)):
        return ""
    if kind == "map":
        return tr("within {n} km", n=tr.number(high / 1000, 2))
    if unit == "m":
        return (
            tr("{low} to {high}", low=tr.number(low / 1000, 2), high=tr.number(high / 1000, 2))
            + " "
            + tr("km")
        )
    text = tr("{low} to {high}", low=tr.number(low, 2), high=tr.number(high, 2))
    return f"{text} {tr(UNITS[unit])}" if unit in UNITS else text  # seconds stand in the name of the number
