"""The inventory of bridges, underpasses and gaps against a standard and against what species use."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.barriers.database.conforming import read_layer
from permeability.barriers.database.faults import check
from permeability.barriers.passability import Structure, gap_encounter_chance, structure_chance
from permeability.barriers.standards import Standard, StandardRule, standard
from permeability.core.errors import Finding, LayerError
from permeability.species import SpeciesProfile, species
from permeability.species.seasons import missing

__all__ = ["StructureReport", "check_structures", "judge"]

VERDICTS: tuple[str, ...] = ("meets", "falls short", "not known", "no rule")
"""``not known``: a size that a rule asks for is not in the inventory."""


@dataclass(frozen=True)
class StructureReport:
    """Result of :func:`check_structures`.

    Parameters
    ----------
    table : DataFrame
        One row per structure and species: ``id``, ``name``, ``line``, ``km``, ``kind``, ``form``, ``type``,
        ``width_m``, ``height_m``, ``length_m``, ``openness_m``, ``spacing_m`` (to the nearest other structure of
        the line), ``species``, ``chance_low``, ``chance``, ``chance_high`` (that an animal at the mouth goes
        through), ``encounter_chance`` (that an animal that meets the line finds one of its structures, at
        their mean spacing), ``verdict``, ``reasons``.
    standard : Standard
    findings : tuple of Finding
        Faults of the inventory, and a warning where the standard is empty.

    Examples
    --------
    >>> from permeability.barriers.database import template_layers
    >>> report = check_structures(template_layers()["structures"], "xinjiang_2019", ["goitered_gazelle"])
    >>> len(report.table)  # two structures, one species
    2
    """

    table: pd.DataFrame
    standard: Standard
    findings: tuple[Finding, ...]

    def counts(self) -> pd.DataFrame:
        """Structures by species and verdict."""
        return self.table.pivot_table(
            index="species", columns="verdict", values="id", aggfunc="count", fill_value=0
        ).reset_index()

    def text(self) -> str:
        """The report as lines for a terminal."""
        s = self.standard
        lines = [f"{s.title}, version {s.version} ({s.status}); {s.source}"]
        lines += [f.text() for f in self.findings]
        for name, rows in self.table.groupby("species", sort=False):
            lines.append(f"\n{species(str(name)).name()}: {len(rows)} structures")
            lines += [f"  {_line(row)}" for row in rows.to_dict("records")]
        return "\n".join(lines)


def _line(row: Mapping[Any, Any]) -> str:
    """One structure as a line: place, size, chance, verdict."""
    sizes = [f"{row[k]:g}" for k in ("width_m", "height_m", "length_m") if not missing(row[k])]
    place = f"{row['line']} km {row['km']:g}" if not missing(row["km"]) and not missing(row["line"]) else ""
    spacing = "" if missing(row["spacing_m"]) else f"; next one {row['spacing_m'] / 1000:.1f} km away"
    chance = f"{row['chance']:.2g} ({row['chance_low']:.2g}-{row['chance_high']:.2g})"
    head = f"{row['id']} {place}".strip()
    return (
        f"{head}: {row['kind']}, {' x '.join(sizes)} m; chance {chance}{spacing}; "
        f"{row['verdict'].upper()}{': ' + row['reasons'] if row['reasons'] else ''}"
    )


def check_structures(
    layer: gpd.GeoDataFrame,
    rules: str | os.PathLike[str] | Standard,
    species_names: Sequence[str | SpeciesProfile],
    *,
    year: float | None = None,
) -> StructureReport:
    """Compare an inventory of crossing structures with a standard, for each species.

    Parameters
    ----------
    layer : GeoDataFrame
        In the ``structures`` schema of the barrier database.
    rules : str, path or Standard
        A standard (:func:`permeability.barriers.standards.standard`).
    species_names : sequence of str or SpeciesProfile
    year : float, optional
        Calendar year; structures opened lately count with the share of their chance animals have learnt.

    Returns
    -------
    StructureReport
        The verdict says what the standard says, the chance what the species does; the two can disagree.

    Raises
    ------
    LayerError
        N03 when the inventory has errors (all of them listed), so that sizes cannot be read.

    Examples
    --------
    >>> from permeability.barriers.database import template_layers
    >>> report = check_structures(template_layers()["structures"], "xinjiang_2019", ["goitered_gazelle"])
    >>> list(report.table["verdict"])
    ['no rule', 'meets']
    """
    found = rules if isinstance(rules, Standard) else standard(rules)
    findings = [f for f in check(layer, "structures") if f.severity != "note"]
    errors = [f for f in findings if f.severity == "error"]
    if errors:
        raise LayerError(
            "N03",
            f"the inventory of structures has {len(errors)} faults.",
            details={f"fault {i}": f.text() for i, f in enumerate(errors, start=1)},
            remedy="mend them, then check again",
        )
    layer = read_layer(layer, "structures").table
    if found.empty:
        findings.append(_empty_warning(found))
    spacing = _spacing_m(layer)
    profiles = [s if isinstance(s, SpeciesProfile) else species(s) for s in species_names]
    records = layer.drop(columns=layer.geometry.name).to_dict("records")
    rows = [
        _row(record, distance, profile, found, year)
        for profile in profiles
        for record, distance in zip(records, spacing)
    ]
    table = pd.DataFrame(rows)
    means = _mean_spacing(table)
    table["encounter_chance"] = [
        float(gap_encounter_chance(means[line], profile.trace_length_m.best)) if line in means else np.nan
        for profile in profiles
        for line in table["line"].iloc[: len(records)]
    ]
    return StructureReport(table, found, tuple(findings))


def _empty_warning(found: Standard) -> Finding:
    return Finding(
        "N04",
        f"{found.title}: no figures are shipped, so nothing was compared with it.",
        "fill a copy of the rule file from your own copy of the standard and pass its path",
        found.name,
        severity="warning",
    )


def _row(
    record: Mapping[Any, Any], spacing_m: float, profile: SpeciesProfile, found: Standard, year: float | None
) -> dict[str, Any]:
    """One structure for one species."""

    def size(key: str) -> float | None:
        value = record.get(key)
        return None if missing(value) else float(value)  # type: ignore[arg-type]

    built = Structure(str(record["kind"]), float(record["width_m"]), size("height_m"), size("length_m"))
    opened = size("opened")
    years = None if year is None or opened is None else max(0.0, year - opened)
    chance = structure_chance(built, profile, years)
    verdict, reasons = judge(built, spacing_m, found.rules_for(built.kind, profile))
    text = {k: (None if missing(record.get(k)) else str(record[k])) for k in ("id", "name", "line", "form")}
    return {
        **text,
        "km": size("km"),
        "kind": built.kind,
        "type": built.type,
        "width_m": built.width_m,
        "height_m": built.height_m,
        "length_m": built.length_m,
        "openness_m": built.openness_m,
        "spacing_m": spacing_m,
        "species": profile.id,
        "chance_low": chance.low,
        "chance": chance.best,
        "chance_high": chance.high,
        "verdict": verdict,
        "reasons": "; ".join(reasons),
    }


def judge(built: Structure, spacing_m: float, rules: Sequence[StandardRule]) -> tuple[str, list[str]]:
    """Verdict on one structure under some rules, with its reasons.

    Falls short when any figure is missed; not known when none is missed but one cannot be compared.

    Parameters
    ----------
    built : Structure
    spacing_m : float
        To the nearest other structure of the line [m].
    rules : sequence of StandardRule

    Returns
    -------
    tuple[str, list[str]]
        Verdict and reasons.

    Examples
    --------
    >>> judge(Structure("under", 10.0, 4.0), float("nan"), standard("xinjiang_2019").rules)
    ('falls short', ['width 10 m is below 12 m'])
    """
    if not rules:
        return "no rule", []
    short: list[str] = []
    unknown: list[str] = []
    better: list[str] = []
    for rule in rules:
        wanted = (
            ("width", built.width_m, rule.min_width_m, rule.recommended_width_m),
            ("height", built.height_m, rule.min_height_m, rule.recommended_height_m),
            ("openness", built.openness_m, rule.min_openness_m, None),
        )
        for name, value, least, recommended in wanted:
            if least is not None and value is None:
                unknown.append(f"{name} is not in the inventory")
            elif least is not None and value is not None and value < least:
                short.append(f"{name} {value:g} m is below {least:g} m")
            elif recommended is not None and value is not None and value < recommended:
                better.append(f"{name} {value:g} m is below the recommended {recommended:g} m")
        if rule.max_spacing_m is not None and np.isnan(spacing_m):
            unknown.append("spacing is not known")
        elif rule.max_spacing_m is not None and spacing_m > rule.max_spacing_m:
            short.append(f"the next structure is {spacing_m:,.0f} m away, over {rule.max_spacing_m:,.0f} m")
    verdict = "falls short" if short else "not known" if unknown else "meets"
    return verdict, list(dict.fromkeys(short + unknown + better))


def _spacing_m(layer: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Distance of each structure to the nearest other one of its line [m].

    By kilometre where both have one, else straight between their places on the ellipsoid; NaN without a line
    or a neighbour.
    """
    n = len(layer)
    lines = [None if missing(v) else str(v) for v in (layer["line"] if "line" in layer else [None] * n)]
    km = layer["km"].to_numpy(np.float64) if "km" in layer else np.full(n, np.nan)
    places = layer.geometry.to_crs("EPSG:4326").representative_point()
    geod = places.crs.get_geod()
    out = np.full(n, np.nan)
    for i in range(n):
        others = [j for j in range(n) if j != i and lines[i] is not None and lines[j] == lines[i]]
        distances = []
        for j in others:
            along = abs(km[i] - km[j]) * 1000.0
            if np.isnan(along):
                a, b = places.iloc[i], places.iloc[j]
                along = geod.inv(a.x, a.y, b.x, b.y)[2]
            distances.append(float(along))
        if distances:
            out[i] = min(distances)
    return out


def _mean_spacing(table: pd.DataFrame) -> dict[str, float]:
    """Mean spacing of the structures of each line [m], where it has two or more with a kilometre."""
    first = table[table["species"] == table["species"].iloc[0]] if len(table) else table
    means = {}
    for line, rows in first.groupby("line"):
        km = rows["km"].dropna()
        if len(km) > 1 and km.max() > km.min():
            means[str(line)] = float((km.max() - km.min()) * 1000.0 / (len(km) - 1))
    return means
