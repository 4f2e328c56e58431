"""Tolerant import: other people's columns and class names to the barrier schema, with everything listed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from shapely.geometry.base import BaseGeometry

from permeability.barriers.database.conforming import conform
from permeability.barriers.database.schema import LAYERS, columns, json_schema
from permeability.core.cells import read_number, read_text, read_word, read_year
from permeability.core.errors import LayerError, nearest, shorten
from permeability.core.toml_files import read_toml, shaped
from permeability.species.seasons import missing

_RULE_KEYS = ("when", "layer", "set", "move", "assume", "skip", "remark")
_ADDITION_KEYS = ("when", "kinds", "set", "remark")
_TOP_KEYS = (
    "name", "version", "source", "licence", "columns", "values", "id", "ignore", "rule", "addition", "several", "lifecycle",
    "otherwise",
)  # fmt: skip
_NO = frozenset(
    {"no", "n", "f", "false", "0", "none", ""}
)  # values by which a tag says that it does not hold
_STAGES = ("disused", "construction", "proposed", "planned")
_GONE = ("abandoned", "razed", "dismantled", "demolished", "removed", "historic", "was")
_PROBLEMS = ["row", "feature", "column", "value", "reason"]


@dataclass(frozen=True)
class Mapping:
    """How the columns and classes of a source become those of the barrier schema.

    Parameters
    ----------
    name, version, source, licence : str
        What it is for; ``source`` and ``licence`` fill rows that have none.
    id : tuple of str
        Columns of the source with the stable id; the first that is filled counts.
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
    several : bool
        Whether a feature may be several things: then the first rule that fits decides for every tag that rules begin
        with (a railway with a fence tag is both).
    lifecycle : bool
        Whether tags such as ``disused:railway`` and ``proposed:highway`` are read as those of the thing itself.
    additions : tuple of mapping
        What further tags say of the rows that a feature gave: ``when``, ``kinds``, ``set``, ``remark``.
    otherwise : mapping
        Schema column -> schema column to take its value from when it is empty.

    Examples
    --------
    >>> load_mapping("openstreetmap").name
    'OpenStreetMap'
    """

    name: str
    version: str
    source: str
    licence: str
    id: tuple[str, ...]
    columns: MappingType[str, str]
    values: MappingType[str, MappingType[str, Any]]
    ignore: tuple[str, ...]
    rules: tuple[MappingType[str, Any], ...] = field(repr=False)
    several: bool = False
    lifecycle: bool = False
    additions: tuple[MappingType[str, Any], ...] = field(default=(), repr=False)
    otherwise: MappingType[str, str] = field(default_factory=dict)


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

    @property
    def lists(self) -> dict[str, pd.DataFrame]:
        """Title -> table of what was not taken over as it is."""
        return {
            "features not mapped": self.unmapped, "values not read": self.problems, "remarks": self.remarks,
            "columns not used": self.columns, "values assumed": self.assumed,
        }  # fmt: skip

    def text(self, *, whole: bool = False) -> str:
        """The result as lines for a terminal: counts by reason, or every feature."""
        lines = [f"{name}: {len(layer):,} rows" for name, layer in self.layers.items()]
        for title, table in self.lists.items():
            lines.append(f"{title}: {len(table):,}")
            if whole:
                lines += [f"  {'  '.join(str(v) for v in row)}" for row in table.itertuples(index=False)]
            else:
                lines += _counted(table)
        return "\n".join(lines)


def _counted(table: pd.DataFrame, most: int = 25) -> list[str]:
    """Rows of a list counted by what they say, the most frequent first."""
    by = [c for c in ("reason", "remark", "why") if c in table] or ["column"]
    by += [c for c in ("column", "value") if c in table and c not in by]
    counts: dict[tuple[str, ...], list[str]] = {}
    for row in table.to_dict("records"):
        counts.setdefault(tuple(str(row[c]) for c in by), []).append(
            str(row.get("feature", row.get("column")))
        )
    ordered = sorted(counts.items(), key=lambda c: (-len(c[1]), c[0]))
    lines = [f"  {len(who):>7,}  {': '.join(said)} ({shorten(who, 3)})" for said, who in ordered[:most]]
    left = sum(len(who) for _, who in ordered[most:])
    return [*lines, f"  {left:>7,}  of {len(ordered) - most:,} further kinds"] if left else lines


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
        with shaped("the mapping", "a mapping"):
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
    with shaped(path.name, "a mapping"):
        return _mapping(read_toml(path))


def _mapping(data: MappingType[str, Any]) -> Mapping:
    """A mapping from plain values, checked against the schema."""
    for key in data:
        _known(key, _TOP_KEYS, "K21", "a key of a mapping")
    targets = {c.name for name in LAYERS for c in columns(name)}
    for target in (*data.get("columns", {}).values(), *data.get("values", {})):
        _known(target, targets, "K22", "a column of the barrier schema")
    for table in ("rule", "addition"):
        if any(not isinstance(r.get("when", {}), MappingType) for r in data.get(table, ())):
            raise TypeError(f"when of a {table} is no table")
    for rule in data.get("rule", ()):
        for key in rule:
            _known(key, _RULE_KEYS, "K21", "a key of a mapping rule")
        for column in (*rule.get("set", {}), *rule.get("assume", {}), *rule.get("move", {}).values()):
            _known(column, targets, "K22", "a column of the barrier schema")
    for addition in data.get("addition", ()):
        for key in addition:
            _known(key, _ADDITION_KEYS, "K21", "a key of an addition")
        for column in addition.get("set", {}):
            _known(column, targets, "K22", "a column of the barrier schema")
    for column, other in data.get("otherwise", {}).items():
        _known(column, targets, "K22", "a column of the barrier schema")
        _known(other, targets, "K22", "a column of the barrier schema")
    ids = data.get("id", "id")
    return Mapping(
        name=str(data.get("name", "")),
        version=str(data.get("version", "")),
        source=str(data.get("source", "")),
        licence=str(data.get("licence", "")),
        id=(ids,) if isinstance(ids, str) else tuple(map(str, ids)),
        columns=dict(data.get("columns", {})),
        values={k: dict(v) for k, v in data.get("values", {}).items()},
        ignore=tuple(data.get("ignore", ())),
        rules=tuple(data.get("rule", ())),
        several=bool(data.get("several", False)),
        lifecycle=bool(data.get("lifecycle", False)),
        additions=tuple(data.get("addition", ())),
        otherwise=dict(data.get("otherwise", {})),
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
        """One feature: its rules, and the rows that they give."""
        told = dict(tags)
        if self.mapping.lifecycle:
            tags = _present(tags)
        identifier = next((str(read_text(tags[k])) for k in self.mapping.id if k in tags), f"row-{number}")
        keys = {str(k) for r in (*self.mapping.rules, *self.mapping.additions) for k in r.get("when", {})}
        self.used |= (keys | {k for k in told if k not in tags}) & set(told)
        rules = self.rules(tags)
        reasons = [self.refusal(r, shape) for r in rules] or ["no rule of the mapping fits"]
        good = [r for r, why in zip(rules, reasons) if not why]
        if not good or shape is None:
            text = (
                ", ".join(f"{k}={v}" for k, v in told.items() if k in keys or ":" in k)
                or "(no tag a rule asks for)"
            )
            self.unmapped.append((number, identifier, text, "; ".join(dict.fromkeys(reasons))))
            return
        for rule, why in zip(rules, reasons):
            if why:
                tag = next(iter(rule.get("when", {"": ""})))
                self.remarks.append((number, identifier, f"{tag}={tags.get(tag)} was left out: {why}"))
        good = self.merged(good, number, identifier)
        for k, rule in enumerate(good):
            own = identifier if k == 0 else f"{identifier} {rule.get('set', {}).get('kind', k + 1)}"
            self.row(number, own, tags, shape, rule)

    def rules(self, tags: MappingType[str, Any]) -> list[MappingType[str, Any]]:
        """The rules that decide about a feature: the first that fits, or the first of every tag that rules begin with."""
        found: dict[str, MappingType[str, Any]] = {}
        for rule in self.mapping.rules:
            when = rule.get("when", {})
            theme = next(iter(when), "") if self.mapping.several else ""
            if theme not in found and _fits(when, tags):
                found[theme] = rule
        return list(found.values())

    def merged(
        self, rules: list[MappingType[str, Any]], number: int, identifier: str
    ) -> list[MappingType[str, Any]]:
        """A fence on the way of a railway is the railway's own: one row, fenced."""
        kinds = [r.get("set", {}).get("kind") for r in rules]
        if "railway" not in kinds or "fence" not in kinds:
            return rules
        fence = rules[kinds.index("fence")].get("set", {})
        wires = {k: v for k, v in fence.items() if k in ("wire_type", "bottom_wire")}
        said = (
            "a fence is tagged on the way of the railway: taken as fenced; give fence_class and fence_sides"
        )
        self.remarks.append((number, identifier, said))
        out: list[MappingType[str, Any]] = []
        for rule, kind in zip(rules, kinds):
            if kind == "railway":
                out.append({**rule, "set": {**rule["set"], "fenced": "yes", **wires}})
            elif kind != "fence":
                out.append(dict(rule))
        return out

    def row(
        self, number: int, identifier: str, tags: MappingType[str, Any], shape: BaseGeometry, rule: MappingType[str, Any]
    ) -> None:  # fmt: skip
        """One row of a layer: its values from columns, rule, assumptions and additions."""
        mapping = self.mapping
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
        for addition in mapping.additions:
            if values.get("kind") in addition.get("kinds", (values.get("kind"),)) and _fits(
                addition["when"], tags
            ):
                values |= {k: v for k, v in addition.get("set", {}).items() if k in known}
                if "remark" in addition:
                    self.remarks.append((number, identifier, addition["remark"]))
        for column, other in mapping.otherwise.items():
            if column in known and missing(values.get(column)) and not missing(values.get(other)):
                values[column] = values[other]
        if self.assume:
            for column, value in rule.get("assume", {}).items():
                if values.get(column) is None:
                    values[column] = value
                    self.assumed.append((number, identifier, column, value))
        if "remark" in rule:
            self.remarks.append((number, identifier, rule["remark"]))
        self.made[name].append(values)
        self.shapes[name].append(self.line(number, identifier, shape) if name == "barriers" else shape)

    def refusal(self, rule: MappingType[str, Any], shape: BaseGeometry | None) -> str:
        """Why a feature goes to no layer; empty when it does."""
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
        taken = self.used | set(self.mapping.columns) | set(self.mapping.id)
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
    """Whether a feature has all tags of a rule.

    ``"*"`` is any value by which the tag holds (``no``, ``false``, ``F``, ``0`` say that it does not), a list any of its
    values, ``{ not = [...] }`` any value that holds but these.
    """
    for key, wanted in when.items():
        value = str(tags.get(key, "")).strip()
        if isinstance(wanted, MappingType):
            if value.casefold() in _NO or value in wanted.get("not", ()):
                return False
        elif wanted == "*":
            if value.casefold() in _NO:
                return False
        elif value not in ([wanted] if isinstance(wanted, str) else list(wanted)):
            return False
    return True


def _present(tags: MappingType[str, Any]) -> dict[str, Any]:
    """Tags with the prefixes of a life cycle as tags of the thing itself.

    >>> _present({"disused:railway": "rail", "proposed:highway": "trunk"})
    {'railway': 'disused', 'highway': 'proposed', 'proposed': 'trunk'}
    """
    out = {k: v for k, v in tags.items() if ":" not in k or k.partition(":")[0] not in (*_GONE, *_STAGES)}
    for key, value in tags.items():
        stage, colon, thing = key.partition(":")
        if not colon or stage not in (*_GONE, *_STAGES):
            continue
        if thing in out or str(value).casefold() in _NO:
            out.setdefault(key, value)
        elif stage in _GONE:
            out[thing] = "abandoned"
        elif stage == "disused":
            out[thing] = "disused"
        else:
            out[thing] = word = "construction" if stage == "construction" else "proposed"
            out.setdefault(word, value)
    return out


def _read(value: Any, column: Any, translation: MappingType[str, Any]) -> tuple[Any, str]:
    """A cell in the words of the schema, and why it could not be read (empty when it could)."""
    text = read_text(value) or ""
    if translation:
        if text not in translation:
            return None, f"no translation of this value for {column.name}"
        return translation[text], ""
    if column.unit == "year":
        found, why = read_year(value)
    elif column.type != "string":
        found, why = read_number(value, column.unit)
    elif column.values:
        word, why = read_word(value, column.values)
        return word, f"not one of: {', '.join(column.values)}" if why else ""
    else:
        return text, ""
    if why:
        return None, why
    low, high = column.minimum, column.maximum
    if (low is not None and found < low) or (high is not None and found > high):
        return None, f"outside {low:g} to {high:g}"
    return found, ""
