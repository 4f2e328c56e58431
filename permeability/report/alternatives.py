"""Options compared: what each one is, how the indices move against the baseline, what remains, and what differs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from permeability.barriers.step_words import FENCED, FENCES, TREATMENTS
from permeability.linkage.index_table import AREA_AND_FLOW, INDEX
from permeability.locale.language import N_, Words
from permeability.report import figures
from permeability.report.facts import Row, line_names
from permeability.report.labels import amount, change, known
from permeability.report.ranked_sections import cost_text
from permeability.report.results import Results, number
from permeability.report.said import known_number, share_text

TODAY: Final = "today"
BRIEF: Final = ("range_cut_off_km2", "reachable_km2", "pairs_apart", "mean_conductance")  # shown in the case
MEASURES: Final[Mapping[str, str]] = {
    "avoid": N_("Avoid"),
    "minimise": N_("Minimise"),
    "restore": N_("Restore"),
    "offset": N_("Offset"),
}


def title_of(name: str, tr: Words) -> str:
    """What an option is called."""
    return tr("today") if name == TODAY else tr.name(name)


def compared(results: Results, tr: Words) -> Row | None:
    """What the options are; None for a run without scenarios."""
    plans = results.plans
    if not plans:
        return None
    told = results.record["scenarios"]
    steps = [
        {"head": tr(label), "names": [title_of(n, tr) for n, p in plans.items() if p.get("measure") == key]}
        for key, label in MEASURES.items()
    ]
    return {
        "baseline": title_of(told["baseline"], tr), "draws": tr.number(told["draws"]) if told["draws"] else "", "hierarchy": steps,
        "options": [_option(results, n, p, tr) for n, p in _in_order(results)],
    }  # fmt: skip


def _in_order(results: Results) -> list[tuple[str, Row]]:
    """The baseline first, then today, then as in the project file."""
    base = results.record["scenarios"]["baseline"]
    return sorted(results.plans.items(), key=lambda p: (p[0] != base, p[0] != TODAY))


def _option(results: Results, name: str, plan: Row, tr: Words) -> Row:
    base = results.record["scenarios"]["baseline"]
    steps = list(step_texts(plan.get("steps") or [], tr))
    steps += [
        tr("layer {layer} replaced by {new}", layer=a, new=b) for a, b in (plan.get("layers") or {}).items()
    ]
    return {
        "name": title_of(name, tr), "is_base": name == base, "measure": known(MEASURES, plan.get("measure"), tr),
        "on": title_of(plan["based_on"], tr) if plan.get("based_on") else "", "note": tr.name(plan.get("note") or ""), "steps": steps,
        "year": str(plan.get("year") or ""),
    }  # fmt: skip


# ---------------------------------------------------------------- steps in words
def step_texts(steps: list[Row], tr: Words) -> Iterator[str]:
    """Steps of a project file in words; those that differ in their kilometres only are one sentence."""
    joined: dict[str, tuple[Row, list[str]]] = {}
    for step in steps:
        same = repr({k: v for k, v in step.items() if k not in ("km", "at")})
        joined.setdefault(same, (step, []))[1].extend(_places(step, tr))
    for step, places in joined.values():
        text = _deed(step, tr)
        if places:
            text += " " + tr("at km {places}", places=", ".join(places))
        facts = list(_facts(step, tr))
        yield f"{text} ({', '.join(facts)})" if facts else text


def _places(step: Row, tr: Words) -> list[str]:
    km = step.get("km")
    if km is not None and not isinstance(km, (int, float)):
        return [f"{tr.number(km[0])}–{tr.number(km[1])}"]
    return [tr.number(k) for k in ([km] if km is not None else step.get("at") or [])]


def _deed(step: Row, tr: Words) -> str:
    action, line = step["action"], str(step.get("line") or "")
    if action == "add":
        return tr("build {line}", line=line)
    if action == "remove":
        return tr("take the fences of {line} down", line=line)
    if action == "drop":
        return tr("take {line} away", line=line)
    if action in ("treat", "modify"):
        what = known(TREATMENTS, step.get("treatment") or "modify", tr)
        return tr("{line}: {what}", line=line, what=what)
    if action == "close":
        return tr("close {line} to traffic at night", line=line)
    if action == "layer":
        return _layer_deed(step, tr)
    if action == "traffic" and step.get("kind"):
        return tr("traffic on all roads") if step["kind"] == "road" else tr("traffic on all railways")
    return (
        tr("traffic on {line}", line=line) if action == "traffic" else tr("other facts for {line}", line=line)
    )


def _layer_deed(step: Row, tr: Words) -> str:
    if step.get("scale") is not None:
        what = str(step.get("factor") or step.get("layer"))
        return tr("{what} multiplied by {n}", what=what, n=tr.number(step["scale"]))
    return tr("layer {layer} replaced by {new}", layer=step["layer"], new=step.get("use") or step.get("path"))


def _facts(step: Row, tr: Words) -> Iterator[str]:
    if step.get("fenced"):
        yield known(FENCED, step["fenced"], tr)
    if step.get("fence_class"):
        yield known(FENCES, step["fence_class"], tr)
    if step.get("width_m"):
        yield tr("{n} m wide", n=tr.number(step["width_m"]))
    if step.get("trains_per_day") is not None:
        yield tr("{n} trains a day", n=tr.number(step["trains_per_day"]))
    if step.get("vehicles_per_day") is not None:
        yield tr("{n} vehicles a day", n=tr.number(step["vehicles_per_day"]))
    if step.get("times") is not None:
        yield tr("times {n}", n=tr.number(step["times"]))
    if step.get("hours"):
        yield tr("hours {hours}", hours=step["hours"])
    if step.get("built"):
        yield tr("in {year}", year=str(step["built"]))
    yield from (f"{k} = {v}" for k, v in (step.get("options") or {}).items())


# ---------------------------------------------------------------- one species
def options_part(results: Results, species: str, tr: Words) -> Row | None:
    """Matrix, maps, residual and cumulative impact, and differing inputs of one species."""
    if not results.plans or results.scenarios is None:
        return None
    table = results.scenarios[results.scenarios["species"] == species]
    moved = [n for n in INDEX if _moves(table, n)]
    still = [tr(INDEX[n].label) for n in INDEX if n not in moved and (table["index"] == n).any()]
    losses = [n for n in AREA_AND_FLOW if n in moved]
    return {
        "heads": [tr(INDEX[n].label) for n in moved], "still": ", ".join(still), "rows": _matrix(results, table, moved, tr),
        "brief_heads": [tr(INDEX[n].label) for n in BRIEF if n in moved], "brief": _matrix(results, table, [n for n in BRIEF if n in moved], tr) if moved else [],
        "residual": _residual(results, species, losses, tr), "loss_heads": [tr(INDEX[n].label) for n in losses],
        "cumulative": _cumulative(results, species, losses, tr), "cumulative_of": title_of(results.record["scenarios"].get("cumulative") or "", tr),
        "sentences": list(option_sentences(((results.summary.get("species") or {}).get(species) or {}).get("options_headline") or [], tr)), "inputs": _inputs(results, species, tr), **_maps(results, species, tr),
    }  # fmt: skip


def _moves(table: pd.DataFrame, index: str) -> bool:
    """Whether an index differs between options, at best or in any draw."""
    mine = table[table["index"] == index]
    columns = [c for c in ("change", "change_low", "change_high") if c in mine.columns]
    return bool((mine[columns].to_numpy(float) != 0).any()) if len(mine) else False


def _matrix(results: Results, table: pd.DataFrame, names: list[str], tr: Words) -> list[Row]:
    base = results.record["scenarios"]["baseline"]
    found = {(str(r["scenario"]), str(r["index"])): r for r in table.to_dict("records")}
    return [
        {
            "name": title_of(option, tr), "is_base": option == base,
            "cost": option_cost(results, option, tr), "cells": [_cell(n, found[option, n], option == base, tr) for n in names],
        }
        for option, _ in _in_order(results) if (table["scenario"] == option).any()
    ]  # fmt: skip


def option_cost(results: Results, option: str, tr: Words) -> str:
    """What building the option costs, where its steps have a price."""
    told = results.plans[option].get("cost_usd")
    if not told:
        return ""
    return cost_text(number(told["low"]), number(told["best"]), number(told["high"]), tr)


def _cell(name: str, row: Mapping[Any, Any], is_base: bool, tr: Words) -> Row:
    """Value with its range, signed change with its range, and a word for the direction."""
    value, moved, before = (number(row.get(k)) for k in ("after", "change", "before"))
    cell: Row = {"value": amount(name, value, tr), "range": _range(row, "after", tr), "change": "", "moved": "", "word": "", "worse": False}  # fmt: skip
    if is_base:
        return cell
    worse = moved > 0 if INDEX[name].lower_is_better else moved < 0
    share = moved / before if before and math.isfinite(before) and math.isfinite(moved) else math.nan
    cell["change"] = change(name, moved, tr)
    if math.isfinite(share) and moved:
        cell["change"] += f", {signed_percent(share, tr)}"
    cell["moved"] = _range(row, "change", tr, signed=True)
    cell["word"] = (
        tr("the same") if moved == 0 or math.isnan(moved) else tr("worse") if worse else tr("better")
    )
    cell["worse"] = bool(worse and moved != 0)
    return cell


def signed_percent(share: float, tr: Words) -> str:
    """A share of 1 as per cent with its sign; one decimal below 10 %.

    >>> from permeability.locale.language import words
    >>> signed_percent(-0.1851, words()), signed_percent(0.0041, words())
    ('−19\\xa0%', '+0.4\\xa0%')
    """
    text = tr.percent(abs(share), 1 if abs(share) < 0.0995 else 0)
    return text if share == 0 else ("+" if share > 0 else "−") + text


def _range(row: Mapping[Any, Any], name: str, tr: Words, *, signed: bool = False) -> str:
    """``low to high``, or nothing when the run made no draws."""
    ends = [number(row.get(f"{name}_{e}")) for e in ("low", "high")]
    if any(math.isnan(e) for e in ends):
        return ""
    low, high = (tr.signed(e) if signed else tr.number(e) for e in ends)
    return f"{low} … {high}" if signed else tr("{low} to {high}", low=low, high=high)


# ---------------------------------------------------------------- residual and cumulative impact
def _residual(results: Results, species: str, names: list[str], tr: Words) -> list[Row]:
    """What each option gives back of the impact of the one it mitigates."""
    if results.residual is None:
        return []
    mine = results.residual[results.residual["species"] == species]
    rows = []
    for option, group in mine.groupby("scenario", sort=False):
        found = {str(r["index"]): r for r in group.to_dict("records")}
        cells = [_residual_cell(n, found[n], tr) for n in names if n in found]
        rows.append(
            {
                "name": title_of(str(option), tr),
                "of": title_of(str(group["reference"].iloc[0]), tr),
                "cells": cells,
            }
        )
    return rows


def _residual_cell(name: str, row: Mapping[Any, Any], tr: Words) -> Row:
    impact, back, left, share = (number(row.get(k)) for k in ("impact", "given_back", "left", "share_back"))
    low, high = (number(row.get(f"share_back_{e}")) for e in ("low", "high"))
    bar = min(max(share, 0.0), 1.0) if math.isfinite(share) else math.nan
    return {
        "impact": amount(name, impact, tr), "back": amount(name, back, tr), "share": tr.percent(share) if math.isfinite(share) else "",
        "range": tr("{low} to {high}", low=tr.percent(low), high=tr.percent(high)) if math.isfinite(low) and math.isfinite(high) else "",
        "left": amount(name, left, tr), "net_gain": left < 0, "bar": f"{100 * bar:.0f}" if math.isfinite(bar) else "",
    }  # fmt: skip


def _cumulative(results: Results, species: str, names: list[str], tr: Words) -> list[Row]:
    """Lines in the order of building: what each adds and what all have taken by then."""
    if results.cumulative is None:
        return []
    called = line_names(results, tr)
    rows = []
    for r in results.cumulative[results.cumulative["species"] == species].to_dict("records"):
        lines = [str(x) for x in str(r["line"]).split(", ")]
        dated = math.isfinite(number(r.get("year")))
        rows.append({
            "year": str(int(number(r["year"]))) if dated else tr("not known"), "line": ", ".join(lines),
            "name": called.get(lines[0], "") if len(lines) == 1 else "",
            "cells": [{"added": change(n, number(r[f"added_{n}"]), tr), "total": change(n, number(r[f"total_{n}"]), tr)} for n in names],
        })  # fmt: skip
    return rows


def option_sentences(statements: list[Row], tr: Words) -> Iterator[str]:
    """For decision makers: what each option that is mitigated takes, and which option gives back the most of it.

    Parameters
    ----------
    statements : list of dict
        ``options_headline`` of ``summary.json``, see :func:`permeability.planning.option_statements.option_statements`.
    tr : Words

    Yields
    ------
    str
    """
    for s in statements:
        yield OPTION_SENTENCES[s["statement"]](s, tr)


def _takes(s: Row, tr: Words) -> str:
    return tr(
        "“{name}” against “{base}”: {changes}.", name=title_of(s["option"], tr), base=title_of(s["baseline"], tr),
        changes="; ".join(_taken(n, told, tr) for n, told in s["indices"].items()),
    )  # fmt: skip


def _taken(index: str, told: Row, tr: Words) -> str:
    """One index of an option: change at best values, its range, and in how many draws it is worse."""
    moved, before = number(told["change"]), number(told["before"])
    text = change(index, moved, tr)
    if moved and before and math.isfinite(before) and math.isfinite(moved):
        text += f", {signed_percent(moved / before, tr)}"
    what = tr(INDEX[index].label)
    if "low" not in told:
        return tr("{what} {change} at best values", what=what, change=text)
    low, high = number(told["low"]), number(told["high"])
    return tr(
        "{what} {change} at best values ({low} … {high}; worse in {share} of the draws)", what=what, change=text,
        low=known_number(low, low, high, tr), high=known_number(high, low, high, tr), share=share_text(number(told["share_worse"]), tr),
    )  # fmt: skip


def _given_back(s: Row, tr: Words) -> str:
    told = {
        "index": tr(INDEX[s["index"]].label), "best": title_of(s["option"], tr), "of": title_of(s["of"], tr),
        "share": tr.percent(number(s["share"])),
    }  # fmt: skip
    if "share_most" not in s:
        return tr("{index}: of what “{of}” takes, “{best}” gives back {share} at best values, more than any other option.", **told)  # fmt: skip
    low, high = (tr.percent(number(s[e])) for e in ("low", "high"))
    return tr(
        "{index}: of what “{of}” takes, “{best}” gives back {share} at best values ({low} to {high}), more than any other option in {most} of the draws.",
        **told, low=low, high=high, most=share_text(number(s["share_most"]), tr),
    )  # fmt: skip


OPTION_SENTENCES: Final[Mapping[str, Callable[[Row, Words], str]]] = {
    "takes": _takes,
    "gives_back": _given_back,
}


# ---------------------------------------------------------------- maps and inputs
def _maps(results: Results, species: str, tr: Words) -> Row:
    """One signed map per option on one scale, and the options without any change on the map."""
    base = results.scenario(results.record["scenarios"]["baseline"])
    mine = (
        set()
        if results.scenarios is None
        else set(results.scenarios["scenario"][results.scenarios["species"] == species])
    )
    others = [(n, results.scenario(n)) for n, _ in _in_order(results) if n in mine and n != base.label]
    scale = figures.difference_scale(base, [r for _, r in others], species, "reach")
    maps, unmoved = [], []
    for i, (name, one) in enumerate(others):
        figure = figures.difference_map(base, one, species, "reach", tr, scale=scale)
        if figure is None:
            unmoved.append(title_of(name, tr))
            continue
        figure |= {"key": f"option-{species}-{i + 1}", "title": f"{title_of(name, tr)}: {figure['title']}"}
        figure["alt"] = f"{title_of(name, tr)}. {figure['alt']}"
        maps.append(figure)
    return {"maps": maps, "unmoved": unmoved}


def _inputs(results: Results, species: str, tr: Words) -> list[Row]:
    """What differs from the baseline, option by option, each with its reason."""
    base = results.record["scenarios"]["baseline"]
    return [
        {
            "name": title_of(name, tr), "rows": [input_row(r, tr) for r in plan["inputs"].get(species, [])],
            "unexplained": [input_row(r, tr)["input"] for r in plan["inputs"].get(species, []) if not r["because"]],
        }
        for name, plan in _in_order(results)
        if name != base and species in plan["inputs"]
    ]  # fmt: skip


def input_row(row: Row, tr: Words) -> Row:
    """An input that differs, in the reader's language where the record tells its words apart."""
    said = row.get("said") or {}
    return {k: tr.said(said[k]) if k in said else v for k, v in row.items() if k != "said"}


def drawn_change(a: Results, b: Results, species: str, index: str) -> np.ndarray | None:
    """Change of an index from one scenario to another in every common draw; None when the draws are not the same."""
    if a.draws is None or b.draws is None:
        return None
    left, right = (
        r.draws[r.draws["species"] == species].set_index("draw")[index] for r in (a, b) if r.draws is not None
    )
    if not len(left) or not left.index.equals(right.index):
        return None
    one, two = left.map(number).to_numpy(float), right.map(number).to_numpy(float)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(one == two, 0.0, two - one))
