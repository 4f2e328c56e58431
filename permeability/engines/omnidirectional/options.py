"""What can be asked of a moving-window run, checked before anything is computed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from permeability.core.errors import OptionError, check_choice

COMPARISONS = ("within", "equal")
DOMAINS = ("exact", "shared")
SOLVERS = ("auto", "dissection", "multigrid")
DISSECTION_REACH = 200  # cells; beyond, multigrid is quicker on benign surfaces [docs/performance.md]
MOST_REACH = 10_000  # a window of twice as many cells on a side holds 3.2 GB of numbers


@dataclass(frozen=True)
class Condition:
    """A grid by which sources are matched with targets.

    A source counts for a target only when its present value fits the (future) value of the target's block.

    Parameters
    ----------
    present : array, shape (rows, cols)
        NaN = unknown: such a source is not removed.
    comparison : {"within", "equal"}
        ``within``: between ``lower`` and ``upper`` of the median of the block; ``equal``: the most frequent
        value of the block.
    lower, upper : float
        Limits of source minus target [unit of the grid].
    future : array, shape (rows, cols), optional
        Values of the targets, when they are not the present ones.

    Examples
    --------
    >>> import numpy as np
    >>> from permeability.engines.omnidirectional import omnidirectional
    >>> apart = np.repeat([[1.0], [2.0]], 3, axis=0) * np.ones((6, 5))  # two halves that do not mix
    >>> met = Condition(apart, comparison="equal")
    >>> alone = omnidirectional(np.ones((6, 5)), radius=2, conditions=[met])
    >>> bool(alone.current.sum() < omnidirectional(np.ones((6, 5)), radius=2).current.sum())
    True
    """

    present: ArrayLike
    comparison: str = "within"
    lower: float = 0.0
    upper: float = 0.0
    future: ArrayLike | None = None


@dataclass(frozen=True)
class WindowOptions:
    """Plain options of a run; see :func:`permeability.engines.omnidirectional.omnidirectional`.

    Examples
    --------
    >>> WindowOptions(radius=20, buffer=5).reach
    25
    """

    radius: int
    buffer: int = 0
    block_size: int = 1
    neighbours: int = 8
    average: str = "resistance"
    flow_potential: bool = False
    correct_block_artefacts: bool = True
    omniscape: bool = False
    domain: str = "exact"
    shared_targets: int = 8
    solver: str = "auto"
    decay: float = np.inf  # a source d cells from its target counts exp(-d / decay)

    @property
    def reach(self) -> int:
        """Cells from the target to the rim of its window."""
        return self.radius + self.buffer

    @property
    def half(self) -> int:
        """Cells from the centre of a block to its side."""
        return (self.block_size - 1) // 2

    @property
    def dissection(self) -> bool:
        """Whether windows are solved by nested dissection."""
        return self.solver == "dissection" or (self.solver == "auto" and self.reach <= DISSECTION_REACH)


def check_options(options: WindowOptions) -> None:
    """Refuse options that contradict each other or mean nothing.

    Raises
    ------
    OptionError
        O01 an unknown word; W10 a size that is no size; W11 options that exclude each other.
    """
    sizes: tuple[tuple[str, Any, int], ...] = (
        ("radius", options.radius, 1),
        ("buffer", options.buffer, 0),
        ("block_size", options.block_size, 1),
        ("shared_targets", options.shared_targets, 1),
    )
    for name, value, least in sizes:
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
            raise OptionError(
                "W10",
                f"{name} = {value!r} is not a number of cells.",
                remedy=f"a whole number, at least {least}",
            )
    if options.reach > MOST_REACH:
        raise OptionError(
            "W10", f"radius and buffer together are {options.reach:,} cells; a window takes {MOST_REACH:,}.",
            remedy="use larger cells, or a radius within the landscape",
        )  # fmt: skip
    if options.block_size > 2 * MOST_REACH:
        raise OptionError(
            "W10", f"block_size = {options.block_size:,} is larger than any window.", remedy="an odd number, such as 5"
        )  # fmt: skip
    if not options.decay > 0:
        raise OptionError(
            "W10",
            f"decay = {options.decay!r} is no distance.",
            remedy="a number of cells above 0, or leave it out",
        )
    if options.block_size % 2 == 0:
        raise OptionError(
            "W10",
            f"block_size = {options.block_size} is even: the block has no centre cell.",
            remedy=f"use {options.block_size - 1} or {options.block_size + 1}",
        )
    check_choice("neighbours", options.neighbours, (8, 4))
    check_choice("average", options.average, ("resistance", "conductance"))
    check_choice("domain", options.domain, DOMAINS)
    check_choice("solver", options.solver, SOLVERS)
    if options.omniscape and options.average != "conductance":
        raise _clash("compatibility='omniscape'", "average='resistance'", "leave average out")
    if options.domain == "shared" and not options.dissection:
        raise _clash("domain='shared'", "multigrid windows", "use a smaller radius or domain='exact'")


def _clash(one: str, other: str, remedy: str) -> OptionError:
    return OptionError("W11", f"{one} and {other} exclude each other.", remedy=remedy)


def check_condition(number: int, condition: Condition, shape: tuple[int, int]) -> None:
    """Refuse a condition that cannot be compared.

    Raises
    ------
    OptionError
        O01 an unknown comparison; W12 another shape, limits that are no limits.
    """
    check_choice(f"comparison {number}", condition.comparison, COMPARISONS)
    for name, grid in (("present", condition.present), ("future", condition.future)):
        if grid is not None and np.shape(grid) != shape:
            raise OptionError(
                "W12",
                f"condition {number} ({name}) has shape {np.shape(grid)}, the resistance {shape}.",
                remedy="align it with the resistance",
            )
    limits = condition.lower, condition.upper
    if condition.comparison == "within" and (any(map(math.isnan, limits)) or limits[0] > limits[1]):
        raise OptionError(
            "W12",
            f"condition {number}: lower = {limits[0]}, upper = {limits[1]} hold nothing between them.",
            remedy="lower must not be above upper",
        )
