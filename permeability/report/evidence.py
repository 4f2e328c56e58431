"""Where the numbers come from: parameters, crossing chances and habitat factors with grade and source."""

from __future__ import annotations

from typing import Any

import numpy as np

from permeability.report.facts import Row, chance_text
from permeability.report.results import Results, number
from permeability.report.vocabulary import COMPONENTS, FACTORS, PARAMETERS, grade, known, why_not
from permeability.words import Words


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


def profile_rows(results: Results, species: str, tr: Words) -> list[Row]:
    """Numbers of the species profile with grade and source."""
    out = []
    for name, e in results.record.get("species", {}).get(species, {}).get("profile", {}).items():
        label = (
            known(PARAMETERS, name, tr)
            if name in PARAMETERS
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
                    "grade": grade(f.get("evidence"), tr), "source": str(f.get("source") or "")})  # fmt: skip
    return out


def influence(results: Results, species: str, tr: Words) -> list[str]:
    """The unknown numbers that move the ranking most, each with its share."""
    found = results.record.get("species", {}).get(species, {}).get("influence") or []
    return [
        f"{known(PARAMETERS, f.get('number'), tr)}: {tr.percent(number(f.get('share')))}"
        for f in found[:5]
        if number(f.get("share")) >= 0.01
    ]
