"""A page about a species: what it does at barriers, every number with its grade, and what is not known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from permeability.barriers.passability import ABSOLUTE_P, crossing_cost_m, road_chance
from permeability.barriers.passability.structures import structure_rules
from permeability.core.errors import check_choice
from permeability.core.estimate import Estimate
from permeability.species import SpeciesProfile, species, species_list

LANGUAGES: tuple[str, ...] = ("en", "mn", "ru")
"""Languages of the species' names; the text itself is English, the report's catalogues translate it."""

_CLASSES = {
    "border": "border fence",
    "rail_barbed_both_sides": "railway, barbed fences on both sides",
    "rail_wildlife_friendly": "railway, wildlife-friendly fences",
    "stock": "stock fence",
    "rail_unfenced": "railway without fences, up to 50 trains a day",
}
_FACTORS = {
    "slope_deg": "slope [degrees]",
    "water_km": "distance to water [km]",
    "town_km": "distance to a town [km]",
    "herder_camp_km": "distance to a herder camp [km]",
    "mine_km": "distance to an active mine [km]",
    "productivity_gc_m2_yr": "productivity [gC/m2/yr]",
    "forest": "forest",
    "dune_sand": "dune sand",
    "snow_cm": "snow depth [cm]",
}
_TOPICS = {
    "range": "Range",
    "movement": "Movement",
    "water": "Water",
    "terrain": "Terrain and habitat",
    "fences": "Fences",
    "railway": "Railways",
    "road": "Roads",
    "border": "Border fences",
    "passages": "Passages",
    "season": "Seasons",
    "population": "Numbers",
}
_GRADES = (
    "F found in a cited source; D derived here from such figures; M-h, M-m, M-l expert knowledge of high, medium and "
    "low trust; X looked for and not found."
)
INSIDE_KM = 0.001  # a distance below this is the thing itself
_TRAFFIC = (200, 500, 1_000, 2_200, 4_000, 10_000)

Row = Sequence[str]


def crossing_words(p: float) -> str:
    """A crossing chance in words.

    Parameters
    ----------
    p : float
        Crossing chance [0..1].

    Returns
    -------
    str

    Examples
    --------
    >>> crossing_words(0.0005), crossing_words(0.5)
    ('impassable', '1 in 2')
    """
    if p < ABSOLUTE_P:
        return "impassable"
    return "freely" if p >= 0.95 else f"1 in {1 / p:,.2g}" if p > 0.1 else f"1 in {1 / p:,.0f}"


def _short(value: float) -> str:
    """Three figures; far below the absolute chance only that it is below."""
    if value == float("inf"):
        return "absolute"
    if 0 < value < ABSOLUTE_P / 10:
        return f"<{ABSOLUTE_P / 10:g}"
    return f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"


def _number(estimate: Estimate) -> str:
    low, best, high = (_short(v) for v in estimate.as_tuple())
    numbers = best if low == best == high else f"{best} ({low}-{high})"
    return f"{numbers} {estimate.unit}".strip()


def _estimate_row(label: str, estimate: Estimate, extra: str = "") -> Row:
    return (label, _number(estimate), extra, estimate.evidence, estimate.source)


def _cost_words(p: Estimate, profile: SpeciesProfile) -> str:
    """Crossing cost at the best values [km of open ground]."""
    cost = crossing_cost_m(p.best, profile.trace_length_m.best)
    if cost == float("inf"):
        return crossing_words(p.best)
    return f"{crossing_words(p.best)}; as {cost / 1000:,.3g} km of open ground"


def _multipliers(row: Sequence[float]) -> str:
    return " / ".join(_short(v) for v in row)


def _habitat_rows(profile: SpeciesProfile) -> list[Row]:
    rows: list[Row] = []
    for f in profile.habitat:
        inside = f.kind == "step" and f.breakpoints[0] <= INSIDE_KM
        at = " / ".join(f"{b:g}" for b in f.breakpoints[1 if inside else 0 :])
        where = {"linear": f"at {at}", "step": f"below {at}, beyond", "class": "where present"}[f.kind]
        where = f"inside, {where}" if inside else where
        span = (
            f"{_multipliers(f.low)} to {_multipliers(f.high)}"
            if (f.low, f.high) != (f.multipliers,) * 2
            else ""
        )
        season = "" if f.season == "all" else f" ({f.season} season)"
        label = f"{_FACTORS.get(f.factor, f.factor)}{season}, {where}"
        rows.append((label, _multipliers(f.multipliers), span, f.evidence, f.source))
    return rows


def _tables(profile: SpeciesProfile) -> list[tuple[str, Row, list[Row]]]:
    """Title, heading and rows of every table of the factsheet."""
    head = ("", "best (low-high)", "", "grade", "source")
    labels = {k: row["label"] for k, row in structure_rules()["types"].items()}
    body = [
        _estimate_row("shoulder height", profile.shoulder_cm),
        _estimate_row("mass", profile.mass_kg),
        _estimate_row("annual range", profile.annual_range_km2),
        _estimate_row("distance a day", profile.daily_km),
        _estimate_row("trace length along a barrier per failed try", profile.trace_km),
        _estimate_row("cost distance that counts as reachable", profile.budget_km),
        _estimate_row("dispersal kernel, mean", profile.dispersal_km),
    ]
    crossing = [_estimate_row(_CLASSES[k], p, _cost_words(p, profile)) for k, p in profile.crossing.items()]
    roads = [
        _estimate_row("road without traffic, p0", profile.road_p0),
        _estimate_row("gap in the traffic it needs", profile.road_gap_s),
    ]
    if profile.road_avoidance_km is not None:
        roads.append(_estimate_row("band avoided along busy roads", profile.road_avoidance_km))
    for q in _TRAFFIC:
        p = road_chance(profile.road_p0, q, profile.road_gap_s)
        mark = " (the programme's class begins here)" if q == 1_000 else ""
        roads.append(
            (f"road with {q:,} vehicles a day{mark}", _number(p), _cost_words(p, profile), p.evidence, "rule")
        )
    structures = [_estimate_row(labels[k], p) for k, p in profile.structures.items()]
    cost_head = ("", "best (low-high)", "at the best value: succeeds; costs", "grade", "source")
    return [
        ("Body and movement", head, body),
        ("Crossing chance per encounter", cost_head, crossing),
        ("Roads", cost_head, roads),
        ("Crossing structures, chance at the mouth once learnt", head, structures),
        (
            "Resistance multipliers of the ground",
            ("", "best", "low / ... to high / ...", "grade", "source"),
            _habitat_rows(profile),
        ),
    ]


def _abilities(profile: SpeciesProfile) -> str:
    does = [w for w, yes in (("crawls under wires", profile.crawls), ("climbs", profile.climbs)) if yes]
    if profile.jumps:
        height = (
            "its shoulder height"
            if profile.jump_factor == 1
            else f"{profile.jump_factor:g} times its shoulder height"
        )
        does.append(f"jumps fences up to {height}")
    return f"At fences: {', '.join(does) if does else 'neither crawls nor jumps; only gaps and drop-downs count'}."


def _intro(profile: SpeciesProfile) -> list[str]:
    lines = []
    if profile.analogy:
        lines.append(f"NOTE: {profile.analogy}.")
    lines.append(_abilities(profile))
    lines.append(f"At roads: {profile.road_behaviour} (Jacobson et al. 2016, doi:10.1002/ecs2.1345).")
    lines.append(f"Range states: {', '.join(profile.range_states) or 'not listed'}.")
    lines.append(f"Landscapes: {', '.join(profile.landscapes) or 'not listed'}.")
    return lines


def factsheet_text(profile: SpeciesProfile | str, *, language: str = "en", width: int = 100) -> str:
    """The factsheet of a species as text for a terminal.

    Parameters
    ----------
    profile : SpeciesProfile or str
        A profile, or the name of a shipped one.
    language : {"en", "mn", "ru"}
        Language of the species' name.
    width : int
        Longest line [characters].

    Returns
    -------
    str

    Examples
    --------
    >>> print(factsheet_text("khulan").splitlines()[0])
    khulan (Asiatic wild ass) - Equus hemionus
    """
    import textwrap

    check_choice("language", language, LANGUAGES)
    p = species(profile) if isinstance(profile, str) else profile
    lines = [f"{p.name(language)} - {p.scientific}"]
    others = [p.name(code) for code in LANGUAGES if code != language]
    lines += ["=" * len(lines[0]), " | ".join(others), ""]
    for line in _intro(p):
        lines += textwrap.wrap(line, width)
    for topic, title in _TOPICS.items():
        facts = [f for f in p.facts if f.topic == topic]
        for fact in facts:
            text = f"{title}: {fact.text} [{fact.evidence}; {fact.source}]"
            lines += textwrap.wrap(text, width, subsequent_indent="  ")
    for title, _, rows in _tables(p):
        lines += ["", title, "-" * len(title)]
        label_width = min(56, max(len(r[0]) for r in rows))
        for label, number, extra, grade, source in rows:
            lines += textwrap.wrap(
                f"{label:<{label_width}}  {number}  [{grade}]", width, subsequent_indent="    "
            )
            for below in (extra, "" if source in ("expert default", "rule") else source):
                lines += textwrap.wrap(below, width, initial_indent="    ", subsequent_indent="    ")
    lines += ["", "Gaps in knowledge", "-----------------"]
    lines += [line for gap in p.knowledge_gaps for line in textwrap.wrap(gap, width, initial_indent="* ")]
    return "\n".join([*lines, "", *textwrap.wrap(f"Grades: {_GRADES}", width)]) + "\n"


_STYLE = """
body { font: 16px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1c1c1c;
       background: #fff; overflow-wrap: break-word; }
h1 { margin-bottom: 0; } h2 { border-bottom: 2px solid #7a5c2e; margin-top: 2rem; }
.names { color: #555; margin-top: .2rem; }
.note { background: #fff3d6; border-left: 4px solid #b07a00; padding: .5rem 1rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #ddd; }
th { background: #f4efe6; } td.n { white-space: nowrap; font-variant-numeric: tabular-nums; }
td.s { color: #555; font-size: .85rem; min-width: 9rem; } th { overflow-wrap: normal; }
div.t { overflow-x: auto; } td:first-child { min-width: 11rem; } .grade { white-space: nowrap; color: #7a5c2e; font-weight: 600; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } h2 { break-after: avoid; } tr { break-inside: avoid; } }
"""


def _html_table(heading: Row, rows: Iterable[Row]) -> str:
    marks = ("", ' class="n"', "", ' class="grade"', ' class="s"')
    classes = ("", "", "", "", ' class="s"')
    head = "".join(f'<th scope="col"{mark}>{escape(h)}</th>' for mark, h in zip(classes, heading))
    body = "".join(
        "<tr>" + "".join(f"<td{mark}>{escape(cell)}</td>" for mark, cell in zip(marks, row)) + "</tr>\n"
        for row in rows
    )
    return f'<div class="t"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n'


def factsheet_html(profile: SpeciesProfile | str, *, language: str = "en") -> str:
    """The factsheet of a species as one HTML page that opens offline; all text is escaped.

    Parameters
    ----------
    profile : SpeciesProfile or str
        A profile, or the name of a shipped one.
    language : {"en", "mn", "ru"}
        Language of the species' name.

    Returns
    -------
    str
        A whole document.

    Examples
    --------
    >>> "<script" in factsheet_html("khulan")
    False
    """
    check_choice("language", language, LANGUAGES)
    p = species(profile) if isinstance(profile, str) else profile
    others = " · ".join(escape(p.name(code)) for code in LANGUAGES if code != language)
    name = escape(p.name(language))
    parts = [
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">\n<title>{name}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style></head>\n<body>\n<h1>{name}</h1>\n"
        f'<p class="names"><i>{escape(p.scientific)}</i> · {others}</p>\n'
    ]
    for line in _intro(p):
        mark = ' class="note"' if line.startswith("NOTE") else ""
        parts.append(f"<p{mark}>{escape(line)}</p>\n")
    facts = [
        (title, f.text, "", f.evidence, f.source)
        for topic, title in _TOPICS.items()
        for f in p.facts
        if f.topic == topic
    ]
    parts.append("<h2>Behaviour and ecology</h2>\n")
    rows = "".join(
        f'<tr><th scope="row">{escape(t)}</th><td>{escape(x)}</td><td class="grade">{escape(g)}</td>'
        f'<td class="s">{escape(s)}</td></tr>\n'
        for t, x, _, g, s in facts
    )
    parts.append(f'<div class="t"><table><tbody>\n{rows}</tbody></table></div>\n')
    for title, heading, table in _tables(p):
        parts.append(f"<h2>{escape(title)}</h2>\n{_html_table(heading, table)}")
    gaps = "".join(f"<li>{escape(g)}</li>\n" for g in p.knowledge_gaps)
    parts.append(
        f"<h2>Gaps in knowledge</h2>\n<ul>\n{gaps}</ul>\n<p><small>Grades: {escape(_GRADES)}</small></p>\n"
    )
    return "".join([*parts, "</body>\n</html>\n"])


def species_list_text() -> str:
    """The shipped species as lines for a terminal.

    Returns
    -------
    str
        One line per species.

    Examples
    --------
    >>> species_list_text().splitlines()[0].split()[:2]
    ['id', 'scientific']
    """
    rows = species_table()
    widths = {k: max(len(k), *(len(r[k]) for r in rows)) for k in rows[0]}
    lines = ["  ".join(f"{k:<{w}}" for k, w in widths.items()).rstrip()]
    return "\n".join(lines + ["  ".join(f"{r[k]:<{w}}" for k, w in widths.items()).rstrip() for r in rows])


def species_table() -> list[dict[str, str]]:
    """The shipped species: ``id``, names, ``group`` and whether it is one of the fifteen, for a listing.

    Returns
    -------
    list of dict[str, str]
        One row per species.

    Examples
    --------
    >>> len([row for row in species_table() if row["cami"] == "yes"])
    15
    """
    rows = []
    for identifier in species_list():
        p = species(identifier)
        names = {"scientific": p.scientific, "en": p.name("en"), "mn": p.name("mn"), "ru": p.name("ru")}
        rows.append({"id": p.id, **names, "group": p.group, "cami": "yes" if p.cami else "no (look-alike)"})
    return rows
