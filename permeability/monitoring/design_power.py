"""How sure a design is to see a change.

The design is drawn ten thousand times with the change, and as often without it; the share of draws whose test says "changed" is the power, and
the share of false alarms.  The test is that of the means of clusters: differences by Welch (1947, doi:10.1093/biomet/34.1-2.28) with the
degrees of freedom of Satterthwaite (1946, doi:10.2307/3002019); before-after-control-impact by the difference of the differences
(Stewart-Oaten et al. 1986, doi:10.2307/1939815).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from permeability.core.errors import OptionError, check_choice
from permeability.monitoring.clusters import Clusters

__all__ = ["DESIGNS", "Power", "power"]

Floats = NDArray[np.float64]

DESIGNS = {
    "baci": "before and after, at the opening and at controls",
    "before_after": "before and after at the opening alone: what else changed looks like an effect",
    "control_impact": "after only, at the opening and at controls: what differed before looks like an effect",
}
KINDS = ("chance", "rate")


@dataclass(frozen=True)
class Power:
    """How sure a design is.

    Attributes
    ----------
    power : float
        Chance that the test says "changed" when it did, 0..1.
    false_alarm : float
        Chance that it says so when the opening did nothing (and the controls changed all the same).
    error : float
        Standard error of the power, from the number of draws.
    groups : int
        Groups of clusters that must be equipped (those seen before and after count once where they are the same).
    per_group : int
    clusters : Clusters
    design : str

    Examples
    --------
    >>> Power(0.8, 0.05, 0.004, 4, 8, Clusters("chance", 20), "baci")
    Power(80 % to see the change, 5 % false alarms; baci, 4 groups of 8)
    """

    power: float
    false_alarm: float
    error: float
    groups: int
    per_group: int
    clusters: Clusters
    design: str

    def __repr__(self) -> str:
        return (
            f"Power({100 * self.power:.0f} % to see the change, {100 * self.false_alarm:.0f} % false alarms; {self.design}, "
            f"{self.groups} groups of {self.per_group})"
        )


def power(
    before: float,
    after: float,
    per_group: int,
    effort: float,
    *,
    design: str = "baci",
    kind: str = "chance",
    control_before: float | None = None,
    control_after: float | None = None,
    same: bool = False,
    icc: float = 0.1,
    spread: float = 0.5,
    kept: float = 0.5,
    effort_cv: float = 0.0,
    lost: float = 0.0,
    level: float = 0.05,
    draws: int = 10_000,
    rng: int = 0,
) -> Power:
    """Chance that a monitoring design sees a change.

    Parameters
    ----------
    before, after : float
        Crossing chance per encounter [0..1], or counts per unit of effort, at the opening.
    per_group : int
        Collared animals, cameras or plots in each group.
    effort : float
        Encounters of an animal, or units of effort of a camera or plot, in a period.
    design : {"baci", "before_after", "control_impact"}
    kind : {"chance", "rate"}
    control_before, control_after : float, optional
        At the controls; ``before`` by default, and no change there.
    same : bool
        Whether the same animals or places are seen before and after.
    icc : float
        Of chances: likeness of the encounters of one animal, 0 up to 1.
    spread : float
        Of rates: standard deviation between places as a share of the rate.
    kept : float
        With ``same``: correlation of what makes clusters differ, before with after, 0..1.
    effort_cv : float
        Coefficient of variation of the effort between clusters.
    lost : float
        Share of clusters lost at a random moment of their period, 0..1.
    level : float
        Of the two-sided test.
    draws : int
    rng : int

    Returns
    -------
    Power

    Raises
    ------
    OptionError
        O01 for an unknown design or kind, U01 for numbers out of their range.

    References
    ----------
    doi:10.1093/biomet/34.1-2.28, doi:10.2307/3002019, doi:10.2307/1939815; power of such designs: Popescu et al. 2012, doi:10.1890/11-1669.1.

    Examples
    --------
    >>> import permeability as pm
    >>> pm.monitoring.power(0.05, 0.30, per_group=8, effort=20, icc=0.1, draws=2000).power > 0.7
    True
    """
    check_choice("design", design, tuple(DESIGNS))
    check_choice("kind", kind, KINDS)
    before_there = before if control_before is None else control_before
    after_there = before_there if control_after is None else control_after
    clusters = Clusters(
        kind, float(effort), float(effort_cv), float(lost), float(icc), float(spread), float(kept)
    )
    _check(clusters, (before, after, before_there, after_there), per_group, level, draws)
    nothing = max(
        before + after_there - before_there, 0.0
    )  # an opening that does nothing follows the controls
    nothing = min(nothing, 1.0) if kind == "chance" else nothing
    seen, alarms = (
        _share(
            np.random.default_rng([rng, i]),
            clusters,
            per_group,
            design,
            (before, then, before_there, after_there),
            same,
            level,
            draws,
        )
        for i, then in enumerate((after, nothing))
    )
    groups = {"baci": 2 if same else 4, "before_after": 1 if same else 2, "control_impact": 2}[design]
    return Power(
        seen,
        alarms,
        float(np.sqrt(max(seen * (1 - seen), 1 / draws) / draws)),
        groups,
        int(per_group),
        clusters,
        design,
    )


def _check(clusters: Clusters, levels: tuple[float, ...], per_group: int, level: float, draws: int) -> None:
    top = 1.0 if clusters.kind == "chance" else np.inf
    limits = [(f"level {v:g}", 0 <= v <= top and np.isfinite(v)) for v in levels]
    limits += [
        ("per_group below 2", per_group >= 2), ("effort not above 0", 0 < clusters.effort < np.inf), ("icc outside of 0 up to 1", 0 <= clusters.icc < 1),
        ("spread below 0", 0 <= clusters.spread < np.inf), ("kept outside of 0..1", 0 <= clusters.kept <= 1),
        ("effort_cv below 0", 0 <= clusters.effort_cv < np.inf), ("lost outside of 0..1", 0 <= clusters.lost <= 1),
        ("level of the test outside of 0..1", 0 < level < 1), ("draws below 100", draws >= 100),
    ]  # fmt: skip
    wrong = [what for what, good in limits if not good]
    if wrong:
        raise OptionError(
            "U01", f"the design cannot be drawn: {', '.join(wrong)}.",
            remedy="chances lie between 0 and 1, rates and efforts are not negative, a group has two clusters or more",
        )  # fmt: skip


def _share(
    rng: np.random.Generator, clusters: Clusters, size: int, design: str, levels: tuple[float, ...], same: bool, level: float, draws: int
) -> float:  # fmt: skip
    """Share of draws whose test says that something changed."""
    before, after, control_before, control_after = (np.full((draws, size), float(v)) for v in levels)
    if design == "control_impact":
        parts = [(clusters.draw((after,), rng)[0], 1.0), (clusters.draw((control_after,), rng)[0], -1.0)]
    else:
        sides = [(before, after, 1.0), (control_before, control_after, -1.0)][: 2 if design == "baci" else 1]
        parts = []
        for early, late, sign in sides:
            if same:
                a, b = clusters.draw((early, late), rng)
                parts.append((b - a, sign))
            else:
                parts += [(clusters.draw((late,), rng)[0], sign), (clusters.draw((early,), rng)[0], -sign)]
    return float(np.mean(contrast_p(parts) < level))


def contrast_p(parts: list[tuple[Floats, float]]) -> Floats:
    """Two-sided chance of a contrast of means as large as found, by Welch and Satterthwaite.

    Parameters
    ----------
    parts : list of (array, float)
        Values of the clusters of a group, shape (draws, clusters), NaN where there is none; and the sign of its mean.

    Returns
    -------
    array, shape (draws,)
        1 where a group has fewer than two values.

    References
    ----------
    doi:10.1093/biomet/34.1-2.28, doi:10.2307/3002019.

    Examples
    --------
    >>> a, b = np.array([[1.0, 2.0, 3.0]]), np.array([[2.0, 4.0, 6.0, 8.0]])
    >>> contrast_p([(a, 1.0), (b, -1.0)]).round(4).tolist()  # scipy.stats.ttest_ind(a, b, equal_var=False)
    [0.0999]
    """
    draws = len(parts[0][0])
    total, variance, below = np.zeros(draws), np.zeros(draws), np.zeros(draws)
    known = np.ones(draws, bool)
    for values, sign in parts:
        there = np.isfinite(values)
        n = there.sum(axis=1)
        known &= n >= 2
        n = np.maximum(n, 2)
        filled = np.where(there, values, 0.0)
        mean = filled.sum(axis=1) / n
        own = np.where(there, (values - mean[:, None]) ** 2, 0.0).sum(axis=1) / (n - 1) / n
        total, variance, below = total + sign * mean, variance + own, below + own**2 / (n - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.abs(total) / np.sqrt(variance)
        p = 2 * stats.t.sf(t, variance**2 / below)
    p = np.where(variance > 0, p, np.where(np.abs(total) > 1e-12, 0.0, 1.0))
    return np.where(known, p, 1.0)
