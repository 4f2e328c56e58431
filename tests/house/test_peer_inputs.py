"""What we say to the eight bad inputs on which docs/security.md sets peers beside us."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

import permeability as pm
from permeability.barriers.lines import prepare
from permeability.core.errors import PermeabilityError
from permeability.landscape.landscape import build
from permeability.landscape.patches import place
from permeability.layers.grid import Grid
from permeability.layers.rasters import read_raster

N, CELL = 30, 250.0
GRID = Grid.from_bounds(
    (500_000, 5_000_000, 500_000 + N * CELL, 5_000_000 + N * CELL), cell_size=CELL, crs="EPSG:32648"
)
SPOTS = {
    "a": (500_000 + 2.5 * CELL, 5_000_000 + 2.5 * CELL),
    "b": (500_000 + 27.5 * CELL, 5_000_000 + 27.5 * CELL),
}


def raster(path: Path, *, crs: str = "EPSG:32648", shift: int = 0) -> Path:
    transform = Affine(CELL, 0, GRID.west + shift * CELL, 0, -CELL, GRID.north)
    with rasterio.open(path, "w", driver="GTiff", dtype="float32", count=1, height=N, width=N, crs=crs, transform=transform) as out:  # fmt: skip
        out.write(np.ones((1, N, N), np.float32))
    return path


def linked(values: np.ndarray, spots: dict[str, tuple[float, float]] = SPOTS) -> tuple[float, float]:
    """Cost [km] and resistance between two places."""
    empty = gpd.GeoDataFrame({"id": ["far"], "kind": ["fence"], "fence_class": ["border"], "status": ["planned"]}, geometry=[shapely.LineString([(500_100, 5_000_100), (500_200, 5_000_100)])], crs="EPSG:32648")  # fmt: skip
    land = build(GRID, values, prepare(empty), pm.species.species("khulan"))
    places = gpd.GeoDataFrame({"id": list(spots)}, geometry=[shapely.Point(p) for p in spots.values()], crs="EPSG:32648")  # fmt: skip
    found = pm.connectivity(land, place(places, land)).pairs
    return float(found["cost_km"].iloc[0]), float(found["resistance"].iloc[0])


def refused(code: str, *words: str, values: np.ndarray | None = None, spots: dict[str, tuple[float, float]] = SPOTS) -> None:  # fmt: skip
    with pytest.raises(PermeabilityError) as caught:
        linked(np.ones((N, N)) if values is None else values, spots)
    assert caught.value.code == code
    assert all(w in str(caught.value) for w in words)


def block(value: float) -> np.ndarray:
    values = np.ones((N, N))
    values[10:16, 10:16] = value
    return values


def test_another_coordinate_system_and_a_shifted_grid(tmp_path: Path) -> None:
    for path in (raster(tmp_path / "crs.tif", crs="EPSG:32649"), raster(tmp_path / "shift.tif", shift=10)):
        with pytest.raises(PermeabilityError, match="G02") as caught:
            read_raster(path, GRID)
    assert "10.000 cells" in str(caught.value)


def test_no_value_closes_and_a_sentinel_is_refused() -> None:
    assert linked(block(np.nan))[0] > linked(block(1.0))[0]
    refused("R01", values=block(-9999.0))


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_ground_of_nothing_or_less(value: float) -> None:
    refused("R01", "36", values=block(value))


def test_a_source_on_no_ground_or_outside_names_the_place() -> None:
    nowhere = np.ones((N, N))
    nowhere[-6:, :6] = np.nan
    refused("P02", "a", values=nowhere)
    refused("P01", "a", spots=SPOTS | {"a": (400_000.0, 5_000_100.0)})


def test_what_is_not_connected_is_infinite() -> None:
    wall = np.ones((N, N))
    wall[15] = np.nan
    assert linked(wall) == (np.inf, np.inf)
