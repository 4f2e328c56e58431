"""A number with its uncertainty: low / best / high, how it is known, and from where.

Every number of a species profile, a rule or a treatment is an :class:`Estimate`.  It goes through the rules
of :mod:`permeability.barriers.passability` as a whole (:func:`propagate`), so low <= best <= high holds from the field
note to the crossing cost, and it is drawn from by inverse transform (:meth:`Estimate.draw`), so that any
stream of uniform numbers, plain or quasi-random, gives the same draws everywhere.

Evidence grades, from strongest to weakest:

======== ===================================================================
F        found in a publication or report that is cited
measured measured from tracks of animals that the project was given, with an
         interval and a placebo (:mod:`permeability.telemetry`)
D        derived here by arithmetic from F values; the sum is in the source
M-h      general expert knowledge, high trust (textbook values)
M-m      expert default, medium trust
M-l      expert default or analogy, low trust
X        looked for and not found: a placeholder that must be filled by the user
======== ===================================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from permeability.core.errors import OptionError, check_choice

EVIDENCE: tuple[str, ...] = ("F", "measured", "D", "M-h", "M-m", "M-l", "X")
"""Grades of evidence, strongest first."""

SPREADS: tuple[str, ...] = ("pert", "log")
"""Shapes a draw can have: ``pert`` on the number itself, ``log`` on its logarithm."""

_KEYS = ("low", "best", "high", "unit", "evidence", "source", "spread")


@dataclass(frozen=True)
class Estimate:
    """A low, a best and a high value with unit, evidence grade and source.

    ``low`` and ``high`` are the bounds outside of which the number is not expected; ``best`` is the most
    likely value, the mode of the draws (not their median: with a skewed range the two differ, and the median
    lies towards the longer tail).

    Parameters
    ----------
    low, best, high : float
        ``low <= best <= high``; NaN is refused, ``inf`` is allowed (an impassable cost).
    unit : str
        Unit label, such as ``"km"``; empty for a chance.
    evidence : str
        One of :data:`EVIDENCE`.
    source : str
        Where the number comes from.
    spread : {"pert", "log"}
        Shape of the draws.  ``pert`` for bounded quantities (chances, heights, seconds), ``log`` for
        quantities known to a factor (costs, trace lengths, budgets), which must be above zero.

    Raises
    ------
    OptionError
        E01 when the three values are not numbers in order, E02 when ``log`` meets a value <= 0,
        O01 for an unknown grade or spread.

    Examples
    --------
    >>> p = Estimate(0.10, 0.50, 0.90, evidence="M-m", source="expert default")
    >>> p.map(lambda x: 1 / x, increasing=False).best
    2.0
    >>> float(p.draw(0.0)), float(p.draw(1.0))
    (0.1, 0.9)
    """

    low: float
    best: float
    high: float
    unit: str = ""
    evidence: str = "X"
    source: str = ""
    spread: str = "pert"

    def __post_init__(self) -> None:
        for name in ("low", "best", "high"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
                raise _order_error(self, f"{name} = {value!r} is not a number.")
            object.__setattr__(self, name, float(value))
        if any(math.isnan(v) for v in self.as_tuple()) or not self.low <= self.best <= self.high:
            raise _order_error(self, "low <= best <= high does not hold.")
        check_choice("evidence", self.evidence, EVIDENCE)
        check_choice("spread", self.spread, SPREADS)
        if self.spread == "log" and self.low <= 0:
            raise OptionError(
                "E02",
                f"a log-scale estimate needs values above zero, got low = {self.low:g}.",
                remedy="give a positive low value, or spread='pert'",
            )

    @classmethod
    def exact(cls, value: float, unit: str = "", evidence: str = "F", source: str = "") -> Estimate:
        """An estimate without spread, such as a counted number.

        >>> Estimate.exact(3.0, "m").as_tuple()
        (3.0, 3.0, 3.0)
        """
        return cls(value, value, value, unit, evidence, source)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any] | float, **defaults: Any) -> Estimate:
        """Build from a TOML or JSON table, or from one number without spread; keys that are not known are refused.

        >>> Estimate.from_dict(500.0, unit="USD", spread="log").as_tuple()
        (500.0, 500.0, 500.0)

        Raises
        ------
        OptionError
            O01 for an unknown key, E01 when ``low``, ``best`` or ``high`` is missing.
        """
        if not isinstance(values, Mapping):
            return cls.exact(float(values), str(defaults.get("unit", "")))
        for key in values:
            check_choice("estimate key", key, _KEYS)
        merged = {**defaults, **values}
        missing = [k for k in ("low", "best", "high") if k not in merged]
        if missing:
            raise OptionError(
                "E01",
                f"an estimate lacks {', '.join(missing)}.",
                details={"given": dict(values)},
                remedy="give low, best and high; repeat the best value where no range is known",
            )
        return cls(**merged)

    def to_dict(self) -> dict[str, Any]:
        """The estimate as plain values, the inverse of :meth:`from_dict`."""
        values = {key: getattr(self, key) for key in _KEYS}
        return {
            k: v
            for k, v in values.items()
            if k in {"low", "best", "high", "evidence"} or v not in ("", "pert")
        }

    def as_tuple(self) -> tuple[float, float, float]:
        """``(low, best, high)``."""
        return (self.low, self.best, self.high)

    def pick(self, which: str = "best") -> float:
        """One of the three values by name: ``"low"``, ``"best"`` or ``"high"``."""
        check_choice("which", which, ("low", "best", "high"))
        return float(getattr(self, which))

    def with_values(self, low: float, best: float, high: float, **changes: Any) -> Estimate:
        """The same estimate with other numbers (and other fields, by name)."""
        return replace(self, low=low, best=best, high=high, **changes)

    def map(
        self,
        function: Callable[[float], float],
        *,
        increasing: bool = True,
        unit: str | None = None,
        source: str | None = None,
    ) -> Estimate:
        """The estimate of ``function(x)`` for a monotone function.

        Parameters
        ----------
        function : callable
            Monotone over [low, high].
        increasing : bool
            False for a falling function: low and high then change places.
        unit, source : str, optional
            Unit and source of the result; kept when not given.

        Raises
        ------
        OptionError
            E01 when the function turns out not to be monotone in the stated sense.
        """
        values = [float(function(v)) for v in self.as_tuple()]
        low, best, high = values if increasing else reversed(values)
        spread = self.spread if low > 0 and math.isfinite(high) else "pert"
        changes: dict[str, Any] = {"spread": spread}
        if unit is not None:
            changes["unit"] = unit
        if source is not None:
            changes["source"] = source
        return replace(self, low=low, best=best, high=high, **changes)

    def draw(self, u: ArrayLike) -> NDArray[np.float64]:
        """Values of the estimate at uniform numbers, by inverse transform (increasing in ``u``).

        The distribution is PERT: a beta distribution on [low, high] with mode ``best`` and shape 4, so its
        mean is (low + 4 best + high) / 6; for ``spread="log"`` the same on the logarithms.

        Parameters
        ----------
        u : array_like of float
            Uniform numbers in [0, 1], any shape; NaN stays NaN.

        Returns
        -------
        ndarray of float64
            Same shape as ``u``, in the unit of the estimate.

        Raises
        ------
        OptionError
            E03 for ``u`` outside [0, 1], E04 when low or high is infinite.

        References
        ----------
        Malcolm et al. 1959, Operations Research 7:646-669, doi:10.1287/opre.7.5.646 (PERT).

        Examples
        --------
        >>> Estimate(2.0, 2.0, 2.0).draw([0.1, 0.9]).tolist()
        [2.0, 2.0]
        """
        u = np.asarray(u, dtype=np.float64)
        if np.any((u < 0) | (u > 1)):
            raise OptionError("E03", "uniform numbers must lie in [0, 1].", remedy="pass rng.random(n)")
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise OptionError(
                "E04",
                "an estimate with an infinite bound cannot be drawn from.",
                remedy="draw the crossing chance and turn the draws into costs",
            )
        low, best, high = self.as_tuple() if self.spread == "pert" else np.log(self.as_tuple()).tolist()
        if high == low:
            return np.where(np.isnan(u), np.nan, self.best)
        share = (best - low) / (high - low)
        beta = special.betaincinv(1 + 4 * share, 5 - 4 * share, u)
        values = low + (high - low) * beta
        if self.spread == "log":
            values = np.exp(values)
        return np.asarray(np.clip(values, self.low, self.high), dtype=np.float64)

    def text(self, digits: int = 3) -> str:
        """The numbers as people write them: ``best (low-high) unit [grade]``.

        >>> Estimate(8, 16, 62, "km", "D").text()
        '16 (8-62) km [D]'
        """
        low, best, high = (f"{v:,.{digits}g}" if abs(v) < 1000 else f"{v:,.0f}" for v in self.as_tuple())
        numbers = best if low == best == high else f"{best} ({low}-{high})"
        return " ".join(part for part in (numbers, self.unit, f"[{self.evidence}]") if part)


@dataclass(frozen=True)
class Derived(Estimate):
    """An estimate worked out from other estimates, each of which can be drawn by its own name.

    Attributes
    ----------
    inputs : tuple of (str, Estimate)
        Name and estimate of every number it comes from, in the order of the rule's arguments.
    rule : callable
        Numbers to number.

    Examples
    --------
    >>> whole = Estimate(2, 4, 8).map(lambda x: 1 / x, increasing=False)
    >>> d = Derived.of(whole, (("x", Estimate(2, 4, 8)),), lambda x: 1 / x)
    >>> d.best, d.at({"x": 1.0}), d.at({})
    (0.25, 0.125, 0.25)
    """

    inputs: tuple[tuple[str, Estimate], ...] = ()
    rule: Callable[..., Any] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(
        cls, whole: Estimate, inputs: tuple[tuple[str, Estimate], ...], rule: Callable[..., Any]
    ) -> Derived:
        """The same estimate, told what it comes from."""
        own = {k: getattr(whole, k) for k in _KEYS}
        return cls(**own, inputs=inputs, rule=rule)

    def at(self, quantiles: Mapping[str, float]) -> float:
        """Its value at quantiles of its inputs by name; inputs without one are at their best."""
        values = [float(e.draw(quantiles[k])) if k in quantiles else e.best for k, e in self.inputs]
        return float(self.rule(*values)) if self.rule is not None else self.best


def _order_error(estimate: Estimate, what: str) -> OptionError:
    return OptionError(
        "E01",
        what,
        details={
            "low, best, high": f"{estimate.low}, {estimate.best}, {estimate.high}",
            "source": estimate.source,
        },
        remedy="give three numbers with low <= best <= high",
    )


def weakest(*grades: str) -> str:
    """The weakest of several evidence grades: a result is known no better than its worst input.

    Parameters
    ----------
    *grades : str

    Returns
    -------
    str
        The grade nobody should trust more than.

    Examples
    --------
    >>> weakest("F", "M-m", "D")
    'M-m'
    """
    return max(grades, key=EVIDENCE.index, default="X")


def propagate(
    function: Callable[..., Any],
    *,
    increasing: Mapping[str, Any] | None = None,
    decreasing: Mapping[str, Any] | None = None,
    unit: str = "",
    source: str = "",
    **fixed: Any,
) -> Any:
    """Call ``function`` by keyword with numbers, arrays or estimates.

    Without any estimate among the arguments this is a plain call.  With one, the function is called three
    times: for the low result with the low values of what it rises with and the high values of what it falls
    with, and so on; the result is an :class:`Estimate` with the weakest grade of its inputs.

    Parameters
    ----------
    function : callable
        Works on floats and arrays, monotone in each named argument.
    increasing, decreasing : mapping of str to float, array or Estimate
        Arguments the result rises or falls with.
    unit, source : str
        Unit and source of the resulting estimate.
    **fixed
        Arguments handed on unchanged.

    Returns
    -------
    float, ndarray or Estimate

    Examples
    --------
    >>> propagate(lambda a, b: a / b, increasing={"a": Estimate(1, 2, 4)}, decreasing={"b": 2.0}).as_tuple()
    (0.5, 1.0, 2.0)
    """
    rising, falling = dict(increasing or {}), dict(decreasing or {})
    estimates = [v for v in (*rising.values(), *falling.values()) if isinstance(v, Estimate)]
    if not estimates:
        return function(**rising, **falling, **fixed)
    opposite = {"low": "high", "best": "best", "high": "low"}
    values = []
    for which, other in opposite.items():
        arguments = {k: v.pick(which) if isinstance(v, Estimate) else v for k, v in rising.items()}
        arguments |= {k: v.pick(other) if isinstance(v, Estimate) else v for k, v in falling.items()}
        values.append(float(function(**arguments, **fixed)))
    grade = weakest(*(e.evidence for e in estimates))
    return Estimate(
        values[0],
        values[1],
        values[2],
        unit,
        grade,
        source or "; ".join(dict.fromkeys(e.source for e in estimates)),
    )
