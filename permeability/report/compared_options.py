"""The options of two or more runs side by side: an option of one name is measured in each run against that run's baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence

from permeability.linkage.index_table import INDEX
from permeability.locale.language import Words
from permeability.report.alternatives import title_of
from permeability.report.facts import Row
from permeability.report.labels import amount, change
from permeability.report.results import Results, number


def option_rows(runs: Sequence[Results], labels: Sequence[str], species: str, tr: Words) -> list[Row]:
    """Options that differ between runs, by option and index; an option that a run lacks is told as such.

    Parameters
    ----------
    runs : sequence of Results
        The first is what the others are compared with.
    labels : sequence of str
    species : str
    tr : Words

    Returns
    -------
    list of dict
        ``option``, ``index``, and a cell for every run: ``value``, and ``change`` against the first run.
    """
    tables = [_values(r, species) for r in runs]
    names = list(dict.fromkeys(option for t in tables for option, _ in t))
    rows = []
    for option in names:
        for index in INDEX:
            found = [t.get((option, index), math.nan) for t in tables]
            if all(v == found[0] or (v != v and found[0] != found[0]) for v in found):
                continue
            rows.append({
                "option": title_of(option, tr), "index": tr(INDEX[index].label),
                "cells": [_cell(index, v, found[0], i, tr) for i, v in enumerate(found)],
            })  # fmt: skip
    return rows


def _values(run: Results, species: str) -> dict[tuple[str, str], float]:
    """(option, index) -> value of the option in a run."""
    if run.scenarios is None:
        return {}
    mine = run.scenarios[run.scenarios["species"] == species]
    return {(str(r["scenario"]), str(r["index"])): number(r["after"]) for r in mine.to_dict("records")}


def _cell(index: str, value: float, first: float, i: int, tr: Words) -> Row:
    if math.isnan(value):
        return {"value": tr("not in this run"), "change": ""}
    moved = "" if i == 0 or math.isnan(first) or value == first else change(index, value - first, tr)
    return {"value": amount(index, value, tr), "change": moved}
