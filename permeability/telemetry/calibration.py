"""From measured crossing costs to a species profile: what the profile said, worth some encounters, and what the tracks say.

Both are taken on the logarithm of the crossing cost.  A number known from ``n`` crossings has a spread of about ``1 / sqrt(n)`` there, so a
spread says how many encounters a number is worth: ``n = 1 / s^2``, with ``s`` the standard error of the logarithm (of a number that tells only
its range: the logarithm of high over low, over 3.92; the gamma-Poisson
rule of thumb; Gelman et al. 2013, Bayesian Data Analysis, section 2.6, ISBN 978-1439840955).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from permeability.barriers.passability import crossing_cost_m
from permeability.core.errors import OptionError
from permeability.core.estimate import Estimate, weakest
from permeability.species.profile import SpeciesProfile
from permeability.species.vocabulary import BARRIER_CLASSES

__all__ = ["Calibration", "calibrate"]


@dataclass(frozen=True)
class Calibration:
    """A profile with measured crossing costs.

    Attributes
    ----------
    profile : SpeciesProfile
    table : DataFrame
        One row per barrier class: ``barrier_class``, ``before_km``, ``measured_km``, ``after_km_low``, ``after_km``, ``after_km_high``,
        ``times`` (after over before), ``prior_worth``, ``measured_worth`` (encounters), ``evidence`` (grade: ``measured`` where
        the tracks are worth at least as much as the profile's number, else the weaker of the two).
    left_out : tuple of str
        Groups that no profile has a place for, and why.

    Examples
    --------
    >>> from permeability.species import species
    >>> measured = {"stock": Estimate(0.2, 0.5, 0.9, "km", "measured", "tracks", "log")}
    >>> done = calibrate(species("mongolian_gazelle"), measured)
    >>> done.profile.crossing_cost_km["stock"].low < 0.5 < done.profile.crossing_cost_km["stock"].high
    True
    """

    profile: SpeciesProfile
    table: pd.DataFrame
    left_out: tuple[str, ...] = ()

    def __repr__(self) -> str:
        told = "; ".join(
            f"{r.barrier_class} {r.before_km:.3g} -> {r.after_km:.3g} km" for r in self.table.itertuples()
        )
        return f"Calibration({self.profile.id}: {told})"

    def toml(self) -> str:
        """The profile as the text of a species file."""
        return toml_text(self.profile.to_dict())


def calibrate(
    profile: SpeciesProfile, measured: Any, *, prior_worth: float | None = None, citation: str = ""
) -> Calibration:
    """A profile whose crossing costs follow from tracks.

    Parameters
    ----------
    profile : SpeciesProfile
        What was held before.
    measured : mapping of str to Estimate, or a result of ``crossing_cost`` or ``step_selection``
        Crossing cost by barrier class [km]; of results only groups that are usable and finite.
    prior_worth : float, optional
        How many observed crossings the profile's number is worth; from its own range by default.
    citation : str
        Of the data set, added to the source.

    Returns
    -------
    Calibration

    Raises
    ------
    OptionError
        F50 when nothing can be used, F51 for a worth below zero.

    References
    ----------
    Gelman et al. 2013, Bayesian Data Analysis, ISBN 978-1439840955.

    Examples
    --------
    >>> from permeability.species import species
    >>> measured = {"stock": Estimate(0.2, 0.5, 0.9, "km", "measured", "tracks", "log")}
    >>> round(float(calibrate(species("khulan"), measured, prior_worth=0).table["after_km"].iloc[0]), 2)
    0.5
    """
    if prior_worth is not None and not prior_worth >= 0:
        raise OptionError(
            "F51",
            f"prior_worth = {prior_worth:g} encounters.",
            remedy="give 0 or more; 0 leaves the tracks alone",
        )
    found, left_out = _usable(measured)
    if not found:
        raise OptionError(
            "F50", "no measured crossing cost can be used.", details={"left out": "; ".join(left_out) or "nothing was measured"},
            remedy="see the column note of the measurement: usable is False where displaced lines do not give 1",
        )  # fmt: skip
    rows, values = [], {}
    for name, (estimate, spread) in found.items():
        row, after = _combined(profile, name, estimate, spread, prior_worth)
        rows.append(row)
        source = f"{estimate.source}{'; ' + citation if citation else ''}; {row['prior_worth']:.3g} encounters of the profile before"
        values[f"crossing_cost_km.{name}"] = {
            "low": after[0], "best": after[1], "high": after[2], "evidence": row["evidence"], "source": source,
        }  # fmt: skip
    return Calibration(profile.override(values), pd.DataFrame(rows), tuple(left_out))


def _usable(measured: Any) -> tuple[dict[str, tuple[Estimate, float]], list[str]]:
    """Estimates of barrier classes with the standard error of their logarithm, and what is left out and why."""
    left_out: list[str] = []
    if isinstance(measured, Mapping):
        given = {k: (v, spread_of(v)) for k, v in measured.items()}
    else:
        given = {}
        for row in measured.table.itertuples():
            if not row.usable or not math.isfinite(row.cost_km_high):
                left_out.append(f"{row.group}: {row.note or 'only a lower bound'}")
            else:
                given[row.group] = (measured.of(row.group), float(row.log_sd))
    for name in [n for n in given if n not in BARRIER_CLASSES]:
        left_out.append(f"{name}: profiles hold no measured crossing cost of it")
        del given[name]
    return given, left_out


def spread_of(estimate: Estimate) -> float:
    """Standard deviation of the logarithm, from the range as a 95 % interval.

    Parameters
    ----------
    estimate : Estimate

    Returns
    -------
    float

    Examples
    --------
    >>> round(spread_of(Estimate(1.0, 2.0, 4.0)), 3)
    0.354
    """
    return math.log(max(estimate.high, 1e-6) / max(estimate.low, 1e-6)) / (2 * 1.96)


def _combined(
    profile: SpeciesProfile, name: str, measured: Estimate, error: float, worth: float | None
) -> tuple[dict[str, Any], tuple[float, float, float]]:
    before = cost_before(profile, name)
    own = spread_of(before)
    n0 = (1 / own**2 if own > 0 else math.inf) if worth is None else worth
    n1 = 1 / max(error, 1e-6) ** 2
    if math.isinf(n0):
        n0 = n1  # a number without a range is no more certain than what was seen
    mean = (n0 * math.log(max(before.best, 1e-6)) + n1 * math.log(max(measured.best, 1e-6))) / (n0 + n1)
    far = 1.96 / math.sqrt(n0 + n1)
    after = (math.exp(mean - far), math.exp(mean), math.exp(mean + far))
    row = {
        "barrier_class": name, "before_km": before.best, "measured_km": measured.best, "after_km_low": after[0], "after_km": after[1],
        "after_km_high": after[2], "times": after[1] / max(before.best, 1e-6), "prior_worth": n0, "measured_worth": n1,
        "evidence": measured.evidence if n1 >= n0 else weakest(before.evidence, measured.evidence),
    }  # fmt: skip
    return row, after


def cost_before(profile: SpeciesProfile, name: str) -> Estimate:
    """What a profile says a barrier class costs [km]: measured, or from crossing chance and trace length.

    Parameters
    ----------
    profile : SpeciesProfile
    name : str
        Barrier class.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> from permeability.species import species
    >>> cost_before(species("khulan"), "stock").best > 0
    True
    """
    own = profile.crossing_cost_km.get(name)
    if own is not None:
        return own
    chance, trace = profile.crossing[name], profile.trace_of(name)[0]
    p = [min(max(v, 0.002), 0.999) for v in chance.as_tuple()]
    values = [float(crossing_cost_m(c, m)) / 1000 for c, m in zip(p[::-1], trace.as_tuple(), strict=True)]
    values[1] = float(crossing_cost_m(p[1], trace.best)) / 1000
    return Estimate(values[0], values[1], values[2], "km", "M-l", "from crossing chance and trace length")


def toml_text(data: Mapping[str, Any]) -> str:
    """A profile as TOML: tables by name, numbers with their grade and source on one line.

    Parameters
    ----------
    data : mapping

    Returns
    -------
    str

    Examples
    --------
    >>> print(toml_text({"id": "x", "body": {"crawls": True, "mass_kg": {"low": 1, "best": 2.5, "high": 3}}}))
    id = "x"
    <BLANKLINE>
    [body]
    crawls = true
    mass_kg = { low = 1, best = 2.5, high = 3 }
    <BLANKLINE>
    """
    lines = [f"{k} = {_value(v)}" for k, v in data.items() if not _is_table(v)]
    for name, table in data.items():
        if isinstance(table, Mapping):
            lines += ["", f"[{name}]", *(f"{k} = {_value(v)}" for k, v in table.items())]
        elif _is_table(table):
            for row in table:
                lines += ["", f"[[{name}]]", *(f"{k} = {_value(v)}" for k, v in row.items())]
    return "\n".join(lines) + "\n"


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)
    )


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value) if math.isfinite(value) else "inf"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
