"""New lines for several species at once: each by itself, and together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from permeability.alignment.line_options import LineOptions, compare_alternatives
from permeability.core.errors import OptionError
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches

__all__ = ["compare_for_species", "options_together"]

Ground = tuple[Landscape, Patches, "NDArray[np.bool_] | None"]


def compare_for_species(
    lines: Mapping[str, shapely.LineString], grounds: Mapping[str, Ground], kind: str | Mapping[str, Any] = "railway_fenced", **how: Any
) -> dict[str, LineOptions]:  # fmt: skip
    """The same lines side by side for several species.

    Parameters
    ----------
    lines : mapping
        Name -> line in the coordinate system of the landscapes.
    grounds : mapping
        Species -> (landscape, patches, range or None).
    kind : str or mapping
        As for :func:`permeability.alignment.damage_map`.
    **how
        Further arguments of :func:`permeability.alignment.compare_alternatives`.

    Returns
    -------
    dict
        Species -> LineOptions.

    Raises
    ------
    OptionError
        U09 without species.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> line = {"A": shapely.LineString([(6000, 0), (6000, 8000)])}
    >>> list(compare_for_species(line, {"khulan": (land.without_barriers(), patches, None)}, "stock_fence"))
    ['khulan']
    """
    if not grounds:
        raise OptionError("U09", "there is no species to compare lines for.", remedy="give at least one")
    return {
        name: compare_alternatives(lines, land, patches, kind, inside, **how)
        for name, (land, patches, inside) in grounds.items()
    }


def options_together(
    options: Mapping[str, LineOptions], weights: Mapping[str, float] | None = None
) -> gpd.GeoDataFrame:
    """One row per line over all species, the line of least weighted loss first.

    Parameters
    ----------
    options : mapping
        Species -> LineOptions of the same lines.
    weights : mapping, optional
        Of the species; 1 for those that are not named.

    Returns
    -------
    GeoDataFrame
        ``line``, ``length_km``, ``loss`` (weighted mean of the shares), ``worst_for`` and ``worst_loss`` (the species that loses
        most), ``pairs_parted`` and ``patches_cut_off`` (summed), ``avoided`` (against the worst line), geometry.

    Raises
    ------
    OptionError
        U04 for weights that do not fit.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> lines = {"middle": shapely.LineString([(6000, 0), (6000, 8000)]), "edge": shapely.LineString([(11_000, 0), (11_000, 3000)])}
    >>> found = compare_for_species(lines, {"khulan": (land.without_barriers(), patches, None)}, "stock_fence")
    >>> options_together(found)["line"].tolist()
    ['edge', 'middle']
    """
    given = dict(weights or {})
    w = np.array([given.get(s, 1.0) for s in options], float)
    if set(given) - set(options) or not (w >= 0).all() or not w.sum() > 0:
        raise OptionError(
            "U04", "the weights do not go with the species.",
            details={"species": ", ".join(options), "weights": ", ".join(map(str, given))},
            remedy="give a weight of at least 0 for species that are compared, one of them above 0",
        )  # fmt: skip
    tables = [o.table.set_index("line") for o in options.values()]
    losses = np.array([t["loss"].to_numpy(float) for t in tables])
    mean = np.where(w[:, None] > 0, w[:, None] * losses, 0.0).sum(axis=0) / w.sum()
    first = tables[0]
    out = gpd.GeoDataFrame(
        {
            "line": first.index, "length_km": first["length_km"].to_numpy(), "loss": mean,
            "worst_for": [list(options)[k] for k in losses.argmax(axis=0)], "worst_loss": losses.max(axis=0),
            "pairs_parted": sum(t["pairs_parted"].to_numpy() for t in tables),
            "patches_cut_off": sum(t["patches_cut_off"].to_numpy() for t in tables),
        },
        geometry=first.geometry.to_numpy(), crs=first.crs,
    )  # fmt: skip
    worst = mean.max()
    out.insert(3, "avoided", 1 - mean / worst if np.isfinite(worst) and worst > 0 else np.nan)
    return out.sort_values("loss", kind="stable").reset_index(drop=True)
