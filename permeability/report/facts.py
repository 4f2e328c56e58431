"""What the report says about one species: sentences, tables, ranked sections, costs, residual impact, monitoring."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from permeability.report.results import BARE, TODAY, Results, number
from permeability.report.vocabulary import (
    INDEX,
    INDICES,
    TREATMENTS,
    amount,
    change,
    gained,
    grade,
    known,
    why_not,
)
from permeability.words import Words, proper_name

if TYPE_CHECKING:
    import geopandas as gpd

Row = dict[str, Any]
NEAR_M = 15_000.0  # another barrier or a station this near is named as a risk
ALIKE = 0.05  # gains that differ by less than this share are called equal
RATES = (0.01, 0.03, 0.07)
YEARS = 30
CONTROL_KM = 30.0


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
    return {i.name: (number(bare.get(i.name)), number(today.get(i.name))) for i in INDICES if i.name in today}


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
        return tr(
            "The range stands in {now} connected pieces; without barriers in {free}.", now=now, free=free
        )
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
            "label": tr(index.label), "meaning": tr(index.meaning), "bare": amount(name, bare, tr), "today": amount(name, today, tr),
            "change": change(name, _difference(bare, today), tr), "worse": _worse(name, bare, today), "sentence": sentence(name, bare, today, who, tr),
        })  # fmt: skip
    return rows


def _difference(a: float, b: float) -> float:
    return 0.0 if a == b else (b - a if math.isfinite(a) or math.isfinite(b) else math.nan)


def _worse(name: str, bare: float, today: float) -> bool:
    return today > bare if INDEX[name].falling else today < bare


def line_rows(results: Results, species: str, tr: Words) -> list[Row]:
    """One row per line: what it takes alone and what taking it away would give back."""
    bare, today = results.case(species, BARE), results.case(species, TODAY)
    called = line_names(results, tr)
    table = results.cases(species)
    rows = []
    shown = ("range_cut_off_km2", "reachable_km2", "mean_conductance")
    for line in dict.fromkeys(str(x) for x in table["line"].dropna() if str(x)):
        only, without = results.case(species, f"only {line}"), results.case(species, f"without {line}")
        if not only or not without:
            continue
        alone = {n: number(only.get(n)) - number(bare.get(n)) for n in shown}
        back = {n: number(without.get(n)) - number(today.get(n)) for n in shown}
        rows.append({
            "line": line, "name": called.get(line, ""), "weight": alone["mean_conductance"],
            "alone": [change(n, alone[n], tr) for n in shown], "back": [change(n, back[n], tr) for n in shown],
        })  # fmt: skip
    return sorted(rows, key=lambda r: (r["weight"], r["line"]))


def scenario_rows(results: Results, species: str, tr: Words) -> list[Row]:
    """Today and every scenario of the project: each index with its change against today and the loss that remains."""
    shown = headline(results, species)
    rows = [
        {
            "name": tr("today"),
            "what": "",
            "cells": [
                {"value": amount(n, now, tr), "change": "", "left": _left(n, bare, now, tr)}
                for n, (bare, now) in shown.items()
            ],
        }
    ]
    for name, what, after in _scenarios(results, species):
        cells = []
        for n, (bare, now) in shown.items():
            value = after.get(n, math.nan)
            cells.append(
                {
                    "value": amount(n, value, tr),
                    "change": change(n, _difference(now, value), tr),
                    "left": _left(n, bare, value, tr),
                }
            )
        rows.append({"name": name, "what": what, "cells": cells})
    return rows if len(rows) > 1 else []


def _scenarios(results: Results, species: str) -> Iterator[tuple[str, str, dict[str, float]]]:
    """Scenario name, its interventions in words, index -> value."""
    table = results.scenarios
    if table is not None and {"species", "scenario", "index", "after"} <= set(table.columns):
        mine = table[table["species"] == species]
        for name, group in mine.groupby("scenario", sort=False):
            what = (
                str(group["interventions"].iloc[0]).removeprefix(f"{name}: ")
                if "interventions" in group
                else ""
            )
            yield str(name), what, {str(i): number(v) for i, v in zip(group["index"], group["after"])}
    for row in results.cases(species).to_dict("records"):
        case, line = str(row["case"]), row["line"]
        if case not in (BARE, TODAY, f"only {line}", f"without {line}"):
            yield case, "", {i.name: number(row.get(i.name)) for i in INDICES}


def _left(name: str, bare: float, value: float, tr: Words) -> str:
    """Loss against no barriers, in the unit of the index."""
    loss = _difference(bare, value) if INDEX[name].falling else _difference(value, bare)
    return amount(name, loss, tr) if math.isfinite(loss) else tr("infinite")


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


# ---------------------------------------------------------------- sections
def site_rows(results: Results, species: str, tr: Words) -> list[Row]:
    """Every ranked section as the report shows it."""
    ranked = results.ranked(species)
    if ranked is None:
        return []
    risks, rows_of = section_risks(results, ranked, tr), line_rows_by_name(results)
    return [
        _site(row, i, species, place_name(rows_of, row, tr), risks[i], tr)
        for i, row in enumerate(ranked.drop(columns="geometry").to_dict("records"))
    ]


def line_rows_by_name(results: Results) -> dict[str, list[Row]]:
    """Line code -> its barrier rows."""
    out: dict[str, list[Row]] = {}
    if results.barriers is not None:
        for row in results.barriers.drop(columns="geometry").to_dict("records"):
            out.setdefault(str(row.get("line")), []).append({str(k): v for k, v in row.items()})
    return out


def place_name(rows_of: Mapping[str, list[Row]], site: Mapping[Any, Any], tr: Words) -> str:
    """Name of the barrier that a section lies on: of several rows of one line the one at its kilometre."""
    rows = rows_of.get(str(site.get("line")), [])
    middle = (number(site.get("km_from")) + number(site.get("km_to"))) / 2
    at = [r for r in rows if "km_from" in r and number(r["km_from"]) <= middle <= number(r["km_to"])]
    return proper_name((at or rows)[0], tr) if rows else str(site.get("line"))


def _site(row: Mapping[Any, Any], i: int, species: str, place: str, risk: list[str], tr: Words) -> Row:
    gains = {n: number(row.get(f"gain_{n}")) for n in INDEX if f"gain_{n}" in row}
    low, best, high = (number(row.get(c)) for c in ("cost_usd_low", "cost_usd", "cost_usd_high"))
    return {
        "key": f"{species}-{i + 1}", "rank": int(row["rank"]), "id": str(row["id"]), "line": place,
        "km": f"{tr.number(row.get('km_from'))}–{tr.number(row.get('km_to'))}", "km_mid": (number(row.get("km_from")) + number(row.get("km_to"))) / 2,
        "line_id": str(row.get("line")), "treatment": known(TREATMENTS, row.get("treatment"), tr), "treatment_id": str(row.get("treatment")),
        "gains": {n: gained(n, g, tr) for n, g in gains.items()}, "gain": gains, "cost": cost_text(low, best, high, tr), "cost_usd": best,
        "rank_range": rank_range(row, tr), "rank_low": number(row.get("rank_low")), "share_in_top": tr.percent(number(row["share_in_top"])) if "share_in_top" in row else "", "risks": risk,
    }  # fmt: skip


def rank_range(row: Mapping[Any, Any], tr: Words) -> str:
    """``3 to 9``, or nothing when the run made no draws."""
    low, high = number(row.get("rank_low")), number(row.get("rank_high"))
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return tr("{low} to {high}", low=tr.number(low), high=tr.number(high)) if low != high else tr.number(low)


def cost_text(low: float, best: float, high: float, tr: Words) -> str:
    """Costs as best value and range [USD]."""
    if not math.isfinite(best):
        return tr("not known")
    if not (math.isfinite(low) and math.isfinite(high)):
        return tr.number(best)
    return tr("{best} ({low} to {high})", best=tr.number(best), low=tr.number(low), high=tr.number(high))


def section_risks(results: Results, ranked: gpd.GeoDataFrame, tr: Words) -> list[list[str]]:
    """What a section's neighbourhood warns of: other standing barriers and stations within 15 km."""
    risks: list[list[str]] = [[] for _ in range(len(ranked))]
    others, stations = results.barriers, results.stations
    if others is not None and "standing" in others.columns:
        standing = others[others["standing"].astype(bool)]
        for i, found in enumerate(_near(ranked, standing, same_line=False)):
            risks[i] += [
                tr(
                    "second barrier within {n} km: {name}",
                    n=tr.number(max(1, math.ceil(d / 1000))),
                    name=proper_name(r, tr),
                )
                for d, r in found[:2]
            ]
    if stations is not None and len(stations):
        for i, found in enumerate(_near(ranked, stations, same_line=True)):
            risks[i] += [
                tr(
                    "station within {n} km: {name}",
                    n=tr.number(max(1, math.ceil(d / 1000))),
                    name=proper_name(r, tr),
                )
                for d, r in found[:1]
            ]
    return risks


def _near(
    ranked: gpd.GeoDataFrame, others: gpd.GeoDataFrame, *, same_line: bool
) -> Iterator[list[tuple[float, Row]]]:
    """For every section the features within 15 km, nearest first, as (metres, row)."""
    rows = [{str(k): v for k, v in r.items()} for r in others.drop(columns="geometry").to_dict("records")]
    shapes = others.geometry.to_numpy()
    tree = shapely.STRtree(shapes)
    lines = ranked["line"].astype(str).tolist()
    for line, shape in zip(lines, ranked.geometry):
        hits = [
            j
            for j in tree.query(shape, predicate="dwithin", distance=NEAR_M)
            if same_line or str(rows[j].get("line")) != line
        ]
        yield sorted(
            ((float(shapely.distance(shape, shapes[j])), rows[j]) for j in hits),
            key=lambda f: (f[0], str(f[1].get("id"))),
        )


def alike(sites: list[Row], index: str) -> int:
    """How many sections may be the best: their rank range holds 1; without draws, a gain within 5 % of the best one's."""
    if any(s["rank_range"] for s in sites):
        return sum(1 for s in sites if s["rank_low"] <= 1)
    gains = [s["gain"].get(index, math.nan) for s in sites]
    if not gains or not math.isfinite(gains[0]) or gains[0] <= 0:
        return 0
    return sum(1 for g in gains if g >= (1 - ALIKE) * gains[0])


def influence(results: Results, species: str, tr: Words) -> list[str]:
    """The unknown numbers that move the ranking most, each with its share."""
    from permeability.report.vocabulary import PARAMETERS

    found = results.record.get("species", {}).get(species, {}).get("influence") or []
    return [
        f"{known(PARAMETERS, f.get('number'), tr)}: {tr.percent(number(f.get('share')))}"
        for f in found[:5]
        if number(f.get("share")) >= 0.01
    ]


# ---------------------------------------------------------------- money
def cost_benefit(sites: list[Row], tr: Words) -> list[Row]:
    """Whole-life cost at three discount rates and what a gain costs, for the best sections."""
    rows = []
    for s in sites:
        once, yearly = s["cost_usd"], running_cost(s["treatment_id"])
        worth = [once + yearly * annuity(rate, YEARS) for rate in RATES]
        reach, conductance = (
            s["gain"].get("reachable_km2", math.nan),
            s["gain"].get("mean_conductance", math.nan),
        )
        middle = worth[1]
        rows.append({
            "rank": s["rank"], "id": s["id"], "once": tr.number(once), "yearly": tr.number(yearly), "worth": [tr.number(w) for w in worth],
            "per_reach": tr.number(middle / reach) if reach > 0 else tr("no gain"),
            "per_conductance": tr.number(middle / (100 * conductance)) if conductance > 0 else tr("no gain"),
        })  # fmt: skip
    return rows


def running_cost(treatment: str) -> float:
    """Best running cost of a treatment of the catalogue [USD per year]; 0 when it has none."""
    from permeability.treatments import treatments

    known_one = treatments().get(treatment)
    return (
        float(known_one.cost_per_year.best)
        if known_one is not None and known_one.cost_per_year is not None
        else 0.0
    )


def annuity(rate: float, years: int) -> float:
    """Present value of 1 a year for some years, paid at the end of each.

    >>> round(annuity(0.03, 30), 3), annuity(0.0, 30)
    (19.6, 30.0)
    """
    return float(years) if rate == 0 else (1 - (1 + rate) ** -years) / rate


def residual(results: Results, species: str, sites: list[Row], tr: Words) -> list[Row]:
    """Loss today, what the best single section gives back, and what remains."""
    rows = []
    best = sites[0]["gain"] if sites else {}
    for name, (bare, today) in headline(results, species).items():
        if name in ("mean_resistance", "detour"):
            continue
        loss = (today - bare) if INDEX[name].falling else (bare - today)
        back = best.get(name, 0.0)
        rows.append({
            "label": tr(INDEX[name].label), "bare": amount(name, bare, tr), "loss": amount(name, loss, tr), "back": amount(name, back, tr),
            "left": amount(name, max(loss - back, 0.0), tr), "share": tr.percent(max(loss - back, 0.0) / loss) if loss > 0 else "",
        })  # fmt: skip
    return rows


def offset(results: Results, species: str, sites: list[Row], tr: Words) -> list[Row]:
    """Loss and gain in quality hectares: area x share of its use that is lost."""
    figures = headline(results, species)
    rows = []
    for name, label in (
        ("range_cut_off_km2", tr("range without any path to the rest")),
        ("reachable_km2", tr("reachable range, mean over the patches")),
    ):
        if name not in figures:
            continue
        bare, today = figures[name]
        loss = 100 * abs(today - bare)
        gain = 100 * sites[0]["gain"].get(name, 0.0) if sites else 0.0
        rows.append(
            {
                "label": label,
                "loss": tr.number(loss),
                "gain": tr.number(gain),
                "balance": tr.signed(gain - loss),
            }
        )
    return rows


# ---------------------------------------------------------------- monitoring
def monitoring(results: Results, species: str, sites: list[Row], top: int, tr: Words) -> Row:
    """Treated and control sections, and how many encounters tell the assumed crossing chances from none."""
    treated = sites[: min(3, len(sites))]
    pool = [s for s in sites[top:] if all(abs(s["km_mid"] - t["km_mid"]) >= CONTROL_KM for t in treated)]
    return {
        "pairs": [{"treated": t["id"], "control": c["id"]} for t, c in zip(treated, pool)],
        "encounters": list(_encounters(results, species, tr)),
    }


def _encounters(results: Results, species: str, tr: Words) -> Iterator[Row]:
    """For every assumed chance: encounters without a crossing after which it can be given up at 95 %."""
    from permeability.report.vocabulary import COMPONENTS

    seen = set()
    for row in results.record.get("species", {}).get(species, {}).get("components", []):
        chance = number(row.get("p"))
        low, high = number(row.get("p_low")), number(row.get("p_high"))
        key = (row.get("line"), row.get("key"), chance)
        if key in seen or not row.get("standing") or not high > 0:
            continue
        seen.add(key)
        yield {
            "line": str(row.get("line")), "component": known(COMPONENTS, row.get("component"), tr), "chance": chance_text(low, chance, high, tr),
            "n": tr.number(encounters_to_refute(chance)) if chance > 0 else tr("one crossing is enough to refute it"), "sort": -(high - low),
        }  # fmt: skip


def encounters_to_refute(chance: float) -> int:
    """Encounters without a crossing after which a crossing chance is refuted at 95 %.

    >>> encounters_to_refute(0.5), encounters_to_refute(0.05)
    (5, 59)
    """
    return 1 if chance >= 1 else math.ceil(math.log(0.05) / math.log1p(-chance))


def chance_text(low: float, best: float, high: float, tr: Words) -> str:
    """A crossing chance with its range."""
    return tr(
        "{best} ({low} to {high})", best=tr.number(best, 2), low=tr.number(low, 2), high=tr.number(high, 2)
    )


# ---------------------------------------------------------------- evidence
def component_rows(results: Results, species: str, tr: Words) -> list[Row]:
    """Crossing chances of the standing barriers, rows that say the same joined."""
    from permeability.report.vocabulary import COMPONENTS

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
    from permeability.report.vocabulary import PARAMETERS

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
    from permeability.report.vocabulary import FACTORS

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
