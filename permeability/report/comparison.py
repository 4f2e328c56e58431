"""Two or more runs side by side: which inputs differ, which indices moved, where, and what impact is left."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from permeability.linkage.index_table import AREA_AND_FLOW, INDEX, MAIN, change_of
from permeability.locale.language import Words
from permeability.ranking.rank_statistics import middle
from permeability.report import facts, figures
from permeability.report.alternatives import drawn_change, title_of
from permeability.report.compared_options import option_rows
from permeability.report.facts import Row
from permeability.report.labels import amount, change, gained
from permeability.report.results import Results, number
from permeability.report.sections import software, when

MAPS = ("current", "cost_distance", "reach")
QUIET = ("species", "grid.text")  # results of the run, or another form of what is listed anyway


def comparison_context(runs: Sequence[Results], tr: Words) -> Row:
    """Everything the comparison says; the first run is the one the others are measured against."""
    first = runs[0]
    labels = run_labels(runs, tr)
    inputs = [row for i, run in enumerate(runs[1:], start=1) for row in input_rows(first, run, labels[i], tr)]
    shared = [s for s in first.species_ids if all(s in r.species_ids for r in runs)]
    return {
        "title": tr("Comparison: {names}", names=", ".join(dict.fromkeys(tr.name(r.title) for r in runs))), "statement": str(first.summary.get("statement") or ""),
        "runs": [{"label": labels[i], "title": tr.name(r.title), "when": when(r, tr)} for i, r in enumerate(runs)], "labels": labels, "files": [{"label": labels[i], **software(r, tr)["project_file"]} for i, r in enumerate(runs)], "inputs": inputs,
        "only": only(runs, shared, tr), "species": [species_part(runs, labels, s, tr) for s in shared], "software": software(first, tr),
        "same_inputs": not inputs, "of_one_run": all(r.run_folder is not None and r.run_folder == first.run_folder for r in runs),
    }  # fmt: skip


def run_labels(runs: Sequence[Results], tr: Words) -> list[str]:
    """A name for each run, numbered where two would be the same."""
    names = [title_of(r.label, tr) for r in runs]
    return [n if names.count(n) == 1 else f"{n} ({i + 1})" for i, n in enumerate(names)]


def only(runs: Sequence[Results], shared: Sequence[str], tr: Words) -> list[str]:
    """Species that not all runs have."""
    extra = dict.fromkeys(s for r in runs for s in r.species_ids if s not in shared)
    return [tr("{who} is not in every run and is left out here.", who=s) for s in extra]


# ---------------------------------------------------------------- inputs
def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of nested values as (dotted name, value).

    >>> list(flat({"a": {"b": 1}, "c": [2, 3]}))
    [('a.b', 1), ('c[0]', 2), ('c[1]', 3)]
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from flat(inner, f"{name}[{i}]")
    else:
        yield name, value


def inputs_of(run: Results) -> dict[str, Any]:
    """Everything that went into a run: project file, hashes of the layers, versions, crossing chances."""
    record = {k: v for k, v in run.record.items() if k not in QUIET}
    leaves = {k: v for k, v in flat(record) if k not in QUIET}
    for species in run.species_ids:
        mine = run.record.get("species", {}).get(species, {})
        leaves |= {
            f"species.{species}.{k}": v
            for part in ("profile", "habitat")
            for k, v in flat(mine.get(part, {}), part)
        }
        leaves |= {f"{species}: {k}": v for k, v in mine.get("inputs", {}).items()}
        for row in mine.get("components", []):
            where = f"species.{species}.crossing of {row.get('id')} ({row.get('component')})"
            leaves |= {f"{where}.{k}": row.get(k) for k in ("p_low", "p", "p_high", "standing")}
    return leaves


def input_rows(a: Results, b: Results, label: str, tr: Words) -> list[Row]:
    """Inputs that differ between two runs."""
    one, two = inputs_of(a), inputs_of(b)
    told = {
        k: v
        for run in (a, b)
        for s in run.record.get("species", {}).values()
        for k, v in s.get("said", {}).items()
    }
    rows = []
    for name in [*one, *(k for k in two if k not in one)]:
        if name not in one or name not in two or not _same(one[name], two[name]):
            rows.append(
                {
                    "run": label,
                    "name": _named(name, told, tr),
                    "before": _text(one.get(name), name in one, told, tr),
                    "after": _text(two.get(name), name in two, told, tr),
                }
            )
    return rows


def _same(a: Any, b: Any) -> bool:
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


def _text(value: Any, there: bool, told: Mapping[str, Any], tr: Words) -> str:
    if not there or value is None or value == "":
        return tr("empty") if there else tr("absent")
    return tr.said(told[value]) if isinstance(value, str) and value in told else str(value)


def _named(name: str, told: Mapping[str, Any], tr: Words) -> str:
    """The name of an input: a path into the record, or a species and what differs for it."""
    species, mark, what = name.partition(": ")
    return f"{species}{mark}{tr.said(told[what])}" if what in told else name


# ---------------------------------------------------------------- one species
def species_part(runs: Sequence[Results], labels: Sequence[str], species: str, tr: Words) -> Row:
    """Indices, best sections and difference maps of one species."""
    first = runs[0]
    maps: list[Row] = []
    for label, run in zip(labels[1:], runs[1:]):
        for kind in MAPS:
            figure = figures.difference_map(first, run, species, kind, tr)
            if figure is not None:
                maps.append(
                    {**figure, "key": f"{figure['key']}-{len(maps)}", "title": f"{label}: {figure['title']}"}
                )
    rows = index_rows(runs, species, tr)
    return {
        "id": species, **facts.names(first, species, tr), "indices": rows, "ranged": any(c["range"] for r in rows for c in r["cells"]), "residual": residual_rows(runs, labels, species, tr),
        "best": best_rows(runs, labels, species, tr), "maps": maps, "options": option_rows(runs, labels, species, tr),
    }  # fmt: skip


def index_rows(runs: Sequence[Results], species: str, tr: Words) -> list[Row]:
    """One row per index: the value of every run and its change against the first."""
    found = [facts.headline(r, species) for r in runs]
    rows = []
    for name in (n for n in INDEX if all(n in f for f in found)):
        base = found[0][name][1]
        cells = []
        for i, f in enumerate(found):
            value = f[name][1]
            moved = float(change_of(base, value))
            worse = moved > 0 if INDEX[name].lower_is_better else moved < 0
            cells.append(
                {
                    "value": amount(name, value, tr),
                    "change": change(name, moved, tr) if i else "",
                    "range": _range_of(runs, i, species, name, tr) if i else "",
                    "word": _verdict(moved, worse, tr) if i else "",
                }
            )
        rows.append(
            {
                "label": tr(INDEX[name].label),
                "meaning": tr(INDEX[name].meaning),
                "cells": cells,
                "moved": any(c["word"] not in ("", tr("the same")) for c in cells),
            }
        )
    return rows


def _range_of(runs: Sequence[Results], i: int, species: str, name: str, tr: Words) -> str:
    """Range of a change over the draws that both scenarios saw; nothing for runs as a whole."""
    drawn = drawn_change(runs[0], runs[i], species, name)
    if drawn is None:
        return ""
    low, high = middle(drawn)
    if math.isnan(low) or low == high == 0:
        return ""
    return f"{tr.signed(low)} … {tr.signed(high)}"


def _verdict(moved: float, worse: bool, tr: Words) -> str:
    return tr("the same") if moved == 0 or math.isnan(moved) else tr("worse") if worse else tr("better")


def residual_rows(runs: Sequence[Results], labels: Sequence[str], species: str, tr: Words) -> list[Row]:
    """Loss against no barriers in every run, in the order given: residual and, where they add up, cumulative impact."""
    rows = []
    for label, run in zip(labels, runs):
        cells = []
        for name, (bare, today) in facts.headline(run, species).items():
            if name in AREA_AND_FLOW:
                loss = today - bare if INDEX[name].lower_is_better else bare - today
                share = loss / bare if bare and not INDEX[name].lower_is_better else math.nan
                cells.append(
                    {
                        "label": tr(INDEX[name].label),
                        "loss": amount(name, loss, tr),
                        "share": tr.percent(share) if math.isfinite(share) else "",
                    }
                )
        rows.append({"label": label, "cells": cells})
    return rows


def best_rows(runs: Sequence[Results], labels: Sequence[str], species: str, tr: Words) -> list[Row]:
    """The best section of every run."""
    rows = []
    for label, run in zip(labels, runs):
        ranked = run.ranked(species)
        if ranked is not None and len(ranked):
            top = ranked.iloc[0]
            gain = number(top.get(f"gain_{MAIN}"))
            rows.append(
                {
                    "label": label,
                    "id": str(top["id"]),
                    "gain": gained(MAIN, gain, tr),
                    "cost": tr.number(number(top.get("cost_usd"))),
                }
            )
    return rows
