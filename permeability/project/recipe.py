"""What a landscape is made of, from the tables of a project file: its mask and its ranges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from permeability.core.errors import LayerError, SpeciesError
from permeability.core.toml_files import read_toml, shaped
from permeability.landscape import habitat
from permeability.layers.grid import Grid
from permeability.layers.whole_files import require_file
from permeability.locale.language import LANGUAGES
from permeability.project.spec import MaskSpec
from permeability.species import SpeciesProfile, profile_from_dict, species


def landscape_mask(
    spec: MaskSpec, vector: Callable[[str], gpd.GeoDataFrame | None], grid: Grid
) -> NDArray[np.bool_]:
    """Cells of the landscape: inside the areas of ``inside``, outside those of ``outside``.

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
            mask &= ~habitat.area_mask(table, grid)
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
