"""What may be said of a ranking in one breath: statements with their numbers, the same for every reader.

The report, the command line and ``summary.json`` all say these and nothing else about what to open first.  Each
statement carries the share of the draws in which it holds, or the range that nine draws in ten lie in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from permeability.core.units import unit_of
from permeability.ranking.ranked_order import ordered_by
from permeability.ranking.ranking import SETTLED_CELLS, Ranking, short_candidates

__all__ = ["places", "statements", "today_in_draws"]

APART = ("range_cut_off_km2", "pairs_apart")  # indices of which it is said in how many draws they hold


def statements(ranking: Ranking, top: int = 10) -> list[dict[str, Any]]:
    """What the draws support, in the order in which it is said.

    Parameters
    ----------
    ranking : Ranking
    top : int
        Size of the top that ``share_in_top`` is about.

    Returns
    -------
    list of dict
        ``statement`` names what is said: ``apart`` (range or pairs that have no path today), ``no_gain``, ``first``,
        ``alike`` (what cannot be told apart from the first), ``joins``, ``reach``, ``short``.  Numbers are
        ``{"value", "unit"}``; shares are of draws.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> found = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=20)
    >>> [s["statement"] for s in statements(found)]
    ['apart', 'apart', 'first', 'alike', 'joins', 'reach', 'short']
    """
    table, drawn = ranking.table, ranking.draws is not None
    said = [{"statement": "apart", **a} for a in _apart(ranking)]
    if not table["has_gain"].any():
        return [*said, {"statement": "no_gain", "candidates": len(table)}, *_short(ranking)]
    first: Mapping[str, Any] = table[table["has_gain"]].iloc[0].to_dict()
    said.append(
        {
            "statement": "first",
            "site": first["id"],
            "treatment": first["treatment"],
            **_costs(first),
            **_first(first, table, top),
        }
    )
    if drawn:
        group = table[(table["alike"] == first["alike"]) & table["has_gain"]]
        if len(group) > 1:
            said.append({"statement": "alike", "sites": group["id"].tolist(), "places": places(group)})
    said += _joins(first, drawn)
    said += _reach(first, drawn)
    return [*said, *_short(ranking)]


def _costs(first: Mapping[str, Any]) -> dict[str, Any]:
    return {c: _told(c, first[c]) for c in ("cost_usd_low", "cost_usd", "cost_usd_high")}


def _first(first: Mapping[str, Any], table: pd.DataFrame, top: int) -> dict[str, Any]:
    """Gain of the first, with its range and how often it is among the best."""
    out = {"gain": _told("gain", first[ordered_by(table)])}
    if "gain_low" not in table.columns:
        return out
    out |= {"low": _told("gain", first["gain_low"]), "high": _told("gain", first["gain_high"])}
    return out | {
        "top": min(top, len(table)),
        "share_in_top": first["share_in_top"],
        "share_gains": first["share_gains"],
    }


def _joins(first: Mapping[str, Any], drawn: bool) -> list[dict[str, Any]]:
    """That it removes a complete barrier, and the chance that animals use the opening."""
    use = {"use_low": first["use_low"], "use": first["use"], "use_high": first["use_high"]}
    if drawn:
        share = float(first["share_joins"])
        return [{"statement": "joins", "site": first["id"], "share": share, **use}] if share > 0 else []
    joins = first["gain_range_cut_off_km2"] > 0 or first["gain_pairs_apart"] > 0
    return [{"statement": "joins", "site": first["id"], **use}] if joins else []


def _reach(first: Mapping[str, Any], drawn: bool) -> list[dict[str, Any]]:
    """How much more comes within reach."""
    name = "gain_reachable_km2"
    gain = first[f"{name}_expected"] if drawn else first[name]
    if not gain > 0:
        return []
    ends = {e: _told(name, first[f"{name}_{e}"]) for e in ("low", "high")} if drawn else {}
    return [{"statement": "reach", "site": first["id"], "gain": _told(name, gain), **ends}]


def _short(ranking: Ranking) -> list[dict[str, Any]]:
    cell = ranking.land.grid.cell_size
    if not short_candidates(ranking.table, cell):
        return []
    return [
        {
            "statement": "short",
            "cells": SETTLED_CELLS,
            "length_km": _told("length_km", SETTLED_CELLS * cell / 1000),
        }
    ]


def _apart(ranking: Ranking) -> list[dict[str, Any]]:
    """Range cut off and pairs apart at best values, and in how many draws there is at least half of that."""
    drawn = today_in_draws(ranking)
    return [
        {"index": index, "value": _told(index, ranking.today[index]), **drawn.get(index, {})}
        for index in APART
        if ranking.today[index] > 0
    ]


def today_in_draws(ranking: Ranking) -> dict[str, dict[str, Any]]:
    """Indices before any opening over the draws: ``expected``, ``low``, ``high`` and ``share_at_least_half``.

    The share is that of draws with at least half of the value at best numbers; empty without draws.

    Parameters
    ----------
    ranking : Ranking

    Returns
    -------
    dict
        Index -> numbers.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> found = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=20)
    >>> today_in_draws(found)["pairs_apart"]["share_at_least_half"] > 0
    True
    """
    if ranking.draws is None:
        return {}
    return {
        index: {k: v if k.startswith("share") else _told(index, v) for k, v in row.items()}
        for index, row in ranking.draws.today_table(ranking.today).items()
    }


def places(table: pd.DataFrame) -> list[list[Any]]:
    """Candidates as stretches of line, neighbours joined: line, first and last kilometre.

    Parameters
    ----------
    table : DataFrame
        ``line``, ``km_from``, ``km_to``.

    Returns
    -------
    list of [line, km, km]

    Examples
    --------
    >>> places(pd.DataFrame({"line": ["T", "T", "T"], "km_from": [20.0, 0.0, 10.0], "km_to": [30.0, 5.0, 20.0]}))
    [['T', 0.0, 5.0], ['T', 10.0, 30.0]]
    """
    out: list[list[Any]] = []
    rows = zip(table["line"].astype(str), table["km_from"].astype(float), table["km_to"].astype(float))
    for line, a, b in sorted(rows):
        if out and out[-1][0] == line and a <= out[-1][2] + 1e-6:
            out[-1][2] = max(out[-1][2], b)
        else:
            out.append([line, a, b])
    return out


def _told(name: str, value: Any) -> dict[str, Any]:
    return {"value": float(value), "unit": unit_of(name.removesuffix("_low").removesuffix("_high"))}
