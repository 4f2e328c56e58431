"""Ranked sections as the report shows them: gains, costs, rank ranges, risks, whole-life cost, residual impact, monitoring."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
import shapely

from permeability.barriers.step_words import COMPONENTS, TREATMENTS
from permeability.layers.degrees import middle_degrees
from permeability.linkage.index_table import INDEX
from permeability.locale.language import Words, proper_name
from permeability.report.facts import Row, chance_text, headline
from permeability.report.labels import amount, gained, known
from permeability.report.results import Results, number
from permeability.report.said import with_range

if TYPE_CHECKING:
    import geopandas as gpd

NEAR_M = 15_000.0  # another barrier or a station this near is named as a risk
CONTROL_KM = 30.0


def site_rows(results: Results, species: str, tr: Words) -> list[Row]:
    """Every ranked section as the report shows it."""
    ranked = results.ranked(species)
    if ranked is None:
        return []
    risks, rows_of = section_risks(results, ranked, tr), line_rows_by_name(results)
    where = coordinates(ranked, tr)
    return [
        {**_site(row, i, species, place_name(rows_of, row, tr), risks[i], tr), "where": where[i]}
        for i, row in enumerate(ranked.drop(columns="geometry").to_dict("records"))
    ]


def coordinates(ranked: gpd.GeoDataFrame, tr: Words) -> list[str]:
    """Middle of every section in degrees of WGS 84, so that it can be driven to; empty where there is no line.

    >>> import geopandas
    >>> from permeability.locale.language import words
    >>> line = shapely.LineString([(500_000, 5_000_000), (502_000, 5_000_000)])
    >>> coordinates(geopandas.GeoDataFrame(geometry=[line], crs=32648), words())
    ['45.153° N, 105.013° E']
    """
    out = []
    for lon, lat in middle_degrees(ranked).to_numpy():
        north, east = tr("N") if lat >= 0 else tr("S"), tr("E") if lon >= 0 else tr("W")
        known_place = math.isfinite(lon) and math.isfinite(lat)
        out.append(
            f"{tr.fixed(abs(lat), 3)}° {north}, {tr.fixed(abs(lon), 3)}° {east}" if known_place else ""
        )
    return out


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
    best_gains = {n: number(row.get(f"gain_{n}")) for n in INDEX if f"gain_{n}" in row}
    ranges = {n: _gain_range(row, n) for n in best_gains}
    gains = {n: ranges[n][0] if math.isfinite(ranges[n][0]) else g for n, g in best_gains.items()}
    low, best, high = (number(row.get(c)) for c in ("cost_usd_low", "cost_usd", "cost_usd_high"))
    return {
        "key": f"{species}-{i + 1}", "rank": int(row["rank"]), "id": str(row["id"]), "line": place,
        "km": f"{tr.number(row.get('km_from'))}–{tr.number(row.get('km_to'))}", "km_mid": (number(row.get("km_from")) + number(row.get("km_to"))) / 2,
        "line_id": str(row.get("line")), "treatment": known(TREATMENTS, row.get("treatment"), tr), "treatment_id": str(row.get("treatment")),
        "gains": {n: _gain_text(n, best_gains[n], ranges[n], tr) for n in gains}, "gain": gains, "gain_best": best_gains, "cost": cost_text(low, best, high, tr), "cost_usd": best,
        "km_from": number(row.get("km_from")), "km_to": number(row.get("km_to")), "pressure": _share(row, "pressure", tr),
        "passages": tr.number(number(row["passages"]), 2) if "passages" in row else "", "worth": _share(row, "share_worth_it", tr), "bought": _share(row, "share_in_budget", tr),
        "rank_range": rank_range(row, tr), "alike": number(row.get("alike")), "group": tr.number(number(row["alike"])) if "alike" in row else "", "joins": _share(row, "share_joins", tr),
        "has_gain": str(row.get("has_gain", True)) == "True", "share_in_top": _share(row, "share_in_top", tr), "risks": risk,
    }  # fmt: skip


def _gain_range(row: Mapping[Any, Any], index: str) -> tuple[float, float, float]:
    """Expected gain in an index and its 5 and 95 % over the draws; NaN where it was not drawn."""
    name = "gain" if index == "mean_conductance" and "gain_expected" in row else f"gain_{index}"
    expected, low, high = (number(row.get(f"{name}_{part}")) for part in ("expected", "low", "high"))
    return expected, low, high


def _gain_text(index: str, best: float, drawn: tuple[float, float, float], tr: Words) -> str:
    """A gain with its range over the draws; at best values where there are none."""
    if not all(map(math.isfinite, drawn)):
        return gained(index, best, tr)
    return with_range(*drawn, tr, tr(INDEX[index].unit_label) if INDEX[index].unit_label else "")


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


def alike(sites: list[Row]) -> int:
    """How many sections cannot be told apart from the first, by the groups of the draws; 0 without draws."""
    gaining = [s for s in sites if s["has_gain"]]
    if not gaining or not math.isfinite(gaining[0]["alike"]):
        return 0
    return sum(1 for s in gaining if s["alike"] == gaining[0]["alike"])


# ---------------------------------------------------------------- money
def rates(results: Results) -> list[float]:
    """Discount rates of the run, in order."""
    return [] if results.money is None else sorted({float(r) for r in results.money["rate"]})


def years(results: Results) -> float:
    """Horizon of the run; NaN when it has none."""
    return (
        math.nan if results.money is None or not len(results.money) else float(results.money["years"].iloc[0])
    )


def cost_benefit(results: Results, species: str, sites: list[Row], tr: Words) -> list[Row]:
    """Whole-life cost at all discount rates and what a gain costs: the best sections, and the plan for the budget."""
    if results.money is None:
        return []
    mine = results.money[results.money["species"] == species]
    rows = []
    for s in sites:
        row = _money(
            mine[mine["plan"].isna() & (mine["id"] == s["id"])], str(s["id"]), tr.number(s["rank"]), tr
        )
        rows.append({**row, "worth_it": s["worth"], "bought": s["bought"]} if row else {})
    plan = _money(mine[mine["plan"] == species], tr("Plan for the budget"), "", tr)
    rows.append({**plan, "worth_it": "", "bought": ""} if plan else {})
    return [r for r in rows if r]


def _money(rows: pd.DataFrame, label: str, rank: str, tr: Words) -> Row:
    """One candidate over all rates; the gain per money at the middle rate."""
    if not len(rows):
        return {}
    rows = rows.sort_values("rate")
    first, middle = rows.iloc[0], rows.iloc[len(rows) // 2]

    def per(index: str, unit: float) -> str:
        low, best, high = (number(middle.get(f"{index}_per_musd{e}")) for e in ("_low", "", "_high"))
        if not best > 0:
            return tr("no gain")
        dear = 1e6 * unit / low if low > 0 else math.inf
        return tr(
            "{best} ({low} to {high})",
            best=tr.number(1e6 * unit / best),
            low=tr.number(1e6 * unit / high),
            high=tr.number(dear),
        )

    return {
        "rank": rank, "id": label, "once": tr.number(first["once_usd"]), "yearly": tr.number(first["yearly_usd"]),
        "worth": [cost_text(r["whole_life_usd_low"], r["whole_life_usd"], r["whole_life_usd_high"], tr) for _, r in rows.iterrows()],
        "net": [cost_text(r["net_usd_low"], r["net_usd"], r["net_usd_high"], tr) for _, r in rows.iterrows()],
        "benefit": bool((rows["benefit_usd"] > 0).any()),
        "per_reach": per("reachable_km2", 1.0), "per_conductance": per("mean_conductance", 0.01),
    }  # fmt: skip


def residual(results: Results, species: str, sites: list[Row], tr: Words) -> list[Row]:
    """Loss today, what the best single section gives back, and what remains."""
    rows = []
    best = sites[0]["gain_best"] if sites else {}
    for name, (bare, today) in headline(results, species).items():
        if name in ("mean_resistance", "detour"):
            continue
        loss = (today - bare) if INDEX[name].lower_is_better else (bare - today)
        back = best.get(name, 0.0)
        rows.append({
            "label": tr(INDEX[name].label), "bare": amount(name, bare, tr), "loss": amount(name, loss, tr), "back": amount(name, back, tr),
            "left": amount(name, max(loss - back, 0.0), tr), "share": tr.percent(max(loss - back, 0.0) / loss) if loss > 0 else "",
        })  # fmt: skip
    return rows


def offset(results: Results, species: str, tr: Words) -> list[Row]:
    """Loss and gain in quality hectares: of the best section, and of the plan for the budget."""
    if results.hectares is None:
        return []
    labels = {
        "connected_range": tr("range in one connected piece"),
        "reachable": tr("reachable range, mean over the patches"),
    }
    mine = results.hectares[results.hectares["species"] == species]
    mine = mine[mine["plan"].isna() | (mine["plan"] == species)]
    return [
        {
            "label": labels.get(str(r["measure"]), str(r["measure"])),
            "built": tr("the best section") if not isinstance(r["plan"], str) else tr("the plan for the budget"),
            "loss": tr.number(r["lost_qha"]), "gain": tr.number(r["given_back_qha"]), "balance": tr.signed(r["balance_qha"]),
        }
        for r in mine.to_dict("records")
    ]  # fmt: skip


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
