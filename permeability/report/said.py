"""The statements of a ranking in the reader's language, with as many digits as their range supports."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from permeability.barriers.step_words import TREATMENTS
from permeability.linkage.index_table import INDEX
from permeability.locale.language import Words
from permeability.report.labels import amount, known

SMALL = 1e-9
STEPS = 5.0  # a last digit of at most a fifth of the range


def known_number(value: float, low: float, high: float, tr: Words) -> str:
    """A number without the digits that its range does not support.

    Parameters
    ----------
    value : float
    low, high : float
        Range of what the number may be.
    tr : Words

    Returns
    -------
    str

    Examples
    --------
    >>> from permeability.locale.language import words
    >>> known_number(0.0699, 0.024, 0.121, words()), known_number(12475.0, 490.0, 40812.0, words())
    ('0.07', '12,000')
    >>> known_number(490.0, 490.0, 40812.0, words()), known_number(-0.0004, -0.0004, 0.1, words())
    ('500', '−0.0004')
    """
    width = high - low
    if not (math.isfinite(value) and math.isfinite(width)) or width <= 0:
        return tr.number(value)
    if abs(value) < SMALL:
        return tr.number(0)
    last = math.floor(math.log10(width / STEPS))
    if abs(value) < 10.0**last:
        last = math.floor(math.log10(abs(value)))
    text = tr.fixed(abs(round(value, -last)), min(max(0, -last), 9))
    return f"−{text}" if value < 0 else text


def with_range(value: float, low: float, high: float, tr: Words, unit: str = "") -> str:
    """``0.07 (0.02 to 0.12)``, each with the digits that the range supports.

    >>> from permeability.locale.language import words
    >>> with_range(12475.0, 490.0, 40812.0, words(), "km²"), with_range(1.0, 1.0, 1.0, words())
    ('12,000 (500 to 41,000)\\xa0km²', '1')
    """
    if not (math.isfinite(low) and math.isfinite(high)) or low == high:
        text = known_number(value, low, high, tr)
    else:
        parts = {"best": value, "low": low, "high": high}
        text = tr("{best} ({low} to {high})", **{k: known_number(v, low, high, tr) for k, v in parts.items()})
    return f"{text}\xa0{unit}" if unit else text


def said(
    statements: list[dict[str, Any]], tr: Words, line_of: Callable[[str], str] = lambda site: ""
) -> list[str]:
    """One sentence, or two, for each statement.

    Parameters
    ----------
    statements : list of dict
        Of :func:`permeability.ranking.statements.statements`, or of ``summary.json``.
    tr : Words
    line_of : callable
        Name of the line that a section lies on.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from permeability.locale.language import words
    >>> said([{"statement": "no_gain", "candidates": 3}], words())[0][:19]
    'No candidate gains:'
    """
    out = []
    for s in statements:
        make = SENTENCES.get(str(s.get("statement")))
        if make is not None:
            out.append(make(s, tr, line_of))
    return out


def _value(statement: Mapping[str, Any], name: str) -> float:
    cell = statement.get(name, {})
    value = cell.get("value") if isinstance(cell, Mapping) else cell
    return {"inf": math.inf, "-inf": -math.inf}.get(str(value), math.nan) if isinstance(value, str) or value is None else float(value)  # fmt: skip


def _range(s: Mapping[str, Any], name: str, tr: Words, unit: str = "") -> str:
    return with_range(_value(s, name), _value(s, "low"), _value(s, "high"), tr, unit)


def _chance(s: Mapping[str, Any], tr: Words) -> dict[str, str]:
    return {e: tr.number(_value(s, f"use_{e}"), 2) for e in ("low", "high")}


def share_text(share: float, tr: Words) -> str:
    """A share of the draws; what rounds to none or to all is told apart from none and all.

    >>> from permeability.locale.language import words
    >>> [share_text(s, words()) for s in (0.0, 0.004, 0.42, 0.998, 1.0)]
    ['0\xa0%', 'under 1\xa0%', '42\xa0%', 'over 99\xa0%', '100\xa0%']
    """
    if 0 < share < 0.005:
        return tr("under {n}", n=tr.percent(0.01))
    if 0.995 <= share < 1:
        return tr("over {n}", n=tr.percent(0.99))
    return tr.percent(share)


def _apart(s: Mapping[str, Any], tr: Words, _line: Callable[[str], str]) -> str:
    name = str(s.get("index"))
    now, what = amount(name, _value(s, "value"), tr), tr(INDEX[name].label) if name in INDEX else name
    if "share_at_least_half" not in s:
        return tr("{what} at best values: {now}.", what=what, now=now)
    low, high = _value(s, "low"), _value(s, "high")
    return tr(
        "{what} at best values: {now}; at least half of that in {share} of the draws (5 to 95 %: {low} to {high}).",
        what=what, now=now, share=share_text(_value(s, "share_at_least_half"), tr), low=known_number(low, low, high, tr), high=known_number(high, low, high, tr),
    )  # fmt: skip


def _whole(s: Mapping[str, Any], tr: Words, _line: Callable[[str], str]) -> str:
    """Nothing is cut off at best values; in how many draws something is."""
    ranged = s.get("index") == "range_cut_off_km2"
    if "share_any" not in s:
        return tr("At best values no part of the range is cut off.") if ranged else tr("At best values every pair of patches has a path.")  # fmt: skip
    share, high = share_text(_value(s, "share_any"), tr), _value(s, "high")
    if not _value(s, "share_any") > 0:
        if ranged:
            return tr("At best values and in every draw no part of the range is cut off.")
        return tr("At best values and in every draw every pair of patches has a path.")
    if not high > 0:
        if ranged:
            return tr(
                "At best values no part of the range is cut off; some is in {share} of the draws.",
                share=share,
            )
        return tr(
            "At best values every pair of patches has a path; some have none in {share} of the draws.",
            share=share,
        )
    most = known_number(high, 0.0, high, tr) if ranged else amount("pairs_apart", high, tr)
    if ranged:
        return tr(
            "At best values no part of the range is cut off; some is in {share} of the draws (at most {most} km² in 95 % of the draws).",
            share=share, most=most,
        )  # fmt: skip
    return tr(
        "At best values every pair of patches has a path; some have none in {share} of the draws (at most {most} in 95 % of the draws).",
        share=share, most=most,
    )  # fmt: skip


def _lost(s: Mapping[str, Any], tr: Words, _line: Callable[[str], str]) -> str:
    """What is lost of reach or conductance against no barriers; a negative loss is more than without barriers."""
    name, lost, bare = str(s.get("index")), _value(s, "lost"), _value(s, "bare")
    what = tr(INDEX[name].label) if name in INDEX else name
    if "lost_low" not in s:
        return tr(
            "{what} at best values: {now}, {lost} less than without barriers ({bare}).",
            what=what, now=amount(name, _value(s, "value"), tr), lost=tr.percent(lost), bare=amount(name, bare, tr),
        )  # fmt: skip
    low, high = _value(s, "low"), _value(s, "high")
    unit = tr(INDEX[name].unit_label) if name in INDEX and INDEX[name].unit_label else ""
    return tr(
        "{what} today: {now}, {lost} ({lost_low} to {lost_high}) less than without barriers (best values, with the range of nine draws in ten).",
        what=what, now=with_range(_value(s, "value"), low, high, tr, unit), lost=tr.percent(lost),
        lost_low=tr.percent(_value(s, "lost_low")), lost_high=tr.percent(_value(s, "lost_high")),
    )  # fmt: skip


def _takes_most(s: Mapping[str, Any], tr: Words, _line: Callable[[str], str]) -> str:
    return tr("Taken alone and at best values, {line} takes the most from the conductance between patches.", line=str(s.get("line")))  # fmt: skip


def _no_gain(s: Mapping[str, Any], tr: Words, _line: Callable[[str], str]) -> str:
    return tr(
        "No candidate gains: of {n}, none has an expected gain above zero and a range that does not lie at zero, so none is advised.",
        n=tr.number(_value(s, "candidates")),
    )


def _first(s: Mapping[str, Any], tr: Words, line_of: Callable[[str], str]) -> str:
    low, best, high = (_value(s, c) for c in ("cost_usd_low", "cost_usd", "cost_usd_high"))
    site = str(s.get("site"))
    told = {
        "id": site, "line": line_of(site), "treatment": known(TREATMENTS, s.get("treatment"), tr),
        "cost": tr("{best} ({low} to {high})", best=tr.number(best), low=tr.number(low), high=tr.number(high)),
    }  # fmt: skip
    if "share_in_top" not in s:
        return tr(
            "First to open at best values: {id} ({line}), {treatment}, for {cost} US dollars. No draws were made, so nothing is said of how sure this is.",
            **told,
        )
    text = tr(
        "First to open by expected gain: {id} ({line}), {treatment}, for {cost} US dollars. Its gain in conductance is {gain}; it is among the best {top} in {share} of the draws.",
        **told, gain=_range(s, "gain", tr), top=tr.number(_value(s, "top")), share=share_text(_value(s, "share_in_top"), tr),
    )  # fmt: skip
    none = 1 - _value(s, "share_gains")
    if none >= 0.005:
        text += " " + tr("In {share} of the draws it gains nothing.", share=share_text(none, tr))
    return text


def _alike(s: Mapping[str, Any], tr: Words, _line: Callable[[str], str]) -> str:
    where = "; ".join(f"{line} {tr.number(a)}–{tr.number(b)}" for line, a, b in s.get("places", []))
    return tr(
        "{n} sections cannot be told apart at the top (kilometres {where}): choose among them by cost, land use and advice from the place.",
        n=tr.number(len(s.get("sites", []))), where=where,
    )  # fmt: skip


def _joins(s: Mapping[str, Any], tr: Words, _line: Callable[[str], str]) -> str:
    if "share" in s:
        return tr(
            "In {share} of the draws it removes a complete barrier; whether animals use the opening is the chance {low} to {high}.",
            share=share_text(_value(s, "share"), tr), **_chance(s, tr),
        )  # fmt: skip
    return tr(
        "At best values it removes a complete barrier; whether animals use the opening is the chance {low} to {high}.",
        **_chance(s, tr),
    )


def _reach(s: Mapping[str, Any], tr: Words, _line: Callable[[str], str]) -> str:
    if "low" not in s:
        now = amount("reachable_km2", _value(s, "gain"), tr)
        return tr("At best values it adds {area} within reach of a patch.", area=now)
    return tr("It adds {area} within reach of a patch.", area=_range(s, "gain", tr, tr("km²")))


def _short(s: Mapping[str, Any], tr: Words, _line: Callable[[str], str]) -> str:
    return tr(
        "Sections are shorter than {n} cells ({km} km): which of two neighbours is better is not settled at this cell size.",
        n=tr.number(_value(s, "cells")), km=tr.number(_value(s, "length_km")),
    )  # fmt: skip


SENTENCES: Final[Mapping[str, Callable[[Mapping[str, Any], Words, Callable[[str], str]], str]]] = {
    "apart": _apart, "whole": _whole, "lost": _lost, "takes_most": _takes_most, "no_gain": _no_gain, "first": _first, "alike": _alike, "joins": _joins, "reach": _reach, "short": _short,
}  # fmt: skip
