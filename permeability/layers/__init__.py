"""GIS layers in and out: the grid, rasters, vectors, files that appear whole or not at all."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Alignment": "permeability.layers.rasters",
    "json_text": "permeability.layers.whole_files",
    "raster_grid": "permeability.layers.rasters",
    "raw_raster": "permeability.layers.rasters",
    "read_raster": "permeability.layers.rasters",
    "read_vector": "permeability.layers.vectors",
    "require_file": "permeability.layers.whole_files",
    "require_free": "permeability.layers.whole_files",
    "sha256": "permeability.layers.whole_files",
    "whole_file": "permeability.layers.whole_files",
    "whole_folder": "permeability.layers.whole_files",
    "write_csv": "permeability.layers.whole_files",
    "write_geotiff": "permeability.layers.rasters",
    "write_gpkg": "permeability.layers.vectors",
    "write_json": "permeability.layers.whole_files",
    "write_text": "permeability.layers.whole_files",
}

__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
