"""What may be said of a project's options in one breath: what each mitigated option takes, and which option gives back the most."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from permeability.core.units import unit_of
from permeability.linkage.index_table import AREA_AND_FLOW, INDEX, INDICES, gain_of
from permeability.planning.alternatives import Alternatives

__all__ = ["option_statements"]


def option_statements(found: Alternatives) -> list[dict[str, Any]]:
    """Statements about options with the share of draws in which they hold.

    Parameters
    ----------
    found : Alternatives

    Returns
    -------
    list of dict
        ``takes``: one option against the baseline, with every index of area or flow that moves (``change``, its range
        ``low`` / ``high``, ``share_worse`` of the draws in which it is worse than the baseline).  ``gives_back``: the
        option that gives back the largest share of that at best values, with the range of the share and ``share_most``,
        the share of draws in which no other option gives back more.  Offsets are left out: they give back elsewhere.

    Examples
    --------
    >>> import permeability as pm
    >>> from permeability.planning.alternatives import Option, evaluate_options
    >>> land, patches = pm.samples.tiny()
    >>> bare, cut = land.with_scenario(pm.Scenario("bare").drop("F").drop("S")), land
    >>> gap = land.with_scenario(pm.Scenario("gap").treat("F", km=4, treatment="gap", width_m=500))
    >>> options = [Option("bare", bare, patches, land.valid), Option("fence", cut, patches, land.valid, based_on="bare"),
    ...            Option("gap", gap, patches, land.valid, based_on="fence")]
    >>> [s["statement"] for s in option_statements(evaluate_options(options, "bare"))]
    ['takes', 'gives_back', 'gives_back', 'gives_back', 'gives_back']
    """
    residual, table = found.residual, found.table
    if not len(residual):
        return []
    moved = [n for n in AREA_AND_FLOW if (table["change"][table["index"] == n] != 0).any()]
    said: list[dict[str, Any]] = []
    for name, group in residual.groupby("reference", sort=False):
        said.append(_takes(found, str(name), moved))
        rivals = [o for o in dict.fromkeys(group["scenario"]) if found.results[o].option.measure != "offset"]
        said += [s for n in moved if (s := _gives_back(found, str(name), n, rivals, group)) is not None]
    return said


def _takes(found: Alternatives, name: str, moved: list[str]) -> dict[str, Any]:
    rows = found.table[found.table["scenario"] == name].set_index("index")
    base, there = found.results[found.baseline], found.results[name]
    indices = {}
    for n in moved:
        row = rows.loc[n]
        told: dict[str, Any] = {k: _told(n, row[k]) for k in ("before", "change")}
        if len(there.drawn):
            k = INDICES.index(n)
            worse = gain_of(n, base.drawn[:, k], there.drawn[:, k]) < 0
            told |= {"low": _told(n, row["change_low"]), "high": _told(n, row["change_high"])}
            told["share_worse"] = float(worse.mean())
        indices[n] = told
    return {"statement": "takes", "option": name, "baseline": found.baseline, "indices": indices}


def _gives_back(
    found: Alternatives, name: str, index: str, rivals: list[str], residual: pd.DataFrame
) -> dict[str, Any] | None:
    rows = residual[(residual["index"] == index) & residual["scenario"].isin(rivals)]
    if not rows["share_back"].notna().any():
        return None
    best = rows.loc[rows["share_back"].idxmax()]
    told: dict[str, Any] = {
        "statement": "gives_back",
        "index": index,
        "option": str(best["scenario"]),
        "of": name,
    }
    told["share"] = {"value": float(best["share_back"]), "unit": "1"}
    if "share_back_low" in rows.columns:
        k = INDICES.index(index)
        sign = -1.0 if INDEX[index].lower_is_better else 1.0
        after = np.array([sign * found.results[o].drawn[:, k] for o in rivals])
        mine = after[rivals.index(told["option"])]
        told |= {e: {"value": float(best[f"share_back_{e}"]), "unit": "1"} for e in ("low", "high")}
        told["share_most"] = float((mine >= after.max(axis=0)).mean())
        told["rivals"] = len(rivals)
    return told


def _told(index: str, value: Any) -> dict[str, Any]:
    return {"value": float(value), "unit": unit_of(index)}
