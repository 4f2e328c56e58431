"""What the report says about the barriers' impact on one species: sentences, lines, pairs."""

from __future__ import annotations

import math
from typing import Any

from permeability.linkage.index_table import HEADLINES, INDEX, INDICES, MAIN, change_of
from permeability.locale.language import Words, proper_name
from permeability.report.labels import amount, change
from permeability.report.results import BARE, TODAY, Results, number

Row = dict[str, Any]


def names(results: Results, species: str, tr: Words) -> dict[str, str]:
    """Name of a species in the language, and its scientific name."""
    found = results.record.get("species", {}).get(species, {}).get("names", {})
    return {
        "name": str(found.get(tr.language) or found.get("en") or species),
        "scientific": str(found.get("scientific") or ""),
    }


def line_names(results: Results, tr: Words) -> dict[str, str]:
    """Line code -> what it is called."""
    out: dict[str, str] = {}
    if results.barriers is not None:
        for row in results.barriers.drop(columns="geometry").to_dict("records"):
            name = proper_name({str(k): v for k, v in row.items()}, tr)
            first = out.setdefault(str(row.get("line")), name)
            if name != first:
                out[str(row.get("line"))] = f"{first.split(' … ')[0]} … {name}"
    return out


# ---------------------------------------------------------------- impact
def headline(results: Results, species: str) -> dict[str, tuple[float, float]]:
    """Index -> (without barriers, today), for the indices the run has."""
    bare, today = results.case(species, BARE), results.case(species, TODAY)
    return {i: (number(bare.get(i)), number(today.get(i))) for i in INDICES if i in today}


def sentence(name: str, bare: float, today: float, who: str, tr: Words) -> str:
    """One sentence for an index of today against no barriers."""
    now, free = amount(name, today, tr), amount(name, bare, tr)
    if name == "range_cut_off_km2":
        if today == 0:
            return tr("No part of the range of {who} is cut off from its largest piece.", who=who)
        return tr(
            "{now} of the range of {who} have no path to its largest piece; without barriers it would be {free}.",
            now=now,
            free=free,
            who=who,
        )
    if name == "range_pieces":
        return tr("Connected pieces of the range: {now}; without barriers: {free}.", now=now, free=free)
    if name == "reachable_km2":
        lost = 1 - today / bare if bare else 0.0
        return tr(
            "From a patch, {now} lie within the movement budget, {lost} less than the {free} without barriers.",
            now=now,
            free=free,
            lost=tr.percent(lost),
        )
    if name == "pairs_apart":
        if today == 0:
            return tr("Every pair of patches has a path.")
        return tr(
            "{now} pairs of patches have no path at all; without barriers it would be {free}.",
            now=now,
            free=free,
        )
    if name == "detour":
        if math.isinf(today):
            return tr("No two patches have a path between them.")
        return tr(
            "The way from patch to patch costs {now} what it would cost without barriers (harmonic mean; a pair without a path counts as infinite).",
            now=now,
        )
    if name == "mean_resistance":
        if math.isinf(today):
            return tr(
                "The mean effective resistance is infinite, because at least one pair of patches has no path; without barriers it would be {free}.",
                free=free,
            )
        return tr(
            "The mean effective resistance between patches is {now}; without barriers it would be {free}.",
            now=now,
            free=free,
        )
    if name == "mean_conductance":
        lost = 1 - today / bare if bare else 0.0
        return tr(
            "The mean conductance between patches is {now}, {lost} less than the {free} without barriers.",
            now=now,
            free=free,
            lost=tr.percent(lost),
        )
    if name == "eca_km2":
        return tr(
            "Linked as they are, the patches are worth one patch of {now}; without barriers one of {free}.",
            now=now,
            free=free,
        )
    return f"{name}: {now} ({free})"


def impact_rows(results: Results, species: str, tr: Words) -> list[Row]:
    """One row per index: without barriers, today, change, sentence."""
    who = names(results, species, tr)["name"]
    rows = []
    for name, (bare, today) in headline(results, species).items():
        index = INDEX[name]
        rows.append({
            "index": name, "label": tr(index.label), "meaning": tr(index.meaning), "bare": amount(name, bare, tr), "today": amount(name, today, tr),
            "change": change(name, float(change_of(bare, today)), tr), "worse": _worse(name, bare, today), "sentence": sentence(name, bare, today, who, tr),
        })  # fmt: skip
    return rows


def _worse(name: str, bare: float, today: float) -> bool:
    return today > bare if INDEX[name].lower_is_better else today < bare


def line_rows(results: Results, species: str, tr: Words) -> list[Row]:
    """One row per line: what it takes alone and what taking it away would give back."""
    bare, today = results.case(species, BARE), results.case(species, TODAY)
    called = line_names(results, tr)
    table = results.cases(species)
    known = {str(row["case"]): row for row in table.to_dict("records")}
    rows = []
    for line in dict.fromkeys(str(x) for x in table["line"].dropna() if str(x)):
        only, without = known.get(f"only {line}"), known.get(f"without {line}")
        if not only or not without:
            continue
        alone = {n: number(only.get(n)) - number(bare.get(n)) for n in HEADLINES}
        back = {n: number(without.get(n)) - number(today.get(n)) for n in HEADLINES}
        rows.append({
            "line": line, "name": called.get(line, ""), "weight": alone[MAIN],
            "alone": [change(n, alone[n], tr) for n in HEADLINES], "back": [change(n, back[n], tr) for n in HEADLINES],
        })  # fmt: skip
    return sorted(rows, key=lambda r: (r["weight"], r["line"]))


def apart(results: Results, species: str, tr: Words) -> list[Row]:
    """Pairs of patches with what the run found, pairs without a path first."""
    called = {}
    mine = results.of_species(results.patches, species)
    if mine is not None:
        called = {
            str(r["id"]): proper_name({str(k): v for k, v in r.items()}, tr)
            for r in mine.drop(columns="geometry").to_dict("records")
        }
    rows = []
    for p in results.pairs[results.pairs["species"] == species].to_dict("records"):
        cost, resistance, detour = (
            number(p.get("cost_km")),
            number(p.get("resistance")),
            number(p.get("detour")),
        )
        path = math.isfinite(cost)
        rows.append({
            "a": called.get(str(p["a"]), str(p["a"])), "b": called.get(str(p["b"]), str(p["b"])), "path": path,
            "straight": tr.number(number(p.get("straight_km"))), "cost": tr.number(cost) if path else tr("no path"),
            "detour": tr.number(detour) if path else tr("no path"), "resistance": tr.number(resistance) if path else tr("infinite"), "sort": cost,
        })  # fmt: skip
    return sorted(rows, key=lambda r: (r["path"], r["a"], r["b"]))


def chance_text(low: float, best: float, high: float, tr: Words) -> str:
    """A crossing chance with its range."""
    return tr(
        "{best} ({low} to {high})", best=tr.number(best, 2), low=tr.number(low, 2), high=tr.number(high, 2)
    )
