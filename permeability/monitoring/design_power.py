"""How sure a design is to see a change.

The design is drawn ten thousand times with the change, and as often without it; the share of draws whose test says "changed" is the power, and
the share of false alarms.  The test is that of the means of clusters: differences by Welch (1947, doi:10.1093/biomet/34.1-2.28) with the
degrees of freedom of Satterthwaite (1946, doi:10.2307/3002019); before-after-control-impact by the difference of the differences
(Stewart-Oaten et al. 1986, doi:10.2307/1939815), gradients and staggered openings by the contrasts of :mod:`permeability.monitoring.layouts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from permeability.core.errors import OptionError, check_choice
from permeability.monitoring.clusters import Clusters
from permeability.monitoring.layouts import DESIGNS, Cell, layout

__all__ = ["DESIGNS", "Power", "power"]

Floats = NDArray[np.float64]

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
    at_site: int = 1,
    site_icc: float = 0.0,
    site_spread: float = 0.0,
    seasons: Sequence[tuple[float, float]] = (),
    swing: float = 0.0,
    doses: Sequence[float] = (1.0, 0.5, 0.25, 0.0),
    steps: int = 4,
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
        Collared animals, cameras or plots in each group; with ``at_site`` above 1: sites.
    effort : float
        Encounters of an animal, or units of effort of a camera or plot, in a period.
    design : {"baci", "before_after", "control_impact", "gradient", "staggered"}
        See :data:`permeability.monitoring.layouts.DESIGNS`.
    kind : {"chance", "rate"}
    control_before, control_after : float, optional
        At the controls; ``before`` by default, and no change there.  Of designs without controls their difference is what changes everywhere, of
        staggered ones evenly over the periods.
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
    at_site : int
        Animals, cameras or plots at each site; the mean of the site is then what is compared, and ``same`` means the same sites.
    site_icc, site_spread : float
        Likeness of the animals of one site (chances), standard deviation between sites as a share (rates).
    seasons : sequence of (share, factor)
        Share of the effort in each season, in their order, and how high the level is there; factors are scaled so that the year has the level given.
    swing : float
        Coefficient of variation of years, the same for all places of a period.
    doses : sequence of float
        Of a gradient: share of the effect that arrives in each ring, such as ``exp(-distance / reach)``.
    steps : int
        Of a staggered design: places opened one after the other, seen in one period more.
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
    doi:10.1093/biomet/34.1-2.28, doi:10.2307/3002019, doi:10.2307/1939815; Ellis & Schneider 1997, doi:10.1023/A:1005752603707 (gradient); Hussey
    & Hughes 2007, doi:10.1016/j.cct.2006.05.007 (staggered); power of such designs: Popescu et al. 2012, doi:10.1890/11-1669.1.

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
        kind, float(effort), float(effort_cv), float(lost), float(icc), float(spread), float(kept), int(at_site), float(site_icc), float(site_spread),
        _scaled(seasons),
    )  # fmt: skip
    _check_layout(doses, steps, swing)
    groups = layout(design, doses, steps)
    trend = after_there - before_there
    cells = [
        [_level(c, control, before, after, before_there, trend) for c in mine] for control, mine in groups
    ]
    _check(
        clusters,
        (before, after, before_there, after_there, *(v for mine in cells for v in mine)),
        per_group,
        level,
        draws,
    )
    top = 1.0 if kind == "chance" else np.inf
    nothing = [
        [
            float(np.clip(_level(c, control, before, before + trend, before_there, trend), 0.0, top))
            for c in mine
        ]
        for control, mine in groups
    ]  # an opening that does nothing follows the controls
    seen, alarms = (
        float(np.mean(contrast_p(_parts(np.random.default_rng([rng, i]), clusters, int(per_group), groups, values, same, swing, draws)) < level))
        for i, values in enumerate((cells, nothing))
    )  # fmt: skip
    return Power(
        seen,
        alarms,
        float(np.sqrt(max(seen * (1 - seen), 1 / draws) / draws)),
        len(groups) if same else sum(len(mine) for _, mine in groups),
        int(per_group),
        clusters,
        design,
    )


def _level(c: Cell, control: bool, before: float, after: float, before_there: float, trend: float) -> float:
    """Chance or rate of a group in a period."""
    if control:
        return before_there + trend * c.time
    return before + trend * c.time + c.dose * (after - before - trend)


def _scaled(seasons: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Seasons whose shares add up to one and whose factors have the mean one."""
    given = [(float(s), float(f)) for s, f in seasons]
    if not given:
        return ()
    if any(not (0 < s < np.inf and 0 <= f < np.inf) for s, f in given) or not any(f > 0 for _, f in given):
        raise OptionError(
            "U01", f"seasons {given} cannot be drawn.", remedy="give pairs (share of the effort above 0, level of the season from 0 on)"
        )  # fmt: skip
    whole = sum(s for s, _ in given)
    mean = sum(s * f for s, f in given) / whole
    return tuple((s / whole, f / mean) for s, f in given)


def _check_layout(doses: Sequence[float], steps: int, swing: float) -> None:
    """Refuse rings and steps that compare nothing."""
    given = [float(d) for d in doses]
    limits = [
        ("doses: two or more shares from 0 to 1 that differ", len(set(given)) > 1 and all(0 <= d <= 1 for d in given)),
        ("steps below 2", steps >= 2), ("swing below 0", 0 <= swing < np.inf),
    ]  # fmt: skip
    wrong = [what for what, good in limits if not good]
    if wrong:
        raise OptionError(
            "U01", f"the design cannot be drawn: {', '.join(wrong)}.", remedy="such as doses=(1, 0.5, 0), steps=4, swing=0.2"
        )  # fmt: skip


def _check(clusters: Clusters, levels: tuple[float, ...], per_group: int, level: float, draws: int) -> None:
    top = 1.0 if clusters.kind == "chance" else np.inf
    limits = [(f"level {v:g}", -1e-9 <= v <= top + 1e-9 and np.isfinite(v)) for v in dict.fromkeys(levels)]
    limits += [
        ("per_group below 2", per_group >= 2), ("effort not above 0", 0 < clusters.effort < np.inf), ("icc outside of 0 up to 1", 0 <= clusters.icc < 1),
        ("spread below 0", 0 <= clusters.spread < np.inf), ("kept outside of 0..1", 0 <= clusters.kept <= 1),
        ("effort_cv below 0", 0 <= clusters.effort_cv < np.inf), ("lost outside of 0..1", 0 <= clusters.lost <= 1), ("at_site below 1", clusters.at_site >= 1),
        ("site_icc outside of 0 up to 1", 0 <= clusters.site_icc < 1), ("site_spread below 0", 0 <= clusters.site_spread < np.inf),
        ("a season's level above 1", clusters.kind == "rate" or all(v * f <= 1 + 1e-9 for v in levels for _, f in clusters.seasons)),
        ("level of the test outside of 0..1", 0 < level < 1), ("draws below 100", draws >= 100),
    ]  # fmt: skip
    wrong = [what for what, good in limits if not good]
    if wrong:
        raise OptionError(
            "U01", f"the design cannot be drawn: {', '.join(wrong)}.",
            remedy="chances lie between 0 and 1, rates and efforts are not negative, a group has two clusters or more",
        )  # fmt: skip


def _parts(
    rng: np.random.Generator, clusters: Clusters, size: int, groups: list[tuple[bool, list[Cell]]], levels: list[list[float]], same: bool, swing: float,
    draws: int,
) -> Iterator[tuple[Floats, float]]:  # fmt: skip
    """Values of the clusters, group by group (of other clusters every time: period by period too), and their weights."""
    top = 1.0 if clusters.kind == "chance" else np.inf
    wide = np.sqrt(np.log1p(swing**2))
    periods = 1 + max(c.period for _, mine in groups for c in mine)
    years = (
        np.exp(rng.normal(-(wide**2) / 2, wide, (periods, draws, 1)))
        if swing > 0
        else np.ones((periods, 1, 1))
    )
    for (_, mine), values in zip(groups, levels, strict=True):
        each = [
            np.broadcast_to(np.clip(v * years[c.period], 0.0, top), (draws, size)) for c, v in zip(mine, values, strict=True)
        ]  # fmt: skip
        if same:
            yield (
                np.asarray(
                    sum(c.weight * y for c, y in zip(mine, clusters.draw(tuple(each), rng), strict=True))
                ),
                1.0,
            )
        else:
            for c, one in zip(mine, each, strict=True):
                yield clusters.draw((one,), rng)[0], c.weight


def contrast_p(parts: Iterable[tuple[Floats, float]]) -> Floats:
    """Two-sided chance of a contrast of means as large as found, by Welch and Satterthwaite.

    Parameters
    ----------
    parts : iterable of (array, float)
        Values of the clusters of a group, shape (draws, clusters), NaN where there is none; and the weight of its mean.

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
    total, variance, below, known = (np.zeros(1) for _ in range(4))
    for values, weight in parts:
        there = np.isfinite(values)
        n = there.sum(axis=1)
        few = n < 2
        n = np.maximum(n, 2)
        filled = np.where(there, values, 0.0)
        mean = filled.sum(axis=1) / n
        own = weight**2 * np.where(there, (values - mean[:, None]) ** 2, 0.0).sum(axis=1) / (n - 1) / n
        total, variance, below, known = (
            total + weight * mean,
            variance + own,
            below + own**2 / (n - 1),
            known + few,
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.abs(total) / np.sqrt(variance)
        p = 2 * stdtr(variance**2 / below, -t)  # Student's t
    p = np.where(variance > 0, p, np.where(np.abs(total) > 1e-12, 0.0, 1.0))
    return np.where(known == 0, p, 1.0)
