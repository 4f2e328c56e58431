"""The draws of a ranking as plain arrays, so that they can be kept in a file and weighed anew, without a solve.

After something was seen, every draw counts as much as it makes likely what was seen (importance weights); gains, ranks and their ranges
follow from the same draws.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.core.errors import OptionError
from permeability.ranking import rank_statistics
from permeability.ranking.ranked_draws import RankDraws
from permeability.ranking.ranked_order import SORT_BY, has_gain, order
from permeability.ranking.unknown_numbers import Unknown
from permeability.species import SpeciesProfile
from permeability.species.profile import profile_from_dict

if TYPE_CHECKING:
    from permeability.ranking.ranking import Ranking

__all__ = ["HeldRanking", "from_arrays", "held", "to_arrays"]

Array = NDArray[np.float64]
FORM = 1  # of the file


@dataclass(frozen=True, eq=False)
class HeldRanking:
    """A ranking with its draws, without its landscape.

    Attributes
    ----------
    table : GeoDataFrame
        Of the :class:`permeability.ranking.ranking.Ranking`.
    ids : tuple of str
        Candidates in the order of the columns of the draws.
    draws : RankDraws
    use : array, shape (draws, candidates)
        Chance that an animal which meets the opening crosses what stands there then.
    numbers : tuple of tuples of str
        Of every candidate, the unknown numbers that its use hangs on.
    profile : SpeciesProfile
    sort_by : str
    top : int
    worth_usd_per_gain, budget_usd : float or None
    today : float
        Mean conductance before any opening, at best values.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> kept = held(pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=20))
    >>> kept.use.shape, len(kept.reweighted(np.ones(20)))
    ((20, 4), 4)
    """

    table: gpd.GeoDataFrame = field(repr=False)
    ids: tuple[str, ...]
    draws: RankDraws = field(repr=False)
    use: Array = field(repr=False)
    numbers: tuple[tuple[str, ...], ...] = field(repr=False)
    profile: SpeciesProfile = field(repr=False)
    sort_by: str = SORT_BY
    top: int = 10
    worth_usd_per_gain: float | None = None
    budget_usd: float | None = None
    today: float = 0.0

    def gains(self) -> Array:
        """What the ranking goes by, in every draw, shape (draws, candidates)."""
        return self.draws.gains if self.sort_by == SORT_BY else self.draws.index_gains[self.sort_by]

    def values(self, key: str) -> Array | None:
        """An unknown number in every draw; None when it was not drawn."""
        for u in self.draws.unknowns:
            if u.key == key and u.columns == (key,) and key in self.draws.quantiles:
                return u.estimate.draw(self.draws.quantiles[key].to_numpy())
        return None

    def reweighted(self, weights: Array) -> gpd.GeoDataFrame:
        """The table of the ranking with every draw counting as much as a weight says, in its new order.

        Parameters
        ----------
        weights : array, shape (draws,)

        Returns
        -------
        GeoDataFrame
            As the ranking's own, but for ``moved_by``.
        """
        more = self.draws.table(
            self.top, worth_usd_per_gain=self.worth_usd_per_gain, budget_usd=self.budget_usd, weights=weights
        )
        table = self.table.drop(
            columns=["rank", "rank_best_values", "has_gain", "moved_by", *more], errors="ignore"
        )
        place = {name: k for k, name in enumerate(self.ids)}
        table = table.iloc[np.argsort(table["id"].map(place).to_numpy())].reset_index(drop=True).join(more)
        table = order(table, self.sort_by)
        table["has_gain"] = has_gain(table, self.today)
        return table


def held(
    ranking: Ranking,
    *,
    top: int = 10,
    worth_usd_per_gain: float | None = None,
    budget_usd: float | None = None,
) -> HeldRanking:
    """A ranking with draws, made ready to be kept or weighed anew.

    Parameters
    ----------
    ranking : Ranking
    top, worth_usd_per_gain, budget_usd
        As it was ranked with.

    Returns
    -------
    HeldRanking

    Raises
    ------
    OptionError
        U23 for a ranking without draws.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> held(pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=20)).ids[0]
    'F km 0-2'
    """
    from permeability.ranking.opening_use import use_in_draws, use_numbers

    if ranking.draws is None:
        raise OptionError(
            "U23", "this ranking has no draws that could be weighed anew.", remedy="rank with draws=500"
        )
    steps = [s.interventions for s in ranking.sites]
    drawn = {u.key for u in ranking.draws.unknowns}
    numbers = [tuple(k for k in use_numbers(ranking.land, s) if k in drawn) for s in steps]
    return HeldRanking(
        ranking.table, tuple(s.id for s in ranking.sites), ranking.draws, use_in_draws(ranking.land, steps, ranking.draws.quantiles),
        tuple(numbers), ranking.land.profile, ranking.sort_by, top, worth_usd_per_gain, budget_usd,
        float(ranking.today["mean_conductance"]),
    )  # fmt: skip


def to_arrays(kept: HeldRanking) -> dict[str, NDArray[Any]]:
    """Everything of a held ranking but its table, as arrays with names.

    Parameters
    ----------
    kept : HeldRanking

    Returns
    -------
    dict
        ``about`` holds what is no number, as JSON in bytes.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> kept = held(pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=20))
    >>> again = from_arrays(to_arrays(kept), kept.table)
    >>> again.reweighted(np.ones(20)).equals(kept.reweighted(np.ones(20)))
    True
    """
    d = kept.draws
    about = {
        "form": FORM, "ids": kept.ids, "numbers": kept.numbers, "profile": kept.profile.to_dict(), "sort_by": kept.sort_by, "top": kept.top,
        "worth_usd_per_gain": kept.worth_usd_per_gain, "budget_usd": kept.budget_usd, "today": kept.today,
        "columns": [str(c) for c in d.quantiles], "unknowns": [asdict(u) for u in d.unknowns], "indices": list(d.index_gains),
        "today_columns": [str(c) for c in d.today],
    }  # fmt: skip
    use, same = np.unique(kept.use, axis=1, return_inverse=True)
    found: dict[str, NDArray[Any]] = {
        "about": np.frombuffer(json.dumps(about, ensure_ascii=False, sort_keys=True).encode(), np.uint8),
        "quantiles": d.quantiles.to_numpy(float), "gains": d.gains, "today": d.today.to_numpy(float), "use": use, "use_of": same.ravel(),
    }  # fmt: skip
    if d.costs is not None:
        cost, cost_of = np.unique(d.costs, axis=1, return_inverse=True)
        found |= {"costs": cost, "costs_of": cost_of.ravel()}
    return found | {f"index_{name}": g for name, g in d.index_gains.items()}


def from_arrays(arrays: Mapping[str, NDArray[Any]], table: gpd.GeoDataFrame) -> HeldRanking:
    """The held ranking that arrays were made of.

    Parameters
    ----------
    arrays : mapping
        Of :func:`to_arrays`.
    table : GeoDataFrame
        The ranked candidates of the species.

    Returns
    -------
    HeldRanking

    Raises
    ------
    OptionError
        U24 when the arrays are of another version, or of another table.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> kept = held(pm.rank(land, patches, pm.candidates(land, "F", length_m=2000), draws=20))
    >>> from_arrays(to_arrays(kept), kept.table).ids == kept.ids
    True
    """
    about = json.loads(bytes(arrays["about"]).decode())
    if about.get("form") != FORM or sorted(about["ids"]) != sorted(map(str, table["id"])):
        raise OptionError(
            "U24", "the draws do not belong to this table of ranked candidates.", remedy="run the project again"
        )  # fmt: skip
    unknowns = [Unknown(**{**u, "columns": tuple(u["columns"])}) for u in about["unknowns"]]
    gains = np.asarray(arrays["gains"], np.float64)
    costs = arrays["costs"][:, arrays["costs_of"]] if "costs" in arrays else None
    draws = RankDraws(
        pd.DataFrame(arrays["quantiles"], columns=about["columns"]), gains, rank_statistics.ranks(gains), unknowns, costs,
        {name: np.asarray(arrays[f"index_{name}"]) for name in about["indices"]},
        pd.DataFrame(arrays["today"], columns=about["today_columns"]),
    )  # fmt: skip
    return HeldRanking(
        table, tuple(about["ids"]), draws, np.asarray(arrays["use"][:, arrays["use_of"]]), tuple(tuple(n) for n in about["numbers"]),
        profile_from_dict(about["profile"]), about["sort_by"], about["top"], about["worth_usd_per_gain"], about["budget_usd"], about["today"],
    )  # fmt: skip
