"""Where the sample data lie, and a landscape small enough for an example."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from permeability.core.errors import LayerError

if TYPE_CHECKING:
    from permeability.landscape.landscape import Landscape
    from permeability.landscape.patches import Patches

__all__ = ["sample_folder", "tiny", "tiny_project"]


def sample_folder(name: str = "gobi") -> Path:
    """Folder of a shipped sample.

    Parameters
    ----------
    name : str

    Returns
    -------
    pathlib.Path

    Raises
    ------
    LayerError
        L10 when the samples were not installed.

    Examples
    --------
    >>> (sample_folder() / "project.toml").is_file()
    True
    """
    here = Path(__file__).resolve().parents[1]
    for folder in (here / "data" / "samples" / name, here.parent / "data" / "samples" / name):
        if (folder / "project.toml").is_file():
            return folder
    raise LayerError(
        "L10",
        f"the sample {name!r} is not installed.",
        remedy="install landscape-permeability from its wheel",
    )


def tiny() -> tuple[Landscape, Patches]:
    """A landscape to try things on: two patches and a complete fence between them.

    12 km by 8 km of even ground (resistance 1) in cells of 1 km, for khulan::

        +------------------------+
        |            |   S       |    F  a border fence from south (km 0) to north (km 8): khulan cannot cross
        |            |   S       |    S  a fence of 2 km, away from the way between the patches
        |  WWWW      F     EEEE  |    W, E  patches of 2 km by 2 km, 7 cells from each other
        |  WWWW      |     EEEE  |
        |            |           |
        +------------------------+

    Returns
    -------
    land : Landscape
    patches : Patches

    Examples
    --------
    >>> land, patches = tiny()
    >>> land.grid.shape, patches.ids, land.barriers.lines
    ((8, 12), ['W', 'E'], ['F', 'S'])
    >>> int(land.parts.max())  # the fence parts the land in two
    2
    """
    import geopandas as gpd
    import numpy as np
    import shapely

    from permeability.barriers.lines import prepare
    from permeability.landscape.landscape import build
    from permeability.landscape.patches import place
    from permeability.layers.grid import Grid
    from permeability.species import species

    crs, km = "EPSG:32648", 1000.0
    grid = Grid.from_bounds((0, 0, 12 * km, 8 * km), cell_size=km, crs=crs)
    fences = gpd.GeoDataFrame(
        {"id": ["F", "S"], "kind": "fence", "fence_class": "border"},
        geometry=[
            shapely.LineString([(6 * km, 0), (6 * km, 8 * km)]),
            shapely.LineString([(8 * km, 6 * km), (8 * km, 8 * km)]),
        ],
        crs=crs,
    )
    areas = gpd.GeoDataFrame(
        {"id": ["W", "E"], "name": ["West", "East"]},
        geometry=[shapely.box(km, 3 * km, 3 * km, 5 * km), shapely.box(9 * km, 3 * km, 11 * km, 5 * km)],
        crs=crs,
    )
    land = build(grid, np.ones(grid.shape), prepare(fences), species("khulan"))
    return land, place(areas, land)


def tiny_project(folder: str | Path) -> Path:
    """Write :func:`tiny` as a project: ``project.toml`` with its layers, ready for ``permeability run``.

    Parameters
    ----------
    folder : path
        Made when it is not there.

    Returns
    -------
    pathlib.Path
        The project file.

    Raises
    ------
    OptionError
        O02 when the folder holds something already.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     project = pm.open_project(tiny_project(Path(folder) / "tiny"))
    ...     found = [f.code for f in pm.check(project.path)]  # its sections are short for its cells
    ...     print(project.species_ids, project.barriers.lines, found)
    ['khulan'] ['F', 'S'] ['J14']
    """
    from permeability.layers import rasters, vectors, whole_files

    folder = Path(folder)
    whole_files.require_free(folder, "project.toml")
    folder.mkdir(parents=True, exist_ok=True)
    land, patches = tiny()
    barriers = land.barriers.table[["id", "kind", "fence_class", "status", "geometry"]]
    barriers = barriers.assign(source="invented", licence="CC0-1.0", accuracy_m=0.0)
    vectors.write_gpkg(
        folder / "layers.gpkg", {"barriers": barriers, "patches": patches.table[["id", "name", "geometry"]]}
    )
    rasters.write_geotiff(folder / "resistance.tif", land.resistance, land.grid)
    return whole_files.write_text(folder / "project.toml", TINY)


TINY = """\
[project]
name = "Two patches and a fence"
statement = "An invented example."

[grid]
crs = "EPSG:32648"
cell_size_m = 1000
bounds = [0, 0, 12000, 8000]

[layers.barriers]
path = "layers.gpkg"
table = "barriers"

[layers.patches]
path = "layers.gpkg"
table = "patches"

[layers.resistance]
path = "resistance.tif"

[habitat]
resistance = "resistance"

[barriers]
layers = ["barriers"]

[species.khulan]
patches = "patches"

[candidates]
line = "F"
length_km = 2

[ranking]
draws = 0

[[scenarios]]
name = "opened in the middle"

[[scenarios.steps]]
action = "remove"
line = "F"
km = [2, 6]
"""
