"""Scenarios: named tuples of interventions on today's barriers; the empty one is ``today``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from permeability.core.errors import BarrierError, check_choice
from permeability.core.estimate import Estimate

ACTIONS = ("remove", "treat", "drop", "add", "set")
FACTS = ("add", "set")  # these change what a line is, the others what is done to a stretch of it
RANGE = ("vehicles_per_day_low", "vehicles_per_day_high")


@dataclass(frozen=True)
class Intervention:
    """One thing done to one stretch of one line.

    Attributes
    ----------
    action : {"remove", "treat", "drop", "add", "set"}
        ``remove`` takes the fences down (the track or road stays), ``treat`` applies a treatment, ``drop`` takes
        the whole line out of the landscape, ``add`` builds a line that is planned in the layer, ``set`` changes
        facts of a line, such as its traffic.
    line : str
        Name of the line (or id of one of its rows).
    km_from, km_to : float
        Stretch of the line [km]; the whole line by default.
    treatment : str, optional
        Name in the treatment catalogue, for ``treat``.
    components : tuple of str, optional
        Only these components (such as ``"fence left"``); all fences by default.
    chance : Estimate, optional
        Crossing chance that replaces the one of the catalogue.
    width_m : float, optional
        Width of a structure or gap at ``km_from`` [m]; None for treatments of a whole stretch.
    options : mapping
        Further options of the treatment, such as ``{"closed_hours": "20-6"}`` or ``{"vehicles_per_day": 400}``.

    Examples
    --------
    >>> Intervention("treat", "TMR", 950, 950, "underpass", width_m=40).text()
    'underpass TMR km 950'
    """

    action: str
    line: str
    km_from: float = float("-inf")
    km_to: float = float("inf")
    treatment: str | None = None
    components: tuple[str, ...] | None = None
    chance: Estimate | None = None
    width_m: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_choice("action", self.action, ACTIONS)
        if not self.km_from <= self.km_to:
            raise BarrierError(
                "B07",
                f"the stretch of {self.line!r} ends at km {self.km_to:g} before it begins at km {self.km_from:g}.",
                remedy="give the lower kilometre first",
            )

    def text(self) -> str:
        """The intervention in words.

        >>> Intervention("remove", "TMR", 812.0, 815.0).text()
        'remove fences TMR km 812-815'
        """
        what = {"remove": "remove fences", "drop": "take away", "add": "build", "set": "set"}.get(
            self.action, str(self.treatment)
        )
        if self.km_from == float("-inf") and self.km_to == float("inf"):
            where = ""
        elif self.km_from == self.km_to:
            where = f" km {self.km_from:g}"
        else:
            where = f" km {self.km_from:g}-{self.km_to:g}"
        told = {
            k: v
            for k, v in self.options.items()
            if k not in RANGE or v != self.options.get("vehicles_per_day")
        }
        facts = ", ".join(f"{k} = {v}" for k, v in told.items()) if self.action in FACTS else ""
        where += f" ({facts})" if facts else ""
        parts = f" ({', '.join(self.components)})" if self.components else ""
        return f"{what} {self.line}{where}{parts}"


@dataclass(frozen=True)
class Scenario:
    """A named list of interventions; methods return a new scenario.

    Examples
    --------
    >>> plan = Scenario("Two openings").remove("TMR", km=(812, 815)).treat("TMR", km=950, treatment="underpass")
    >>> print(plan)
    Two openings: remove fences TMR km 812-815; underpass TMR km 950
    """

    name: str = "today"
    interventions: tuple[Intervention, ...] = ()

    def remove(
        self, line: str, *, km: tuple[float, float] | None = None, components: tuple[str, ...] | None = None
    ) -> Scenario:
        """Take the fences of a stretch down; the track or road stays."""
        a, b = _span(km)
        return self._with(Intervention("remove", line, a, b, components=components))

    def treat(
        self,
        line: str,
        *,
        km: float | tuple[float, float],
        treatment: str,
        width_m: float | None = None,
        components: tuple[str, ...] | None = None,
        chance: Estimate | None = None,
        **options: Any,
    ) -> Scenario:
        """Apply a treatment to a stretch, or build a structure at a kilometre."""
        a, b = _span(km)
        return self._with(Intervention("treat", line, a, b, treatment, components, chance, width_m, options))

    def drop(self, line: str, *, km: tuple[float, float] | None = None) -> Scenario:
        """Take a whole line (or a stretch of it) out of the landscape: fences, track, road."""
        a, b = _span(km)
        return self._with(Intervention("drop", line, a, b))

    def add(self, line: str, *, fenced: str | None = None) -> Scenario:
        """Build a line that the layer holds as planned or under construction; ``fenced`` overrides the layer."""
        return self._with(Intervention("add", line, options={"fenced": fenced} if fenced else {}))

    def set(self, line: str, **facts: Any) -> Scenario:
        """Change facts of a whole line: ``vehicles_per_day``, ``trains_per_day``, ``fenced``, ``closed_hours`` ...

        >>> print(Scenario("less traffic").set("COAL-ROAD", vehicles_per_day=800))
        less traffic: set COAL-ROAD (vehicles_per_day = 800)
        """
        return self._with(Intervention("set", line, options=traffic_range(facts)))

    def named(self, name: str) -> Scenario:
        """The same interventions under another name."""
        return replace(self, name=name)

    def _with(self, intervention: Intervention) -> Scenario:
        return replace(self, interventions=(*self.interventions, intervention))

    def __str__(self) -> str:
        if not self.interventions:
            return f"{self.name}: no intervention"
        return f"{self.name}: " + "; ".join(i.text() for i in self.interventions)

    def brief(self, most: int = 20) -> str:
        """The same, of many interventions the first ones and how many more there are.

        >>> print(Scenario("Three").remove("A").remove("B").remove("C").brief(1))
        Three: remove fences A; and 2 more
        """
        more = len(self.interventions) - most
        return (
            str(self)
            if more <= 0
            else f"{replace(self, interventions=self.interventions[:most])}; and {more:,} more"
        )


def traffic_range(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts with the traffic's low and high following a new best value, unless they are given too.

    Parameters
    ----------
    facts : mapping
        Column of the barrier schema -> value.

    Returns
    -------
    dict
        The facts with ``vehicles_per_day_low`` and ``_high``.

    Examples
    --------
    >>> traffic_range({"vehicles_per_day": 800})["vehicles_per_day_high"]
    800
    """
    out = dict(facts)
    if "vehicles_per_day" in out:
        for end in RANGE:
            out.setdefault(end, out["vehicles_per_day"])
    return out


def _span(km: float | tuple[float, float] | None) -> tuple[float, float]:
    if km is None:
        return float("-inf"), float("inf")
    if isinstance(km, (int, float)):
        return float(km), float(km)
    return float(km[0]), float(km[1])
