"""Tracks of a project in a run: costs measured, the profile beside them, the map held against where animals crossed.

The result of one ``[tracks]`` table is plain values, so that a run that was interrupted finds it again.  In the result folder:

``tracks.json``   every number, by table of ``[tracks]``; read by the report
``tracks.gpkg``   ``crossings``, ``sections`` (equal lengths, crossed or not, the value of every rule) and ``ways`` of the animals
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from permeability.barriers.lines import Barriers
from permeability.core.errors import OptionError, SolverError
from permeability.core.tasks import RunOn, content_hash
from permeability.layers import vectors, whole_files
from permeability.layers.grid import Grid
from permeability.project.project import Project
from permeability.project.run.run_result import SpeciesResult
from permeability.project.track_files import lines_of, tracks_of
from permeability.project.tracks_spec import TracksSpec
from permeability.species.profile import SpeciesProfile
from permeability.species.vocabulary import BARRIER_CLASSES
from permeability.telemetry import crossing_cost, crossings, step_selection, validate
from permeability.telemetry.calibration import cost_before
from permeability.telemetry.tracks import Tracks

SIMPLER_M = 10.0  # ways are drawn, not measured: what is straighter than this is left out


@dataclass(frozen=True)
class TrackTask:
    """One table of tracks, ready to be measured."""

    spec: TracksSpec
    tracks: Tracks = field(repr=False)
    barriers: Barriers = field(repr=False)
    profile: SpeciesProfile = field(repr=False)
    current: NDArray[np.float64] = field(repr=False)
    grid: Grid = field(repr=False)


def measure_tracks(project: Project, results: dict[str, SpeciesResult], on: RunOn) -> list[dict[str, Any]]:
    """Everything measured from the tracks of a project, one mapping for each ``[tracks]`` table; empty without one.

    Parameters
    ----------
    project : Project
    results : dict
        Of the species, by id.
    on : RunOn
        Finished tables are kept in its store.
    """
    tasks = [_task(project, spec, results[spec.species]) for spec in project.spec.tracks]
    if not tasks:
        return []
    found = on.tasks(measure_one, tasks, key=_key, label="tracks 1")
    return [result for _, result in found]


def _task(project: Project, spec: TracksSpec, result: SpeciesResult) -> TrackTask:
    return TrackTask(
        spec, tracks_of(project, spec), lines_of(project, spec, result.land.standing), result.land.profile,
        result.connectivity.current.to_numpy(), result.land.grid,
    )  # fmt: skip


def _key(task: TrackTask) -> str:
    """Hash of all that a measurement follows from."""
    t, table = task.tracks, task.barriers.table
    facts = table[["line", "kind", "fence_class", "fenced", "accuracy_m"]].astype(str).to_numpy().tolist()
    return content_hash(
        task.spec.model_dump(), t.xy, t.seconds, t.number, list(t.animals), t.error_m, t.simulated, facts,
        [g.wkb for g in table.geometry], np.nan_to_num(task.current, nan=-1.0),
        {k: e.to_dict() for k, e in task.profile.estimates().items()}, repr(task.grid),
    )  # fmt: skip


def measure_one(task: TrackTask) -> dict[str, Any]:
    """Costs, kappa, the profile beside them, and the map held against crossings: plain values.

    Parameters
    ----------
    task : TrackTask
    """
    spec, tracks, barriers = task.spec, task.tracks, task.barriers
    costs = crossing_cost(tracks, barriers, buffer_m=spec.buffer_m, placebos=spec.placebos, rng=spec.seed)
    notes: list[str] = []
    steps = _tried(
        notes,
        "step selection",
        lambda: step_selection(tracks, barriers, placebos=spec.placebos, rng=spec.seed),
    )
    scores = _tried(
        notes, "comparison", lambda: validate(
            (task.current, task.grid), tracks, barriers, sections_m=spec.sections_m, block_km=spec.block_km, rng=spec.seed
        )
    )  # fmt: skip
    crossed = crossings(tracks, barriers).table
    return {
        "species": spec.species, "about": _about(spec, tracks), "costs": _rows(costs.table), "by_animal": _rows(costs.by_animal),
        "kappa": [] if steps is None else _rows(steps.table), "profile": _profile(task.profile, costs.table),
        "scores": [] if scores is None else _rows(scores.table), "tenths": [] if scores is None else _rows(scores.tenths),
        "animals_scored": 0 if scores is None else scores.animals, "sentences": [] if scores is None else list(scores.sentences),
        "notes": notes, "crossings": _places(crossed, tracks),
        "sections": [] if scores is None else _places(scores.sections, tracks), "ways": _ways(tracks),
    }  # fmt: skip


def _tried(notes: list[str], what: str, make: Any) -> Any:
    """A result, or None with the reason among the notes."""
    try:
        return make()
    except (OptionError, SolverError) as error:
        notes.append(f"{what}: {error.what}")
        return None


def _about(spec: TracksSpec, tracks: Tracks) -> dict[str, Any]:
    days = [
        pd.Timestamp(s, unit="s").strftime("%Y-%m-%d") for s in (tracks.seconds.min(), tracks.seconds.max())
    ]
    return {
        "source": tracks.source, "citation": spec.citation, "simulated": tracks.simulated, "fixes": len(tracks),
        "animals": len(tracks.animals), "from": days[0], "to": days[1], "step_h": tracks.interval_h, "buffer_m": spec.buffer_m,
        "sections_m": spec.sections_m, "block_km": spec.block_km, "left_out": [n.what for n in tracks.notes if n.code == "F20"],
    }  # fmt: skip


def _profile(profile: SpeciesProfile, costs: pd.DataFrame) -> list[dict[str, Any]]:
    """What the profile says of every measured class, and whether the two ranges meet."""
    rows = []
    for row in costs.itertuples():
        if row.group not in BARRIER_CLASSES:
            continue
        held = cost_before(profile, str(row.group))
        known = bool(row.usable) and bool(np.isfinite(row.cost_km_low))
        rows.append({
            "group": str(row.group), "low": held.low, "best": held.best, "high": held.high, "evidence": held.evidence,
            "meets": known and row.cost_km_low <= held.high and held.low <= row.cost_km_high,
        })  # fmt: skip
    return rows


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values; infinite and missing numbers stay what they are."""
    return [{str(k): _plain(v) for k, v in r.items()} for r in table.to_dict("records")]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _places(table: gpd.GeoDataFrame, tracks: Tracks) -> list[dict[str, Any]]:
    """Rows with their shape as text of coordinates."""
    plain = pd.DataFrame(table.drop(columns="geometry"))
    for name in plain.columns[[str(d).startswith("datetime") for d in plain.dtypes]]:
        plain[name] = plain[name].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    shapes = shapely.to_wkt(table.geometry.to_numpy(), rounding_precision=1)
    return [
        {**r, "simulated": tracks.simulated, "wkt": str(w)} for r, w in zip(_rows(plain), shapes, strict=True)
    ]


def _ways(tracks: Tracks) -> list[dict[str, Any]]:
    """The way of every animal, broken at gaps."""
    steps = tracks.steps()
    pieces = np.split(steps, np.flatnonzero(np.diff(steps) != 1) + 1) if len(steps) else []
    parts: dict[str, list[shapely.Geometry]] = {}
    for piece in pieces:
        line = shapely.linestrings(tracks.xy[piece[0] : piece[-1] + 2])
        parts.setdefault(tracks.animals[int(tracks.number[piece[0]])], []).append(line)
    return [
        {"animal": a, "simulated": tracks.simulated,
         "wkt": shapely.to_wkt(shapely.simplify(shapely.multilinestrings(p), SIMPLER_M), rounding_precision=0)}
        for a, p in parts.items()
    ]  # fmt: skip


# ---------------------------------------------------------------- what a run writes
SHAPES = ("crossings", "sections", "ways")


def write_tracks(folder: Path, found: list[dict[str, Any]], crs: Any) -> None:
    """``tracks.json`` and ``tracks.gpkg``; nothing without tracks."""
    if not found:
        return
    numbers = [{k: v for k, v in f.items() if k not in SHAPES} for f in found]
    whole_files.write_json(folder / "tracks.json", {"tracks": numbers})
    tables = {}
    for name in SHAPES:
        rows = [{"set": i, "species": f["species"], **r} for i, f in enumerate(found) for r in f[name]]
        if rows:
            table = pd.DataFrame(rows)
            shapes = shapely.from_wkt(table.pop("wkt").to_numpy())
            tables[name] = gpd.GeoDataFrame(table, geometry=shapes, crs=crs)
    vectors.write_gpkg(folder / "tracks.gpkg", tables)


def track_summary(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Headline numbers of the tracks for ``summary.json``; empty without tracks."""
    out = []
    for f in found:
        costs = {
            r["group"]: {
                "crossing_cost_km": {"value": r["cost_km"], "low": r["cost_km_low"], "high": r["cost_km_high"], "unit": "km"},
                "crossings": r["crossings"], "animals": r["animals"], "usable": r["usable"], "note": r["note"],
            }
            for r in f["costs"]
        }  # fmt: skip
        scores = {
            r["group"]: {"auc": {"value": r["auc"], "low": r["auc_low"], "high": r["auc_high"], "unit": "1"}}
            for r in f["scores"]
        }
        out.append({
            "species": f["species"], "simulated": f["about"]["simulated"], "animals": f["about"]["animals"], "costs": costs, "scores": scores,
            "sentences": f["sentences"],
        })  # fmt: skip
    return {"tracks": out} if out else {}


def track_record(project: Project) -> dict[str, Any]:
    """Files of the tracks with hashes; empty without tracks."""
    files = [
        {"path": p, "species": s.species, "sha256": whole_files.sha256(project.folder / p)}
        for s in project.spec.tracks
        for p in s.files
    ]
    return {"tracks": files} if files else {}
