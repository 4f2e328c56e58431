"""The layers of a project, each read once and laid on its grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from permeability.barriers.database import read_layer
from permeability.core.errors import LayerError, nearest
from permeability.core.texts import Said
from permeability.layers import rasters
from permeability.layers.grid import Grid
from permeability.layers.reprojection import reproject
from permeability.project.column_mapping import read_own_layer
from permeability.project.recipe import require_areas
from permeability.project.spec import LayerSpec, ProjectSpec


def layer_of(spec: ProjectSpec, name: str) -> LayerSpec:
    """Specification of a layer of a project file.

    Raises
    ------
    LayerError
        L09 with the nearest name when there is none.
    """
    if name in spec.layers:
        return spec.layers[name]
    guess = nearest(name, spec.layers)
    raise LayerError(
        "L09", f"the project names a layer {name!r} that it does not define.", layer=name,
        details={"layers": ", ".join(spec.layers)},
        remedy=f"did you mean {guess!r}?" if guess else f"add [layers.{name}] with its path",
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class ProjectLayers:
    """Layers and grid of a project file; what was read is kept.

    Attributes
    ----------
    path : pathlib.Path
        The TOML file.
    spec : ProjectSpec
    notes : list of str or Said
        What the reading of the layers has to say.
    """

    path: Path
    spec: ProjectSpec
    notes: list[str | Said] = field(default_factory=list, repr=False)
    _cache: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def folder(self) -> Path:
        """Folder that relative paths start from."""
        return self.path.parent

    @cached_property
    def grid(self) -> Grid:
        """The project grid."""
        g = self.spec.grid
        if g.like is None:
            return Grid.from_bounds(g.bounds, cell_size=g.cell_size_m, crs=g.crs)
        own = rasters.raster_grid(
            self.folder / self.layer(g.like).path, layer=g.like, table=self.layer(g.like).table
        )
        return own.with_cell_size(g.cell_size_m) if g.cell_size_m else own

    def layer(self, name: str) -> LayerSpec:
        """Specification of a layer (L09 with the nearest name when there is none)."""
        return layer_of(self.spec, name)

    def vector(self, name: str) -> gpd.GeoDataFrame:
        """A vector layer in the CRS of the grid."""

        def moved() -> gpd.GeoDataFrame:
            table = self.as_it_lies(name)
            self._cache.pop(f"own {name}")  # nobody asks for it again
            return reproject(table, self.grid.crs)

        return self._once(f"vector {name}", moved)

    def as_it_lies(self, name: str) -> gpd.GeoDataFrame:
        """A vector layer in the CRS of its file, its columns mapped; kept until it is asked for on the grid."""
        spec = self.layer(name)
        return self._once(
            f"own {name}",
            lambda: read_own_layer(self.folder / spec.path, spec.table, spec.where, spec, layer=name),
        )

    def area(self, name: str) -> gpd.GeoDataFrame:
        """A layer of areas in the CRS of the grid (L06 when it holds anything else)."""
        return require_areas(self.vector(name), name)

    def raster(self, name: str) -> NDArray[np.float64]:
        """A raster layer on the grid."""
        spec = self.layer(name)

        def read() -> NDArray[np.float64]:
            values, done = rasters.read_raster(
                self.folder / spec.path, self.grid, band=spec.band, resampling=spec.resampling, layer=name,
                nodata=spec.nodata, classes=self.spec.holds_codes(name), table=spec.table,
            )  # fmt: skip
            if done is not None:
                self.notes.append(done.said())
            return values * spec.scale

        return self._once(f"raster {name}", read)

    def _once(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    def layer_ids(self, name: str) -> list[str]:
        """Ids of the rows of a barrier layer, as the barriers bear them."""
        return [str(v) for v in read_layer(self.vector(name), "barriers").table["id"]]
