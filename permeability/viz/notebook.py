"""How results show themselves in a notebook: a small map, a table, and where the numbers come from, folded away.

Every text from layers and projects is escaped; no script, no style sheet from elsewhere, no request.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from permeability.locale.language import Words, words
from permeability.viz import plots
from permeability.viz.maps import Map, plot_connectivity, plot_landscape, plot_ranking, species_name

if TYPE_CHECKING:
    from permeability.engines.circuit import PairwiseResult
    from permeability.engines.omnidirectional import OmnidirectionalResult
    from permeability.engines.omnidirectional.wall_to_wall import WallToWall
    from permeability.impact.comparison import Comparison
    from permeability.impact.line_by_line import Impact
    from permeability.landscape.landscape import Landscape
    from permeability.landscape.patches import Patches
    from permeability.linkage.barrier_score import BarrierScore
    from permeability.linkage.corridors import Corridors
    from permeability.linkage.patch_network import PatchNetwork
    from permeability.linkage.patch_pairs import Connectivity
    from permeability.linkage.paths import Paths
    from permeability.planning.budget_choice import Plan
    from permeability.ranking.ranking import Ranking

CELL = "padding:2px 8px;text-align:{};border-bottom:1px solid #8884;white-space:normal;overflow-wrap:break-word;max-width:22em"
ROWS = 12
MOST_SPECIES = 3  # of a run, each with its map


def landscape_html(land: Landscape) -> str:
    """Map, main figures and barriers of a landscape."""
    tr = words()
    edges = land.edge_barriers()
    facts = {
        "grid": repr(land.grid),
        "cells": f"{tr.number(land.valid.sum())}, {tr.number(land.valid.sum() * land.grid.cell_area_km2)} km²",
        "barriers standing": f"{int(land.standing.sum())} of {len(land.barriers)}",
        "edges cut": tr.number(len(edges.cell)),
        "connected parts": str(int(land.parts.max())),
        "scenario": land.scenario.name,
    }
    shown = [
        c
        for c in ("id", "line", "kind", "status", "fence_class", "vehicles_per_day")
        if c in land.barriers.table
    ]
    table = pd.DataFrame(land.barriers.table[shown]).assign(standing=land.standing)
    return page(
        f"Landscape: {species_name(land, tr)}",
        plot_landscape(land),
        facts_html(facts),
        table,
        provenance(land),
    )


def connectivity_html(conn: Connectivity) -> str:
    """Map of the current, pairs of patches, solver and residual."""
    tr = words()
    apart = int((~conn.pairs["connected"]).sum())
    facts = {
        "pairs": f"{len(conn.pairs)}, {apart} without any path",
        "solver": f"{conn.report.solver}, residual {conn.report.residual:.1e}",
        "scenario": conn.land.scenario.name,
    }
    table = conn.pairs.drop(columns="words", errors="ignore").rename(
        columns={"cost_km": "cost [km]", "straight_km": "straight [km]"}
    )
    return page(
        f"Connectivity: {species_name(conn.land, tr)}",
        plot_connectivity(conn),
        facts_html(facts),
        table,
        provenance(conn.land),
    )


def impact_html(impact: Impact) -> str:
    """Sentences of the impact and the table of lines."""
    tr = words()
    sentences = (
        "<ul style='margin:4px 0'>" + "".join(f"<li>{escape(s)}</li>" for s in impact.sentences) + "</ul>"
    )
    return page(
        f"Impact on {species_name(impact.land, tr)}",
        plots.plot_impact(impact),
        sentences,
        impact.lines,
        provenance(impact.land),
    )


def comparison_html(comparison: Comparison) -> str:
    """Indices before and after."""
    before, after = comparison.before.scenario.name, comparison.after.scenario.name
    facts = facts_html({"before": before, "after": str(comparison.after.scenario)})
    title = f"{species_name(comparison.before, words())}: {before} → {after}"
    return page(
        title, plots.plot_comparison(comparison), facts, comparison.table, provenance(comparison.after)
    )


def ranking_html(ranking: Ranking) -> str:
    """Map and the best sections."""
    tr = words()
    wanted = ("rank", "rank_low", "rank_median", "rank_high", "share_in_top", "id", "length_km", "treatment", f"gain_{ranking.sort_by}",
              "gain_reachable_km2", "gain_range_cut_off_km2", "cost_usd_low", "cost_usd", "cost_usd_high")  # fmt: skip
    columns = list(dict.fromkeys(c for c in wanted if c in ranking.table.columns))
    notes = "".join(f"<p>{escape(n)}</p>" for n in ranking.notes)
    table = pd.DataFrame(ranking.table[columns])
    return page(
        f"Ranking: {species_name(ranking.land, tr)}",
        plot_ranking(ranking),
        notes,
        table,
        provenance(ranking.land),
    )


def patches_html(patches: Patches) -> str:
    """Map and table of the patches."""
    columns = [c for c in ("id", "name", "area_km2", "weight") if c in patches.table]
    facts = facts_html({"grid": repr(patches.grid), "patches": len(patches)})
    return page("Patches", plots.plot_patches(patches), facts, pd.DataFrame(patches.table[columns]), "")


def plan_html(plan: Plan) -> str:
    """The chosen sections, what they cost and gain, and how far from the bound."""
    tr = words()
    facts = facts_html({
        "cost": f"{tr.number(plan.cost_usd)} USD", f"gain ({plan.view.replace('_', '-')} view)": tr.number(plan.gain),
        "at most below the bound": tr.percent(plan.gap, 1), "nearly as good plans": len(plan.near_best),
    })  # fmt: skip
    columns = [c for c in ("rank", "id", "length_km", "treatment", "cost_usd") if c in plan.table]
    land = plan.ranking.land
    after = table_html(plan.indices)
    chosen = pd.DataFrame(plan.table[columns])
    return page(
        f"Plan: {species_name(land, tr)}", plots.plot_plan(plan), facts, chosen, after + provenance(land)
    )


def run_html(run: Any) -> str:
    """What a run found for each species: sentences, map and the best sections."""
    about = run.project.spec.project
    facts = {"folder": str(run.folder) if run.folder else "not written", "species": ", ".join(run.species)}
    parts = [
        _title(about.name),
        f"<p>{escape(about.statement)}</p>" if about.statement else "",
        facts_html(facts),
    ]
    for found in list(run.species.values())[:MOST_SPECIES]:
        said = "".join(f"<li>{escape(s)}</li>" for s in found.impact.sentences)
        face = found.ranking if found.ranking is not None else found.connectivity
        parts.append(
            f"<details><summary>{escape(found.land.profile.name())}</summary><ul>{said}</ul>{face._repr_html_()}</details>"
        )
    more = len(run.species) - MOST_SPECIES
    if more > 0:
        parts.append(f"<p>{more} more species: run.species[name]</p>")
    return f'<div style="font-family:sans-serif;font-size:13px;max-width:60em">{"".join(parts)}</div>'


def paths_html(paths: Paths) -> str:
    """Map of the paths and what they cross."""
    drop = paths.table.drop(columns="geometry")
    after = table_html(paths.crossings.drop(columns="geometry")) if len(paths.crossings) else ""
    return page("Least-cost paths", plots.plot_paths(paths), "", pd.DataFrame(drop), after)


def network_html(network: PatchNetwork) -> str:
    """Map and links of a patch network."""
    facts = facts_html({"patches": network.graph.number_of_nodes(), "links": network.graph.number_of_edges()})
    links = network.links
    shown = links[[c for c in ("from", "to", "cost_m", "length_m", "lines") if c in links]]
    return page("Patch network", plots.plot_network(network), facts, shown, "")


def corridors_html(corridors: Corridors) -> str:
    """Map of the corridors and the pairs."""
    return page("Least-cost corridors", plots.plot_corridors(corridors), "", corridors.table, "")


def score_html(score: BarrierScore) -> str:
    """Map of the barrier score and the pairs."""
    facts = facts_html({"radii [m]": ", ".join(f"{r:g}" for r in score.by_radius)})
    return page("Barrier score", plots.plot_score(score), facts, score.table, "")


def omnidirectional_html(result: OmnidirectionalResult) -> str:
    """Map of a moving-window run and how it was made."""
    facts = {
        "windows": result.windows,
        "radius [cells]": result.options.radius,
        "lost strength": words().number(result.lost),
    }
    made = {n: getattr(result, n) is not None for n in ("current", "flow_potential", "normalised")}
    table = pd.DataFrame({"map": list(made), "made": list(made.values())})
    return page("Omnidirectional current", plots.plot_omnidirectional(result), facts_html(facts), table, "")


def wall_to_wall_html(result: WallToWall) -> str:
    """Map of the current from side to side and the resistances."""
    table = pd.DataFrame({"from": list(result.resistance), "resistance": list(result.resistance.values())})
    facts = facts_html({"along the way": result.boundary_text, "buffer [cells]": result.buffer})
    return page("Current from side to side", plots.plot_wall_to_wall(result), facts, table, "")


def pairwise_html(result: PairwiseResult) -> str:
    """Map (where there is one) and resistances of focal nodes."""
    report = result.report
    facts = facts_html(
        {"solver": f"{report.solver}, residual {report.residual:.1e}", "focal nodes": len(result.ids)}
    )
    if result.cumulative is None and result.maximum is None and result.current is None:
        return f'<div style="font-family:sans-serif;font-size:13px">{_title("Focal nodes")}{facts}{table_html(result.table)}</div>'
    return page("Focal nodes", plots.plot_pairwise(result), facts, result.table, "")


# ---------------------------------------------------------------- pieces
def page(title: str, picture: Map, lead: str, table: pd.DataFrame, foot: str) -> str:
    """One result: title, map, lead (HTML), table, folded provenance (HTML)."""
    image = b64encode(picture.png(dpi=80)).decode("ascii")
    return (
        '<div style="font-family:sans-serif;font-size:13px;max-width:60em">'
        f"{_title(title)}"
        f'<img alt="{escape(picture.alt)}" src="data:image/png;base64,{image}" style="max-width:100%;height:auto;background:#fff">'
        f"{lead}{table_html(table)}{foot}</div>"
    )


def _title(text: str) -> str:
    return f'<p style="font-weight:bold;margin:4px 0;overflow-wrap:anywhere">{escape(text)}</p>'


def facts_html(facts: Mapping[str, object]) -> str:
    """A list of label and value."""
    rows = "".join(
        f'<tr><th scope="row" style="{CELL.format("left")}">{escape(str(k))}</th><td style="{CELL.format("left")}">{escape(str(v))}</td></tr>'
        for k, v in facts.items()
    )
    return (
        f'<table style="border-collapse:collapse;font-size:13px;margin:4px 0"><tbody>{rows}</tbody></table>'
    )


def table_html(table: pd.DataFrame, most: int = ROWS) -> str:
    """The first rows of a table; numbers to the right, infinity in words.

    >>> "no path" in table_html(pd.DataFrame({"cost_km": [float("inf")]}))
    True
    """
    tr = words()
    numeric = [pd.api.types.is_numeric_dtype(t) and not pd.api.types.is_bool_dtype(t) for t in table.dtypes]
    head = "".join(
        f'<th scope="col" style="{CELL.format("right" if n else "left")}">{escape(str(c))}</th>'
        for c, n in zip(table.columns, numeric)
    )
    body = "".join(
        f"<tr>{_cells(row, numeric, list(table.columns), tr)}</tr>"
        for row in table.head(most).itertuples(index=False)
    )
    more = f"<p>{len(table) - most} more rows</p>" if len(table) > most else ""
    return f'<div style="overflow-x:auto"><table style="border-collapse:collapse;font-size:13px;margin:4px 0"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}'


def _cells(row: Iterable[Any], numeric: Sequence[bool], columns: Sequence[Any], tr: Words) -> str:
    return "".join(
        f'<td style="{CELL.format("right" if n else "left")}">{escape(cell_text(v, str(c), tr) if n else _word(v))}</td>'
        for v, n, c in zip(row, numeric, columns)
    )


def cell_text(value: float, column: str, tr: Words) -> str:
    """A number for a reader; infinity says what it means in its column.

    >>> cell_text(float("inf"), "gain_mean_resistance", words()), cell_text(float("inf"), "resistance", words())
    ('becomes finite', 'infinite (no path)')
    """
    if value in (float("inf"), float("-inf")):
        if column.startswith(("gain_", "change")):
            return (
                tr("becomes finite") if (value > 0) == column.startswith("gain_") else tr("becomes infinite")
            )
        return tr("infinite (no path)") if "resistance" in column else tr("no path")
    return "" if value != value else tr.number(value)


def _word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return "" if value is None or value != value else str(value)


def provenance(land: Landscape) -> str:
    """Where the numbers come from, folded away: profile figures with grade and source."""
    rows = [
        {
            "number": k,
            "low": e.low,
            "best": e.best,
            "high": e.high,
            "evidence": e.evidence,
            "source": e.source,
        }
        for k, e in land.profile.estimates().items()
    ]
    return f"<details><summary>Where the numbers come from</summary>{table_html(pd.DataFrame(rows), most=60)}</details>"
