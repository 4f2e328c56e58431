"""What pilots changed of a run, and its indicators, as the report shows them: from ``pilots.json`` and ``indicators.json`` of the result folder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from permeability.barriers.step_words import TREATMENTS
from permeability.core.texts import Said
from permeability.linkage.index_table import INDEX
from permeability.locale.language import N_, Words
from permeability.report.facts import Row, names
from permeability.report.labels import PARAMETERS, UNKNOWNS
from permeability.report.results import Results, number
from permeability.report.tracks import CLASSES

__all__ = ["indicator_parts", "number_said", "pilot_part", "pilot_parts"]

FIRST = 15
BELIEVED = (N_("Number"), N_("Before the pilots"), N_("After the pilots"), N_("Worth of the profile"), N_("Worth of the pilots"))  # fmt: skip
SEEN = (N_("Section"), N_("Result of the pilot"), N_("Chance at openings like it"), N_("Chance at this opening"), N_("Rank"), N_("Expected gain"))  # fmt: skip
RANKED = (N_("Rank"), N_("Rank before the pilots"), N_("Section"), N_("Rank range"), N_("Expected gain before the pilots"), N_("Expected gain"))  # fmt: skip
RETURNED = (N_("Section"), N_("Change seen"), N_("Of it regression to the mean"), N_("Change that is left"))


def pilot_parts(results: Results, tr: Words) -> list[Row]:
    """One part for every species that pilots changed something of; empty for a run without."""
    told = results.pilots.get("species") or {}
    return [pilot_part(found, names(results, s, tr)["name"], tr, key=s) for s, found in told.items()]


def pilot_part(found: Mapping[str, Any], who: str, tr: Words, key: str = "") -> Row:
    """What pilots changed for one species: sentences and tables.

    Parameters
    ----------
    found : mapping
        As :meth:`permeability.monitoring.pilot_update.PilotUpdate.record` gives it.
    who : str
        Name of the species.
    tr : Words
    key : str

    Returns
    -------
    dict
        ``sentences``, and ``tables``: title, heads and rows of text.
    """
    tables = [
        _table(N_("What is believed of the numbers"), BELIEVED, [_number_row(r, tr) for r in found["numbers"]], tr, who),
        _table(N_("What the pilots saw"), SEEN, [_site_row(r, tr) for r in found["sites"]], tr, who),
        _table(N_("The ranking before and after the pilots"), RANKED, [_rank_row(r, tr) for r in found["ranking"][:FIRST]], tr, who),
        _table(N_("Changes at sites that were measured before"), RETURNED, [_change_row(r, tr) for r in found["changes"]], tr, who),
    ]  # fmt: skip
    return {
        "key": f"pilots-{key}", "who": who, "sentences": [tr.said(n) for n in found["notes"]], "tables": [t for t in tables if t["rows"]],
        "lead": [tr.said(n) for n in found["notes"][:1]],
    }  # fmt: skip


def _table(title: str, heads: tuple[str, ...], rows: list[list[str]], tr: Words, who: str) -> Row:
    return {
        "title": tr("{what}: {who}", what=tr(title), who=who),
        "heads": [tr(h) for h in heads],
        "rows": rows,
    }


def number_said(key: str) -> Said:
    """A number of a profile as the report calls it.

    Examples
    --------
    >>> str(number_said("crossing.rail_unfenced")), str(number_said("crossing_cost_km.stock"))
    ('crossing chance: railway without fence', 'measured crossing cost: stock fence')
    """
    if key in PARAMETERS:
        return Said(PARAMETERS[key])
    kind, _, name = key.replace("crossing_cost_km.", "crossing_cost.").partition(".")
    if kind not in UNKNOWNS:
        return Said(key.replace("_", " "))
    words_of = {**CLASSES, **TREATMENTS}
    return Said(UNKNOWNS[kind], {"name": Said(words_of[name]) if name in words_of else name.replace("_", " ")})  # fmt: skip


def _range(best: Any, low: Any, high: Any, tr: Words) -> str:
    return f"{tr.number(number(best))} ({tr.number(number(low))} – {tr.number(number(high))})"


def _number_row(r: Mapping[str, Any], tr: Words) -> list[str]:
    return [
        tr.said(number_said(str(r["number"]))), _range(r["before"], r["before_low"], r["before_high"], tr),
        _range(r["after"], r["after_low"], r["after_high"], tr), tr.number(number(r["worth"])), tr.number(number(r["seen"])),
    ]  # fmt: skip


def _site_row(r: Mapping[str, Any], tr: Words) -> list[str]:
    return [
        str(r["site"]), tr.said(r["seen_said"]), f"{tr.number(number(r['use_before']))} → {tr.number(number(r['use_after']))}",
        _range(r["own"], r["own_low"], r["own_high"], tr), f"{tr.number(r['rank_before'])} → {tr.number(r['rank_after'])}",
        f"{tr.number(number(r['gain_before']))} → {tr.number(number(r['gain_after']))}",
    ]  # fmt: skip


def _rank_row(r: Mapping[str, Any], tr: Words) -> list[str]:
    return [
        tr.number(r["rank"]), tr.number(r["rank_before"]), str(r["id"]), f"{tr.number(r['rank_low'])} – {tr.number(r['rank_high'])}",
        tr.number(number(r["gain_before"])), tr.number(number(r["gain"])),
    ]  # fmt: skip


def _change_row(r: Mapping[str, Any], tr: Words) -> list[str]:
    left = f"{tr.signed(number(r['change']))} ({tr.signed(number(r['change_low']))} – {tr.signed(number(r['change_high']))})"  # fmt: skip
    return [str(r["site"]), tr.signed(number(r["change_seen"])), tr.signed(number(r["regression"])), left]


def indicator_parts(results: Results, tr: Words) -> list[Row]:
    """Per species the indicators that the run knows, in words; empty for a run whose indicators nobody asked for."""
    told = results.indicators
    parts = []
    for species in dict.fromkeys(str(r["species"]) for r in told.get("rows") or []):
        rows = [r for r in told["rows"] if r["species"] == species and not math.isnan(number(r["value"]))]
        shown = [_indicator_row(r, tr) for r in rows]
        parts.append({
            "who": names(results, species, tr)["name"], "rows": shown, "has_change": any(r["change"] for r in shown),
            "notes": [tr(str(n)) for n in told.get("notes") or []], "base": str(told.get("base_year") or ""),
        })  # fmt: skip
    return parts


def _indicator_row(r: Mapping[str, Any], tr: Words) -> Row:
    unit = {"km2": "km²", "1": ""}.get(str(r["unit"]), str(r["unit"]))
    unit = unit if unit.startswith("1/") or not unit else tr(unit)
    low, high = number(r["low"]), number(r["high"])
    span = f"{tr.number(low)} – {tr.number(high)} ({tr(r['interval'])})" if low == low and high == high else ""  # fmt: skip
    change = number(r["change"])
    clear = {True: tr("ranges do not touch"), False: tr("ranges touch")}.get(r["clear"], "")
    label = tr(INDEX[r["indicator"]].label) if r["indicator"] in INDEX else tr(r["label"])
    return {
        "label": label, "value": f"{tr.number(number(r['value']))} {unit}".strip(), "range": span, "change": tr.signed(change) if change == change else "",
        "clear": clear if change == change else "", "not_said": tr(r["not_said"]), "guidance": tr(r["guidance"]), "source": str(r["source"]),
    }  # fmt: skip
