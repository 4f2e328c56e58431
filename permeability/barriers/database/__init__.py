"""The barrier database: one published schema, a check that lists every fault at once, templates, import.

Layers: ``barriers`` (fences, roads, railways, border fences, canals, pipelines), ``structures`` (crossing
structures and gaps) and ``posts`` (kilometre posts).  The schemas are JSON Schema files in
``permeability/data/schema``; a GeoPackage layer and a GeoParquet file carry the same columns.
"""

from __future__ import annotations

from permeability.barriers.database.conforming import Reading, conform, read_layer
from permeability.barriers.database.faults import check, check_text
from permeability.barriers.database.importing import (
    ImportResult,
    Mapping,
    import_layer,
    load_mapping,
    mappings,
)
from permeability.barriers.database.schema import LAYERS, Column, columns, json_schema
from permeability.barriers.database.summaries import summary, summary_text
from permeability.barriers.database.template import template_layers, write_template

__all__ = [
    "LAYERS",
    "Column",
    "ImportResult",
    "Mapping",
    "Reading",
    "check",
    "check_text",
    "columns",
    "conform",
    "import_layer",
    "json_schema",
    "load_mapping",
    "mappings",
    "read_layer",
    "summary",
    "summary_text",
    "template_layers",
    "write_template",
]
