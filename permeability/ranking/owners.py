"""Who owns the section, and who gains: the exact gain of every single site by the country it stands in and the countries whose animals profit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.core.display import Face
from permeability.core.errors import check_choice
from permeability.engines.circuit.pair_conductance import pair_conductance
from permeability.engines.leastcost.changed_fields import ChangedFields
from permeability.engines.leastcost.surface import cost_surface
from permeability.linkage.countries import BORDER_M, Countries
from permeability.ranking.ranking import Ranking

__all__ = ["CountryGains", "country_gains"]

Array = NDArray[np.float64]
SPLIT = ("mean_conductance", "eca_km2", "reachable_km2")


@dataclass(frozen=True, eq=False)
class CountryGains(Face):
    """Gains by country.

    Attributes
    ----------
    index : str
        What is gained.
    matrix : pandas.DataFrame
        Rows: country in which the sites stand; columns: country whose animals gain; cells: gains of single sites, summed [unit of the
        index].  Sites are taken one by one, so a sum is no plan.
    table : pandas.DataFrame
        A row per site, owner and gainer: ``id``, ``owner``, ``owner_share`` (of its length), ``gainer``, ``gain``.  The gains of a site add
        up to its gain in the ranking.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import permeability as pm
    >>> from permeability.linkage.countries import country_map
    >>> land, patches = pm.samples.tiny()
    >>> lands = gpd.GeoDataFrame({"name": ["A", "B"]}, geometry=[shapely.box(0, 0, 6000, 8000), shapely.box(6000, 0, 12_000, 8000)], crs=land.grid.crs)
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=4000))
    >>> gains = country_gains(sites, country_map(land.grid, lands))
    >>> bool(np.isclose(gains.table["gain"].sum(), sites.table["gain_mean_conductance"].sum()))
    True
    """

    _face: ClassVar[str] = "country_gains"

    index: str
    matrix: pd.DataFrame = field(repr=False)
    table: pd.DataFrame = field(repr=False)

    def __repr__(self) -> str:
        return f"gain in {self.index}, sites one by one (rows: where the site stands, columns: who gains)\n{self.matrix.to_string()}"


def country_gains(
    ranking: Ranking,
    countries: Countries,
    index: str = "mean_conductance",
    *,
    sites: Sequence[str] | None = None,
    border_m: float = BORDER_M,
) -> CountryGains:
    """Who owns the sections of a ranking, and who gains from each.

    Parameters
    ----------
    ranking : Ranking
    countries : Countries
        On the grid of its landscape.
    index : {"mean_conductance", "eca_km2", "reachable_km2"}
    sites : sequence of str, optional
        Ids; all by default.
    border_m : float
        A site no farther from a country than this is (also) that country's: a border fence belongs to both sides in equal parts and is
        counted once [m].

    Returns
    -------
    CountryGains

    Notes
    -----
    What a pair of patches gains goes to the countries of its two ends in equal parts (of a patch over a border by its cells), more ground
    within reach of a patch to the country of the patch.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import permeability as pm
    >>> from permeability.linkage.countries import country_map
    >>> land, patches = pm.samples.tiny()
    >>> lands = gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.box(0, 0, 12_000, 8000)], crs=land.grid.crs)
    >>> found = country_gains(pm.rank(land, patches, pm.candidates(land, "F", length_m=4000)), country_map(land.grid, lands), "reachable_km2")
    >>> found.matrix.index.tolist(), found.matrix.columns.tolist()
    (['A'], ['A'])
    """
    check_choice("index", index, SPLIT)
    engine = ranking.engine
    wanted = [s for s in ranking.sites if sites is None or s.id in set(sites)]
    gains = _gains(ranking, index, wanted, countries)
    rows = []
    for site, gain in zip(wanted, gains):
        length = countries.along(site.geometry(engine.land), border_m)
        owned = length / length.sum()
        for a in np.flatnonzero(owned).tolist():
            for b in np.flatnonzero(gain).tolist():
                rows.append({"id": site.id, "owner": countries.names[a], "owner_share": float(owned[a]), "gainer": countries.names[b], "gain": float(owned[a] * gain[b])})  # fmt: skip
    table = pd.DataFrame(rows, columns=["id", "owner", "owner_share", "gainer", "gain"])
    matrix = table.pivot_table(index="owner", columns="gainer", values="gain", aggfunc="sum", fill_value=0.0)
    return CountryGains(index, matrix.rename_axis(columns=None, index=None), table)


def _gains(ranking: Ranking, index: str, sites: Sequence[object], countries: Countries) -> Array:
    """Gain of every site to every country, shape (sites, countries)."""
    engine = ranking.engine
    land, patches = engine.land, engine.patches
    where = countries.of_patches(patches)
    changes = engine.changes([s.interventions for s in sites])  # type: ignore[attr-defined]
    if index == "mean_conductance":
        after = pair_conductance(engine.view.singles(changes))
        before = pair_conductance(engine.today_resistance)
        weight = patches.pair_weights()
        with np.errstate(invalid="ignore"):
            gained = np.where(weight > 0, (after - before) * weight, 0.0) / weight.sum()
        return np.asarray(gained.sum(2) @ where)  # of i and j alike: half of each pair to either end
    surface = cost_surface(
        land.resistance, cell_size=land.grid.cell_size, neighbours=land.neighbours, barriers=engine.edges
    )
    fields = ChangedFields(surface, engine.fields, engine.masks, land.profile.budget_m.best)
    found = [
        fields.after_opening(c.keys, c.cost) if len(c.changed) else (fields.cost, fields.reach)
        for c in changes
    ]
    if index == "reachable_km2":
        weight = patches.table["weight"].to_numpy(float)
        more = np.array([cells - fields.reach for _, cells in found], np.float64) * land.grid.cell_area_km2
        return np.asarray(more * (weight / weight.sum()) @ where)
    area, mean = patches.table["area_km2"].to_numpy(float), land.profile.dispersal_m.best
    flow = np.outer(area, area)
    today = np.exp(-fields.cost / mean) * flow
    out = []
    for cost, _ in found:
        then = np.exp(-cost / mean) * flow
        gain = np.sqrt(then.sum()) - np.sqrt(today.sum())
        shift = (then - today).sum(1) @ where
        out.append(gain * shift / shift.sum() if shift.sum() != 0 else np.zeros(len(countries.names)))
    return np.array(out).reshape(len(found), len(countries.names))
