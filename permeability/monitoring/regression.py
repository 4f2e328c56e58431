"""Regression to the mean: a site chosen because it stood out, and measured again, comes back towards the others by itself.

What a site showed before is shrunk towards all sites that were looked at, by how much sites really differ (beta-binomial, by maximum
likelihood); the change that is left beyond that is the opening's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special

from permeability.core.texts import N_, Said
from permeability.monitoring.pilot_evidence import Pilot

__all__ = ["chances_of_sites", "regression_to_mean"]

Floats = NDArray[np.float64]
ENOUGH = 5  # sites below which how much they differ cannot be told
TOO_FEW = N_(
    "{again} sites were measured before and after, but only {looked} sites looked at are in the table: a site chosen because it stood out comes back by itself (regression to the mean), and that cannot be taken off. Put all sites that were looked at into the table."
)
FEIGNED = N_(
    "{site}: of the change seen ({change_seen}) {regression} is regression to the mean, which a site that stood out shows without any opening; {change} ({change_low} to {change_high}) is left."
)
COLUMNS = [
    "site",
    "before_seen",
    "before_true",
    "after_true",
    "change_seen",
    "regression",
    "change",
    "change_low",
    "change_high",
]


def regression_to_mean(
    pilots: pd.DataFrame | Sequence[Pilot] | Sequence[Mapping[str, Any]], *, icc: float = 0.1
) -> tuple[pd.DataFrame, list[Said]]:
    """Changes at opened sites with what regression to the mean feigns taken off.

    Parameters
    ----------
    pilots : DataFrame or list of mappings
        ``before_crossed`` and ``before_met`` of every site that was looked at, those not chosen as well; ``crossed`` and ``met`` of those
        measured afterwards.
    icc : float
        Likeness of encounters of one animal; a column ``animals`` says how many animals met a site.

    Returns
    -------
    (DataFrame, list of Said)
        Per site measured twice: ``before_seen`` (share), ``before_true`` (shrunk), ``after_true``, ``change_seen``, ``regression`` (what a site like
        it shows without any opening), ``change``, ``change_low``, ``change_high`` (5 and 95 %); and warnings.

    Notes
    -----
    With all sites looked at in the table, that one was chosen by what it showed needs no further correction: the choice depends on nothing that
    is not there (Dawid 1994, Selection paradoxes of Bayesian inference, IMS Lecture Notes 24:211).

    References
    ----------
    Galton 1886, doi:10.2307/2841583; Barnett et al. 2005, doi:10.1093/ije/dyh299.

    Examples
    --------
    >>> looked = [{"site": s, "before_crossed": x, "before_met": 20} for s, x in zip("ABCDEF", (0, 4, 5, 6, 3, 5))]
    >>> looked[0] |= {"crossed": 4, "met": 20}  # the worst was chosen and opened
    >>> table, notes = regression_to_mean(looked)
    >>> row = table.iloc[0]
    >>> round(float(row["change_seen"]), 2), bool(row["change"] < row["change_seen"])
    (0.2, True)
    """
    rows = (
        pilots.to_dict("records")
        if isinstance(pilots, pd.DataFrame)
        else [r for r in pilots if not isinstance(r, Pilot)]
    )
    before = [r for r in rows if _number(r.get("before_met")) > 0]
    again = [r for r in before if _number(r.get("met")) > 0]
    if not again:
        return pd.DataFrame(columns=COLUMNS), []
    if len(before) < ENOUGH:
        return pd.DataFrame(columns=COLUMNS), [
            Said(TOO_FEW, {"again": str(len(again)), "looked": str(len(before))})
        ]
    seen = np.array([[_number(r["before_crossed"]), _number(r["before_met"])] for r in before])
    size = np.array([_worth(r, "before_met", icc) for r in before])
    seen = seen * (size / seen[:, 1])[:, None]
    a, b = chances_of_sites(seen[:, 0], seen[:, 1])
    out = []
    for r in again:
        n0, n1 = _worth(r, "before_met", icc), _worth(r, "met", icc)
        x0, x1 = (
            _number(r["before_crossed"]) / _number(r["before_met"]) * n0,
            _number(r["crossed"]) / _number(r["met"]) * n1,
        )
        first, then = (a + x0, b + n0 - x0), (0.5 + x1, 0.5 + n1 - x1)
        low, high = _difference(first, then)
        share = _number(r["before_crossed"]) / _number(r["before_met"])
        true, after = first[0] / sum(first), _number(r["crossed"]) / _number(r["met"])
        out.append({
            "site": str(r.get("site", "")), "before_seen": share, "before_true": true, "after_true": then[0] / sum(then),
            "change_seen": after - share, "regression": true - share, "change": after - true, "change_low": low, "change_high": high,
        })  # fmt: skip
    table = pd.DataFrame(out, columns=COLUMNS)
    worst = table.loc[table["regression"].abs().idxmax()]
    values = {
        k: f"{worst[k]:+.2f}" for k in ("change_seen", "regression", "change", "change_low", "change_high")
    }
    return table, [Said(FEIGNED, {"site": str(worst["site"]), **values})]


def chances_of_sites(crossed: Floats, met: Floats) -> tuple[float, float]:
    """Beta distribution of the sites' own chances, by maximum likelihood of beta-binomial counts.

    Parameters
    ----------
    crossed, met : array
        Of every site; may be effective numbers, which are not whole.

    Returns
    -------
    (float, float)
        Shapes a, b; sites that do not differ more than chance makes them get ``a + b`` of at most 1e4.

    Examples
    --------
    >>> a, b = chances_of_sites(np.array([2.0, 8.0, 5.0, 1.0, 9.0]), np.full(5, 10.0))
    >>> 0.4 < a / (a + b) < 0.6
    True
    """
    x, n = np.asarray(crossed, float), np.asarray(met, float)

    def cost(v: Floats) -> float:
        mean, size = special.expit(v[0]), np.exp(v[1])
        a, b = mean * size, (1 - mean) * size
        return -float(np.sum(special.betaln(x + a, n - x + b) - special.betaln(a, b)))

    share = np.clip((x.sum() + 0.5) / (n.sum() + 1), 1e-3, 1 - 1e-3)
    start = special.logit(share)
    bounds = [(-12.0, 12.0), (np.log(0.1), np.log(1e4))]
    best = min(
        (optimize.minimize(cost, [start, s], bounds=bounds, method="L-BFGS-B") for s in (0.5, 2.5, 5.0)), key=lambda r: float(r.fun)
    )  # fmt: skip
    mean, size = float(special.expit(best.x[0])), float(np.exp(best.x[1]))
    return mean * size, (1 - mean) * size


def _difference(first: tuple[float, float], then: tuple[float, float]) -> tuple[float, float]:
    """5 and 95 % of the difference of two beta distributed chances, over a grid of their quantiles."""
    u = (np.arange(400) + 0.5) / 400
    one, two = special.betaincinv(*first, u), special.betaincinv(*then, u)
    each = np.sort((two[:, None] - one[None, :]).ravel())
    return float(each[int(0.05 * len(each))]), float(each[int(0.95 * len(each))])


def _worth(row: Mapping[str, Any], column: str, icc: float) -> float:
    met = _number(row[column])
    animals = max(_number(row.get("animals")), 1.0)
    return met / (1 + max(met / animals - 1, 0.0) * icc)


def _number(value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return 0.0
    return found if np.isfinite(found) else 0.0
