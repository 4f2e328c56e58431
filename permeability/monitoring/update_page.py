"""What pilots changed, as one page that opens offline, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from permeability.core.texts import N_
from permeability.locale.language import words
from permeability.monitoring.pilot_update import PilotUpdate
from permeability.report.pilots import pilot_part

__all__ = ["update_page"]

TITLE = N_("What the pilots changed")
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}table{border-collapse:collapse;margin:1em 0}"
    "td,th{border-bottom:1px solid #ccc;padding:.25em .7em;text-align:right}td{white-space:nowrap}td:first-child,th:first-child,td.t{text-align:left}caption{text-align:left;font-weight:bold}.s{font-weight:bold}"
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
    >>> "0 из 10" in update_page({"khulan": done}, language="ru")
    True
    """
    tr = words(language)
    head = f"{tr(TITLE)}: {title}" if title else tr(TITLE)
    parts = [f"<h1>{escape(head)}</h1>"]
    if statement:
        parts.append(f"<p class=s>{escape(tr(statement))}</p>")
    for done in updates.values():
        part = pilot_part(done.record(), done.profile.name(language), tr)
        parts.append(f"<h2>{escape(part['who'])}</h2>")
        parts.append("<ul>" + "".join(f"<li>{escape(t)}</li>" for t in part["sentences"]) + "</ul>")
        parts += [_table(t) for t in part["tables"]]
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{escape(head)}</title><style>{STYLE}</style>'
        + "".join(parts) + "</html>\n"
    )  # fmt: skip


def _table(t: Mapping[str, Any]) -> str:
    top = "".join(f"<th>{escape(h)}</th>" for h in t["heads"])
    body = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in t["rows"])
    title = f"<caption>{escape(t['title'])}</caption>"
    return f"<table>{title}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
