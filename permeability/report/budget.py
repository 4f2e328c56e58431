"""The choice under a budget as the report shows it: chosen sites, methods, gap, curve, near-best plans, several species."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from permeability.barriers.step_words import TREATMENTS
from permeability.linkage.index_table import INDEX, MAIN
from permeability.locale.language import N_, Words
from permeability.report import facts
from permeability.report import ranked_sections as ranked
from permeability.report.facts import Row
from permeability.report.labels import amount, gained, known
from permeability.report.results import Results, number
from permeability.report.said import share_text, with_range

ALL = "all species"
SHOWN = ("range_cut_off_km2", "reachable_km2", "pairs_apart", "mean_conductance", "detour")
METHODS: Final[Mapping[str, str]] = {
    "score and rank": N_("best sites one by one (the usual way)"),
    "greedy": N_("next best site, with those before it open"),
    "greedy with bundles": N_("next best site or bundle"),
    "reverse greedy": N_("all sites, then leave out what is missed least"),
    "swaps from all starts": N_("exchange of sites, from several starts"),
    "exhaustive": N_("every set of sites"),
    "integer program": N_("integer program"),
}
USUAL, *_ = METHODS
WIDTH, HEIGHT, LEFT, BOTTOM = 640.0, 260.0, 62.0, 44.0  # of the curve [px]
FRONT = 8  # plans shown of those that no other beats


def budget_parts(results: Results, tr: Words) -> list[Row]:
    """One part for every plan of the run; empty without a budget."""
    plans = results.summary.get("plans") or {}
    return [_part(results, str(name), plan, tr) for name, plan in plans.items()]


def _part(results: Results, name: str, plan: Mapping[str, Any], tr: Words) -> Row:
    species = [str(s) for s in plan.get("species", {})]
    called = {s: facts.names(results, s, tr)["name"] for s in species}
    gain = number(plan.get("gain"))
    several = len(species) > 1
    return {
        "key": f"plan-{len(species)}-{species[0] if species else ''}",
        "title": tr("All species together") if name == ALL else called.get(name, name),
        "several": several,
        "text": plan_sentences(plan, species, tr, called),
        "sites": _sites(results, name, species, tr),
        "species_heads": [called[s] for s in species],
        "indices": [i for s in species for i in _indices(plan, s, called[s], tr)],
        "methods": [
            {
                "name": known(METHODS, m, tr), "share": tr.percent(number(row.get("share_of_best")), 1), "cost": tr.number(number(row.get("cost_usd"))),
                "sites": tr.number(_count(row.get("sites"))),
            }
            for m, row in sorted(plan.get("methods", {}).items(), key=lambda x: [*METHODS].index(x[0]))
        ],
        "near": [
            {"share": tr.percent(number(r.get("share_of_best")), 1), "cost": tr.number(number(r.get("cost_usd"))), "sites": str(r.get("sites")), "common": tr.number(number(r.get("in_common")))}
            for r in plan.get("near_best", [])
        ],
        "after": [
            {"id": str(r.get("id")), "gain": tr.percent(number(r.get("gain")) / gain, 1) if gain > 0 else "", "cost": tr.number(number(r.get("cost_usd")))}
            for r in plan.get("afterwards", [])
        ],
        "shares": _shares(plan, called, tr) if several else [],
        "front": _front(plan, called, tr) if several else [],
        "curve": _curve(plan, tr),
    }  # fmt: skip


def _count(sites: Any) -> int:
    return len([s for s in str(sites or "").split(", ") if s])


def plan_sentences(
    plan: Mapping[str, Any], species: list[str], tr: Words, called: Mapping[str, str] | None = None
) -> list[str]:
    """The answer and how sure it is, in plain words; ``called`` gives the names of the species."""
    n, budget, spent = (
        len(plan.get("sites", [])),
        number(plan.get("budget_usd")),
        number(plan.get("cost_usd")),
    )
    said = [
        tr(
            "For a budget of {budget} US dollars: {n} sites at {cost} US dollars (best values of the costs).",
            budget=tr.number(budget), n=tr.number(n), cost=tr.number(spent),
        )
    ]  # fmt: skip
    if "share_within_budget" in plan:
        said.append(
            tr(
                "In {share} of the draws of the costs it costs no more than that.",
                share=share_text(number(plan.get("share_within_budget")), tr),
            )
        )
    said += _drawn_sentences(plan, called or {}, tr)
    gain, bound = number(plan.get("gain")), number(plan.get("bound"))
    if len(species) > 1:
        said.append(
            tr("Species count by what each gets of what all sites together would give it; the smallest share decides.")
            if plan.get("rule") == "worst_of"
            else tr("Species count by what each gets of what all sites together would give it; the mean decides.")
        )  # fmt: skip
    if not math.isfinite(bound):
        said.append(tr("How far a better plan could get is not known."))
    elif number(plan.get("gap")) < 1e-9:
        said.append(tr("At best values it is proven that no set of sites for this money gains more."))
    elif gain > 0:
        said.append(
            tr(
                "At best values no set of sites for this money can gain more than {share} above this one; how much of that could really be had is not known.",
                share=tr.percent(bound / gain - 1, 1),
            )
        )
    if plan.get("bound_cut_off"):
        said.append(
            tr(
                "The search for a closer limit was ended after a fixed number of steps; the limit stated holds."
            )
        )
    usual = number((plan.get("methods", {}).get(USUAL) or {}).get("gain"))
    if gain > 0 and math.isfinite(usual) and usual < gain * (1 - 1e-3):
        said.append(
            tr(
                "Taking the best sites one by one would give {share} of its gain, at best values.",
                share=tr.percent(usual / gain, 1),
            )
        )
    return said


def _drawn_sentences(plan: Mapping[str, Any], called: Mapping[str, str], tr: Words) -> list[str]:
    """The gain of the plan over the draws, and how often it does better than sites taken one by one."""
    said, several = [], len(plan.get("drawn") or {}) > 1
    other = set(plan.get("one_by_one") or ()) != set(map(str, plan.get("sites") or ()))
    for species, row in (plan.get("drawn") or {}).items():
        expected, low, high = (number(row.get(k)) for k in ("expected", "low", "high"))
        told = {
            "gain": with_range(expected, low, high, tr), "share": share_text(number(row.get("share_gains")), tr),
            "who": called.get(species, species),
        }  # fmt: skip
        said.append(
            tr("{who}: over the draws the sites together raise the mean conductance by {gain}; in {share} of the draws they gain.", **told)
            if several
            else tr("Over the draws the sites together raise the mean conductance by {gain}; in {share} of the draws they gain.", **told)
        )  # fmt: skip
        if other:
            said.append(
                tr(
                    "That is more than the best sites one by one in {above} of the draws, and less in {below}.",
                    above=share_text(number(row.get("share_above")), tr), below=share_text(number(row.get("share_below")), tr),
                )
            )  # fmt: skip
    return said


def _sites(results: Results, name: str, species: list[str], tr: Words) -> list[Row]:
    """The chosen sites with what each would gain alone."""
    table = results.plan
    if table is None:
        return []
    rows_of, out = ranked.line_rows_by_name(results), []
    for row in table[table["plan"] == name].to_dict("records"):
        low, best, high = (number(row.get(c)) for c in ("cost_usd_low", "cost_usd", "cost_usd_high"))
        out.append({
            "id": str(row["id"]), "line": ranked.place_name(rows_of, row, tr), "treatment": known(TREATMENTS, row.get("treatment"), tr),
            "cost": ranked.cost_text(low, best, high, tr), "alone": [gained(MAIN, number(row.get(f"gain_alone_{s}")), tr) for s in species],
        })  # fmt: skip
    return out


def _indices(plan: Mapping[str, Any], species: str, who: str, tr: Words) -> list[Row]:
    """Indices before and after, and the joint gain."""
    found = plan.get("indices", {}).get(species, {})
    return [
        {
            "who": who, "label": tr(INDEX[n].label), "before": amount(n, number(found[n].get("before")), tr),
            "after": amount(n, number(found[n].get("after")), tr), "gain": gained(n, number(found[n].get("gain")), tr),
        }
        for n in SHOWN
        if n in found
    ]  # fmt: skip


def _shares(plan: Mapping[str, Any], called: Mapping[str, str], tr: Words) -> list[Row]:
    return [
        {
            "who": called[s], "weight": tr.number(number(r.get("weight"))), "gain": gained(MAIN, number(r.get("gain")), tr),
            "all": gained(MAIN, number(r.get("gain_of_all")), tr), "share": tr.percent(number(r.get("share"))),
        }
        for s, r in plan.get("species", {}).items()
    ]  # fmt: skip


def _front(plan: Mapping[str, Any], called: Mapping[str, str], tr: Words) -> list[Row]:
    """Plans that no other beats, evenly taken from the table, the chosen one among them."""
    rows = plan.get("pareto") or []
    if len(rows) > FRONT:
        wanted = {round(i * (len(rows) - 1) / (FRONT - 1)) for i in range(FRONT)}
        rows = [r for i, r in enumerate(rows) if i in wanted or r.get("chosen")]
    return [
        {
            "gains": [gained(MAIN, number(r.get(f"gain_{s}")), tr) for s in called], "chosen": bool(r.get("chosen")),
            "cost": tr.number(number(r.get("cost_usd"))), "sites": str(r.get("sites")),
        }
        for r in rows
    ]  # fmt: skip


# ---------------------------------------------------------------- the curve
def _curve(plan: Mapping[str, Any], tr: Words) -> Row | None:
    """Gain against money as a picture and as a table; None with fewer than two budgets."""
    rows = [(number(r.get("budget_usd")), number(r.get("gain"))) for r in plan.get("curve", [])]
    rows = [(b, g) for b, g in rows if math.isfinite(b) and math.isfinite(g)]
    if len(rows) < 2 or rows[-1][1] <= 0:
        return None
    chosen, top = number(plan.get("budget_usd")), rows[-1][1]
    most = rows[-1][0]

    def place(money: float, gain: float) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - 20) * money / most
        return x, HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 18) * gain / top

    points = [place(b, g) for b, g in rows]
    said = ", ".join(tr("{money}: {gain}", money=tr.number(b), gain=tr.percent(g / top)) for b, g in rows)
    return {
        "width": f"{WIDTH:g}", "height": f"{HEIGHT:g}", "left": f"{LEFT:g}", "base": f"{HEIGHT - BOTTOM:g}", "right": f"{WIDTH - 20:g}",
        "line": " ".join(f"{x:.1f},{y:.1f}" for x, y in [place(0.0, 0.0), *points]),
        "dots": [{"x": f"{x:.1f}", "y": f"{y:.1f}", "chosen": b == chosen} for (x, y), (b, _) in zip(points, rows)],
        "x_ticks": [{"x": f"{place(b, 0)[0]:.1f}", "text": tr.number(b)} for b in _ticks(most)],
        "y_ticks": [{"y": f"{place(0, s * top)[1]:.1f}", "text": tr.percent(s)} for s in (0.0, 0.5, 1.0)],
        "alt": tr("Gain against budget, as a share of the gain of the largest budget; budget in US dollars: {points}.", points=said),
    }  # fmt: skip


def _ticks(most: float) -> list[float]:
    """Round amounts from 0 on, at most five.

    >>> _ticks(1_200_000.0)
    [0.0, 500000.0, 1000000.0]
    """
    step = 10.0 ** math.floor(math.log10(most))
    while most / step > 5:
        step *= 2
    while most / step < 2:
        step /= 2
    return [i * step for i in range(int(most / step + 1e-9) + 1)]
