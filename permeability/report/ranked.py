"""Ranked sections as the report shows them: gains, costs, rank ranges, risks, whole-life cost, residual impact, monitoring."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import shapely

from permeability.report.facts import Row, chance_text, headline
from permeability.report.results import Results, number
from permeability.report.vocabulary import COMPONENTS, INDEX, TREATMENTS, amount, gained, known
from permeability.words import Words, proper_name

if TYPE_CHECKING:
    import geopandas as gpd

NEAR_M = 15_000.0  # another barrier or a station this near is named as a risk
ALIKE = 0.05  # gains that differ by less than this share are called equal
RATES = (0.01, 0.03, 0.07)
YEARS = 30
CONTROL_KM = 30.0


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
        "km_from": number(row.get("km_from")), "km_to": number(row.get("km_to")), "pressure": _share(row, "pressure", tr),
        "passages": tr.number(number(row["passages"]), 2) if "passages" in row else "", "worth": _share(row, "share_worth_it", tr), "bought": _share(row, "share_in_budget", tr),
        "rank_range": rank_range(row, tr), "rank_low": number(row.get("rank_low")), "share_in_top": _share(row, "share_in_top", tr), "risks": risk,
    }  # fmt: skip


def _share(row: Mapping[Any, Any], column: str, tr: Words) -> str:
    """A share in per cent, or nothing when the run did not make it."""
    value = number(row.get(column))
    return tr.percent(value) if math.isfinite(value) else ""


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
            "rank": s["rank"], "id": s["id"], "worth_it": s["worth"], "bought": s["bought"], "once": tr.number(once), "yearly": tr.number(yearly), "worth": [tr.number(w) for w in worth],
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
