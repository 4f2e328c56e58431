"""Indicators of a run with their intervals, methods and change since a base year, every value traceable to a file and a place in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from permeability.core.display import Face
from permeability.core.errors import OptionError
from permeability.core.texts import N_
from permeability.linkage.index_table import INDEX
from permeability.locale.language import words
from permeability.monitoring.indicator_list import LIST, NOT_KNOWN, Indicator
from permeability.report.results import TODAY, Results, number, read_results

__all__ = ["Indicators", "indicators"]

HALF = 0.5  # crossing chance from which a stretch counts as passable
BUSY = 1000.0  # vehicles a day, programme of work 2.2.1 e
DRAWN, ENDS = N_("5-95 % of the draws"), N_("low-high of the profile")
POISSON, SIMULATED = N_("5-95 %, Poisson"), N_("5-95 %, Poisson; SIMULATED tracks, of no animal")
TEXTS = ("label", "interval", "method", "not_said", "guidance")
COLUMNS = (
    "species", "indicator", "label", "value", "low", "high", "unit", "interval", "base_value", "change", "clear", "activity", "method",
    "not_said", "guidance", "source",
)  # fmt: skip
NOWHERE = (math.nan, math.nan, math.nan, "", "")
Found = tuple[float, float, float, str, str]  # value, low, high, kind of interval, source


@dataclass(frozen=True, eq=False)
class Indicators(Face):
    """Indicators of a run.

    Attributes
    ----------
    table : DataFrame
        One row per species and indicator: ``species``, ``indicator``, ``label``, ``value``, ``low``, ``high``, ``unit``, ``interval`` (what the range
        is), ``base_value``, ``change``, ``clear`` (whether the two ranges do not touch; empty without both), ``activity``, ``method``,
        ``not_said``, ``guidance``, ``source`` (file, and place in it).  NaN where the run knows nothing.
    title : str
    year, base_year : int or None

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/results", report=False)
    ...     found = indicators(run.folder).table.set_index("indicator")
    >>> float(found.loc["range_cut_off_km2", "value"]), found.loc["range_cut_off_km2", "source"]
    (48.0, 'summary.json: species/khulan/today/range_cut_off_km2')
    """

    _face: ClassVar[str] = "indicators"

    table: pd.DataFrame
    title: str
    year: Any = None
    base_year: Any = None
    notes: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        shown = self.table[["species", "indicator", "value", "low", "high", "unit", "change"]]
        return f"Indicators of {self.title!r}\n" + shown.to_string(
            index=False, float_format=lambda v: f"{v:.4g}"
        )

    def translated(self, language: str) -> pd.DataFrame:
        """The table with its texts in a language.

        Parameters
        ----------
        language : {"en", "mn", "ru"}

        Returns
        -------
        DataFrame
        """
        tr = words(language)
        table = self.table.copy()
        for column in TEXTS:
            table[column] = [tr(text) for text in table[column]]
        return table


def indicators(
    results: Results | str | Path | Any, base: Results | str | Path | Any | None = None
) -> Indicators:
    """Every indicator of the list that a run knows.

    Parameters
    ----------
    results : path, Results or Run
        Result folder.
    base : path, Results or Run, optional
        Result folder of a base year: adds the change since then.

    Returns
    -------
    Indicators

    Raises
    ------
    OptionError
        U30 when the two runs have no species in common.

    Notes
    -----
    Ranges of indices are 5 and 95 % over the draws of the unknown numbers, those of crossing chances the low and high ends of the profile; none holds
    the yearly swing of animals and weather.  A change is called clear when the two ranges do not touch, which is stricter than a test.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/results", report=False)
    ...     same = indicators(run.folder, base=run.folder).table
    >>> bool((same["change"].dropna() == 0).all())
    True
    """
    now, before = _read(results), None if base is None else _read(base)
    if before is not None and not set(now.species_ids) & set(before.species_ids):
        raise OptionError(
            "U30", "the run and its base have no species in common.", details={"run": ", ".join(now.species_ids), "base": ", ".join(before.species_ids)},
            remedy="name a result folder with one of these species",
        )  # fmt: skip
    notes = []
    if before is not None and before.record.get("grid") != now.record.get("grid"):
        notes.append("The base was run on another grid: part of the change may be the cells'.")
    rows = []
    for species in now.species_ids:
        then = before if before is not None and species in before.species_ids else None
        for indicator in LIST:
            rows.append(_row(indicator, now, then, species))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return Indicators(
        table,
        now.title,
        now.summary.get("year"),
        None if before is None else before.summary.get("year"),
        tuple(notes),
    )


def activities_not_known() -> list[str]:
    """Activities 2.2.1 a-k about which a run knows nothing.

    >>> activities_not_known()
    ['2.2.1 c', '2.2.1 g', '2.2.1 h', '2.2.1 j']
    """
    return sorted(NOT_KNOWN)


def _read(results: Any) -> Results:
    if isinstance(results, Results):
        return results
    return read_results(getattr(results, "folder", None) or results)


def _row(indicator: Indicator, now: Results, then: Results | None, species: str) -> dict[str, Any]:
    value, low, high, kind, source = _found(indicator.code, now, species)
    old = NOWHERE if then is None else _found(indicator.code, then, species)
    change = 0.0 if value == old[0] else value - old[0]
    ranges = np.array([low, high, old[1], old[2]])
    clear: Any = (
        bool(low > old[2] or high < old[1]) if np.isfinite(ranges).all() and math.isfinite(change) else None
    )
    return {
        "species": species, "indicator": indicator.code, "label": indicator.label, "value": value, "low": low, "high": high,
        "unit": indicator.unit, "interval": kind, "base_value": old[0], "change": change, "clear": clear, "activity": indicator.activity,
        "method": indicator.method, "not_said": indicator.not_said, "guidance": indicator.guidance, "source": source,
    }  # fmt: skip


def _found(code: str, run: Results, species: str) -> Found:
    if code in INDEX:
        return _index(code, run, species)
    return OTHERS[code](run, species)


def _index(code: str, run: Results, species: str) -> Found:
    value = number(run.case(species, TODAY).get(code))
    mine = (run.summary.get("species") or {}).get(species) or {}
    drawn = (mine.get("today_in_draws") or {}).get(code)
    source = f"summary.json: species/{species}/today/{code}"
    if not drawn:
        return value, math.nan, math.nan, "", source
    return (
        value,
        number(drawn["low"]),
        number(drawn["high"]),
        DRAWN,
        f"{source}; today_in_draws/{code}",
    )


# ---------------------------------------------------------------- lines
def _rows(run: Results) -> pd.DataFrame:
    """Barrier rows with their kilometres; empty without the table."""
    table = run.barriers
    if table is None:
        return pd.DataFrame(
            columns=[
                "id",
                "kind",
                "line",
                "standing",
                "km",
                "fenced",
                "vehicles_per_day",
                "source",
                "accuracy_m",
                "status",
            ]
        )
    frame = pd.DataFrame(table.drop(columns="geometry"))
    frame["km"] = pd.to_numeric(frame["km_to"]) - pd.to_numeric(frame["km_from"])
    return frame


def _chances(run: Results, species: str) -> dict[str, tuple[float, float, float]]:
    """Crossing chance of every row, low, best, high: its components one after the other."""
    told = ((run.record.get("species") or {}).get(species) or {}).get("components") or []
    found: dict[str, list[float]] = {}
    for part in told:
        whole = found.setdefault(str(part["id"]), [1.0, 1.0, 1.0])
        for k, name in enumerate(("p_low", "p", "p_high")):
            whole[k] *= number(part[name])
    return {name: (low, best, high) for name, (low, best, high) in found.items()}


def _standing(run: Results, species: str) -> tuple[np.ndarray, np.ndarray]:
    """Kilometres and chances (low, best, high) of the rows that stand."""
    rows, chance = _rows(run), _chances(run, species)
    mine = rows[rows["standing"].astype(bool) & rows["id"].astype(str).isin(list(chance))]
    values = np.array([chance[str(i)] for i in mine["id"]], float).reshape(-1, 3)
    return mine["km"].to_numpy(float), values


def _chance_per_km(run: Results, species: str) -> Found:
    km, chance = _standing(run, species)
    if not km.sum() > 0:
        return NOWHERE
    low, best, high = (km @ chance / km.sum()).tolist()
    return (
        best,
        low,
        high,
        ENDS,
        f"record.json: species/{species}/components; sites.gpkg: barriers",
    )


def _share_passable(run: Results, species: str) -> Found:
    km, chance = _standing(run, species)
    if not km.sum() > 0:
        return NOWHERE
    low, best, high = (km @ (chance >= HALF) / km.sum()).tolist()
    return (
        best,
        low,
        high,
        ENDS,
        f"record.json: species/{species}/components; sites.gpkg: barriers",
    )


def _barrier_km(run: Results, species: str) -> Found:
    rows = _rows(run)
    if not len(rows):
        return NOWHERE
    return (
        float(rows["km"][rows["standing"].astype(bool)].sum()),
        math.nan,
        math.nan,
        "",
        "sites.gpkg: barriers/km_from, km_to, standing",
    )


def _planned_km(run: Results, species: str) -> Found:
    if run.plan is None:
        return NOWHERE
    mine = run.plan[run.plan["plan"] == species]
    return float(mine["length_km"].sum()), math.nan, math.nan, "", f"plan.csv: plan = {species}/length_km"


def _fence_rows(run: Results) -> pd.DataFrame:
    rows = _rows(run)
    fenced = (
        rows["fenced"].astype(str).isin(["yes", "mostly"])
        if "fenced" in rows
        else pd.Series(False, index=rows.index)
    )
    return rows[(rows["kind"] == "fence") | ((rows["kind"] == "railway") & fenced)]


def _fences_mapped(run: Results, species: str) -> Found:
    rows = _fence_rows(run)
    if run.barriers is None:
        return NOWHERE
    return (
        float(rows["km"].sum()),
        math.nan,
        math.nan,
        "",
        "sites.gpkg: barriers/kind, fenced, km_from, km_to",
    )


def _fences_sourced(run: Results, species: str) -> Found:
    rows = _rows(run)
    rows = rows[rows["kind"].isin(["fence", "railway"])]
    if not len(rows):
        return NOWHERE
    told = (
        rows["source"].fillna("").astype(str).str.strip() != ""
        if "source" in rows
        else pd.Series(False, index=rows.index)
    )
    known = pd.to_numeric(rows["accuracy_m"], errors="coerce").notna() if "accuracy_m" in rows else False
    return float((told & known).mean()), math.nan, math.nan, "", "sites.gpkg: barriers/source, accuracy_m"


def _busy_road_km(run: Results, species: str) -> Found:
    rows = _rows(run)
    roads = rows[rows["kind"] == "road"]
    if not len(roads):
        return NOWHERE
    busy = pd.to_numeric(roads["vehicles_per_day"], errors="coerce") > BUSY
    return (
        float(roads["km"][busy].sum()),
        math.nan,
        math.nan,
        "",
        "sites.gpkg: barriers/vehicles_per_day, km_from, km_to",
    )


def _profile(key: str) -> Callable[[Results, str], Found]:
    def found(run: Results, species: str) -> Found:
        told: Mapping[str, Any] = ((run.record.get("species") or {}).get(species) or {}).get("profile") or {}
        e = told.get(key)
        if not isinstance(e, Mapping):
            return NOWHERE
        values = [number(e[k]) for k in ("best", "low", "high")]
        return (
            values[0],
            values[1],
            values[2],
            ENDS,
            f"record.json: species/{species}/profile/{key}",
        )

    return found


def _structures(run: Results, species: str) -> Found:
    if run.scenarios is None:
        return NOWHERE
    if run.measures is None:
        return 0.0, math.nan, math.nan, "", "sites.gpkg: measures (none)"
    mine = run.of_species(run.measures, species)
    many = len(run.measures) if mine is None else len(mine)
    return float(many), math.nan, math.nan, "", "sites.gpkg: measures"


def _crossings_per_km(run: Results, species: str) -> Found:
    for n, told in enumerate(run.tracks):
        rows = [r for r in told.get("costs", []) if r.get("group") != "all"]
        km = sum(number(r["km_worked"]) for r in rows)
        if told.get("species") != species or not km > 0:
            continue
        from scipy import stats

        crossings = sum(number(r["crossings"]) for r in rows)
        low = stats.chi2.ppf(0.05, 2 * crossings) / 2 / km if crossings else 0.0
        high = stats.chi2.ppf(0.95, 2 * crossings + 2) / 2 / km
        kind = SIMULATED if told.get("about", {}).get("simulated") else POISSON
        return (
            crossings / km,
            float(low),
            float(high),
            kind,
            f"tracks.json: tracks/{n}/costs/crossings, km_worked",
        )
    return NOWHERE


def _planned_lines_loss(run: Results, species: str) -> Found:
    if run.cumulative is None:
        return NOWHERE
    mine = run.cumulative[run.cumulative["species"] == species]
    added = [c for c in mine.columns if c == "added_mean_conductance"]
    planned = _planned_lines(run)
    if not added or not planned or not len(mine):
        return NOWHERE
    named = [{part.strip() for part in str(line).split(",")} for line in mine["line"]]
    rows = mine[[bool(planned & names) for names in named]]
    if not len(rows) or any(planned & names and names - planned for names in named):
        return NOWHERE  # lines without a year are one row, which says nothing of the planned ones among them
    return (
        float(rows["added_mean_conductance"].sum()),
        math.nan,
        math.nan,
        "",
        "cumulative.csv: added_mean_conductance of lines with status planned",
    )


def _planned_lines(run: Results) -> set[str]:
    rows = _rows(run)
    if "status" not in rows:
        return set()
    return {str(v) for v in rows["line"][rows["status"].astype(str) == "planned"]}


OTHERS: dict[str, Callable[[Results, str], Found]] = {
    "chance_per_km": _chance_per_km, "share_passable": _share_passable, "barrier_km": _barrier_km, "planned_km": _planned_km,
    "crossings_per_km": _crossings_per_km, "fences_mapped_km": _fences_mapped, "fences_sourced": _fences_sourced,
    "border_chance": _profile("crossing.border"), "busy_road_km": _busy_road_km, "structures": _structures,
    "track_chance": _profile("crossing.rail_unfenced"), "planned_lines_loss": _planned_lines_loss,
}  # fmt: skip
