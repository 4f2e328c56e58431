"""Options for a new line side by side, for a strategic assessment: what each takes, cuts off and needs to be made good.

The order is that of the mitigation hierarchy: avoid (which line), minimise (crossing structures on it), restore and offset (what
remains).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from permeability.alignment.damage import DamageMap, damage_map, line_network
from permeability.alignment.new_line import with_new_line
from permeability.barriers.scenario import Scenario
from permeability.core.errors import OptionError
from permeability.core.progress import long_job
from permeability.core.result_rows import Rows
from permeability.core.tasks import HERE
from permeability.engines.alignment import LineNetwork
from permeability.landscape.given import takes_landscape
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.linkage.countries import require_names
from permeability.planning.alternatives import Alternatives, Option, evaluate_options
from permeability.ranking.candidate_sites import candidates

__all__ = ["LineOptions", "compare_alternatives", "structures_for"]

TODAY = "no line"


@dataclass(frozen=True, eq=False)
class LineOptions(Rows):
    """Lines side by side.

    Attributes
    ----------
    damage : DamageMap
        Of the kind of line, on today's landscape.
    table : geopandas.GeoDataFrame
        One row per line: ``line``, ``length_km``, ``price``, ``loss`` (exact; share of today's summed resistance), ``loss_low``
        and ``loss_high`` (its bounds from one set of solves), ``patches_cut_off`` (patches that lose every way to another),
        ``pairs_parted``, ``avoided`` (share of the worst line's loss that choosing this one avoids), ``structures`` and
        ``loss_with_structures`` where a target was given, ``left`` (what restoring and offsets have to make good), geometry.
    indices : permeability.planning.alternatives.Alternatives
        Every index of every line against no line, with ranges over common draws.
    by_country : pandas.DataFrame
        ``line``, ``country``, ``length_km`` and ``loss_first_order`` within it; empty without countries.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> lines = {"middle": shapely.LineString([(6000, 0), (6000, 8000)]), "edge": shapely.LineString([(11_000, 0), (11_000, 3000)])}
    >>> found = pm.compare_alternatives(lines, land.without_barriers(), patches, "stock_fence")
    >>> found.table.sort_values("loss")["line"].tolist()
    ['edge', 'middle']
    """

    _face: ClassVar[str] = "line_options"
    _asked: ClassVar[tuple[str, ...]] = ("line",)

    damage: DamageMap
    table: gpd.GeoDataFrame = field(repr=False)
    indices: Alternatives = field(repr=False)
    by_country: pd.DataFrame = field(repr=False)

    def __repr__(self) -> str:
        shown = self.table.drop(columns="geometry")
        return f"{len(shown)} lines for {self.damage.land.profile.name()}\n{shown.to_string(index=False)}"


@takes_landscape
@long_job("lines")
def compare_alternatives(
    lines: Mapping[str, shapely.LineString],
    land: Landscape,
    patches: Patches,
    kind: str | Mapping[str, Any] = "railway_fenced",
    inside: NDArray[np.bool_] | None = None,
    *,
    price: Any = None,
    target_loss: float | None = None,
    spacing_km: float = 10.0,
    treatment: str = "underpass",
    width_m: float = 30.0,
    countries: gpd.GeoDataFrame | None = None,
    draws: int = 0,
    rng: int | np.random.Generator = 1,
    progress: Any = None,
) -> LineOptions:
    """Lines side by side: loss, indices in common draws, patches cut off, structures that a target needs.

    Parameters
    ----------
    lines : mapping
        Name -> line in the coordinate system of the landscape.
    land : Landscape
    patches : Patches
    kind : str or mapping
        As for :func:`permeability.alignment.damage_map`.
    inside : bool array, shape (rows, cols), optional
        The species' range; the whole landscape by default.
    price : array, shape (rows, cols), optional
        Price of a kilometre of line on every cell.
    target_loss : float, optional
        Loss that is to be reached with crossing structures [share of today's summed resistance].
    spacing_km : float
        Distance of the sites that are tried on each line.
    treatment, width_m
        Of a structure, see :func:`permeability.ranking.candidate_sites.candidates`.
    countries : GeoDataFrame, optional
        Polygons with ``name``.
    draws : int
        Draws of the unknown numbers, the same for every line.
    rng : int or numpy.random.Generator
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.

    Returns
    -------
    LineOptions

    Raises
    ------
    OptionError
        U02 a kind that is not known; U09 no line, or one that is called as the state without a line; D22 countries without names.
    BarrierError
        U03 a line that is not on the landscape.

    Notes
    -----
    Draws are common to all lines (Glasserman & Yao 1992, doi:10.1287/mnsc.38.6.884), so that differences of lines are narrower
    than their ranges suggest.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> line = shapely.LineString([(6000, 0), (6000, 8000)])
    >>> found = compare_alternatives({"A": line}, land.without_barriers(), patches, "border_fence")
    >>> found.table[["loss", "pairs_parted", "patches_cut_off"]].iloc[0].tolist()  # W and E are parted, each from all others
    [inf, 1.0, 2.0]
    """
    if not lines or TODAY in lines:
        raise OptionError("U09", f"{len(lines)} lines cannot be compared.", remedy=f"give one line or more, none of them called {TODAY!r}")  # fmt: skip
    if countries is not None:
        require_names(countries)
    inside = land.valid if inside is None else inside
    damage = damage_map(land, patches, kind)
    network = damage.network
    options, rows = [Option(TODAY, land, patches, inside)], []
    for done, (name, line) in enumerate(lines.items()):
        if progress is not None:
            progress(done, len(lines))
        new = with_new_line(land, line, kind, name=name)
        options.append(Option(name, new, patches.on(new), inside, measure="avoid"))
        state, bounds = network.with_barriers(new.edge_barriers()), damage.along(line)
        parted = np.isinf(state.resistance) & np.isfinite(network.today.resistance)
        joined = np.isfinite(state.resistance) & ~np.eye(len(patches), dtype=bool)
        row = {
            "line": name, "length_km": bounds.km, "price": np.nan if price is None else _price(line, price, land),
            "loss": state.loss, "loss_low": bounds.low, "loss_high": bounds.high,
            "patches_cut_off": float((~joined.any(1) & parted.any(1)).sum()),
            "pairs_parted": float(np.triu(parted, 1).sum()),
        }  # fmt: skip
        left = state.loss
        if target_loss is not None:
            sites, left = _structures(network, land, line, target_loss, kind, spacing_km=spacing_km, treatment=treatment, width_m=width_m)  # fmt: skip
            row |= {
                "structures": float(len(sites)),
                "at_km": ", ".join(f"{k:.1f}" for k in sites),
                "loss_with_structures": left,
            }
        rows.append({**row, "left": left, "geometry": line})
    table = gpd.GeoDataFrame(rows, crs=land.grid.crs)
    worst = table["loss"].max()
    table.insert(table.columns.get_loc("pairs_parted") + 1, "avoided", np.nan if np.isinf(worst) or not worst > 0 else 1 - table["loss"] / worst)  # fmt: skip
    found = evaluate_options(options, TODAY, draws=draws, rng=rng, on=HERE.telling(progress))
    return LineOptions(damage, table, found, _by_country(lines, damage, countries))


@takes_landscape
def structures_for(
    land: Landscape,
    patches: Patches,
    line: shapely.LineString,
    target_loss: float,
    kind: str | Mapping[str, Any] = "railway_fenced",
    *,
    spacing_km: float = 10.0,
    treatment: str = "underpass",
    width_m: float = 30.0,
) -> tuple[list[float], float]:
    """Crossing structures on a new line that bring its loss to a target, best first.

    Parameters
    ----------
    land : Landscape
    patches : Patches
    line : LineString
    target_loss : float
        [share of today's summed resistance]
    kind : str or mapping
    spacing_km : float
        Distance of the sites that are tried.
    treatment, width_m
        Of a structure.

    Returns
    -------
    kilometres : list of float
        On the line, in the order in which each next one is worth most; all sites where the target is not reached.
    loss : float
        What is left.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> line = shapely.LineString([(6000, 0), (6000, 8000)])
    >>> km, left = structures_for(land.without_barriers(), patches, line, 6.0, "border_fence", spacing_km=2, treatment="gap", width_m=500)
    >>> len(km) >= 1, left <= 6.0
    (True, True)
    """
    return _structures(
        line_network(land, patches), land, line, target_loss, kind, spacing_km=spacing_km, treatment=treatment, width_m=width_m
    )  # fmt: skip


def _structures(
    network: LineNetwork, land: Landscape, line: shapely.LineString, target_loss: float, kind: str | Mapping[str, Any], *,
    spacing_km: float, treatment: str, width_m: float,
) -> tuple[list[float], float]:  # fmt: skip
    """The same on a network that has solved today's state."""
    new = with_new_line(land, line, kind, name="new line")
    loss = network.with_barriers(new.edge_barriers()).loss
    if loss <= target_loss:
        return [], loss
    sites = candidates(new, "new line", length_m=1000.0 * spacing_km, treatment=treatment, width_m=width_m)
    chosen: list[int] = []
    while loss > target_loss and len(chosen) < len(sites):
        tried: dict[int, float] = {}
        for k in (k for k in range(len(sites)) if k not in chosen):
            steps = [s for i in (*chosen, k) for s in sites[i].interventions]
            after = new.with_scenario(Scenario("structures", tuple(steps)))
            tried[k] = network.with_barriers(after.edge_barriers()).loss
        best = min(tried, key=lambda k: tried[k])
        chosen.append(best)
        loss = tried[best]
    return [0.5 * (sites[k].km_from + sites[k].km_to) for k in chosen], float(loss)


def _price(line: shapely.LineString, price: Any, land: Landscape) -> float:
    """Price of a line: that of the cell under every stretch of a tenth of a cell."""
    n = max(1, int(np.ceil(10 * line.length / land.grid.cell_size)))
    places = shapely.line_interpolate_point(line, (np.arange(n) + 0.5) / n, normalized=True)
    row, col = land.grid.cells_of(shapely.get_x(places), shapely.get_y(places))
    rows, cols = land.grid.shape
    return float(
        np.asarray(price, float)[np.clip(row, 0, rows - 1), np.clip(col, 0, cols - 1)].mean()
        * line.length
        / 1000
    )


def _by_country(lines: Mapping[str, shapely.LineString], damage: DamageMap, countries: gpd.GeoDataFrame | None) -> pd.DataFrame:  # fmt: skip
    """Length and first-order loss of every line within every country."""
    rows = []
    if countries is not None:
        there = countries.to_crs(damage.land.grid.crs)
        for name, line in lines.items():
            for country, shape in zip(there["name"], there.geometry):
                parts = [p for p in shapely.get_parts(line.intersection(shape)) if p.length > 0]
                if parts:
                    high = sum(damage.along(p).high for p in parts)
                    rows.append({"line": name, "country": country, "length_km": sum(p.length for p in parts) / 1000, "loss_first_order": high})  # fmt: skip
    return pd.DataFrame(rows, columns=["line", "country", "length_km", "loss_first_order"])
