"""Has the ranking of a project settled?  The project laid over other grids, and what that takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.core import memory
from permeability.core.errors import (
    GridMismatchError,
    MemoryLimitError,
    PermeabilityError,
    check_choice,
)
from permeability.core.progress import long_job
from permeability.core.texts import N_, Said
from permeability.layers.rasters import FOR_CODES, RESAMPLING
from permeability.layers.whole_files import whole_folder, write_csv, write_json
from permeability.locale.language import Words, words
from permeability.project.project import Project, open_project
from permeability.project.raster_findings import roles as raster_roles
from permeability.project.run.effort import FIELD_BYTES, PROGRAM_BYTES, duration_said, peak_bytes
from permeability.ranking.candidate_sites import Candidate
from permeability.ranking.settling import (
    Settled,
    conductance_gains,
    grids,
    lengths_m,
    require_several,
)
from permeability.ranking.settling import origins as origin_places

__all__ = ["settle", "settle_effort", "write_settled"]

MARK = "settle.json"  # by which an earlier output is known

READ_SECONDS_PER_CELL = 1.5e-6  # rasters, distances and slope of a grid, measured on the sample
GAINS_SECONDS_PER_CELL = 8e-6  # patches, condensation and gains of one species, measured on the sample


@long_job("grids")
def settle(
    project: Project | str | Path,
    *,
    species: Iterable[str] | None = None,
    levels: int = 3,
    cell_sizes: Sequence[float] | None = None,
    origins: int = 9,
    top: int | None = None,
    resampling: str | None = None,
    progress: Any = None,
) -> dict[str, Settled]:
    """Rank a project's candidates at several cell sizes and origins of the grid; says at which the ranking has settled.

    The candidates are the same stretches on the ground everywhere; the grid, the cut edges, habitat and patches are made
    anew from the layers, which are read once.

    Parameters
    ----------
    project : Project or path
    species : iterable of str, optional
        Ids; all of the project by default.
    levels : int
        Cell sizes: the project's, a half, a quarter and so on.
    cell_sizes : sequence of float, optional
        Other cell sizes in place of these [m].
    origins : int
        Places within a cell where the grid begins, the project's own first
        (:func:`permeability.ranking.settling.origins`).
    top : int, optional
        Size of the top that is compared; ``[ranking] top`` of the project by default.
    resampling : str, optional
        How rasters are brought onto other grids that the project file says nothing of (``"average"``; layers of classes
        take ``"mode"``).
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.

    Returns
    -------
    dict
        Species -> :class:`permeability.ranking.settling.Settled`.

    Raises
    ------
    OptionError
        O67 fewer than two candidates, origins or no cell size, O01 unknown species or resampling.
    GridMismatchError
        G08 rasters that fit the project's grid alone, where nothing says how to bring them onto another.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pm.samples.tiny_project(f"{folder}/tiny")
    ...     found = pm.settle(path, levels=2, origins=3, resampling="average")
    >>> found["khulan"].table[["cell_size_m", "cells_long", "origins"]].values.tolist()
    [[1000.0, 2.0, 3.0], [500.0, 4.0, 3.0]]
    """
    asked = {"species": species, "levels": levels, "cell_sizes": cell_sizes, "origins": origins}
    return prepared(project, top=top, resampling=resampling, **asked).run(progress)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class SettleJob:
    """What :func:`settle` is going to do: everything that can be refused has been.

    Attributes
    ----------
    project : Project
    sites : dict
        Species -> its candidates.
    sizes : list of float
        From the coarsest [m].
    origins : int
    top : int
    ways : dict
        Raster layer -> how it is brought onto other grids, where the project file says nothing.
    """

    project: Project
    sites: dict[str, list[Candidate]]
    sizes: list[float]
    origins: int
    top: int
    ways: dict[str, str]

    def run(self, progress: Callable[[int, int], None] | None = None) -> dict[str, Settled]:
        """Do it; ``progress`` is called with (done, all) after every grid."""
        gains: dict[str, dict[float, list[NDArray[np.float64]]]]
        gains = {name: {cell: [] for cell in self.sizes} for name in self.sites}
        for done, (cell, grid) in enumerate(grids(self.project.grid, self.sizes, self.origins)):
            there = self.project.on_grid(grid, self.ways)
            for name, sites in self.sites.items():
                gains[name][cell].append(_gains(there, name, sites))
            if progress is not None:
                progress(done + 1, len(self.sizes) * self.origins)
        return {
            name: Settled.of(
                name, [s.id for s in sites], lengths_m(sites), {c: np.array(g) for c, g in gains[name].items()}, top=self.top
            )
            for name, sites in self.sites.items()
        }  # fmt: skip

    def effort(self) -> pd.DataFrame:
        """What it will take; see :func:`settle_effort`."""
        rows = []
        for cell in self.sizes:
            fine = self.project.grid.cell_size / cell
            valid = [float(self.project.landscape(n).valid.sum()) * fine**2 for n in self.sites]
            size = self.project.grid.size * fine**2
            seconds = READ_SECONDS_PER_CELL * size + GAINS_SECONDS_PER_CELL * sum(valid)
            kept = FIELD_BYTES * size * (len(self.project.spec.factors) + 4 * len(valid))
            rows.append({
                "cell_size_m": cell, "cells": int(sum(valid)), "grids": self.origins, "seconds": self.origins * seconds,
                "peak_bytes": int(PROGRAM_BYTES + peak_bytes(size, max(valid), 0) + kept),
            })  # fmt: skip
        return pd.DataFrame(rows)

    def told(self) -> str:
        """What it will do, in words."""
        return "; ".join(map(str, self.said()))

    def said(self) -> list[Said]:
        """The same with values apart."""
        counts = [
            Said(N_("candidates for {species}: {n}"), {"species": n, "n": len(s)})
            for n, s in self.sites.items()
        ]
        warped = [
            Said(N_("{layer} is brought onto them with {how}"), {"layer": n, "how": how})
            for n, how in self.ways.items()
        ]
        return [*counts, Said(N_("grids: {n}"), {"n": len(self.sizes) * self.origins}), *warped]


def prepared(
    project: Project | str | Path,
    *,
    species: Iterable[str] | None = None,
    levels: int = 3,
    cell_sizes: Sequence[float] | None = None,
    origins: int = 9,
    top: int | None = None,
    resampling: str | None = None,
) -> SettleJob:
    """The job of :func:`settle`, with its refusals."""
    project = project if isinstance(project, Project) else open_project(project)
    names = chosen_species(project, species)
    sizes, kept = sizes_of(project, levels, cell_sizes), project.spec.ranking.top if top is None else top
    require_several({"origins": (origins, 2), "top": (kept, 1), "cell sizes": (len(sizes), 1)}, sizes)
    sites = {name: project.candidates(name) for name in names}
    require_several({"candidates": (min(map(len, sites.values())), 2)}, sizes)
    return SettleJob(project, sites, sizes, origins, kept, ways_onto_grids(project, resampling))


def _gains(there: Project, name: str, sites: Sequence[Candidate]) -> NDArray[np.float64]:
    """Gains on one grid; a refusal says which grid it was."""
    try:
        return conductance_gains(there.landscape(name), there.patches(name), sites)
    except PermeabilityError as error:
        error.details.setdefault("grid", repr(there.grid))
        raise


def chosen_species(project: Project, species: Iterable[str] | None) -> list[str]:
    """Species that are asked for, in the project's order (O01 for one it has not)."""
    wanted = list(project.species_ids if species is None else species)
    for name in wanted:
        check_choice("species", name, project.species_ids)
    return [n for n in project.species_ids if n in wanted]


def sizes_of(project: Project, levels: int, cell_sizes: Sequence[float] | None) -> list[float]:
    """Cell sizes from the coarsest [m].

    Parameters
    ----------
    project : Project
    levels : int
        Halvings of the project's cells, the first being these.
    cell_sizes : sequence of float, optional
        In place of them [m].

    Returns
    -------
    list of float
    """
    own = project.grid.cell_size
    sizes = [own / 2**k for k in range(levels)] if not cell_sizes else [float(c) for c in cell_sizes]
    return sorted(set(sizes), reverse=True)


def ways_onto_grids(project: Project, resampling: str | None) -> dict[str, str]:
    """How rasters that the project file says nothing of are brought onto other grids.

    Parameters
    ----------
    project : Project
    resampling : str or None
        Asked for; layers of classes take ``"mode"`` in place of a mean.

    Returns
    -------
    dict
        Layer -> resampling.

    Raises
    ------
    GridMismatchError
        G08 when nothing is asked for.
    """
    if resampling is not None:
        check_choice("resampling", resampling, RESAMPLING)
    codes = {n for n in project.spec.layers if project.spec.holds_codes(n)}
    silent = [
        n for n, s in project.spec.layers.items()
        if s.resampling is None and (n in codes or raster_roles(project, n))
    ]  # fmt: skip
    if silent and resampling is None:
        raise GridMismatchError(
            "G08", "other grids are laid over the land, and nothing says how these rasters are brought onto them.", rows=silent,
            remedy='say --resampling average (in Python resampling="average"), or resampling = ... for the layers in the project file',
        )  # fmt: skip
    return {n: "mode" if n in codes and resampling not in FOR_CODES else str(resampling) for n in silent}


# ---------------------------------------------------------------- what it takes
def settle_effort(
    project: Project,
    *,
    species: Iterable[str] | None = None,
    levels: int = 3,
    cell_sizes: Sequence[float] | None = None,
    origins: int = 9,
) -> pd.DataFrame:
    """What :func:`settle` will take, before it is begun; solves nothing.

    Parameters
    ----------
    project : Project
    species, levels, cell_sizes, origins
        As for :func:`settle`.

    Returns
    -------
    DataFrame
        One row per cell size: ``cell_size_m``, ``cells`` (of the landscape, all species together), ``grids``, ``seconds`` of one core
        for all of them, ``peak_bytes``.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     settle_effort(pm.open_project(pm.samples.tiny_project(f"{folder}/tiny")), levels=2, origins=4)["grids"].tolist()
    [4, 4]
    """
    asked = {"species": species, "levels": levels, "cell_sizes": cell_sizes, "origins": origins}
    return prepared(project, resampling=RESAMPLING[0], **asked).effort()  # type: ignore[arg-type]


def refuse_effort(effort: pd.DataFrame) -> None:
    """Refuse cell sizes that would not fit (M01)."""
    needed = effort["peak_bytes"].max()
    if needed > memory.available():
        fits = effort[effort["peak_bytes"] <= memory.available()]
        raise MemoryLimitError(
            "M01", f"cells of {effort['cell_size_m'].iloc[-1]:g} m need about {needed / 2**30:.1f} GiB, more than is free for it.",
            details={"memory": memory.told()}, remedy=f"try fewer sizes: --levels {max(1, len(fits))}",
        )  # fmt: skip


def effort_text(effort: pd.DataFrame, tr: Words | None = None) -> str:
    """The effort in lines for a terminal."""
    tr = words() if tr is None else tr
    said = [
        Said(
            N_("cells of {size} m: cells: {cells}, grids: {grids}, time: {time}, memory: {mib} MiB"),
            {
                "size": f"{r.cell_size_m:g}", "cells": int(r.cells), "grids": int(r.grids), "time": duration_said(r.seconds),
                "mib": round(r.peak_bytes / 2**20),
            },
        )
        for r in effort.itertuples()
    ]  # fmt: skip
    said.append(
        Said(N_("in all, on one core: {time}"), {"time": duration_said(float(effort["seconds"].sum()))})
    )
    return "\n".join(f"  {tr.said(s)}" for s in said)


# ---------------------------------------------------------------- files
def write_settled(found: Mapping[str, Settled], folder: Path, *, locked: bool = False) -> list[Path]:
    """Tables, JSON and a picture for every species, in a folder that appears whole or not at all.

    Parameters
    ----------
    found : mapping
        From :func:`settle`.
    folder : Path
        Made; an earlier one is replaced.
    locked : bool
        The caller holds the lock of the folder.

    Returns
    -------
    list of Path

    Raises
    ------
    OptionError
        O02 when the folder holds something else.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = pm.settle(pm.samples.tiny_project(f"{folder}/tiny"), levels=1, origins=2, resampling="average")
    ...     written = write_settled(found, Path(folder) / "settled")
    >>> [p.name for p in written][:2]
    ['settle.csv', 'settle.json']
    """
    with whole_folder(folder, MARK, locked=locked) as aside:
        write_json(aside / MARK, as_json(found))
        for what in ("table", "sites"):
            tables = [getattr(f, what).assign(species=n) for n, f in found.items()]
            whole = pd.concat(tables, ignore_index=True)
            name = "settle.csv" if what == "table" else "settle_sites.csv"
            write_csv(aside / name, whole[["species", *whole.columns.drop("species")]])
        for name, one in found.items():
            drawn = one.plot()
            for end in ("png", "svg"):
                drawn.save(aside / f"settle_{name}.{end}")
        names = sorted(p.name for p in aside.iterdir())
    return [folder / n for n in names]


def as_json(found: Mapping[str, Settled]) -> dict[str, object]:
    """What :func:`settle` found, for a program."""
    return {
        name: {
            "settled_m": one.settled_m, "sentences": one.sentences, "rule": asdict(one.rule),
            "origins": origin_places(int(one.table["origins"].iloc[0])).tolist(), "cell_sizes": one.table.to_dict("records"),
            "sites": one.sites.to_dict("records"),
        }
        for name, one in found.items()
    }  # fmt: skip
