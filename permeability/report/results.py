"""A result folder as the report and the exports see it: only what its files say."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from permeability.core.errors import ProjectError, nearest
from permeability.layers import vectors, whole_files

if TYPE_CHECKING:
    import geopandas as gpd

    from permeability.layers.exchange_grids import RasterFile
    from permeability.ranking.held_draws import HeldRanking

GROUND = ("habitat",)  # maps of a run that are those of its scenarios too
RASTERS = ("habitat", "resistance", "current", "cost_distance")
KEPT_BYTES = 16e6  # a larger map is read anew by every figure
BARE, TODAY = "no barriers", "all barriers"


@dataclass(frozen=True, eq=False)
class Results:
    """The files of one run.

    Attributes
    ----------
    folder : pathlib.Path
    summary, record : dict
        ``summary.json`` and ``record.json``.
    impact, pairs : pandas.DataFrame
    sites : geopandas.GeoDataFrame or None
        None when the run ranked nothing.
    barriers, patches, ranges, stations : geopandas.GeoDataFrame or None
        Context tables of ``sites.gpkg``; None when the file has no such table.
    scenarios : pandas.DataFrame or None
        ``scenarios.csv``: one row per species, scenario and index.
    pressure : pandas.DataFrame or None
        ``pressure.csv``: one row per species, line and stretch.
    residual, cumulative, draws : pandas.DataFrame or None
        ``residual.csv``, ``cumulative.csv``, ``scenario_draws.csv``.
    measures : geopandas.GeoDataFrame or None
        Treated stretches and structures of all scenarios.
    run_folder : pathlib.Path or None
        For one scenario of a run: the folder of the run.
    plan : geopandas.GeoDataFrame or None
        Sites chosen for the budget; None when the run had none.
    money, hectares : pandas.DataFrame or None
        ``cost_benefit.csv`` and ``offset.csv``.
    movement, mortality : pandas.DataFrame or None
        ``movement.csv`` and ``mortality.csv``.
    new_lines : pandas.DataFrame or None
        ``new_lines.csv``; their shapes by :meth:`line_shapes`.
    """

    folder: Path
    summary: dict[str, Any] = field(repr=False)
    record: dict[str, Any] = field(repr=False)
    impact: pd.DataFrame = field(repr=False)
    pairs: pd.DataFrame = field(repr=False)
    sites: gpd.GeoDataFrame | None = field(repr=False)
    barriers: gpd.GeoDataFrame | None = field(repr=False)
    patches: gpd.GeoDataFrame | None = field(repr=False)
    ranges: gpd.GeoDataFrame | None = field(repr=False)
    stations: gpd.GeoDataFrame | None = field(repr=False)
    scenarios: pd.DataFrame | None = field(default=None, repr=False)
    pressure: pd.DataFrame | None = field(default=None, repr=False)
    residual: pd.DataFrame | None = field(default=None, repr=False)
    cumulative: pd.DataFrame | None = field(default=None, repr=False)
    draws: pd.DataFrame | None = field(default=None, repr=False)
    measures: gpd.GeoDataFrame | None = field(default=None, repr=False)
    run_folder: Path | None = None
    plan: gpd.GeoDataFrame | None = field(default=None, repr=False)
    money: pd.DataFrame | None = field(default=None, repr=False)
    hectares: pd.DataFrame | None = field(default=None, repr=False)
    movement: pd.DataFrame | None = field(default=None, repr=False)
    mortality: pd.DataFrame | None = field(default=None, repr=False)
    new_lines: pd.DataFrame | None = field(default=None, repr=False)

    @property
    def species_ids(self) -> list[str]:
        """Species of the run, in the order of its tables."""
        return list(dict.fromkeys(str(s) for s in self.impact["species"]))

    @property
    def project(self) -> dict[str, Any]:
        """The project file as the record holds it."""
        return dict(self.record.get("project") or {})

    @property
    def title(self) -> str:
        """Name of the project."""
        return str(self.summary.get("project") or self.folder.name)

    @property
    def label(self) -> str:
        """What this run is called beside others: its scenario, or the name of its folder."""
        return str(self.summary.get("scenario") or self.folder.name)

    @cached_property
    def crs(self) -> Any:
        """Coordinate system of the project grid."""
        from permeability.layers.grid import parse_crs

        return parse_crs(self.record["grid"]["crs"])

    def cases(self, species: str) -> pd.DataFrame:
        """Rows of ``impact.csv`` of one species."""
        return self.impact[self.impact["species"] == species].reset_index(drop=True)

    def case(self, species: str, case: str) -> dict[str, Any]:
        """One row of ``impact.csv``; empty when there is none."""
        rows = self.cases(species)
        found = rows[rows["case"] == case].to_dict("records")
        return {str(k): v for k, v in found[0].items()} if found else {}

    def ranked(self, species: str) -> gpd.GeoDataFrame | None:
        """Ranked sections of one species by rank; None when none were ranked."""
        if self.sites is None:
            return None
        mine = self.sites[self.sites["species"] == species]
        return mine.sort_values("rank", kind="stable").reset_index(drop=True) if len(mine) else None

    def of_species(self, table: gpd.GeoDataFrame | None, species: str) -> gpd.GeoDataFrame | None:
        """Rows of a context table that belong to a species."""
        if table is None or "species" not in table.columns:
            return None
        mine = table[table["species"] == species].reset_index(drop=True)
        return mine if len(mine) else None

    def raster(self, kind: str, species: str) -> RasterFile | None:
        """A map of the run, None when it has none."""
        from permeability.layers.exchange_grids import read_raster

        path = self.folder / f"{kind}_{species}.tif"
        if kind in GROUND and not path.is_file() and self.run_folder is not None:
            path = self.run_folder / path.name
        if path in self._rasters or not path.is_file():
            return self._rasters.get(path)
        found = read_raster(path)
        found.values.flags.writeable = False
        if found.values.nbytes <= KEPT_BYTES:
            self._rasters[path] = found
        return found

    @cached_property
    def _rasters(self) -> dict[Path, RasterFile]:
        """Small maps that were read: most figures show the same ground."""
        return {}

    def held_ranking(self, species: str) -> HeldRanking | None:
        """The ranking of a species with its draws; None when nothing was ranked, or without draws."""
        path, table = self.folder / f"draws_{species}.npz", self.ranked(species)
        if table is None or not path.is_file():
            return None
        from permeability.ranking.held_draws import from_arrays

        return from_arrays(whole_files.read_arrays(path), table)

    @cached_property
    def tracks(self) -> list[dict[str, Any]]:
        """What was measured from each data set of tracks; empty for a run without, and for one scenario of a run."""
        path = self.folder / "tracks.json"
        return list(_json(path)["tracks"]) if path.is_file() else []

    @cached_property
    def pilots(self) -> dict[str, Any]:
        """What pilots changed, as ``permeability update --report`` left it; empty without, and for one scenario of a run."""
        path = self.folder / "pilots.json"
        return _json(path) if path.is_file() else {}

    @cached_property
    def indicators(self) -> dict[str, Any]:
        """Indicators, as ``permeability indicators --report`` left them; empty without, and for one scenario of a run."""
        path = self.folder / "indicators.json"
        return _json(path) if path.is_file() else {}

    def track_shapes(self, table: str, number: int) -> gpd.GeoDataFrame | None:
        """Shapes of one data set of tracks: ``ways``, ``crossings`` or ``sections``; None where there are none."""
        found = _tables(self.folder / "tracks.gpkg").get(table)
        if found is None:
            return None
        mine = found[found["set"] == number].reset_index(drop=True)
        return mine if len(mine) else None

    def line_shapes(self, table: str, alignment: str) -> gpd.GeoDataFrame | None:
        """``lines`` or classes of ground (``no_go``) of one table of new lines; None where there are none."""
        found = _tables(self.folder / "new_lines.gpkg").get(table)
        if found is None:
            return None
        mine = found[found["alignment"] == alignment].reset_index(drop=True)
        return mine if len(mine) else None

    @property
    def plans(self) -> dict[str, dict[str, Any]]:
        """What the record says about every scenario, in the order of the project file."""
        told = self.record.get("scenarios") or {}
        plans = told.get("plans", {})
        return {n: plans[n] for n in told.get("order", plans)}

    def scenario(self, name: str) -> Results:
        """One scenario of the run as results of their own: its indices, maps, inputs and standing barriers.

        Raises
        ------
        ProjectError
            J04 when the run has no such scenario.
        """
        plans = self.plans
        if name not in plans or self.scenarios is None:
            guess = nearest(name, plans)
            raise ProjectError(
                "J04", f"the run in {str(self.folder)!r} has no scenario {name!r}.", details={"scenarios": ", ".join(plans)},
                remedy=f"did you mean {guess!r}?" if guess else "name one of its scenarios",
            )  # fmt: skip
        plan = plans[name]
        about = {**(self.project.get("project") or {}), "year": plan["year"]}
        record = {k: v for k, v in self.record.items() if k not in ("scenarios", "species")}
        record |= {"project": {**self.project, "project": about}, "species": self._scenario_inputs(name)}
        draws = None if self.draws is None else self.draws[self.draws["scenario"] == name]
        measures = None if self.measures is None else self.measures[self.measures["scenario"] == name]
        return replace(
            self, folder=self.folder / str(plan["folder"]), summary={**{k: v for k, v in self.summary.items() if k != "new_lines"}, "scenario": name}, record=record,
            impact=self._scenario_impact(name), sites=None, barriers=self._scenario_barriers(plan), scenarios=None,
            residual=None, cumulative=None, draws=draws, measures=measures, movement=None, mortality=None, new_lines=None,
            run_folder=self.folder,
        )  # fmt: skip

    def _scenario_inputs(self, name: str) -> dict[str, Any]:
        """Per species: names, and every input that any scenario changes with its value in this one."""
        out: dict[str, Any] = {}
        for species in self.species_ids:
            values: dict[str, str] = {}
            said: dict[str, Any] = {}
            for plan in self.plans.values():
                for row in plan["inputs"].get(species, []):
                    said |= {row[k]: told for k, told in row.get("said", {}).items()}
                values |= {r["input"]: r["before"] for r in plan["inputs"].get(species, [])}
            values |= {r["input"]: r["after"] for r in self.plans[name]["inputs"].get(species, [])}
            out[species] = {"names": self.record["species"][species]["names"], "inputs": values, "said": said}
        return out

    def _scenario_impact(self, name: str) -> pd.DataFrame:
        """``impact.csv`` with the scenario in the place of all barriers."""
        assert self.scenarios is not None
        rows = []
        for species in self.species_ids:
            mine = self.scenarios[
                (self.scenarios["species"] == species) & (self.scenarios["scenario"] == name)
            ]
            rows.append({**self.case(species, BARE), "species": species})
            rows.append(
                {"species": species, "case": TODAY, "line": "", **dict(zip(mine["index"], mine["after"]))}
            )
        return pd.DataFrame(rows)

    def _scenario_barriers(self, plan: dict[str, Any]) -> gpd.GeoDataFrame | None:
        """Barriers with what stands and what is fenced in the scenario."""
        if self.barriers is None:
            return None
        fenced = {str(r["id"]): bool(r["fenced"]) for r in plan["standing"]}
        table = self.barriers.copy()
        stood = table["standing"].astype(str) == "True"
        table["standing"] = table["id"].astype(str).isin(list(fenced))
        table = table[table["standing"] | ~stood]  # a line that is taken away is not drawn
        ids = table["id"].astype(str)
        rail = (table["kind"] == "railway") & table["standing"]
        table.loc[rail, "fenced"] = ["yes" if fenced[i] else "no" for i in ids[rail]]
        return table

    def files(self) -> list[Path]:
        """All result files by name, those of the scenarios included."""
        return sorted(p for p in self.folder.rglob("*") if p.is_file() and not p.name.startswith("."))


def read_results(folder: str | Path) -> Results:
    """Read a result folder.

    Raises
    ------
    ProjectError
        J06 when a file that every run writes is missing or cannot be read.
    """
    folder = Path(folder)
    need = ("summary.json", "record.json", "impact.csv", "pairs.csv")
    missing = [n for n in need if not (folder / n).is_file()]
    if missing:
        raise ProjectError(
            "J06", f"{str(folder)!r} is not a result folder.", details={"missing": ", ".join(missing)},
            remedy="name a folder that `permeability run` wrote",
        )  # fmt: skip
    tables = _tables(folder / "sites.gpkg")
    return Results(
        folder, _json(folder / "summary.json"), _json(folder / "record.json"), _csv(folder / "impact.csv"),
        _csv(folder / "pairs.csv"), tables.get("sites"), tables.get("barriers"), tables.get("patches"), tables.get("ranges"),
        next((tables[t] for t in ("stations", "posts") if t in tables), None),
        _optional(folder, "scenarios"), _optional(folder, "pressure"), _optional(folder, "residual"),
        _optional(folder, "cumulative"), _optional(folder, "scenario_draws"), tables.get("measures"),
        plan=tables.get("plan"), money=_optional(folder, "cost_benefit"), hectares=_optional(folder, "offset"),
        movement=_optional(folder, "movement"), mortality=_optional(folder, "mortality"), new_lines=_optional(folder, "new_lines"),
    )  # fmt: skip


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ProjectError(
            "J06", f"{path.name} cannot be read: {error}", layer=path.name, remedy="run the project again"
        ) from error
    return dict(data)


def _csv(path: Path) -> pd.DataFrame:
    return whole_files.read_csv(path)


def _optional(folder: Path, name: str) -> pd.DataFrame | None:
    """A table that not every run writes."""
    path = folder / f"{name}.csv"
    return _csv(path) if path.is_file() else None


def _tables(path: Path) -> dict[str, gpd.GeoDataFrame]:
    if not path.is_file():
        return {}
    import pyogrio

    names = [str(n) for n, kind in pyogrio.list_layers(path) if kind is not None]
    return {n: vectors.read_vector(path, n, allow_empty=True) for n in names}


def number(value: Any) -> float:
    """A number of a result file as float: ``"inf"`` is infinite, nothing is NaN.

    >>> number("inf"), number(None), number({"unit": "km2", "value": 3})
    (inf, nan, 3.0)
    """
    if isinstance(value, dict):
        value = value.get("value")
    if value is None or (isinstance(value, str) and not value.strip()):
        return math.nan
    return float(value)


def finite(values: Any) -> np.ndarray:
    """Values with everything that is not finite as NaN."""
    array = np.asarray(values, float)
    return np.where(np.isfinite(array), array, np.nan)
