"""A page about a species: what it does at barriers, every number with its grade, and what is not known."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Final

from permeability.locale.language import LANGUAGES, N_, Words, words
from permeability.locale.names import country
from permeability.report.factsheet_tables import Row, crossing_words, tables
from permeability.species import SpeciesProfile, species, species_list

__all__ = ["crossing_words", "factsheet_html", "factsheet_text", "species_table"]

TOPICS: Final[Mapping[str, str]] = {
    "range": N_("Range"),
    "movement": N_("Movement"),
    "water": N_("Water"),
    "terrain": N_("Terrain and habitat"),
    "fences": N_("Fences"),
    "railway": N_("Railways"),
    "road": N_("Roads"),
    "border": N_("Border fences"),
    "passages": N_("Passages"),
    "season": N_("Seasons"),
    "population": N_("Numbers"),
}
AT_ROADS: Final[Mapping[str, str]] = {
    "pauser": N_("stops at the edge before it crosses"),
    "speeder": N_("runs across fast"),
    "avoider": N_("keeps away from traffic"),
    "nonresponder": N_("does not respond to traffic"),
    "unknown": N_("not known"),
}
GRADES: Final = N_(
    "F found in a cited source; measured from tracks of animals; D derived here from such figures; M-h, M-m, M-l expert knowledge of high, medium and low trust; X looked for and not found."
)


BEHAVIOUR: Final = N_("Behaviour and ecology")


def _abilities(profile: SpeciesProfile, tr: Words) -> str:
    does = [
        w for w, yes in ((tr("crawls under wires"), profile.crawls), (tr("climbs"), profile.climbs)) if yes
    ]
    if profile.jumps:
        if profile.jump_factor == 1:
            does.append(tr("jumps fences up to its shoulder height"))
        else:
            does.append(
                tr("jumps fences up to {n} times its shoulder height", n=tr.number(profile.jump_factor, 2))
            )
    said = ", ".join(does) if does else tr("neither crawls nor jumps; only gaps and drop-downs count")
    return tr("At fences: {does}.", does=said)


def _note(profile: SpeciesProfile, tr: Words) -> list[str]:
    return [tr("NOTE: {text}.", text=tr(profile.analogy))] if profile.analogy else []


def _intro(profile: SpeciesProfile, tr: Words) -> list[str]:
    states = [country(name, tr.language) for name in profile.range_states]
    places = [tr.name(place) for place in profile.landscapes]
    none = tr("not listed")
    lines = [
        _abilities(profile, tr),
        tr(
            "At roads: {does} (Jacobson et al. 2016, doi:10.1002/ecs2.1345).",
            does=tr(AT_ROADS[profile.road_behaviour]),
        ),
        tr("Range states: {names}.", names=", ".join(states) or none),
        tr("Landscapes: {names}.", names=", ".join(places) or none),
    ]
    told = [*(f.text for f in profile.facts), *profile.knowledge_gaps]
    if tr.language != "en" and any(tr(text) == text for text in told):
        lines.append(
            tr(
                "Statements that nobody has translated yet stand in English, as they were read in their sources."
            )
        )
    return lines


def _facts(profile: SpeciesProfile, tr: Words) -> Iterator[Row]:
    """Behaviour and ecology, topic by topic."""
    for topic, title in TOPICS.items():
        for fact in profile.facts:
            if fact.topic == topic:
                yield Row(tr(title), tr(fact.text), "", fact.evidence, fact.source)


def _names(profile: SpeciesProfile, tr: Words) -> list[str]:
    return [profile.name(code) for code in LANGUAGES if code != tr.language]


def factsheet_text(profile: SpeciesProfile | str, *, language: str = "en", width: int = 100) -> str:
    """The factsheet of a species as text for a terminal.

    Parameters
    ----------
    profile : SpeciesProfile or str
        A profile, or the name of a shipped one.
    language : {"en", "mn", "ru"}
        Language of the text; sources stay as they are written.
    width : int
        Longest line [characters].

    Returns
    -------
    str

    Raises
    ------
    OptionError
        O01 for a language without a catalogue.

    Examples
    --------
    >>> print(factsheet_text("khulan").splitlines()[0])
    khulan (Asiatic wild ass) - Equus hemionus
    >>> print(factsheet_text("khulan", language="mn").splitlines()[0])
    Хулан - Equus hemionus
    """
    tr = words(language)
    p = species(profile) if isinstance(profile, str) else profile
    lines = [f"{p.name(language)} - {p.scientific}"]
    lines += ["=" * len(lines[0]), " | ".join(_names(p, tr)), ""]
    for line in [*_note(p, tr), *_intro(p, tr)]:
        lines += textwrap.wrap(line, width)
    for fact in _facts(p, tr):
        text = f"{fact.label}: {fact.number} [{fact.grade}; {fact.source}]"
        lines += textwrap.wrap(text, width, subsequent_indent="  ")
    for title, _, rows in tables(p, tr):
        lines += ["", title, "-" * len(title), *_text_rows(rows, width)]
    gaps = tr("Gaps in knowledge")
    lines += ["", gaps, "-" * len(gaps)]
    lines += [line for gap in p.knowledge_gaps for line in textwrap.wrap(tr(gap), width, initial_indent="* ")]
    return "\n".join([*lines, "", *textwrap.wrap(tr("Grades: {text}", text=tr(GRADES)), width)]) + "\n"


def _text_rows(rows: Sequence[Row], width: int) -> Iterator[str]:
    label_width = min(56, max(len(row.label) for row in rows))
    for label, number, extra, grade, source in rows:
        yield from textwrap.wrap(
            f"{label:<{label_width}}  {number}  [{grade}]", width, subsequent_indent="    "
        )
        for below in (extra, "" if source in ("expert default", "rule") else source):
            yield from textwrap.wrap(below, width, initial_indent="    ", subsequent_indent="    ")


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


def _html_table(heading: Sequence[str], rows: Iterable[Row]) -> str:
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
        Language of the page; sources stay as they are written.

    Returns
    -------
    str
        A whole document.

    Raises
    ------
    OptionError
        O01 for a language without a catalogue.

    Examples
    --------
    >>> "<script" in factsheet_html("khulan")
    False
    """
    tr = words(language)
    p = species(profile) if isinstance(profile, str) else profile
    others = " · ".join(escape(name) for name in _names(p, tr))
    name = escape(p.name(language))
    parts = [
        f'<!doctype html>\n<html lang="{language}">\n<head><meta charset="utf-8">\n<title>{name}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style></head>\n<body>\n<h1>{name}</h1>\n"
        f'<p class="names"><i>{escape(p.scientific)}</i> · {others}</p>\n'
    ]
    parts += [f'<p class="note">{escape(line)}</p>\n' for line in _note(p, tr)]
    parts += [f"<p>{escape(line)}</p>\n" for line in _intro(p, tr)]
    rows = "".join(
        f'<tr><th scope="row">{escape(f.label)}</th><td>{escape(f.number)}</td><td class="grade">{escape(f.grade)}</td>'
        f'<td class="s">{escape(f.source)}</td></tr>\n'
        for f in _facts(p, tr)
    )
    parts.append(f"<h2>{escape(tr(BEHAVIOUR))}</h2>\n")
    parts.append(f'<div class="t"><table><tbody>\n{rows}</tbody></table></div>\n')
    for title, heads, table in tables(p, tr):
        parts.append(f"<h2>{escape(title)}</h2>\n{_html_table(heads, table)}")
    gaps = "".join(f"<li>{escape(tr(g))}</li>\n" for g in p.knowledge_gaps)
    parts.append(f"<h2>{escape(tr('Gaps in knowledge'))}</h2>\n<ul>\n{gaps}</ul>\n")
    parts.append(f"<p><small>{escape(tr('Grades: {text}', text=tr(GRADES)))}</small></p>\n")
    return "".join([*parts, "</body>\n</html>\n"])


def species_table() -> list[dict[str, str]]:
    """The shipped species: ``id``, names, ``group`` and whether the initiative names it, for a listing.

    Returns
    -------
    list of dict[str, str]
        One row per species.

    Examples
    --------
    >>> len([row for row in species_table() if row["cami"] == "yes"])
    20
    """
    rows = []
    for identifier in species_list():
        p = species(identifier)
        names = {"scientific": p.scientific, **{code: p.name(code) for code in LANGUAGES}}
        rows.append({"id": p.id, **names, "group": p.group, "cami": "yes" if p.cami else "no (look-alike)"})
    return rows
