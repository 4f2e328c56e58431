"""What a run gives back: every result object of every species."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.core.display import Face
from permeability.impact.line_by_line import Impact
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.linkage.patch_pairs import Connectivity
from permeability.project.project import Project
from permeability.project.run.choice_results import Choice
from permeability.project.run.movement_results import Movement
from permeability.project.run.scenarios import (
    ScenarioResult,
)
from permeability.ranking.ranking import Ranking

__all__ = ["Run", "SpeciesResult"]


@dataclass(frozen=True, eq=False)
class SpeciesResult:
    """Everything a run found for one species.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"))
    >>> result = run.species["khulan"]
    >>> result.impact.today.values["pairs_apart"], list(result.scenarios.alternatives.results)
    (1.0, ['today', 'opened in the middle'])
    """

    land: Landscape
    patches: Patches
    inside: NDArray[np.bool_] = field(repr=False)
    connectivity: Connectivity = field(repr=False)
    impact: Impact = field(repr=False)
    ranking: Ranking | None = field(repr=False)
    scenarios: ScenarioResult | None = field(default=None, repr=False)
    movement: Movement | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class Run(Face):
    """A finished run.

    Attributes
    ----------
    project : Project
    species : dict
        Species id -> SpeciesResult.
    summary : dict
        What ``summary.json`` holds.
    record : dict
        What ``record.json`` holds.
    folder : pathlib.Path or None
        Where it was written.
    choice : Choice
        Plans for the budget, money and hectares.
    tracks : list of dict
        What was measured from each ``[tracks]`` table.
    new_lines : list of NewLine
        What each ``[[alignment]]`` table led to.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"))
    >>> run
    Run of 'Two patches and a fence': khulan
    """

    _face: ClassVar[str] = "run"

    project: Project
    species: dict[str, SpeciesResult]
    summary: dict[str, Any] = field(repr=False)  # type: ignore[assignment]  # what summary.json holds
    record: dict[str, Any] = field(repr=False)
    folder: Path | None = None
    choice: Choice = field(default_factory=Choice, repr=False)
    tracks: list[dict[str, Any]] = field(default_factory=list, repr=False)
    new_lines: list[Any] = field(default_factory=list, repr=False)

    @property
    def table(self) -> pd.DataFrame:
        """Indices of every case of every species."""
        return _species_first(pd.concat([r.impact.table.assign(species=n) for n, r in self.species.items()]))

    def save(self, path: str | Path) -> Path:
        """Write the run to one file: ``.xlsx`` is a workbook of every table of its result folder, see
        :func:`permeability.report.run_workbook.export_workbook`; other endings as for any result.

        Parameters
        ----------
        path : path

        Returns
        -------
        pathlib.Path
        """
        folder = self.folder
        if Path(path).suffix.lower() == ".xlsx" and folder is not None and (folder / "record.json").is_file():
            from permeability.report.run_workbook import export_workbook

            return export_workbook(folder, path)
        return super().save(path)

    def __repr__(self) -> str:
        return f"Run of {self.project.spec.project.name!r}: {', '.join(self.species)}" + (
            f" in {self.folder}" if self.folder else ""
        )


def _species_first(table: pd.DataFrame) -> pd.DataFrame:
    return table[["species", *[c for c in table.columns if c != "species"]]]
