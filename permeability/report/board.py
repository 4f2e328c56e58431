"""The board: one page, offline, in which sections are opened and the exact answer follows at once.

It is made from a result folder alone: tables and maps as in the report, and ``board.json`` with the small networks that the page solves.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from permeability.core.errors import ProjectError
from permeability.core.plain_text import printable
from permeability.linkage.index_table import INDEX, MAIN
from permeability.locale.language import Words
from permeability.report import facts, figures
from permeability.report.board_words import board_words
from permeability.report.labels import SEASONS, known
from permeability.report.ranked_sections import site_rows
from permeability.report.results import BARE, Results, number

__all__ = ["board_context"]

FILE = "board.json"
VERSION = 2
PLACES = 12  # significant digits of numbers on the page


def board_context(runs: Results | Sequence[Results], tr: Words) -> dict[str, Any]:
    """Everything the page of the board shows.

    Parameters
    ----------
    runs : Results or sequence of Results
        One run, or one for each season: title, budget and statement are those of the first.
    tr : Words

    Returns
    -------
    dict

    Raises
    ------
    ProjectError
        J21 for results without what the board needs, J22 for those of another version, J23 for a species twice in one season.
    """
    every = [runs] if isinstance(runs, Results) else list(runs)
    results = every[0]
    kept = [_kept(r) for r in every]
    from markupsafe import Markup

    entries = [e for n, (r, k) in enumerate(zip(every, kept)) for e in _entries(r, k, n, len(every) > 1, tr)]
    _check_told_apart(entries)
    about = results.project.get("project") or {}
    data = {
        "title": tr.name(results.title), "language": tr.language, "tolerance": max(k["tolerance"] for k in kept), "words": board_words(tr),
        "budget": number((results.project.get("ranking") or {}).get("budget_usd")),
        "statement": tr(str(about.get("statement") or "")), "software": str((results.record.get("software") or {}).get("permeability", "")),
        "species": [e["data"] for e in entries],
        "indices": {i: {"label": tr(INDEX[i].label), "unit": tr(INDEX[i].unit_label) if INDEX[i].unit_label else "", "less": INDEX[i].lower_is_better} for i in SHOWN},
    }  # fmt: skip
    return {
        "title": tr("Board: {project}", project=tr.name(results.title)), "project": tr.name(results.title), "statement": about.get("statement") or "",
        "when": ", ".join(str(x) for x in (about.get("year"), "" if len(every) > 1 else about.get("season")) if x),
        "species": list({e["data"]["who"]: {"id": e["data"]["who"], "name": e["who"]} for e in entries}.values()),
        "seasons": list({e["data"]["season"]: {"id": e["data"]["season"], "name": e["season"]} for e in entries}.values()),
        "entries": [e["data"]["id"] for e in entries], "maps": [e["map"] for e in entries], "data": Markup(script_json(data)), "stored": Markup(script_json({"open": []})),
        "software": {"unreviewed": tr.unreviewed[0], "unreviewed_text": tr.number(tr.unreviewed[0]), "entries": tr.number(tr.unreviewed[1])},
    }  # fmt: skip


SHOWN = (MAIN, "range_cut_off_km2", "pairs_apart", "reachable_km2")


def _entries(
    results: Results, kept: dict[str, Any], n: int, several: bool, tr: Words
) -> list[dict[str, Any]]:
    """The species of one run: what the page solves, its map, its names."""
    shown = [s for s in results.species_ids if kept["species"].get(s, {}).get("levels")]
    if not shown:
        whys = [str(k["why"]) for k in kept["species"].values() if k.get("why")]
        raise ProjectError(
            "J21", f"the results in {str(results.folder)!r} hold no network for a board.", details={"why": "; ".join(whys) or "nothing was ranked"},
            remedy="run a project with [candidates] that open barriers",
        )  # fmt: skip
    top = int(((results.project.get("ranking") or {}).get("top")) or 10)
    season = str((results.project.get("project") or {}).get("season") or "")
    called = known(SEASONS, season, tr) if season else tr("all year")
    found = []
    for s in shown:
        rows = site_rows(results, s, tr)
        for row in rows if n else ():  # ids of elements are told apart
            row["key"] = f"{row['key']}-{n + 1}"
        data, who = _species(results, s, rows, kept["species"][s], tr), facts.names(results, s, tr)["name"]
        figure = _map(results, s, rows, top, tr)
        if several:
            data |= {"id": f"{s}@{season}", "name": f"{who}, {called}"}
            figure |= {"key": f"{figure['key']}-{n + 1}"} if figure else {}
        found.append(
            {"data": data | {"who": s, "season": season}, "map": figure, "who": who, "season": called}
        )
    return found


def _check_told_apart(entries: list[dict[str, Any]]) -> None:
    """Refuse a species that comes twice in one season."""
    seen: set[str] = set()
    for e in entries:
        if e["data"]["id"] in seen:
            raise ProjectError(
                "J23", f"{e['data']['name']!r} is in two of the runs for this board.",
                remedy="give one run for each season, with `season` in its [project]",
            )  # fmt: skip
        seen.add(e["data"]["id"])


def _kept(results: Results) -> dict[str, Any]:
    path = results.folder / FILE
    if not path.is_file():
        raise ProjectError(
            "J21", f"the results in {str(results.folder)!r} hold no network for a board.", details={"missing": FILE},
            remedy="run the project again with this version",
        )  # fmt: skip
    kept = dict(json.loads(path.read_text(encoding="utf-8")))
    if kept.get("version") != VERSION:
        raise ProjectError(
            "J22", f"{FILE} is of version {kept.get('version')!r}, this program reads version {VERSION}.", layer=FILE,
            remedy="run the project again with this version",
        )  # fmt: skip
    return kept


def _species(
    results: Results, species: str, rows: list[dict[str, Any]], kept: dict[str, Any], tr: Words
) -> dict[str, Any]:
    """One species: its sections in the order of the ranking, each with its number in the networks."""
    ranked = results.ranked(species)
    assert ranked is not None
    place = {str(c["id"]): i for i, c in enumerate(kept["candidates"])}
    table = ranked.drop(columns="geometry").to_dict("records")
    sites = [_site({str(k): v for k, v in row.items()}, told, place, kept) for row, told in zip(table, rows)]
    bare = results.case(species, BARE)
    return {
        "id": species, "name": facts.names(results, species, tr)["name"], "sites": sites, "apart": kept["apart"],
        "levels": kept["levels"], "bare": {i: _finite(number(bare.get(i))) for i in SHOWN},
        "today": {i: _finite(number(results.case(species, "all barriers").get(i))) for i in SHOWN},
    }  # fmt: skip


def _site(
    row: dict[str, Any], told: dict[str, Any], place: dict[str, int], kept: dict[str, Any]
) -> dict[str, Any]:
    number_of = place[str(row["id"])]
    value = {
        k: _finite(number(row.get(k)))
        for k in (
            "cost_usd_low",
            "cost_usd",
            "cost_usd_high",
            "rank_low",
            "rank_high",
            "gain_low",
            "gain_high",
        )
    }
    return {
        "id": str(row["id"]), "at": number_of, "key": told["key"], "line": told["line"], "code": told["line_id"], "km": told["km"], "from": _finite(told["km_from"]),
        "to": _finite(told["km_to"]), "treatment": told["treatment"], "rank": told["rank"], "ranks": [value["rank_low"], value["rank_high"]], "gains": [value["gain_low"], value["gain_high"]],
        "cost": [value["cost_usd_low"], value["cost_usd"], value["cost_usd_high"]], "reach": _finite(number(row.get("gain_reachable_km2"))),
        "steps": kept["candidates"][number_of]["steps"],
    }  # fmt: skip


def _map(results: Results, species: str, rows: list[dict[str, Any]], top: int, tr: Words) -> dict[str, Any]:
    figure = figures.ranking_map(results, species, rows, MAIN, top, tr) or {}
    if figure:
        figure["rasters"] = [r for r in figure["rasters"] if r["key"] == "habitat"]
        figure["foot"] = tr("Layers and their sources are named in the report of the same run.")
    return figure


def _finite(value: float) -> float | None:
    """A number for JSON: None for what is none."""
    return float(f"{value:.{PLACES}g}") if math.isfinite(value) else None


def script_json(data: Any) -> str:
    """Data for a script element of type JSON: no character in it can end the element or begin another.

    >>> script_json({"a": "</script><!--"})
    '{"a":"\\\\u003c/script\\\\u003e\\\\u003c!--"}'
    """
    text = json.dumps(_printable(data), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _printable(value: Any) -> Any:
    """All texts with visible marks for what is not seen."""
    if isinstance(value, dict):
        return {k: _printable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_printable(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return printable(value) if isinstance(value, str) else value
