"""What the report calls its numbers: index values with their unit, evidence grades, treatments, factors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from permeability.linkage.index_table import INDEX, Index
from permeability.locale.language import N_, Words

GRADES: Final[Mapping[str, tuple[str, str]]] = {
    "F": (N_("found"), N_("stated in a source that was read")),
    "measured": (N_("measured"), N_("measured from tracks of animals given to the project")),
    "D": (N_("derived"), N_("computed from found figures")),
    "M-h": (N_("expert, firm"), N_("expert knowledge, high confidence")),
    "M-m": (N_("expert, fair"), N_("expert knowledge, medium confidence")),
    "M-l": (N_("expert, weak"), N_("expert knowledge, low confidence")),
    "X": (N_("not found"), N_("no figure was found; the value is a placeholder")),
}

FACTORS: Final[Mapping[str, str]] = {
    "slope_deg": N_("slope"),
    "water_km": N_("distance to water"),
    "town_km": N_("distance to towns"),
    "herder_camp_km": N_("distance to herder camps"),
    "mine_km": N_("distance to mines"),
    "productivity_gc_m2_yr": N_("plant productivity"),
    "forest": N_("forest"),
    "dune_sand": N_("dune sand"),
    "snow_cm": N_("snow depth"),
    "ndvi": N_("greenness (NDVI)"),
    "shrub": N_("shrub"),
    "cropland": N_("cropland"),
}

PARAMETERS: Final[Mapping[str, str]] = {
    "body.mass_kg": N_("body mass [kg]"),
    "body.shoulder_cm": N_("shoulder height [cm]"),
    "movement.annual_range_km2": N_("annual range [km²]"),
    "movement.budget_km": N_("movement budget [km of open ground]"),
    "movement.daily_km": N_("way of a day [km]"),
    "movement.dispersal_km": N_("mean dispersal [km of open ground]"),
    "movement.trace_km": N_("trace length along a barrier [km]"),
    "road.avoidance_km": N_("width of the avoided strip along roads [km]"),
    "road.gap_s": N_("gap in traffic an animal needs [s]"),
    "road.p0": N_("crossing chance of an empty road"),
    "road": N_("crossing chance: roads by their traffic"),
    "trace_length": N_("trace length along a barrier"),
    "crossing.border": N_("crossing chance: border fence"),
    "crossing.rail_barbed_both_sides": N_("crossing chance: railway, barbed wire on both sides"),
    "crossing.rail_wildlife_friendly": N_("crossing chance: railway, wildlife-friendly fence"),
    "crossing.rail_unfenced": N_("crossing chance: railway without fence"),
    "crossing.stock": N_("crossing chance: stock fence"),
    "structures.box": N_("chance of using a box culvert"),
    "structures.bridge_100m": N_("chance of using a bridge of 100 m"),
    "structures.gap_500m": N_("chance of using a gap of 500 m"),
    "structures.gap_50_500m": N_("chance of using a gap of 50 to 500 m"),
    "structures.overpass_50m": N_("chance of using an overpass of 50 m"),
    "structures.overpass_narrow": N_("chance of using a narrow overpass"),
    "structures.underpass_12_100m": N_("chance of using an underpass of 12 to 100 m"),
}

UNKNOWNS: Final[Mapping[str, str]] = {
    "trace_length": N_("trace length along a barrier: {name}"),
    "crossing_cost": N_("measured crossing cost: {name}"),
    "traffic": N_("traffic: {name}"),
    "presence": N_("whether it is there: {name}"),
    "fenced": N_("whether it is fenced: {name}"),
    "map": N_("where it lies: {name}"),
    "weight": N_("weight of the patch: {name}"),
    "habitat": N_("what it does to movement: {name}"),
    "treatment": N_("crossing chance after treatment: {name}"),
}
UNITS: Final[Mapping[str, str]] = {
    "vehicles per day": N_("vehicles a day"),
    "times resistance": N_("times the resistance"),
}

KINDS: Final[Mapping[str, str]] = {"railway": N_("railway"), "road": N_("road"), "fence": N_("fence")}
STATUSES: Final[Mapping[str, str]] = {
    "existing": N_("existing"),
    "under_construction": N_("under construction"),
    "planned": N_("planned"),
    "removed": N_("removed"),
}
SEASONS: Final[Mapping[str, str]] = {
    "warm": N_("warm season"),
    "cold": N_("cold season"),
    "snow": N_("snow season"),
    "all": N_("all year"),
    "winter": N_("winter"),
    "summer": N_("summer"),
    "spring": N_("spring"),
    "autumn": N_("autumn"),
}


def why_not(text: Any, tr: Words) -> str:
    """Why a habitat factor was left out, in the reader's language where the reason is known.

    >>> from permeability.locale.language import words
    >>> why_not("holds in the season 'warm' only", words())
    'holds in one season only: warm season'
    """
    text = "" if text is None else str(text)
    if text.startswith("holds in the season "):
        return tr(
            "holds in one season only: {season}",
            season=known(SEASONS, text.split("'")[1], tr) if "'" in text else "",
        )
    return tr("no layer for it in this project") if text == "no layer for it in this project" else text


def known(table: Mapping[str, str], key: Any, tr: Words) -> str:
    """The text of a word of the house, translated; the word itself when it has no text."""
    if key is None or key != key:
        return ""
    return tr(table[str(key)]) if str(key) in table else str(key).replace("_", " ")


def amount(name: str, value: float, tr: Words) -> str:
    """An index value with its unit, infinity in words.

    >>> from permeability.locale.language import words
    >>> amount("range_cut_off_km2", 17150.0, words()), amount("mean_resistance", float("inf"), words())
    ('17,150\\xa0km²', 'infinite: at least one pair has no path')
    """
    index = INDEX.get(name)
    if math.isinf(value) and index is not None and index.infinite:
        return tr(index.infinite)
    return _with_unit(index, tr.number(value), value, tr)


def change(name: str, value: float, tr: Words) -> str:
    """A signed change (after minus before) of an index with its unit.

    >>> from permeability.locale.language import words
    >>> change("reachable_km2", -23994.0, words()), change("mean_resistance", float("inf"), words())
    ('−23,994\\xa0km²', 'becomes infinite')
    """
    if math.isinf(value):
        return tr("becomes infinite") if value > 0 else tr("becomes finite")
    return _with_unit(INDEX.get(name), tr.signed(value), value, tr)


def gained(name: str, value: float, tr: Words) -> str:
    """A gain (positive = better) in an index with its unit; infinite when infinity became finite."""
    if math.isinf(value):
        return tr("becomes finite") if value > 0 else tr("becomes infinite")
    return _with_unit(INDEX.get(name), tr.signed(value), value, tr)


def _with_unit(index: Index | None, text: str, value: float, tr: Words) -> str:
    unit = tr(index.unit_label) if index is not None and index.unit_label else ""
    return f"{text}\xa0{unit}" if unit and math.isfinite(value) else text


def grade(code: Any, tr: Words) -> str:
    """An evidence grade in words."""
    return tr(GRADES[str(code)][0]) if str(code) in GRADES else str(code)
