"""The unknown numbers behind a ranking: which there are, what each is drawn from, and what a planner calls it.

============ ============================================================= ===========================================
kind         numbers                                                       drawn from
============ ============================================================= ===========================================
crossing     crossing chances by class, empty-road chance and needed gap   their low / best / high (PERT)
trace        distance worked along a barrier per failed try                low / best / high (PERT, or on logarithms)
traffic      vehicles a day of every road line                             low / best / high of its rows
cost         cost of every treatment                                       low / best / high of the catalogue
weights      weights of patches with ``weight_low`` and ``weight_high``    low / best / high of the patch layer
unmapped     rows with ``presence`` below 1; railways of unknown fence     there or not, by the stated chance
             state with a stated ``fenced_chance``
budget       movement budget of the species                                low / best / high of the profile
dispersal    mean dispersal of the species                                 low / best / high of the profile
map          where every line with an ``accuracy_m`` lies                  rigid shift east and north, normal, so that
                                                                           nine draws in ten stay within the accuracy
origin       where the grid begins: all lines against the cells            one common shift, uniform over one cell
habitat      multipliers of the habitat factors                            low / best / high (PERT), a factor as a whole
============ ============================================================= ===========================================

Numbers that share a key are one unknown number and move together: all fences of one class, the traffic of all rows
of one line, all sections with one treatment.  Numbers without a range are not drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from permeability.barriers.crossing_costs import COST, TRACE, Component
from permeability.barriers.scenario import Intervention
from permeability.core.errors import OptionError, check_choice
from permeability.core.estimate import Derived, Estimate

if TYPE_CHECKING:
    from permeability.landscape.landscape import Landscape
    from permeability.landscape.patches import Patches

__all__ = ["KINDS", "VARY", "Unknown", "unknowns"]

KINDS = (
    "crossing", "trace", "traffic", "cost", "weights", "unmapped", "budget", "dispersal", "map", "origin", "habitat",
)  # fmt: skip
VARY = KINDS[:-1]  # what is drawn unless one asks for more
ANEW = ("map", "origin", "habitat")  # these need the landscape made and condensed again
LANDSCAPES = 16  # landscapes made anew for a ranking, unless one asks for more
LIMITS = (
    "cost",
    "budget",
    "dispersal",
)  # kinds that the gain in conductance, and so a rank, does not depend on
NORMAL_90 = float(np.sqrt(2.0 * np.log(10.0)))
"""Radius that nine in ten of a round normal cloud stay within, in standard deviations."""

PHRASES: Mapping[str, str] = {
    "crossing.border": "chance to cross a border fence",
    "crossing.rail_barbed_both_sides": "chance to cross a railway with barbed wire on both sides",
    "crossing.rail_wildlife_friendly": "chance to cross a railway with a wildlife-friendly fence",
    "crossing.rail_unfenced": "chance to cross a railway without fences",
    "crossing.stock": "chance to cross a stock fence",
    "road.p0": "chance to cross an empty road",
    "road.gap_s": "gap in traffic needed to cross a road",
    TRACE: "way along a barrier before giving up",
    "movement.budget_km": "how far an animal goes (movement budget)",
    "movement.dispersal_km": "how far animals disperse",
    "origin": "where the cells of the grid begin",
}


CLASS_WORDS: Mapping[str, str] = {
    "border": "border fence",
    "rail_barbed_both_sides": "railway with barbed wire on both sides",
    "rail_wildlife_friendly": "railway with a wildlife-friendly fence",
    "rail_unfenced": "railway without fences",
    "stock": "stock fence",
}


@dataclass(frozen=True)
class Unknown:
    """One number that is not known for sure.

    Attributes
    ----------
    key : str
        Such as ``"crossing.rail_unfenced"``.
    kind : str
        One of :data:`KINDS`.
    words : str
        What a planner calls it.
    low, best, high : float
        What it is drawn from; of a thing that is there or not, ``best`` is its chance.
    unit, evidence, source : str
    columns : tuple of str
        Its columns among the quantiles: two for a position, one for all others.
    spread : {"pert", "log"}
        Shape of the draws, see :class:`permeability.core.estimate.Estimate`.

    Examples
    --------
    >>> u = Unknown.of("trace_length", "trace", "way along a barrier", Estimate(8, 16, 62, "km"))
    >>> u.low, u.high, u.columns
    (8.0, 62.0, ('trace_length',))
    """

    key: str
    kind: str
    words: str
    low: float
    best: float
    high: float
    unit: str
    evidence: str
    source: str
    columns: tuple[str, ...]
    spread: str = "pert"

    @classmethod
    def of(cls, key: str, kind: str, words: str, e: Estimate) -> Unknown:
        """An unknown number with an estimate."""
        return cls(key, kind, words, *e.as_tuple(), e.unit, e.evidence, e.source, (key,), e.spread)

    @property
    def estimate(self) -> Estimate:
        """What it is drawn from.

        >>> u = Unknown.of("trace_length", "trace", "way along a barrier", Estimate(8, 16, 62, "km", spread="log"))
        >>> u.estimate.spread, u.estimate.as_tuple()
        ('log', (8.0, 16.0, 62.0))
        """
        return Estimate(self.low, self.best, self.high, self.unit, self.evidence, self.source, self.spread)


def unknowns(
    land: Landscape,
    patches: Patches,
    sets: Sequence[Sequence[Intervention]] = (),
    costs: Mapping[str, Estimate] | None = None,
    vary: Sequence[str] = VARY,
) -> list[Unknown]:
    """The unknown numbers of a ranking, in the order of :data:`KINDS` and then of their keys.

    Parameters
    ----------
    land : Landscape
    patches : Patches
    sets : sequence of sequences of Intervention
        What the candidates do.
    costs : mapping, optional
        Treatment -> cost of one candidate with it [USD].
    vary : sequence of str
        Kinds to draw, from :data:`KINDS`.

    Returns
    -------
    list of Unknown

    Raises
    ------
    OptionError
        O01 for an unknown kind; O52 for ``"habitat"`` when the resistance does not come from factors.

    Examples
    --------
    >>> import permeability as pm
    >>> [u.words for u in unknowns(*pm.samples.tiny())]
    ['chance to cross a border fence', 'way along a barrier before giving up', 'how far an animal goes (movement budget)', 'how far animals disperse', 'where the cells of the grid begin']
    """
    for kind in vary:
        check_choice("vary", kind, KINDS)
    if "habitat" in vary and land.ground is None:
        raise OptionError(
            "O52",
            "the resistance of this landscape comes from a raster, so there are no habitat factors to draw.",
            remedy="leave 'habitat' out of vary, or build the landscape from factors",
        )
    found = {u.key: u for u in _all(land, patches, sets, costs or {}) if u.kind in vary}
    return sorted(found.values(), key=lambda u: (KINDS.index(u.kind), u.key))


def _all(
    land: Landscape, patches: Patches, sets: Sequence[Sequence[Intervention]], costs: Mapping[str, Estimate]
) -> Iterator[Unknown]:
    names = _names(land)
    yield from _crossing(land, sets, names)
    if _open(land.trace_length):
        yield Unknown.of(TRACE, "trace", phrase(TRACE), land.trace_length)
    for part in (c for parts in _parts(land) for c in parts):
        if part.trace_m is not None and _open(part.trace_m):
            key = f"{TRACE}.{part.of_class}"
            yield Unknown.of(key, "trace", phrase(key), part.trace_m)
        if part.cost_m is not None and _open(part.cost_m):
            key = f"{COST}.{part.of_class}"
            yield Unknown.of(key, "crossing", phrase(key), part.cost_m)
    for treatment, e in costs.items():
        if _open(e):
            words = f"cost of the treatment {treatment.replace('_', ' ')!r} (of one section)"
            yield Unknown.of(f"cost.{treatment}", "cost", words, e)
    for name, (words, e) in weight_estimates(patches).items():
        yield Unknown.of(name, "weights", words, e)
    yield from _unmapped(land, names)
    numbers = land.profile.estimates()
    for kind in ("budget", "dispersal"):
        key = f"movement.{kind}_km"
        if _open(numbers[key]):
            yield Unknown.of(key, kind, phrase(key), numbers[key])
    yield from _positions(land, names)
    half = land.grid.cell_size / 2
    yield Unknown(
        "origin", "origin", phrase("origin"), -half, 0.0, half, "m", "D", "cell size", ("origin.east", "origin.north")
    )  # fmt: skip
    if land.ground is not None:
        for key, row in land.ground.rows.items():
            yield Unknown(
                key, "habitat", f"what {row.factor.replace('_', ' ')} does to movement", min(row.low),
                float(np.median(row.multipliers)), max(row.high), "times resistance", row.evidence, row.source, (key,),
            )  # fmt: skip


def _open(e: Estimate) -> bool:
    return e.low < e.high


def phrase(key: str) -> str:
    """What a planner calls a crossing number.

    >>> phrase("structures.underpass_12_100m"), phrase("crossing.stock")
    ('chance to use an underpass 12 100m', 'chance to cross a stock fence')
    """
    if key in PHRASES:
        return PHRASES[key]
    kind, _, name = key.partition(".")
    if kind == TRACE:
        return f"way along a {CLASS_WORDS.get(name, name)} before giving up"
    if kind == "crossing_cost":
        return f"crossing cost of a {CLASS_WORDS.get(name, name)}"
    name = name.replace("_", " ")
    if kind == "structures":
        return f"chance to use {'an' if name[:1] in 'aeiou' else 'a'} {name}"
    return f"chance to cross after the treatment {name!r}" if kind == "treatment" else key.replace("_", " ")


def _crossing(
    land: Landscape, sets: Sequence[Sequence[Intervention]], names: Mapping[str, str]
) -> Iterator[Unknown]:
    """Crossing chances and traffic: of what may be there, and of what the candidates make of it."""
    for key, e in _chances(land, sets):
        parts = e.inputs if isinstance(e, Derived) else ((key, e),)
        for name, one in parts:
            if not _open(one):
                continue
            if name.startswith("traffic."):
                yield Unknown.of(name, "traffic", f"traffic on {names.get(name[8:], name[8:])}", one)
            else:
                yield Unknown.of(name, "crossing", phrase(name), one)


def _parts(land: Landscape) -> Iterator[tuple[Component, ...]]:
    """Components of every row that may be there, in every state that it may be in."""
    for i in np.flatnonzero(land.chance_of > 0):
        yield from (land.components[i], *land.either_way.get(int(i), ()))


def _chances(land: Landscape, sets: Sequence[Sequence[Intervention]]) -> Iterable[tuple[str, Estimate]]:
    for parts in _parts(land):
        yield from ((c.key, c.chance) for c in parts)
    seen = set()
    for step in (s for steps in sets for s in steps if s.action == "treat"):
        what = (
            step.line,
            step.treatment,
            step.components,
            repr(step.options),
            step.width_m,
            repr(step.chance),
        )
        if what in seen:
            continue
        seen.add(what)
        for row in land.barriers.rows_of(step.line):
            if land.chance_of[row] > 0:
                yield from ((key, e) for e, key in land.cost_model.treated(int(row), step).values())


def _names(land: Landscape) -> dict[str, str]:
    """Names of lines and rows as people know them, of those that are one row; all at once, for a table is slow to ask."""
    t = land.barriers.table
    found: dict[str, list[str]] = {}
    for line, own, name in zip(t["line"].to_numpy(), t["id"].to_numpy(), t["name"].to_numpy()):
        for key in {str(line), str(own)}:
            found.setdefault(key, []).append(str(name))
    return {key: names[0] for key, names in found.items() if len(names) == 1}


def weight_estimates(patches: Patches) -> dict[str, tuple[str, Estimate]]:
    """Weights of the patches that have a range, by key, with their words."""
    t = (patches.whole or patches).table
    if not {"weight_low", "weight_high"} <= set(t.columns):
        return {}
    found = {}
    for row in t.to_dict("records"):
        low, high = (pd.to_numeric(row[c], errors="coerce") for c in ("weight_low", "weight_high"))
        if low < high:
            e = Estimate(low, row["weight"], high, evidence="M-m", source="patch layer")
            found[f"weight.{row['id']}"] = (f"weight of the patch {row['name']}", e)
    return found


def _unmapped(land: Landscape, names: Mapping[str, str]) -> Iterator[Unknown]:
    t = land.barriers.table
    for i in np.flatnonzero((land.chance_of > 0) & (land.chance_of < 1)):
        key, words = f"presence.{t['id'].iloc[i]}", f"whether {t['name'].iloc[i]} is there"
        yield _yes_or_no(key, words, float(land.chance_of[i]), t["source"].iloc[i])
    for row, chance in land.fence_chances.items():
        line, source = str(t["line"].iloc[row]), t["source"].iloc[row]
        yield _yes_or_no(f"fenced.{line}", f"whether {names.get(line, line)} is fenced", chance, source)


def _yes_or_no(key: str, words: str, chance: float, source: Any) -> Unknown:
    return Unknown(key, "unmapped", words, 0.0, chance, 1.0, "", "X", str(source or ""), (key,))


def _positions(land: Landscape, names: Mapping[str, str]) -> Iterator[Unknown]:
    for line, accuracy in accuracies(land).items():
        key = f"map.{line}"
        yield Unknown(
            key, "map", f"where {names.get(line, line)} lies", 0.0, 0.0, accuracy, "m", "M-m", "accuracy_m",
            (f"{key}.east", f"{key}.north"),
        )  # fmt: skip


def accuracies(land: Landscape) -> dict[str, float]:
    """Position accuracy of every line that may be there, the worst of its rows [m]; lines without one left out."""
    t = land.barriers.table[land.chance_of > 0]
    worst = pd.to_numeric(t["accuracy_m"], errors="coerce").groupby(t["line"], sort=False).max()
    return {str(line): float(a) for line, a in worst.items() if a > 0}
