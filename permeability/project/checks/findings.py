"""What the chapters of a check share: the list of findings, and what of the project could be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from permeability.core.errors import Finding, LayerError, PermeabilityError
from permeability.layers.grid import Grid
from permeability.project.project import Project
from permeability.project.recipe import landscape_mask, require_areas
from permeability.project.toml_lines import line_of

T = TypeVar("T")


class Findings:
    """Findings about one project file, each once."""

    def __init__(self, project: Project, found: list[Finding]) -> None:
        self.found = found
        self.text = project.path.read_text(encoding="utf-8-sig")
        self.file = project.path.name
        self._seen = {(f.code, f.layer, f.what) for f in found}

    @property
    def errors(self) -> bool:
        """Whether one of them stops a run."""
        return any(f.severity == "error" for f in self.found)

    def add(self, finding: Finding) -> None:
        """Note a finding once."""
        key = (finding.code, finding.layer, finding.what)
        if key not in self._seen:
            self._seen.add(key)
            self.found.append(finding)

    def attempt(
        self, action: Callable[[], T], *, layer: str | None = None, rows: list[str] | None = None
    ) -> T | None:
        """The result of an action, or None with a finding; ``layer`` and ``rows`` where the error names none."""
        try:
            return action()
        except PermeabilityError as error:
            error.layer = error.layer or layer or self.file
            error.rows = error.rows or [*(rows or [])]
            self.add(error.finding())
            return None

    def lines(self, *keys: str | int) -> list[str]:
        """Where a key stands in the project file, as rows of a finding."""
        return line_of(self.text, *keys)


@dataclass
class Readable:
    """What of a project could be read.

    Attributes
    ----------
    project : Project
        With a grid that stands in for one that cannot be used.
    tables : dict
        Vector layers as they lie in their files, columns mapped.
    raw : dict
        Rasters as they lie in their files.
    raster_crs : dict
        Their coordinate systems.
    """

    project: Project
    tables: dict[str, gpd.GeoDataFrame] = field(default_factory=dict)
    raw: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    raster_crs: dict[str, CRS] = field(default_factory=dict)

    @property
    def spec(self) -> Any:
        """The project file."""
        return self.project.spec

    @property
    def grid(self) -> Grid | None:
        """The grid, or what stands in for it."""
        try:
            return self.project.grid
        except PermeabilityError:
            return None

    def on_grid(self, name: str) -> gpd.GeoDataFrame | None:
        """A vector layer in the CRS of the grid, when both are there."""
        return None if name not in self.tables or self.grid is None else self.project.vector(name)

    def mask(self) -> NDArray[np.bool_] | None:
        """The mask from those of its layers that can be read."""
        return None if self.grid is None else landscape_mask(self.spec.mask, self.areas, self.grid)

    def areas(self, name: str) -> gpd.GeoDataFrame | None:
        """A layer of areas in the CRS of the grid, or None when it cannot be one."""
        table = self.on_grid(name)
        try:
            return None if table is None else require_areas(table, name)
        except LayerError:  # noted with the areas
            return None
