"""Tolerant import: other people's columns and class names to the barrier schema, with everything listed."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from shapely.geometry.base import BaseGeometry

from permeability.barriers.database.schema import LAYERS, columns, conform, json_schema
from permeability.core.errors import LayerError, nearest
from permeability.species.seasons import missing

_RULE_KEYS = ("when", "layer", "set", "move", "assume", "skip", "remark")
_TOP_KEYS = ("name", "version", "source", "licence", "columns", "values", "id", "ignore", "rule")
_PROBLEMS = ["row", "feature", "column", "value", "reason"]


@dataclass(frozen=True)
class Mapping:
    """How the columns and classes of a source become those of the barrier schema.

    Parameters
    ----------
    name, version, source, licence : str
        What it is for; ``source`` and ``licence`` fill rows that have none.
    id : str
        Column of the source with the stable id.
    columns : mapping
        Source column -> column of the schema.
    values : mapping
        Schema column -> (source value -> schema value).
    ignore : tuple of str
        Source columns that are of no use here; they are reported as ignored, not as unmapped.
    rules : tuple of mapping
        Tried in order, the first that fits decides: ``when`` (tags), ``layer``, ``set`` (values), ``move``
        (schema column -> other schema column), ``assume`` (values filled only on request), ``skip`` (why it
        is left out), ``remark``.

    Examples
    --------
    >>> load_mapping("openstreetmap").name
    'OpenStreetMap'
    """

    name: str
    version: str
    source: str
    licence: str
    id: str
    columns: MappingType[str, str]
    values: MappingType[str, MappingType[str, Any]]
    ignore: tuple[str, ...]
    rules: tuple[MappingType[str, Any], ...] = field(repr=False)


@dataclass(frozen=True)
class ImportResult:
    """What an import made, and everything it did not take over.

    Parameters
    ----------
    layers : mapping
        ``"barriers"`` and ``"structures"``, each with all columns of its schema.
    unmapped : DataFrame
        One row per feature without a rule or that a rule skips: ``row`` (from 1), ``feature``, ``tags``,
        ``reason``.
    problems : DataFrame
        Cells that could not be read: ``row``, ``feature``, ``column``, ``value``, ``reason``.
    remarks : DataFrame
        What a rule says of features that it maps, and changes of geometry: ``row``, ``feature``, ``remark``.
    columns : DataFrame
        Source columns that went nowhere: ``column``, ``filled`` (cells), ``why`` (unmapped or ignored).
    assumed : DataFrame
        Values filled by assumption, when asked for: ``row``, ``feature``, ``column``, ``value``.

    Examples
    --------
    >>> from shapely.geometry import LineString
    >>> osm = gpd.GeoDataFrame({"barrier": ["fence"]}, geometry=[LineString([(0, 0), (1, 1)])], crs=4326)
    >>> import_layer(osm, "openstreetmap").layers["barriers"]["kind"].tolist()
    ['fence']
    """

    layers: MappingType[str, gpd.GeoDataFrame]
    unmapped: pd.DataFrame
    problems: pd.DataFrame
    remarks: pd.DataFrame
    columns: pd.DataFrame
    assumed: pd.DataFrame

    def text(self) -> str:
        """The result as lines for a terminal."""
        lines = [f"{name}: {len(layer):,} rows" for name, layer in self.layers.items()]
        for title, table in (
            ("features not mapped", self.unmapped),
            ("values not read", self.problems),
            ("remarks", self.remarks),
            ("columns not used", self.columns),
            ("values assumed", self.assumed),
        ):
            lines.append(f"{title}: {len(table):,}")
            lines += [f"  {'  '.join(str(v) for v in row)}" for row in table.itertuples(index=False)]
        return "\n".join(lines)


@cache
def mappings() -> tuple[str, ...]:
    """Names of the shipped mappings.

    >>> "openstreetmap" in mappings()
    True
    """
    names = (entry.name for entry in (files("permeability") / "data" / "mappings").iterdir())
    return tuple(sorted(n.removesuffix(".toml") for n in names if n.endswith(".toml")))


def load_mapping(mapping: str | os.PathLike[str] | MappingType[str, Any] | Mapping) -> Mapping:
    """A shipped mapping by name, one from a TOML file, or one from plain values.

    Parameters
    ----------
    mapping : path | Mapping[str, object] | Mapping

    Returns
    -------
    Mapping
        Checked against the schema.

    Raises
    ------
    LayerError
        K20 for a name or file that is not there, K21 for unknown keys, K22 for columns not in the schema.

    Examples
    --------
    >>> load_mapping("openstreetmap").licence
    'ODbL 1.0'
    """
    if isinstance(mapping, Mapping):
        return mapping
    if isinstance(mapping, MappingType):
        return _mapping(mapping)
    if str(mapping) in mappings():
        path: Any = files("permeability") / "data" / "mappings" / f"{mapping}.toml"
    else:
        path = Path(mapping)
        if not path.is_file():
            guess = nearest(mapping, mappings())
            raise LayerError(
                "K20",
                f"there is no mapping {str(mapping)!r}.",
                details={"shipped": ", ".join(mappings())},
                remedy=f"did you mean {guess!r}?"
                if guess
                else "give a shipped name or the path of a TOML file",
            )
    return _mapping(tomllib.loads(path.read_text(encoding="utf-8")))


def _mapping(data: MappingType[str, Any]) -> Mapping:
    """A mapping from plain values, checked against the schema."""
    for key in data:
        _known(key, _TOP_KEYS, "K21", "a key of a mapping")
    targets = {c.name for name in LAYERS for c in columns(name)}
    for target in (*data.get("columns", {}).values(), *data.get("values", {})):
        _known(target, targets, "K22", "a column of the barrier schema")
    for rule in data.get("rule", ()):
        for key in rule:
            _known(key, _RULE_KEYS, "K21", "a key of a mapping rule")
        for column in (*rule.get("set", {}), *rule.get("assume", {}), *rule.get("move", {}).values()):
            _known(column, targets, "K22", "a column of the barrier schema")
    return Mapping(
        name=str(data.get("name", "")),
        version=str(data.get("version", "")),
        source=str(data.get("source", "")),
        licence=str(data.get("licence", "")),
        id=str(data.get("id", "id")),
        columns=dict(data.get("columns", {})),
        values={k: dict(v) for k, v in data.get("values", {}).items()},
        ignore=tuple(data.get("ignore", ())),
        rules=tuple(data.get("rule", ())),
    )


def _known(key: Any, valid: Any, code: str, what: str) -> None:
    if key not in valid:
        guess = nearest(key, valid)
        raise LayerError(
            code,
            f"{key!r} is not {what}.",
            remedy=f"did you mean {guess!r}?" if guess else f"use one of: {', '.join(sorted(valid))}",
        )


def import_layer(
    layer: gpd.GeoDataFrame,
    mapping: str | os.PathLike[str] | MappingType[str, Any] | Mapping,
    *,
    assume: bool = False,
) -> ImportResult:
    """Turn a layer of another make into the barrier schema.

    Parameters
    ----------
    layer : GeoDataFrame
        Lines, points or polygons with the columns of the source.  A column ``other_tags`` in the form of GDAL's
        OpenStreetMap reader is unfolded.
    mapping : str, path, dict or Mapping
        See :func:`load_mapping`; ``"openstreetmap"`` is shipped.
    assume : bool
        Also fill the values that the mapping marks as assumptions (such as traffic by road class); listed.

    Returns
    -------
    ImportResult
        Every feature of the input is in a layer or in ``unmapped``; every cell that was not understood is in
        ``problems``.  Rows keep the order of the input.

    Raises
    ------
    LayerError
        K11 for a layer without CRS, K20-K22 for the mapping.

    Examples
    --------
    >>> from shapely.geometry import LineString
    >>> line = LineString([(0, 0), (1, 1)])
    >>> osm = gpd.GeoDataFrame({"railway": ["rail", "tram"]}, geometry=[line, line], crs=4326)
    >>> result = import_layer(osm, "openstreetmap")
    >>> len(result.layers["barriers"]), list(result.unmapped["row"])
    (1, [2])
    """
    found = load_mapping(mapping)
    if layer.crs is None:
        raise LayerError(
            "K11", "the layer has no CRS.", remedy="set the CRS it was drawn in; nothing is guessed"
        )
    return _Importer(layer, found, assume).result()


class _Importer:
    """One import: walks the features and keeps the books."""

    def __init__(self, layer: gpd.GeoDataFrame, mapping: Mapping, assume: bool) -> None:
        self.layer, self.mapping, self.assume = layer, mapping, assume
        self.made: dict[str, list[dict[str, Any]]] = {"barriers": [], "structures": []}
        self.shapes: dict[str, list[BaseGeometry]] = {"barriers": [], "structures": []}
        self.unmapped: list[tuple[Any, ...]] = []
        self.problems: list[tuple[Any, ...]] = []
        self.remarks: list[tuple[Any, ...]] = []
        self.assumed: list[tuple[Any, ...]] = []
        self.used: set[str] = set()

    def result(self) -> ImportResult:
        """Walk all features."""
        tables = self.layer.drop(columns=self.layer.geometry.name).to_dict("records")
        features = [_tags(record) for record in tables]
        for number, (tags, shape) in enumerate(zip(features, self.layer.geometry), start=1):
            self.feature(number, tags, shape)
        layers = {name: self.table(name) for name in self.made}
        return ImportResult(
            layers,
            pd.DataFrame(self.unmapped, columns=["row", "feature", "tags", "reason"]),
            pd.DataFrame(self.problems, columns=_PROBLEMS),
            pd.DataFrame(self.remarks, columns=["row", "feature", "remark"]),
            self.columns_left(features),
            pd.DataFrame(self.assumed, columns=["row", "feature", "column", "value"]),
        )

    def feature(self, number: int, tags: dict[str, Any], shape: BaseGeometry | None) -> None:
        """One feature: find its rule, its layer, its values."""
        mapping = self.mapping
        identifier = str(tags.get(mapping.id, f"row-{number}"))
        rule = next((r for r in mapping.rules if _fits(r.get("when", {}), tags)), None)
        keys = {str(k) for r in mapping.rules for k in r.get("when", {})}
        self.used |= keys
        reason = self.refusal(rule, shape)
        if rule is None or shape is None or reason:
            text = ", ".join(f"{k}={v}" for k, v in tags.items() if k in keys) or "(no tag a rule asks for)"
            self.unmapped.append((number, identifier, text, reason))
            return
        name = str(rule.get("layer", "barriers"))
        known = {c.name: c for c in columns(name)}
        values: dict[str, Any] = {"id": identifier, "source": mapping.source, "licence": mapping.licence}
        taken: dict[str, str] = {}
        for source, target in mapping.columns.items():
            target = rule.get("move", {}).get(target, target)
            if target not in known or source not in tags:
                continue
            value, why = _read(tags[source], known[target], mapping.values.get(target, {}))
            if why:
                self.problems.append((number, identifier, source, tags[source], why))
            elif target not in taken:
                values[target], taken[target] = value, source
            elif values[target] != value:
                why = f"{target} is already taken from {taken[target]}"
                self.problems.append((number, identifier, source, tags[source], why))
        values |= dict(rule.get("set", {}))
        if self.assume:
            for column, value in rule.get("assume", {}).items():
                if values.get(column) is None:
                    values[column] = value
                    self.assumed.append((number, identifier, column, value))
        if "remark" in rule:
            self.remarks.append((number, identifier, rule["remark"]))
        self.made[name].append(values)
        self.shapes[name].append(self.line(number, identifier, shape) if name == "barriers" else shape)

    def refusal(self, rule: MappingType[str, Any] | None, shape: BaseGeometry | None) -> str:
        """Why a feature goes to no layer; empty when it does."""
        if rule is None:
            return "no rule of the mapping fits"
        if "skip" in rule:
            return str(rule["skip"])
        if shape is None or shape.is_empty:
            return "no geometry"
        allowed = json_schema(str(rule.get("layer", "barriers")))["x-geometry"]
        if shape.geom_type not in allowed and shape.geom_type not in ("Polygon", "MultiPolygon"):
            return f"a {shape.geom_type} cannot be a row of {rule.get('layer', 'barriers')}"
        return ""

    def line(self, number: int, identifier: str, shape: BaseGeometry) -> BaseGeometry:
        """Lines as they are; polygons as their outlines, which is noted."""
        if shape.geom_type not in ("Polygon", "MultiPolygon"):
            return shape
        self.remarks.append((number, identifier, "an area: its outline was taken as the barrier"))
        return shape.boundary

    def table(self, name: str) -> gpd.GeoDataFrame:
        """One layer with all its columns."""
        frame = pd.DataFrame(self.made[name], columns=[c.name for c in columns(name)])
        return conform(gpd.GeoDataFrame(frame, geometry=self.shapes[name], crs=self.layer.crs), name)

    def columns_left(self, features: list[dict[str, Any]]) -> pd.DataFrame:
        """Source columns that neither a rule nor the mapping reads."""
        filled: dict[str, int] = {}
        for tags in features:
            for key in tags:
                filled[key] = filled.get(key, 0) + 1
        taken = self.used | set(self.mapping.columns) | {self.mapping.id}
        rows = [
            (key, count, "ignored by the mapping" if key in self.mapping.ignore else "not in the mapping")
            for key, count in sorted(filled.items())
            if key not in taken
        ]
        return pd.DataFrame(rows, columns=["column", "filled", "why"])


def _tags(record: MappingType[Any, Any]) -> dict[str, Any]:
    """Filled cells of a feature, with GDAL's ``other_tags`` unfolded."""
    tags = {str(k): v for k, v in record.items() if not missing(v)}
    folded = tags.pop("other_tags", None)
    if folded is not None:
        for key, value in re.findall(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"', str(folded)):
            tags.setdefault(key.replace('\\"', '"'), value.replace('\\"', '"'))
    return tags


def _fits(when: MappingType[str, Any], tags: MappingType[str, Any]) -> bool:
    """Whether a feature has all tags of a rule; ``"*"`` is any value, a list any of its values."""
    for key, wanted in when.items():
        value = tags.get(key)
        if value is None:
            return False
        if wanted != "*" and str(value) not in ([wanted] if isinstance(wanted, str) else list(wanted)):
            return False
    return True


def _read(value: Any, column: Any, translation: MappingType[str, Any]) -> tuple[Any, str]:
    """A cell in the words of the schema, and why it could not be read (empty when it could)."""
    text = str(value).strip()
    if translation:
        if text not in translation:
            return None, f"no translation of this value for {column.name}"
        return translation[text], ""
    if column.type == "string":
        if column.values and text not in column.values:
            return None, f"not one of: {', '.join(column.values)}"
        return text, ""
    return _read_number(text, column)


_UNITS = {"": 1.0, "m": 1.0, "metre": 1.0, "metres": 1.0, "cm": 0.01, "km": 1000.0, "ft": 0.3048}


def _read_number(text: str, column: Any) -> tuple[Any, str]:
    """A number with an optional unit of length; a year out of an ISO date."""
    if column.unit == "year":
        year = re.fullmatch(r"(\d{4})(?:-\d{2}){0,2}", text)
        return (float(year[1]), "") if year else (None, "not a year or a date")
    found = re.fullmatch(r"([-+]?\d+(?:[.,]\d+)?)\s*([a-zA-Z]*)", text)
    if not found or (found[2] and (column.unit != "m" or found[2].lower() not in _UNITS)):
        return None, f"not a number{f' in {column.unit}' if column.unit else ''}"
    number = float(found[1].replace(",", ".")) * _UNITS[found[2].lower()]
    low, high = column.minimum, column.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        return None, f"outside {low:g} to {high:g}"
    return number, ""
