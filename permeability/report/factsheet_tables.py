"""The tables of a species factsheet: every number with its uncertainty, grade and source, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from permeability.barriers.passability import ABSOLUTE_P, crossing_cost_m, road_chance
from permeability.core.estimate import Estimate
from permeability.locale.language import N_, Words, words
from permeability.report.labels import FACTORS, SEASONS, UNKNOWNS, known
from permeability.species import SpeciesProfile

LINES: Final[Mapping[str, str]] = {
    "border": N_("border fence"),
    "rail_barbed_both_sides": N_("railway, barbed fences on both sides"),
    "rail_wildlife_friendly": N_("railway, wildlife-friendly fences"),
    "stock": N_("stock fence"),
    "rail_unfenced": N_("railway without fences, up to 50 trains a day"),
    "road": N_("road"),
}
STRUCTURES: Final[Mapping[str, str]] = {
    "gap_500m": N_("fence gap at grade, 500 m and wider"),
    "gap_50_500m": N_("fence gap at grade, 50-500 m"),
    "bridge_100m": N_("bridge span, 100 m wide and 4 m high or more"),
    "underpass_12_100m": N_("underpass, 12-100 m wide, 3.5 m high or more"),
    "box": N_("box or culvert, below 12 m wide or 3.5 m high"),
    "overpass_50m": N_("overpass, 50 m wide or more"),
    "overpass_narrow": N_("overpass below 50 m"),
}
FACTOR_UNITS: Final[Mapping[str, str]] = {
    "slope_deg": N_("degrees"),
    "water_km": N_("km"),
    "town_km": N_("km"),
    "herder_camp_km": N_("km"),
    "mine_km": N_("km"),
    "productivity_gc_m2_yr": N_("gC/m² a year"),
    "snow_cm": N_("cm"),
}
UNITS: Final[Mapping[str, str]] = {
    "km2": N_("km²"),
    "km": N_("km"),
    "cm": N_("cm"),
    "kg": N_("kg"),
    "s": N_("s"),
    "m": N_("m"),
}
INSIDE_KM: Final = 0.001  # a distance below this is the thing itself
TRAFFIC: Final = (200, 500, 1_000, 2_200, 4_000, 10_000)


class Row(NamedTuple):
    """One line of a table."""

    label: str
    number: str
    extra: str
    grade: str
    source: str


class Table(NamedTuple):
    """One table: its title, the heads of its five columns, its rows."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Row]


def crossing_words(p: float, tr: Words | None = None) -> str:
    """A crossing chance in words.

    Parameters
    ----------
    p : float
        Crossing chance [0..1].
    tr : Words, optional
        Of the reader's language; English by default.

    Returns
    -------
    str

    Examples
    --------
    >>> crossing_words(0.0005), crossing_words(0.5)
    ('impassable', '1 in 2')
    """
    tr = words() if tr is None else tr
    if p < ABSOLUTE_P:
        return tr("impassable")
    if p >= 0.95:
        return tr("freely")
    return tr("1 in {n}", n=figures(1 / p, tr, 2) if p > 0.1 else tr.fixed(1 / p))


def figures(value: float, tr: Words, digits: int = 3) -> str:
    """A number as this language writes it, with three figures; far below the absolute chance only that it is below.

    >>> figures(0.05, words()), figures(12345.0, words()), figures(1e-6, words()), figures(0.5, words("ru"))
    ('0.05', '12,345', '<0.0001', '0,5')
    """
    if value == float("inf"):
        return tr("absolute")
    if 0 < value < ABSOLUTE_P / 10:
        return "<" + figures(ABSOLUTE_P / 10, tr)
    if value >= 1000:
        return tr.fixed(value)
    rounded = float(f"{value:.{digits}g}")
    places = f"{rounded:.10f}".rstrip("0").partition(".")[2]
    return tr.fixed(rounded, len(places))


def amount(estimate: Estimate, tr: Words) -> str:
    """An estimate with its range and unit."""
    low, best, high = (figures(v, tr) for v in estimate.as_tuple())
    numbers = best if low == best == high else f"{best} ({low}-{high})"
    return f"{numbers} {known(UNITS, estimate.unit, tr)}".strip()


def tables(profile: SpeciesProfile, tr: Words) -> list[Table]:
    """Every table of the factsheet in its order."""
    grade, source = tr("grade"), tr("source")
    plain = ("", tr("best (low-high)"), "", grade, source)
    costs = ("", tr("best (low-high)"), tr("at the best value: succeeds; costs"), grade, source)
    ground = ("", tr("best"), tr("low / ... to high / ..."), grade, source)
    crossing = [
        _row(known(LINES, k, tr), p, tr, _costs(p, profile, k, tr)) for k, p in profile.crossing.items()
    ]
    structures = [_row(known(STRUCTURES, k, tr), p, tr) for k, p in profile.structures.items()]
    return [
        Table(tr("Body and movement"), plain, _body(profile, tr)),
        Table(tr("Crossing chance per encounter"), costs, crossing),
        Table(tr("Roads"), costs, _roads(profile, tr)),
        Table(tr("Crossing structures, chance at the mouth once learnt"), plain, structures),
        Table(tr("Resistance multipliers of the ground"), ground, _ground(profile, tr)),
    ]


def _row(label: str, estimate: Estimate, tr: Words, extra: str = "") -> Row:
    return Row(label, amount(estimate, tr), extra, estimate.evidence, estimate.source)


def _costs(p: Estimate, profile: SpeciesProfile, barrier_class: str, tr: Words) -> str:
    """Crossing cost at the best values [km of open ground], with the trace length of the class or as measured."""
    measured = profile.cost_of(barrier_class)
    if measured is not None:
        return tr("measured: {n} km of open ground", n=figures(measured.best / 1000, tr))
    cost = crossing_cost_m(p.best, profile.trace_of(barrier_class)[0].best)
    said = crossing_words(p.best, tr)
    if cost == float("inf"):
        return said
    return tr("{chance}; as {n} km of open ground", chance=said, n=figures(cost / 1000, tr))


def _body(profile: SpeciesProfile, tr: Words) -> list[Row]:
    return [
        _row(tr("shoulder height"), profile.shoulder_cm, tr),
        _row(tr("mass"), profile.mass_kg, tr),
        _row(tr("annual range"), profile.annual_range_km2, tr),
        _row(tr("distance a day"), profile.daily_km, tr),
        _row(tr("trace length along a barrier per failed try"), profile.trace_km, tr),
        *(
            _row(tr(UNKNOWNS["trace_length"], name=known(LINES, k, tr)), e, tr)
            for k, e in profile.trace_by_class.items()
        ),
        *(
            _row(tr(UNKNOWNS["crossing_cost"], name=known(LINES, k, tr)), e, tr)
            for k, e in profile.crossing_cost_km.items()
        ),
        _row(tr("cost distance that counts as reachable"), profile.budget_km, tr),
        _row(tr("dispersal kernel, mean"), profile.dispersal_km, tr),
    ]


def _roads(profile: SpeciesProfile, tr: Words) -> list[Row]:
    rows = [
        _row(tr("road without traffic, p0"), profile.road_p0, tr),
        _row(tr("gap in the traffic it needs"), profile.road_gap_s, tr),
    ]
    if profile.road_avoidance_km is not None:
        rows.append(_row(tr("band avoided along busy roads"), profile.road_avoidance_km, tr))
    for q in TRAFFIC:
        p = road_chance(profile.road_p0, q, profile.road_gap_s)
        label = tr("road with {n} vehicles a day", n=tr.number(q))
        if q == 1_000:
            label = tr("{road} (the programme's class begins here)", road=label)
        rows.append(Row(label, amount(p, tr), _costs(p, profile, "road", tr), p.evidence, "rule"))
    return rows


def _ground(profile: SpeciesProfile, tr: Words) -> list[Row]:
    rows = []
    for f in profile.habitat:
        inside = f.kind == "step" and f.breakpoints[0] <= INSIDE_KM
        at = " / ".join(figures(b, tr) for b in f.breakpoints[1 if inside else 0 :])
        where = {
            "linear": tr("at {at}", at=at),
            "step": tr("below {at}, beyond", at=at),
            "class": tr("where present"),
        }[f.kind]
        span = ""
        if (f.low, f.high) != (f.multipliers,) * 2:
            span = tr("{low} to {high}", low=_slashed(f.low, tr), high=_slashed(f.high, tr))
        label = known(FACTORS, f.factor, tr)
        if f.factor in FACTOR_UNITS:
            label = f"{label} [{tr(FACTOR_UNITS[f.factor])}]"
        if f.season != "all":
            label = f"{label} ({known(SEASONS, f.season, tr)})"
        where = tr("inside, {where}", where=where) if inside else where
        rows.append(Row(f"{label}, {where}", _slashed(f.multipliers, tr), span, f.evidence, f.source))
    return rows


def _slashed(row: Sequence[float], tr: Words) -> str:
    return " / ".join(figures(v, tr) for v in row)
