"""A finished run in words for a terminal."""

from __future__ import annotations

from typing import Any

from permeability.cli.streams import reader, say
from permeability.core.texts import Worded
from permeability.locale.language import Words

__all__ = ["print_run", "site_table"]


def print_run(done: Any) -> None:
    """Ranked sites, statements, plans and the report of a run."""
    from permeability.report.budget import plan_sentences
    from permeability.report.said import said

    tr = reader()
    for name, r in done.species.items():
        say(f"\n{r.land.profile.name(tr.language)} ({r.land.profile.scientific})")
        lines: dict[str, str] = {}
        if r.ranking is not None:
            say(site_table(r.ranking, done.project.spec.ranking.top))
            lines = {str(k): str(v) for k, v in zip(r.ranking.table["id"], r.ranking.table["line"])}
        for sentence in said(done.summary["species"][name]["headline"], tr, lines.__getitem__):
            say(f"  {sentence}")
        for note in _notes(r.ranking, tr):
            say(f"  {note}")
    for name, plan in (done.summary.get("plans") or {}).items():
        say(f"\n{name}: {' '.join(plan_sentences(plan, list(plan['species']), tr))}")
        say(
            f"  {', '.join(plan['sites'])}"
            if plan["sites"]
            else "  " + tr("nothing is chosen; no candidate that it pays for gains anything at best values")
        )
    statement = done.project.spec.project.statement
    if statement:
        say(f"\n{tr(statement)}")
    if done.folder is not None and (done.folder / "report.html").is_file():
        say(tr("report: {path}", path=(done.folder / "report.html").resolve()))


def _notes(ranking: Any, tr: Words) -> list[str]:
    """What is left to say of a ranking."""
    from permeability.ranking.ranking_notes import BETWEEN, HELD, MOVING

    said = [] if ranking is None else [n.said for n in ranking.notes if isinstance(n, Worded)]
    return [tr.said(s) for s in said if s.text in (HELD, BETWEEN, MOVING)]  # the rest is said above


def site_table(ranking: Any, top: int) -> str:
    """The best sections as text, with their railway kilometres; gains are expected gains with their 5 to 95 % range."""
    from permeability.report.said import with_range

    drawn, tr = ranking.draws is not None, reader()

    def told(row: Any, name: str, best: str) -> str:
        if not drawn:
            return str(tr.number(row[best]))
        expected, low, high = (float(row[f"{name}_{part}"]) for part in ("expected", "low", "high"))
        return with_range(expected, low, high, tr)

    head = [
        tr("rank"),
        tr("section"),
        tr("km"),
        tr("conductance gain"),
        tr("reachable [km2]"),
        tr("cost [USD]"),
    ]
    rows = []
    for r in ranking.table.head(top).to_dict("records"):
        best, low, high = (tr.fixed(r[f"cost_usd{end}"]) for end in ("", "_low", "_high"))
        cost = tr("{best} ({low} to {high})", best=best, low=low, high=high)
        cells = [str(r["rank"]), r["id"], f"{r['km_from']:.0f}-{r['km_to']:.0f}", told(r, "gain", "gain_mean_conductance"),
                 told(r, "gain_reachable_km2", "gain_reachable_km2"), cost]  # fmt: skip
        if drawn:
            cells[1:1] = [f"{r['rank_low']}-{r['rank_high']}", str(r["alike"])]
        rows.append(cells)
    if drawn:
        head[1:1] = ["5-95 %", tr("alike")]
    widths = [max(len(x[i]) for x in [head, *rows]) for i in range(len(head))]
    return "\n".join("  " + "  ".join(c.rjust(w) for c, w in zip(x, widths)) for x in [head, *rows])
