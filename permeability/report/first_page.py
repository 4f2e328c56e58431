"""Page one: the answer for every species, three numbers with their ranges, how sure it is, and what to do next.

Every number comes from ``summary.json``; see :mod:`permeability.ranking.statements`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from permeability.linkage.index_table import INDEX
from permeability.locale.language import Words
from permeability.report.evidence import unknown_words
from permeability.report.facts import Row, names
from permeability.report.results import Results, number
from permeability.report.said import known_number, said, share_text

ANSWERS = ("first", "no_gain")  # statements that are the answer; the others say what it rests on


def first_page(results: Results, species: str, sites: list[Row], tr: Words) -> Row:
    """What a decision maker reads of one species."""
    told = (results.summary.get("species") or {}).get(species) or {}
    statements = told.get("headline") or []
    lines = {s["id"]: s["line"] for s in sites}

    def line_of(site: str) -> str:
        return str(lines.get(site, site))

    return {
        "who": names(results, species, tr)["name"], "text": said(statements, tr, line_of),
        "answer": said([s for s in statements if s["statement"] in ANSWERS], tr, line_of),
        "sure": said([s for s in statements if s["statement"] not in ANSWERS], tr, line_of),
        "cards": cards(statements, tr), "next": next_steps(told, tr, lambda key: unknown_words(key, results, tr)),
    }  # fmt: skip


def cards(statements: list[dict[str, Any]], tr: Words) -> list[Row]:
    """Three numbers: what is lost today, what the first opening gains, what it costs; each with its range.

    >>> from permeability.locale.language import words
    >>> lost = {"statement": "lost", "index": "reachable_km2", "lost": {"value": 0.5}}
    >>> [(c["value"], c["range"]) for c in cards([lost], words())]
    [('50\\xa0%', 'at best values')]
    """
    out = []
    by_kind: dict[str, dict[str, Any]] = {}
    for s in statements:
        by_kind.setdefault(s["statement"], s)
    if "lost" in by_kind:
        s = by_kind["lost"]
        ends = [tr.percent(number(s[e])) for e in ("lost_low", "lost_high")] if "lost_low" in s else []
        out.append({
            "label": tr("{what} lost to the barriers", what=tr(INDEX[s["index"]].label)),
            "value": tr.percent(number(s["lost"])),
            "range": tr("{low} to {high}", low=ends[0], high=ends[1]) if ends else tr("at best values"),
        })  # fmt: skip
    if "first" in by_kind:
        s = by_kind["first"]
        gain, low, high = (number(s.get(k)) for k in ("gain", "low", "high"))
        out.append({
            "label": tr("Gain in conductance by opening the first section"),
            "value": known_number(gain, low, high, tr) if "low" in s else tr.number(gain),
            "range": _ends(low, high, tr) if "low" in s else tr("at best values"),
        })  # fmt: skip
        low, best, high = (number(s[k]) for k in ("cost_usd_low", "cost_usd", "cost_usd_high"))
        out.append({"label": tr("Cost of it [US dollars]"), "value": tr.number(best), "range": tr("{low} to {high}", low=tr.number(low), high=tr.number(high))})  # fmt: skip
    return out


def _ends(low: float, high: float, tr: Words) -> str:
    return tr("{low} to {high}", low=known_number(low, low, high, tr), high=known_number(high, low, high, tr))


# ---------------------------------------------------------------- what next
def next_steps(told: Mapping[str, Any], tr: Words, what: Callable[[str], str]) -> list[str]:
    """What to do next, each from its numbers in ``summary.json``.

    Parameters
    ----------
    told : dict
        One species of ``summary.json``.
    tr : Words
    what : callable
        An unknown number in words.

    Returns
    -------
    list of str
    """
    return [text for make in NEXT.values() if (text := make(told, tr, what))]


def _choose(told: Mapping[str, Any], tr: Words, _what: Callable[[str], str]) -> str:
    alike = [s for s in told.get("headline") or [] if s["statement"] == "alike"]
    if not alike:
        return ""
    return tr("Choose one of the {n} sections together with those who own and use the land.", n=tr.number(len(alike[0]["sites"])))  # fmt: skip


def _find_out(told: Mapping[str, Any], tr: Words, what: Callable[[str], str]) -> str:
    """The unknown number that moves the ranks most."""
    gaps = told.get("knowledge_gaps") or {}
    if not gaps:
        return ""
    key = max(gaps, key=lambda k: (number(gaps[k]["share"]), k))
    return tr(
        "Find out first: {what} (it makes {share} of the movement of the ranks).",
        what=what(key), share=share_text(number(gaps[key]["share"]), tr),
    )  # fmt: skip


def _watch(told: Mapping[str, Any], tr: Words, _what: Callable[[str], str]) -> str:
    first = any(s["statement"] == "first" for s in told.get("headline") or [])
    return tr("Watch it and a section like it from a year before it is opened.") if first else ""


NEXT: Final[Mapping[str, Callable[[Mapping[str, Any], Words, Callable[[str], str]], str]]] = {
    "choose": _choose, "find_out": _find_out, "watch": _watch,
}  # fmt: skip


# ---------------------------------------------------------------- the case: impact in short
def impact_in_short(results: Results, species: str, rows: list[Row], tr: Words) -> list[Row]:
    """Indices without barriers and today; where there are draws, today's with the digits that its range supports, and the range."""
    told = (results.summary.get("species") or {}).get(species) or {}
    drawn, today = told.get("today_in_draws") or {}, told.get("today") or {}
    out = []
    for row in rows:
        name = row["index"]
        low, high = (number((drawn.get(name) or {}).get(e)) for e in ("low", "high"))
        if name not in today or not math.isfinite(high - low):
            out.append({**row, "range": ""})
            continue
        unit = f"\xa0{tr(INDEX[name].unit_label)}" if INDEX[name].unit_label else ""
        best = known_number(number(today[name]), low, high, tr)
        out.append({**row, "range": _ends(low, high, tr) + unit, "today": best + unit})
    return out
