"""GIS layers in and out: the grid, rasters, vectors, files that appear whole or not at all."""

from __future__ import annotations

from permeability.core.lazy_names import lazy_names

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
__getattr__, __dir__ = lazy_names(__name__, _HOME)
