"""The treatment catalogue: what can be done to a stretch of barrier, and what it costs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from permeability.core.errors import BarrierError, OptionError, check_choice, nearest
from permeability.core.estimate import Estimate

__all__ = ["EFFECTS", "Treatment", "treatment", "treatment_from_dict", "treatments"]

EFFECTS: tuple[str, ...] = ("remove", "class", "bottom_out", "structure", "closure")
COST_BASES: tuple[str, ...] = ("km_side", "piece", "100m", "year")


@dataclass(frozen=True)
class Treatment:
    """One entry of the catalogue.

    Parameters
    ----------
    name, label : str
    kinds : tuple of str
        Kinds of barrier it can be applied to.
    effect : mapping
        ``kind`` (one of :data:`EFFECTS`) and its figures.
    cost : Estimate
        Cost per unit [USD].
    cost_per : {"km_side", "piece", "100m", "year"}
        Unit of the cost.
    cost_per_year : Estimate or None
        Running cost per place [USD per year].
    source : str

    Examples
    --------
    >>> remove = treatment("remove")
    >>> remove.cost_usd(length_m=2000, sides=2).best == 4 * remove.cost_usd(length_m=1000, sides=1).best
    True
    """

    name: str
    label: str
    kinds: tuple[str, ...]
    effect: Mapping[str, Any] = field(hash=False)
    cost: Estimate
    cost_per: str
    cost_per_year: Estimate | None = None
    source: str = ""

    @property
    def is_structure(self) -> bool:
        """Whether it is a place (gap, gate, underpass, bridge, overpass) with a width of its own."""
        return bool(self.effect["kind"] == "structure")

    @property
    def width_m(self) -> float | None:
        """Default width of a structure [m]."""
        return float(self.effect["width_m"]) if self.is_structure else None

    def cost_usd(
        self,
        *,
        length_m: float = 0.0,
        sides: int = 2,
        width_m: float | None = None,
        years: float = 0.0,
        pieces: int = 1,
    ) -> Estimate:
        """What it costs [USD].

        Parameters
        ----------
        length_m : float
            Length of line treated [m]; for a gap its width, when ``width_m`` is not given.
        sides : int
            Fence lines treated (2 for both fences of a railway).
        width_m : float, optional
            Width of a structure [m]; the catalogue's by default.
        years : float
            Years over which running costs are counted, undiscounted; a cost per year counts at least one.
        pieces : int
            Number of structures.

        Returns
        -------
        Estimate
            Unit USD, drawn on a log scale.

        Raises
        ------
        OptionError
            T02 for negative lengths, years or counts.

        Examples
        --------
        >>> treatment("remove").cost_usd(length_m=10_000).as_tuple()
        (6000.0, 30000.0, 70000.0)
        """
        if min(length_m, sides, years, pieces) < 0 or (width_m is not None and width_m <= 0):
            raise OptionError(
                "T02", "a length, width or number is negative.", remedy="give metres and counts above zero"
            )
        width = width_m if width_m is not None else self.width_m
        stretch_m = width if self.is_structure and width is not None else length_m
        amount = {
            "km_side": stretch_m / 1000.0 * sides * (pieces if self.is_structure else 1),
            "piece": float(pieces),
            "100m": (width or 0.0) / 100.0 * pieces,
            "year": max(years, 1.0) * pieces,
        }[self.cost_per]
        running = self.cost_per_year.as_tuple() if self.cost_per_year is not None else (0.0, 0.0, 0.0)
        low, best, high = (c * amount + r * years * pieces for c, r in zip(self.cost.as_tuple(), running))
        spread = "log" if low > 0 else "pert"
        return Estimate(low, best, high, "USD", self.cost.evidence, self.cost.source, spread)


@cache
def treatments() -> Mapping[str, Treatment]:
    """The shipped catalogue by name.

    Returns
    -------
    mapping

    Examples
    --------
    >>> sorted(treatments())[:3]
    ['bridge', 'drop_wires', 'gap']
    """
    text = (files("permeability") / "data" / "rules" / "treatments.toml").read_text(encoding="utf-8")
    rows = {k: v for k, v in tomllib.loads(text).items() if isinstance(v, dict)}
    return MappingProxyType({name: treatment_from_dict(name, row) for name, row in rows.items()})


def treatment_from_dict(name: str, row: Mapping[str, Any]) -> Treatment:
    """A treatment from plain values (a table of a rule or project file).

    Parameters
    ----------
    name : str
    row : mapping
        ``label``, ``kinds``, ``effect``, ``cost`` (``per``, ``usd``), ``cost_per_year``, ``source``.

    Returns
    -------
    Treatment

    Raises
    ------
    OptionError
        O01 for unknown keys and kinds, T03 when effect or cost is missing.

    Examples
    --------
    >>> row = {"label": "own gap", "kinds": ["fence"], "effect": {"kind": "remove"}, "cost": {"per": "piece", "usd": 500.0}}
    >>> treatment_from_dict("own_gap", row).label
    'own gap'
    """
    for key in row:
        check_choice("treatment key", key, ("label", "kinds", "effect", "cost", "cost_per_year", "source"))
    if "effect" not in row or "cost" not in row:
        raise OptionError(
            "T03", f"treatment {name!r} lacks effect or cost.", remedy="see data/rules/treatments.toml"
        )
    effect, cost = dict(row["effect"]), row["cost"]
    check_choice("effect.kind", effect.get("kind"), EFFECTS)
    check_choice("cost.per", cost.get("per"), COST_BASES)
    running = row.get("cost_per_year")
    return Treatment(
        name,
        str(row.get("label", name)),
        tuple(row.get("kinds", ("railway", "road", "fence"))),
        MappingProxyType(effect),
        Estimate.from_dict(cost["usd"], unit="USD", spread="log"),
        str(cost["per"]),
        Estimate.from_dict(running["usd"], unit="USD per year", spread="log") if running else None,
        str(row.get("source", "")),
    )


def treatment(name: str) -> Treatment:
    """One entry of the shipped catalogue.

    Parameters
    ----------
    name : str

    Returns
    -------
    Treatment
        The entry of the catalogue.

    Raises
    ------
    BarrierError
        T01 for an unknown name, with the nearest.

    Examples
    --------
    >>> treatment("underpass").width_m
    12.0
    """
    found = treatments().get(str(name))
    if found is None:
        guess = nearest(name, treatments())
        raise BarrierError(
            "T01",
            f"treatment {name!r} is not known.",
            details={"known": ", ".join(treatments())},
            remedy=f"did you mean {guess!r}?" if guess else "use one of the known treatments",
        )
    return found
