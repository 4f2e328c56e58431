"""The table of indices: what each number is called, its unit, which way is better, and what a gain in it is.

Whoever needs a list of indices, a unit, a label or a sign reads it here.  How the numbers are made stands in
:mod:`permeability.linkage.landscape_indices`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from permeability.core.texts import N_

__all__ = [
    "AREA_AND_FLOW",
    "BY_LINE",
    "HEADLINES",
    "INDEX",
    "INDICES",
    "MAIN",
    "Index",
    "change_of",
    "gain_of",
]


@dataclass(frozen=True)
class Index:
    """One index of a landscape.

    Attributes
    ----------
    name : str
        Its name in tables and files.
    unit : str
        As files have it: ``"km2"``, ``"1"``.
    lower_is_better : bool
        Whether a lower value is better for the animals.
    label, meaning : str
        English texts for readers, marked for the catalogues.
    unit_label : str
        The unit as a reader sees it; ``""`` for a plain number.
    infinite : str
        What an infinite value means.
    gain_label : str
        What a gain in it is called.

    Examples
    --------
    >>> INDEX["reachable_km2"].unit, INDEX["detour"].lower_is_better
    ('km2', True)
    """

    name: str
    unit: str
    lower_is_better: bool
    label: str
    meaning: str
    unit_label: str = ""
    infinite: str = ""
    gain_label: str = ""


TABLE: Final = (
    Index("range_cut_off_km2", "km2", True, N_("Range cut off"), N_("part of the range that has no path to its largest connected piece"), N_("km²"), gain_label=N_("Range joined")),
    Index("range_pieces", "1", True, N_("Pieces of the range"), N_("connected pieces the range falls into")),
    Index("reachable_km2", "km2", False, N_("Reachable range"), N_("land within the movement budget of a patch, mean over the patches"), N_("km²"), gain_label=N_("More within reach")),
    Index("pairs_apart", "1", True, N_("Pairs without a path"), N_("pairs of patches between which an animal finds no way at all")),
    Index("detour", "1", True, N_("Detour"), N_("cost of the way from patch to patch against the same way without barriers"), N_("times"), N_("no path between any two patches")),
    Index("mean_resistance", "1", True, N_("Effective resistance"), N_("mean over the pairs of patches; for an animal that does not know the way"), infinite=N_("infinite: at least one pair has no path")),
    Index("mean_conductance", "1", False, N_("Conductance"), N_("inverse of the effective resistance, mean over the pairs; a pair without a path counts as zero"), gain_label=N_("More conductance")),
    Index("eca_km2", "km2", False, N_("Equivalent connected area"), N_("size of one patch that would be worth as much as all patches as they are linked"), N_("km²")),
)  # fmt: skip
INDEX: Final = {i.name: i for i in TABLE}
INDICES: Final = tuple(INDEX)  # in the order of every table

MAIN: Final = "mean_conductance"  # what candidates are ranked by where nothing else is asked for
HEADLINES: Final[tuple[str, ...]] = (
    "range_cut_off_km2",
    "reachable_km2",
    MAIN,
)  # one of area, one of reach, one of flow
AREA_AND_FLOW: Final[tuple[str, ...]] = (
    *HEADLINES,
    "eca_km2",
)  # always finite: what is lost of them can be told as a part
BY_LINE: Final[tuple[str, ...]] = (*AREA_AND_FLOW, "pairs_apart")  # what a single line takes


def change_of(before: ArrayLike, after: ArrayLike) -> NDArray[np.float64]:
    """After minus before, 0 where both are the same infinity.

    Parameters
    ----------
    before, after : array
        [unit of the index]

    Returns
    -------
    array
        [unit of the index]; NaN where either is not known.

    Examples
    --------
    >>> change_of([1.0, np.inf], [3.0, np.inf]).tolist()
    [2.0, 0.0]
    """
    a, b = np.asarray(before, float), np.asarray(after, float)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(a == b, 0.0, b - a))


def gain_of(index: str, before: ArrayLike, after: ArrayLike) -> NDArray[np.float64]:
    """Gain in an index, positive when the landscape got better; inf when infinity became finite.

    Parameters
    ----------
    index : str
        One of :data:`INDICES`.
    before, after : array
        [unit of the index]

    Returns
    -------
    array
        [unit of the index]; 0 where the index is not defined before and after.

    Examples
    --------
    >>> float(gain_of("range_cut_off_km2", 17_182.0, 0.0)), float(gain_of("mean_resistance", float("inf"), 2.0))
    (17182.0, inf)
    """
    ends = (after, before) if INDEX[index].lower_is_better else (before, after)
    unknown = np.isnan(np.asarray(before, float)) & np.isnan(np.asarray(after, float))
    return np.asarray(np.where(unknown, 0.0, change_of(*ends)))
