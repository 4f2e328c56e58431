"""How many collars, cameras or plots a design needs, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from permeability.core.display import Face
from permeability.core.errors import OptionError
from permeability.monitoring.design_power import Power, power

__all__ = ["SampleSize", "design"]

SIZES = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 70, 100, 150, 200)


@dataclass(frozen=True, eq=False)
class SampleSize(Face):
    """Sizes of a design with their power and cost.

    Attributes
    ----------
    table : DataFrame
        ``per_group``, ``clusters`` (in all groups), ``power``, ``false_alarm``, ``cost``, ``enough`` (reaches the target).
    needed : Power or None
        The smallest size that reaches the target; None where none up to 200 a group, or within the budget, does.
    target : float
    sentence : str
        What a reader needs to know.

    Examples
    --------
    >>> import permeability as pm
    >>> found = pm.monitoring.design(0.05, 0.60, effort=20, draws=1000)
    >>> found.needed.per_group <= 6
    True
    """

    _face: ClassVar[str] = "sample_size"

    table: pd.DataFrame
    needed: Power | None
    target: float
    sentence: str

    def __repr__(self) -> str:
        return f"SampleSize({self.sentence})"


def design(
    before: float,
    after: float,
    *,
    effort: float,
    target: float = 0.8,
    cost: float = 0.0,
    budget: float | None = None,
    **options: Any,
) -> SampleSize:
    """The smallest design that is sure enough to see a change.

    Parameters
    ----------
    before, after : float
        As in :func:`permeability.monitoring.design_power.power`.
    effort : float
        Encounters, or units of effort, of a cluster in a period.
    target : float
        Power to be reached, 0..1.
    cost : float
        Of one collared animal, camera or plot, all periods together [any currency].
    budget : float, optional
        Not to be exceeded [the same].
    **options
        Of :func:`permeability.monitoring.design_power.power`, but for the size of the groups.

    Returns
    -------
    SampleSize

    Raises
    ------
    OptionError
        U02 for a target, cost or budget out of range; those of ``power``.

    Examples
    --------
    >>> import permeability as pm
    >>> pm.monitoring.design(0.05, 0.60, effort=20, cost=3000, draws=1000).table.columns.tolist()
    ['per_group', 'clusters', 'power', 'false_alarm', 'cost', 'enough']
    """
    if (
        not 0 < target < 1
        or not 0 <= cost < float("inf")
        or (budget is not None and not 0 <= budget < float("inf"))
    ):
        raise OptionError(
            "U02", "target lies outside of 0..1, or cost or budget is negative.",
            remedy="give a target such as 0.8, and cost and budget from 0 on",
        )  # fmt: skip
    rows: list[dict[str, object]] = []
    needed: Power | None = None
    after_target = 0
    for size in SIZES:
        found = power(before, after, size, effort, **options)
        spent = size * found.groups * cost
        enough = found.power >= target
        rows.append({
            "per_group": size, "clusters": size * found.groups, "power": found.power, "false_alarm": found.false_alarm, "cost": spent,
            "enough": enough,
        })  # fmt: skip
        affordable = budget is None or spent <= budget
        needed = found if needed is None and enough and affordable else needed
        after_target += enough
        if after_target > 1 or not affordable:
            break
    table = pd.DataFrame(rows)
    return SampleSize(table, needed, target, _sentence(needed, rows, target, cost, budget))


def _sentence(
    needed: Power | None, rows: list[dict[str, object]], target: float, cost: float, budget: float | None
) -> str:
    if needed is None:
        last = rows[-1]
        limit = f"within {budget:,.0f}" if budget is not None else f"up to {last['per_group']} a group"
        return f"no design {limit} sees the change with {100 * target:.0f} %; the largest tried has {100 * float(str(last['power'])):.0f} %"
    clusters = needed.groups * needed.per_group
    price = f", {clusters * cost:,.0f} in all" if cost else ""
    return (
        f"{needed.per_group} a group in {needed.groups} group{'s' if needed.groups != 1 else ''} ({clusters}{price}) see the change with "
        f"{100 * needed.power:.0f} %, and cry wolf in {100 * needed.false_alarm:.0f} %"
    )
