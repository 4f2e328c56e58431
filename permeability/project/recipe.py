"""What a landscape is made of, from the tables of a project file: mask, profile, factors, resistance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.barriers.lines import Barriers
from permeability.barriers.scenario import Scenario
from permeability.core.errors import LayerError, SpeciesError
from permeability.core.toml_files import read_toml, shaped
from permeability.landscape import habitat
from permeability.landscape.closed_areas import closed_area_mask
from permeability.landscape.habitat import Habitat
from permeability.landscape.resistance_values import check_resistance
from permeability.layers.grid import Grid
from permeability.layers.whole_files import require_file
from permeability.locale.language import LANGUAGES
from permeability.project.spec import FactorSpec, MaskSpec, ProjectSpec
from permeability.species import SpeciesProfile, profile_from_dict, species


def landscape_mask(
    spec: MaskSpec, vector: Callable[[str], gpd.GeoDataFrame | None], grid: Grid
) -> NDArray[np.bool_]:
    """Cells of the landscape: inside the areas of ``inside``, outside those of ``outside``, which nothing slips through.

    Parameters
    ----------
    spec : MaskSpec
    vector : callable
        Name of a layer -> layer in the CRS of the grid, or None when it cannot be read; such a layer is left out.
    grid : Grid

    Returns
    -------
    bool array
        Shape (rows, cols).
    """
    tables = [t for t in map(vector, spec.inside) if t is not None]
    mask = np.ones(grid.shape, bool)
    if tables:
        mask = np.any([habitat.area_mask(t, grid) for t in tables], axis=0)
    for table in map(vector, spec.outside):
        if table is not None:
            mask &= ~closed_area_mask(table, grid)
    return np.asarray(mask)


def require_areas(table: gpd.GeoDataFrame, layer: str) -> gpd.GeoDataFrame:
    """Refuse a mask or range that is not drawn as areas: of a line or point there is no inside.

    Parameters
    ----------
    table : GeoDataFrame
    layer : str
        Name used in messages.

    Returns
    -------
    GeoDataFrame
        The layer.

    Raises
    ------
    LayerError
        L06 with the rows and their geometry.
    """
    shapes = table.geometry
    kinds = shapes.geom_type.to_numpy(dtype=object)
    bad = np.flatnonzero(
        ~np.isin(kinds.astype(str), ("Polygon", "MultiPolygon")) | shapes.is_empty.to_numpy()
    )
    if len(bad):
        raise LayerError(
            "L06", f"{len(bad)} rows are no areas.", layer=layer, rows=[f"{i + 1} ({kinds[i] or 'no geometry'})" for i in bad],
            remedy="draw them as polygons, or close the lines to areas in your GIS",
        )  # fmt: skip
    return table


def project_profile(spec: ProjectSpec, name: str, path: Path) -> SpeciesProfile:
    """Profile of a species with the numbers that the project file overrides; see :func:`own_profile` for errors."""
    mine = spec.species.get(name)
    if mine is None:
        return species(name)
    base = own_profile(name, mine.profile, mine.based_on, path.parent)
    if not mine.override:
        return base
    return base.override(mine.override, source=f"{path.name}, [species.{name}.override]")


def own_profile(name: str, file: str | None, based_on: str | None, folder: Path) -> SpeciesProfile:
    """The profile of a species of a project: a shipped one, one from a file, or a shipped one under another name.

    Parameters
    ----------
    name : str
        Name of the table ``[species.NAME]``.
    file : str or None
        A TOML file with a profile (``permeability species show NAME --toml`` writes one to start from).
    based_on : str or None
        A shipped species whose numbers hold where ``override`` gives none.
    folder : Path
        Folder of the project file.

    Returns
    -------
    SpeciesProfile

    Raises
    ------
    SpeciesError
        S01 an unknown species; S07 both keys; O62, O63 a file that is no profile; what ``profile_from_dict`` refuses.
    """
    if file is not None and based_on is not None:
        raise SpeciesError(
            "S07", f"[species.{name}] gives both profile and based_on.", remedy="give one of them"
        )
    if file is not None:
        path = require_file(folder / file, layer=f"species.{name}")
        with shaped(path.name, "a species profile"):
            return profile_from_dict({"id": name, **read_toml(path)})
    if based_on is None:
        return species(name)
    data = species(based_on).to_dict()
    names = {k: v for k, v in data["names"].items() if k not in LANGUAGES}
    label = name.replace("_", " ")
    return profile_from_dict({**data, "id": name, "names": {**names, **dict.fromkeys(LANGUAGES, label)},
                              "analogy": f"all numbers of {based_on} unless overridden"})  # fmt: skip


def class_resistance(
    classes: NDArray[np.float64], multipliers: Mapping[str, float], mask: NDArray[np.bool_], layer: str
) -> NDArray[np.float64]:
    """Resistance from classes of land cover, each with its multiplier of the best ground.

    Parameters
    ----------
    classes : array, shape (rows, cols)
        Numbers of classes; NaN = no value.
    multipliers : mapping
        Number of a class as text -> resistance [dimensionless, > 0].
    mask : bool array
        Cells of the landscape.
    layer : str
        Name used in messages.

    Returns
    -------
    array
        NaN outside the landscape and where the layer has no value.

    Raises
    ------
    LayerError
        L24 for classes without a multiplier, with their cells counted.

    Examples
    --------
    >>> class_resistance(np.array([[10.0, 40.0]]), {"10": 1.0, "40": 3.0}, np.ones((1, 2), bool), "cover").tolist()
    [[1.0, 3.0]]
    """
    inside = np.where(mask, classes, np.nan)
    found, counts = np.unique(inside[~np.isnan(inside)], return_counts=True)
    known = {float(k): v for k, v in multipliers.items()}
    lost = [f"{c:g} ({n:,} cells)" for c, n in zip(found, counts) if float(c) not in known]
    if lost:
        raise LayerError(
            "L24", f"{len(lost)} classes of the land cover have no multiplier.", layer=layer, rows=lost,
            remedy="add them under [habitat] multipliers; resampling of classes is \"mode\" or \"nearest\"",
        )  # fmt: skip
    out = np.full(inside.shape, np.nan)
    for code, value in known.items():
        out[inside == code] = value
    return out


class RasterLayers(Protocol):
    """What the factors ask of a project's layers, by name."""

    @property
    def grid(self) -> Grid: ...

    def raster(self, name: str) -> NDArray[np.float64]: ...

    def vector(self, name: str) -> gpd.GeoDataFrame: ...


def factor_values(spec: FactorSpec, layers: RasterLayers) -> NDArray[np.float64]:
    """Raster of one habitat factor, shape (rows, cols): as it is, or derived from its layers.

    Parameters
    ----------
    spec : FactorSpec
    layers : RasterLayers
        A project, or what gives grid, rasters and vectors like one.
    """
    if spec.derive == "slope":
        heights = habitat.check_elevation(layers.raster(spec.layers[0]), layer=spec.layers[0])
        values = habitat.slope_deg(heights, layers.grid)
    elif spec.derive == "distance":
        each = [habitat.distance_km(layers.vector(n), layers.grid) for n in spec.layers]
        values = np.asarray(np.min(each, axis=0))
    elif spec.derive == "class":
        values = habitat.class_share(layers.raster(spec.layers[0]), spec.classes)
    else:
        values = layers.raster(spec.layers[0])
    return values if spec.scale == 1.0 else values * spec.scale


@dataclass(frozen=True)
class ResistanceSource:
    """The raster that a species' resistance is taken from.

    Attributes
    ----------
    layer : str
    kind : {"resistance", "suitability", "landcover"}
    multipliers : mapping
        Class of land cover -> resistance; empty for the other kinds.
    """

    layer: str
    kind: Literal["resistance", "suitability", "landcover"]
    multipliers: Mapping[str, float]


def resistance_source(spec: ProjectSpec, name: str) -> ResistanceSource | None:
    """The raster that the resistance of a species comes from; None where factors make it.

    A resistance goes before a suitability, a species' own layer before the common one, both before land cover.
    """
    mine, common = spec.species.get(name), spec.habitat
    direct = (mine.resistance if mine else None) or common.resistance
    suited = (mine.suitability if mine else None) or common.suitability
    if direct:
        return ResistanceSource(direct, "resistance", {})
    if suited:
        return ResistanceSource(suited, "suitability", {})
    if common.landcover:
        return ResistanceSource(common.landcover, "landcover", common.multipliers)
    return None


def given_resistance(
    source: ResistanceSource, file: str, raster: NDArray[np.float64], mask: NDArray[np.bool_]
) -> Habitat:
    """Resistance of a species from a raster, NaN outside of the landscape.

    Parameters
    ----------
    source : ResistanceSource
    file : str
        Where the raster comes from, for the table of factors.
    raster : array, shape (rows, cols)
    mask : bool array

    Raises
    ------
    LayerError
        L24 classes of land cover without a multiplier; what ``check_resistance`` refuses.
    """
    if source.kind == "landcover":
        values = class_resistance(raster, source.multipliers, mask, source.layer)
        file = f"{file}, multipliers of the project file"
    else:
        made = raster if source.kind == "resistance" else habitat.from_suitability(raster)
        values = np.where(mask, made, np.nan)
    row = {"factor": source.layer, "used": True, "why_not": "", "source": file}
    return Habitat(check_resistance(values), pd.DataFrame([row]))


def added_later(barriers: Barriers, scenarios: Iterable[tuple[Scenario, int | None]]) -> NDArray[np.bool_]:
    """Barrier rows that a scenario adds, or that stand in the year of one, shape (rows of the barriers,).

    Parameters
    ----------
    barriers : Barriers
    scenarios : iterable of (Scenario, int or None)
        Each with its year, where it has one.
    """
    rows = np.zeros(len(barriers), bool)
    for scenario, year in scenarios:
        for step in scenario.interventions:
            if step.action == "add":
                rows[barriers.rows_of(step.line)] = True
        if year is not None:
            rows |= barriers.table["id"].isin(barriers.standing(year).table["id"]).to_numpy(bool)
    return rows
