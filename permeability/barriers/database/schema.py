"""The published schemas of the barrier layers, as columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from permeability.core.errors import check_choice

LAYERS: tuple[str, ...] = ("barriers", "structures", "posts")  # the published database
SCHEMAS: tuple[str, ...] = (*LAYERS, "sites", "patches")  # every layer with columns of its own


@dataclass(frozen=True)
class Column:
    """One column of a layer.

    Parameters
    ----------
    name : str
    type : {"string", "number", "integer"}
    required : bool
        Refused when empty.
    recommended : bool
        Reported as a warning when empty.
    values : tuple of str
        Closed vocabulary; empty for free values.
    minimum, maximum : float or None
    unit, form, description, example : str
        ``form`` is ``"date"``, ``"hours"``, ``"hour_profile"`` or empty.

    Examples
    --------
    >>> from permeability.barriers.database import columns
    >>> [c.name for c in columns("barriers") if c.required][:2]
    ['id', 'kind']
    """

    name: str
    type: str
    required: bool
    recommended: bool
    values: tuple[str, ...]
    minimum: float | None
    maximum: float | None
    unit: str
    form: str
    description: str
    example: str


@cache
def json_schema(layer: str = "barriers") -> Mapping[str, Any]:
    """The JSON Schema (draft 2020-12) of the properties of one feature of a layer.

    Raises
    ------
    OptionError
        O01 for an unknown layer.

    Examples
    --------
    >>> json_schema("barriers")["required"]
    ['id', 'kind']
    """
    check_choice("layer", layer, SCHEMAS)
    path = files("permeability") / "data" / "schema" / f"{layer}.schema.json"
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@cache
def columns(layer: str = "barriers") -> tuple[Column, ...]:
    """The columns of a layer in order.

    Examples
    --------
    >>> [c.name for c in columns("posts")][:2]
    ['line', 'km']
    """
    schema = json_schema(layer)
    return tuple(_column(name, row, schema) for name, row in schema["properties"].items())


def _column(name: str, row: Mapping[str, Any], schema: Mapping[str, Any]) -> Column:
    types = [row["type"]] if isinstance(row["type"], str) else row["type"]
    return Column(
        name=name,
        type=next(t for t in types if t != "null"),
        required=name in schema["required"],
        recommended=name in schema["x-recommended"],
        values=tuple(v for v in row.get("enum", ()) if v is not None),
        minimum=row.get("minimum"),
        maximum=row.get("maximum"),
        unit=row.get("x-unit", ""),
        form=row.get("format", row.get("x-format", "")),
        description=row["description"],
        example=row.get("x-example", ""),
    )
