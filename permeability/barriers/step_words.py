"""What a step of a scenario does, in words that the catalogues have."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from permeability.barriers.scenario import RANGE, Intervention
from permeability.core.texts import N_, Said

__all__ = ["COMPONENTS", "FENCED", "FENCES", "TREATMENTS", "step_said"]

TREATMENTS: Final[Mapping[str, str]] = {
    "remove": N_("take the fences down"),
    "modify": N_("swap the lowest wire for a smooth one and raise it"),
    "replace": N_("new wildlife-friendly fence"),
    "drop_wires": N_("lowest three wires out between two posts"),
    "gap": N_("gap in the fences at grade"),
    "gate": N_("gate opened and kept"),
    "underpass": N_("underpass"),
    "bridge": N_("bridge span"),
    "overpass": N_("overpass"),
    "close_at_night": N_("road closed at night"),
    "night_closure": N_("road closed at night"),
}
COMPONENTS: Final[Mapping[str, str]] = {
    "fence left": N_("fence on the left"),
    "fence right": N_("fence on the right"),
    "fence": N_("fence"),
    "track": N_("track"),
    "traffic": N_("traffic"),
    "road": N_("road"),
}
FENCES: Final[Mapping[str, str]] = {
    "rail_barbed_both_sides": N_("barbed wire on both sides"),
    "rail_wildlife_friendly": N_("wildlife-friendly fence"),
    "border": N_("border fence"),
    "stock": N_("stock fence"),
}
FENCED: Final[Mapping[str, str]] = {
    "yes": N_("fenced"),
    "mostly": N_("mostly fenced"),
    "no": N_("not fenced"),
}
DEEDS: Final[Mapping[str, str]] = {
    "remove": TREATMENTS["remove"],
    "drop": N_("take the line away"),
    "add": N_("build the line"),
    "set": N_("other facts of the line"),
}


def step_said(step: Intervention) -> Said:
    """An intervention in words.

    Parameters
    ----------
    step : Intervention

    Returns
    -------
    Said

    Examples
    --------
    >>> str(step_said(Intervention("remove", "TMR", 812.0, 815.0)))
    'TMR, km 812-815: take the fences down'
    >>> str(step_said(Intervention("add", "SBK", options={"fenced": "no", "trains_per_day": 12})))
    'SBK: build the line (not fenced, 12 trains a day)'
    """
    name = str(step.treatment)
    what: Any = Said(DEEDS[step.action] if step.action in DEEDS else TREATMENTS.get(name, name))
    facts = [*_parts(step), *_facts(step)]
    if facts:
        what = Said(N_("{what} ({facts})"), {"what": what, "facts": facts})
    return Said(N_("{line}: {what}"), {"line": _where(step), "what": what})


def _where(step: Intervention) -> Any:
    ends = [float(f"{k:g}") for k in (step.km_from, step.km_to)]
    if not any(map(math.isfinite, ends)):
        return step.line
    if ends[0] == ends[1]:
        return Said(N_("{line}, km {km}"), {"line": step.line, "km": ends[0]})
    return Said(N_("{line}, km {low}-{high}"), {"line": step.line, "low": ends[0], "high": ends[1]})


def _parts(step: Intervention) -> Iterator[Said]:
    for name in step.components or ():
        yield Said(COMPONENTS.get(name, name))
    if step.width_m is not None:
        yield Said(N_("{n} m wide"), {"n": float(step.width_m)})


def _facts(step: Intervention) -> Iterator[Any]:
    told = dict(step.options)
    flow = told.get("vehicles_per_day")
    low, high = (told.pop(k, flow) for k in RANGE)
    for key, value in told.items():
        if key == "fenced" and value in FENCED:
            yield Said(FENCED[value])
        elif key == "fence_class" and value in FENCES:
            yield Said(FENCES[value])
        elif key == "trains_per_day":
            yield Said(N_("{n} trains a day"), {"n": float(value)})
        elif key == "vehicles_per_day" and (low, high) == (flow, flow):
            yield Said(N_("{n} vehicles a day"), {"n": float(value)})
        elif key == "vehicles_per_day":
            ends = {"n": float(value), "low": float(low), "high": float(high)}
            yield Said(N_("{n} vehicles a day ({low} to {high})"), ends)
        else:
            yield f"{key} = {value}"
