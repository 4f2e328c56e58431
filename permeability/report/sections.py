"""The parts of the report in their order, as plain values for the templates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from permeability.linkage.index_table import HEADLINES, INDEX, MAIN
from permeability.locale.language import N_, Words, proper_name
from permeability.ranking.ranking_notes import AHEAD, ALIKE, MOVING, NO_GAIN, SHORT
from permeability.report import alternatives as options
from permeability.report import budget, evidence, facts, figures, movement, new_lines, pilots, tracks
from permeability.report import pressure_profiles as profiles
from permeability.report import ranked_sections as ranked
from permeability.report.answer_map import answer_map
from permeability.report.facts import Row
from permeability.report.first_page import first_page, impact_in_short
from permeability.report.labels import GRADES, KINDS, SEASONS, STATUSES, grade, known
from permeability.report.results import Results, number
from permeability.viz.style import TRAFFIC_CLASS, barrier_key

SHORT_LIMITS = (
    3  # of what the report rests on stand in the case already: evidence, positions, unrecorded fences
)
CASE: Final[Mapping[str, tuple[str, str]]] = {  # chapter -> title, what it needs
    "case-impact": (N_("What the barriers take"), ""),
    "case-sites": (N_("Which sections to open"), "sites"),
    "case-pilots": (N_("What the pilots changed"), "pilots"),
    "case-options": (N_("Options compared in short"), "options"),
    "case-budget": (N_("For this budget in short"), "budget"),
    "limits": (N_("Risks, and what is not in the numbers"), ""),
}
ANNEXES: Final[Mapping[str, tuple[str, str]]] = {
    "assumptions": (N_("What this rests on, and what is not known"), ""),
    "area": (N_("Study area and species"), ""),
    "baseline": (N_("Permeability today"), ""),
    "impact": (N_("Impact of the barriers"), ""),
    "options": (N_("Options compared"), "options"),
    "sites": (N_("Ranked sections"), "sites"),
    "budget": (N_("For this budget"), "budget"),
    "money": (N_("Costs and benefits"), "sites"),
    "movement": (N_("Who arrives alive"), "movement"),
    "newlines": (N_("Where a new line should go"), "new_lines"),
    "residual": (N_("Residual impact and offset account"), ""),
    "measured": (N_("Numbers measured from tracks"), "tracks"),
    "compared": (N_("Compared with tracks"), "tracks"),
    "pilots": (N_("Pilots: what was seen and what it changes"), "pilots"),
    "indicators": (N_("Indicators"), "indicators"),
    "monitoring": (N_("Proposal for monitoring"), ""),
    "parameters": (N_("Parameters and their evidence"), ""),
    "repeat": (N_("How to repeat"), ""),
}


MOST_ROWS = 100  # of a table; the rest is left to the spreadsheet


def report_context(results: Results, tr: Words, part: str = "full") -> Row:
    """Everything the report says; ``part`` is ``"full"`` or ``"summary"``, the part that is printed to be read."""
    species = [species_part(results, s, tr) for s in results.species_ids]
    limits = assumptions(results, species, tr)
    has = {
        "sites": any(s["sites"] for s in species), "options": bool(results.plans), "budget": bool(results.summary.get("plans")), "tracks": bool(results.tracks),
        "movement": results.movement is not None, "new_lines": bool(results.summary.get("new_lines")),
        "pilots": bool(results.pilots), "indicators": bool(results.indicators),
    }  # fmt: skip
    case = contents(CASE, has, tr)
    return {
        "part": part, "most": MOST_ROWS, "contents": case, "chapter": {c["id"]: tr.number(i) for i, c in enumerate(case, start=1)}, "annexes": contents(ANNEXES, has, tr) if part == "full" else [],
        "answer_map": answer_map(results, species, tr), "byline": byline(results, tr), "limits": limits[: SHORT_LIMITS],
        "title": tr.name(results.title), "statement": str(results.summary.get("statement") or ""), "when": when(results, tr), "area": area(results, tr),
        "assumptions": limits, "species": species, "barriers": barrier_rows(results, tr),
        "grades": [{"name": tr(a), "text": tr(b)} for a, b in GRADES.values()], "software": software(results, tr),
        "gain_heads": [{"label": tr(INDEX[n].label), "gain": tr(INDEX[n].gain_label)} for n in HEADLINES],
        "compared": options.compared(results, tr), "has_sites": any(s["sites"] for s in species),
        "rates": [tr.percent(r) for r in ranked.rates(results)], "years": tr.number(ranked.years(results)), "plans": budget.budget_parts(results, tr), "tracks": tracks.track_parts(results, tr), "movement": movement.movement_parts(results, tr), "new_lines": new_lines.line_parts(results, tr), "pilots": pilots.pilot_parts(results, tr), "indicators": pilots.indicator_parts(results, tr), "scenario": str(results.summary.get("scenario") or ""),
    }  # fmt: skip


def contents(chapters: Mapping[str, tuple[str, str]], has: Mapping[str, bool], tr: Words) -> list[Row]:
    """Chapters of a part of the report: place and title; those that the run has nothing for are left out."""
    return [{"id": i, "text": tr(text)} for i, (text, needs) in chapters.items() if has.get(needs, True)]


def byline(results: Results, tr: Words) -> str:
    """Who made the report, for whom, and when, as the project file says."""
    about = results.project.get("project") or {}
    told = [(tr("Author: {who}"), about.get("author")), (tr("Office: {who}"), about.get("office"))]
    parts = [text.format(who=tr.name(str(v))) for text, v in told if v]
    return " · ".join([*parts, *([str(about["date"])] if about.get("date") else [])])


def when(results: Results, tr: Words) -> str:
    """Year and season of the run."""
    about = results.project.get("project") or {}
    year, season = about.get("year"), about.get("season")
    parts = [tr("situation of {year}", year=str(year))] if year else []
    return ", ".join([*parts, *([known(SEASONS, season, tr)] if season else [])])


def area(results: Results, tr: Words) -> Row:
    """Study area in figures."""
    grid = results.record.get("grid", {})
    about, spec = results.project.get("project") or {}, results.project.get("grid") or {}
    cell = number(spec.get("cell_size_m"))
    return {
        "name": tr.name(str(about.get("area") or "")), "grid": str(grid.get("text") or ""), "cell": tr.number(cell), "neighbours": str(spec.get("neighbours", "")),
        "scale_error": tr.number(number(grid.get("scale_error_pct")), 2), "area_error": tr.number(number(grid.get("area_error_pct")), 2),
    }  # fmt: skip


# ---------------------------------------------------------------- what to know first
def assumptions(results: Results, parts: list[Row], tr: Words) -> list[Row]:
    """What the answer rests on and what is not known, before any finding."""
    items: list[Row] = []

    def add(head: str, text: str, points: list[str] | None = None) -> None:
        points = points or []
        if len(points) > MOST_ROWS:
            more = tr("and {n} more", n=tr.number(len(points) - MOST_ROWS))
            points = [*points[:MOST_ROWS], more]
        items.append({"head": head, "text": text, "points": points})

    _evidence(results, add, tr)
    _positions(results, add, tr)
    _fences(results, add, tr)
    _ranks(parts, add, tr)
    add(
        tr("Ways are hypotheses"),
        tracks.compared_text(results, tr),
    )
    for s in results.species_ids:
        unused = [f for f in evidence.habitat_rows(results, s, tr) if not f["used"]]
        if unused:
            who = facts.names(results, s, tr)["name"]
            add(
                tr("Habitat factors left out for {who}", who=who),
                "",
                [f"{f['label']}: {f['why_not']}" for f in unused],
            )
    add(
        tr("Effects left out"),
        tr(
            "Severe winters (dzud), grazing livestock that spreads through openings, disease, poaching at gaps, animals that learn, and collisions with trains and cars are not in the numbers."
        )
        + (
            " " + tr("Collisions with cars are in the arrivals only.") if results.movement is not None else ""
        ),
    )
    add(
        tr("Lines in series"),
        tr(
            "The costs of lines crossed one after another are added: a lower bound, right for animals that never turn back between two lines."
        ),
    )
    if results.record.get("alignment"):
        add(tr("Layers that were fitted to the grid"), "", _fitted(results, tr))
    return items


def _fitted(results: Results, tr: Words) -> list[str]:
    """What was done to layers, in the reader's language where the record tells the words apart."""
    said = results.record.get("alignment_said") or {}
    return [tr.said(said[x]) if x in said else str(x) for x in results.record["alignment"]]


def _evidence(results: Results, add: Any, tr: Words) -> None:
    points = []
    for s in results.species_ids:
        counts = evidence.grade_counts(results, s)
        total = sum(counts.values())
        named = "; ".join(f"{tr.number(n)} {grade(c, tr)}" for c, n in counts.items())
        if total:
            points.append(
                tr(
                    "{who}: {n} numbers, of which {named}",
                    who=facts.names(results, s, tr)["name"],
                    n=tr.number(total),
                    named=named,
                )
            )
    add(
        tr("Most numbers are judged, not measured"),
        tr("Each number carries its evidence grade and source in the table of parameters."),
        points,
    )


def _positions(results: Results, add: Any, tr: Words) -> None:
    if results.barriers is None or "accuracy_m" not in results.barriers.columns:
        return
    accuracy = [number(v) for v in results.barriers["accuracy_m"]]
    seen = [a for a in accuracy if math.isfinite(a)]
    if seen:
        text = tr(
            "Lines are {low} to {high} km off at worst; a ranking finer than that says nothing.",
            low=tr.number(min(seen) / 1000, 2),
            high=tr.number(max(seen) / 1000, 2),
        )
        if len(seen) < len(accuracy):
            text += " " + tr(
                "{n} lines come without a stated accuracy.", n=tr.number(len(accuracy) - len(seen))
            )
        add(tr("Where the lines lie"), text)


def _fences(results: Results, add: Any, tr: Words) -> None:
    if results.barriers is None:
        return
    rows = [
        {str(k): v for k, v in r.items()}
        for r in results.barriers.drop(columns="geometry").to_dict("records")
    ]
    unknown = [
        proper_name(r, tr)
        for r in rows
        if r.get("kind") == "railway"
        and str(r.get("fenced")) == "unknown"
        and str(r.get("standing")) == "True"
    ]
    if unknown:
        assume = str((results.project.get("barriers") or {}).get("assume_fenced", "no"))
        text = (
            tr("It is not known whether these railways are fenced; they are taken as fenced:")
            if assume == "yes"
            else tr("It is not known whether these railways are fenced; they are taken as unfenced:")
        )
        add(tr("Fences that nobody has recorded"), text, unknown)
    later = [
        f"{proper_name(r, tr)} ({known(STATUSES, r.get('status'), tr)})"
        for r in rows
        if str(r.get("standing")) != "True"
    ]
    if later:
        add(
            tr("Lines that are not counted"),
            tr("Planned lines and lines under construction are drawn but have no effect in this run:"),
            later,
        )


def _ranks(parts: list[Row], add: Any, tr: Words) -> None:
    for s in parts:
        sites = s["sites"]
        if not sites:
            continue
        same = ranked.alike(sites)
        if s["has_ranges"]:
            text = tr("Ranks and gains are given with their range over draws of the uncertain numbers; the order goes by the gain expected over the draws.") + " "  # fmt: skip
            text += tr("{n} sections cannot be told apart at the top.", n=tr.number(same)) if same > 1 else ""
        else:
            text = tr("No draws over the uncertain numbers were made, so each rank is a single value.") + " "
        if s["influence"]:
            text += " " + tr("Numbers that move the ranking most, with their share:")
        add(tr("How firm the ranking is: {who}", who=s["name"]), text.strip(), s["influence"])


# ---------------------------------------------------------------- one species
def species_part(results: Results, species: str, tr: Words) -> Row:
    """All parts of one species."""
    called = facts.names(results, species, tr)
    sites = ranked.site_rows(results, species, tr)
    top = int(number((results.project.get("ranking") or {}).get("top", 10)))
    best = sites[:top]
    rows = facts.impact_rows(results, species, tr)
    return {
        "id": species, **called, "impact": rows, "lines": facts.line_rows(results, species, tr),
        "options": options.options_part(results, species, tr), "pairs": facts.apart(results, species, tr),
        "sites": sites, "best": best, "top": len(best), "influence": evidence.influence(results, species, tr), "gaps": evidence.knowledge_gaps(results, species, tr),
        "profiles": profiles.pressure_profiles(results, species, sites, tr), "has_pressure": any(s["pressure"] for s in best),
        "has_worth": any(s["worth"] for s in best), "has_bought": any(s["bought"] for s in best), "notes": notes(results, species, tr),
        "money": ranked.cost_benefit(results, species, best, tr), "residual": ranked.residual(results, species, sites, tr), "offset": ranked.offset(results, species, tr),
        "monitoring": ranked.monitoring(results, species, sites, top, tr), "profile": evidence.profile_rows(results, species, tr),
        "components": evidence.component_rows(results, species, tr), "habitat": evidence.habitat_rows(results, species, tr),
        "short": impact_in_short(results, species, rows, tr), "summary": first_page(results, species, sites, tr), "figures": [
            f for f in (figures.habitat_map(results, species, tr), figures.current_map(results, species, tr), figures.distance_map(results, species, tr)) if f is not None
        ],
        "map": figures.ranking_map(results, species, sites, MAIN, top, tr) if sites else None,
        "has_ranges": any(s["rank_range"] for s in sites), "has_share": any(s["share_in_top"] for s in sites),
    }  # fmt: skip


ELSEWHERE = (MOVING, ALIKE, AHEAD, NO_GAIN, SHORT)  # notes that the report says by itself


def notes(results: Results, species: str, tr: Words) -> list[str]:
    """Notes of the ranking in the reader's language; what the report says by itself is left out."""
    record = results.record.get("species", {}).get(species, {})
    said = record.get("notes_said", {})  # older results have none: their notes stay as they are
    return [
        tr.said(said[n]) if n in said else str(n)
        for n in record.get("notes", [])
        if said.get(n, {}).get("text") not in ELSEWHERE
    ]


# ---------------------------------------------------------------- tables of the run
def barrier_rows(results: Results, tr: Words) -> list[Row]:
    """The lines of the run with their traffic class."""
    if results.barriers is None:
        return []
    out = []
    for raw in results.barriers.drop(columns="geometry").to_dict("records"):
        row = {str(k): v for k, v in raw.items()}
        traffic = number(row.get("vehicles_per_day"))
        accuracy = number(row.get("accuracy_m"))
        busy = barrier_key({**row, "standing": True}) == "road_busy"
        out.append({
            "id": str(row.get("id")), "name": proper_name(row, tr), "kind": known(KINDS, row.get("kind"), tr), "status": known(STATUSES, row.get("status"), tr),
            "traffic": tr.number(traffic) if math.isfinite(traffic) else "", "busy": busy,
            "class": (tr("over {n}", n=tr.number(TRAFFIC_CLASS)) if busy else tr("up to {n}", n=tr.number(TRAFFIC_CLASS))) if math.isfinite(traffic) else "",
            "accuracy": tr.number(accuracy / 1000, 2) if math.isfinite(accuracy) else tr("not stated"), "source": str(row.get("source") or ""), "licence": str(row.get("licence") or ""),
        })  # fmt: skip
    return out


def software(results: Results, tr: Words) -> Row:
    """Versions, hashes, solver and how to repeat."""
    record = results.record
    solvers = []
    for s in results.species_ids:
        solver = record.get("species", {}).get(s, {}).get("solver", {})
        if solver:
            solvers.append(
                {
                    "who": facts.names(results, s, tr)["name"],
                    "name": tr("none") if solver.get("name") == "none" else str(solver.get("name")),
                    "residual": f"{number(solver.get('residual')):.1e}",
                }
            )
    unreviewed, entries = tr.unreviewed
    return {
        "versions": [{"name": str(k), "version": str(v)} for k, v in record.get("software", {}).items()], "platform": str(record.get("platform") or ""),
        "layers": [{"name": str(k), "path": str(v.get("path") or ""), "table": str(v.get("table") or ""), "sha": str(v.get("sha256") or "")} for k, v in record.get("layers", {}).items()],
        "project_file": {str(k): str(v) for k, v in (record.get("project_file") or {}).items()}, "solvers": solvers, "unreviewed": unreviewed,
        "entries": tr.number(entries), "unreviewed_text": tr.number(unreviewed),
    }  # fmt: skip
