"""Who arrives alive, and where they die, as the report shows it: ``movement.csv``, ``mortality.csv`` and the traps among the sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from permeability.locale.language import N_, Words
from permeability.report.facts import Row, names
from permeability.report.labels import known
from permeability.report.results import Results, number

STRETCHES = 8  # deadliest stretches shown
FORMS: Final[Mapping[str, str]] = {
    "both": N_("as a chance to get through and as kilometres along the line"),
    "chance": N_("as a chance to get through"),
    "cost": N_("as kilometres along the line"),
}


def movement_parts(results: Results, tr: Words) -> list[Row]:
    """One part for every species of a run with a movement chain; empty without."""
    told = results.summary.get("movement") or {}
    return [_part(results, str(s), about, tr) for s, about in told.items() if results.movement is not None]


def _part(results: Results, species: str, about: Mapping[str, Any], tr: Words) -> Row:
    who = names(results, species, tr)["name"]
    arrivals, theta = number(about.get("arrivals")), number(about.get("theta_per_km"))
    return {
        "who": who, "pairs": _pairs(results, species, tr), "deaths": _deaths(results, species, tr), "gains": _gains(results, species, tr),
        "text": [
            tr("Of 100 animals that set out from one patch for another, {n} arrive alive today.", n=tr.number(100 * arrivals, 1)),
            tr("Preference for cheap ways (theta): {theta} per km; 0 is a walk without aim. Mean straight of the walk: {step} km. Barriers count {form}.",
               theta=tr.number(theta, 3), step=tr.number(number(about.get("step_km")), 2), form=known(FORMS, str(about.get("barriers")), tr)),
        ],
        "traps": _traps(results, species, tr),
    }  # fmt: skip


def _pairs(results: Results, species: str, tr: Words) -> list[Row]:
    assert results.movement is not None
    mine = results.movement[results.movement["species"] == species]
    return [
        {
            "from": tr.name(str(r["from"])), "to": tr.name(str(r["to"])), "success": tr.percent(number(r["success"]), 1),
            "days": tr.number(number(r["days"])), "cost": tr.number(number(r["expected_cost_km"])),
        }
        for r in mine.to_dict("records")
    ]  # fmt: skip


def _deaths(results: Results, species: str, tr: Words) -> list[Row]:
    if results.mortality is None:
        return []
    mine = results.mortality[results.mortality["species"] == species].head(STRETCHES)
    return [
        {
            "line": tr.name(str(r["line"])), "km": f"{tr.number(number(r['km_from']), 1)}–{tr.number(number(r['km_to']), 1)}",
            "deaths": tr.number(100 * number(r["deaths_per_km"]), 2),
        }
        for r in mine.to_dict("records")
    ]  # fmt: skip


def _gains(results: Results, species: str, tr: Words) -> list[Row]:
    """The best sections by arrivals, and their place by conductance."""
    ranked = results.ranked(species)
    if ranked is None or "gain_arrivals" not in ranked.columns:
        return []
    best = ranked.sort_values("gain_arrivals", ascending=False, kind="stable").head(STRETCHES)
    return [
        {
            "id": str(r["id"]),
            "gain": tr.number(100 * number(r["gain_arrivals"]), 2),
            "rank": tr.number(number(r["rank"])),
        }
        for r in best.to_dict("records")
    ]


def _traps(results: Results, species: str, tr: Words) -> str:
    """Sections whose gain is eaten by deaths, in a sentence."""
    ranked = results.ranked(species)
    if ranked is None or "trap" not in ranked.columns:
        return ""
    ids = [str(i) for i in ranked.loc[ranked["trap"].astype(str).str.lower().isin(["true", "1"]), "id"]]
    if not ids:
        return tr("No section is a trap: none lets more animals pass while fewer arrive.")
    return tr("Traps, more animals pass and fewer arrive alive: {ids}.", ids=", ".join(ids))
