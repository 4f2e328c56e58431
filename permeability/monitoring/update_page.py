"""What pilots changed, as one page that opens offline, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from permeability.core.texts import N_
from permeability.locale.language import Words, words
from permeability.monitoring.pilot_update import PilotUpdate
from permeability.ranking.ranking import ordered_by
from permeability.report.labels import PARAMETERS, UNKNOWNS, known

__all__ = ["update_page"]

TITLE = N_("What the pilots changed")
BELIEVED = (
    N_("Number"),
    N_("Before the pilots"),
    N_("After the pilots"),
    N_("Worth of the profile"),
    N_("Worth of the pilots"),
)
SEEN = (
    N_("Section"),
    N_("Result of the pilot"),
    N_("Chance at openings like it"),
    N_("Chance at this opening"),
)
RANKED = (N_("Rank"), N_("Rank before the pilots"), N_("Section"), N_("Rank range"), N_("Expected gain before the pilots"), N_("Expected gain"))  # fmt: skip
FIRST = 15
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}table{border-collapse:collapse;margin:1em 0}"
    "td,th{border-bottom:1px solid #ccc;padding:.25em .7em;text-align:right}td{white-space:nowrap}td:first-child,th:first-child,td.t{text-align:left}.s{font-weight:bold}"
)


def update_page(
    updates: Mapping[str, PilotUpdate], *, title: str = "", statement: str = "", language: str = "en"
) -> str:
    """A page of what pilots changed, species by species.

    Parameters
    ----------
    updates : mapping
        Species id -> PilotUpdate with a ranking.
    title, statement : str
        Name of the project, and what it says of itself.
    language : {"en", "mn", "ru"}

    Returns
    -------
    str
        HTML that asks for nothing from elsewhere.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> gap = pm.Estimate(0.1, 0.4, 0.9)
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000, chance=gap), draws=200)
    >>> done = pm.monitoring.update(sites, [{"site": "F km 2-4", "crossed": 0, "met": 10, "animals": 5}])
    >>> "0 / 10" in update_page({"khulan": done}, language="ru")
    True
    """
    tr = words(language)
    head = f"{tr(TITLE)}: {title}" if title else tr(TITLE)
    parts = [f"<h1>{escape(head)}</h1>"]
    if statement:
        parts.append(f"<p class=s>{escape(tr(statement))}</p>")
    for done in updates.values():
        parts.append(f"<h2>{escape(done.profile.name(language))}</h2>")
        parts.append("<ul>" + "".join(f"<li>{escape(tr.said(n))}</li>" for n in done.notes) + "</ul>")
        parts += _tables(done, tr)
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{escape(head)}</title><style>{STYLE}</style>'
        + "".join(parts) + "</html>\n"
    )  # fmt: skip


def _named(number: str, tr: Words) -> str:
    """A number of a profile as the report calls it."""
    kind, _, name = number.replace("crossing_cost_km.", "crossing_cost.").partition(".")
    if number not in PARAMETERS and kind in UNKNOWNS:
        return tr(UNKNOWNS[kind], name=name.replace("_", " "))
    return known(PARAMETERS, number, tr)


def _tables(done: PilotUpdate, tr: Words) -> list[str]:
    num = tr.number
    found = []
    if len(done.numbers):
        rows = [
            [
                _named(r.number, tr), f"{num(r.before)} ({num(r.before_low)} – {num(r.before_high)})",
                f"{num(r.after)} ({num(r.after_low)} – {num(r.after_high)})", num(r.worth), num(r.seen),
            ]
            for r in done.numbers.itertuples()
        ]  # fmt: skip
        found.append(_table(BELIEVED, rows, tr))
    if len(done.sites):
        rows = [
            [r.site, r.seen.replace(f" at {r.site}", "").replace(" of ", " / "), f"{num(r.use_before)} → {num(r.use_after)}", f"{num(r.own)} ({num(r.own_low)} – {num(r.own_high)})"]
            for r in done.sites.itertuples()
        ]  # fmt: skip
        found.append(_table(SEEN, rows, tr))
    if done.ranking is not None:
        column = ordered_by(done.ranking)
        rows = [
            [str(r["rank"]), str(r["rank_before"]), str(r["id"]), f"{r['rank_low']} – {r['rank_high']}", num(r["gain_before"]), num(r[column])]
            for r in done.ranking.drop(columns="geometry").head(FIRST).to_dict("records")
        ]  # fmt: skip
        found.append(_table(RANKED, rows, tr))
    return found


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], tr: Words) -> str:
    top = "".join(f"<th>{escape(tr(h))}</th>" for h in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
