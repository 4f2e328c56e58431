"""Where the controls go: sites like the opened ones, far enough that animals do not walk from one to the other."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from permeability.core.errors import OptionError

__all__ = ["paired_controls"]


def paired_controls(
    sites: gpd.GeoDataFrame,
    opened: list[str],
    *,
    apart_m: float,
    like: str | None = None,
    value: str | None = None,
) -> gpd.GeoDataFrame:
    """For every opened site a control: not nearer than one trace length to any opened site or other control, and as much like it as can be.

    Parameters
    ----------
    sites : GeoDataFrame
        Candidates with ``id``, such as the sites of a ranking, in a system in metres.
    opened : list of str
        Ids of the sites to be opened.
    apart_m : float
        Least distance: the trace length of the species [m].
    like : str, optional
        Column that must be the same, such as the kind of line.
    value : str, optional
        Column that should be near, such as the gain; by default the nearest site that is far enough.

    Returns
    -------
    GeoDataFrame
        One row per opened site: ``site``, ``control`` (empty where there is none), ``apart_m`` (to the nearest opened site), ``difference`` (of the
        value), the place of the control.

    Raises
    ------
    OptionError
        U03 for sites or columns that are not there.

    Examples
    --------
    >>> line = [shapely.LineString([(x, 0), (x + 900, 0)]) for x in range(0, 60_000, 1000)]
    >>> table = gpd.GeoDataFrame({"id": [f"s{i}" for i in range(60)]}, geometry=line, crs=32648)
    >>> paired_controls(table, ["s10"], apart_m=16_000).drop(columns="geometry").values.tolist()
    [['s10', 's27', 16100.0, 0.0]]
    """
    ids = sites["id"].astype(str).to_numpy() if "id" in sites.columns else np.zeros(0, str)
    missing = [n for n in opened if n not in ids] + [
        c for c in (like, value) if c is not None and c not in sites.columns
    ]
    if missing or not 0 <= apart_m < np.inf:
        raise OptionError(
            "U03", f"controls cannot be paired: {', '.join(missing) or 'apart_m is not a distance'}.",
            details={"columns": ", ".join(map(str, sites.columns))}, remedy="name sites by their id and columns of the table",
        )  # fmt: skip
    shapes = sites.geometry.to_numpy()
    treated = [int(np.flatnonzero(ids == n)[0]) for n in opened]
    far = np.min([shapely.distance(shapes, shapes[t]) for t in treated], axis=0)
    worth = sites[value].to_numpy(float) if value else np.zeros(len(sites))
    taken: list[int] = []
    rows: list[dict[str, object]] = []
    for t in treated:
        free = far >= apart_m
        free[treated] = False
        for c in taken:
            free &= shapely.distance(shapes, shapes[c]) >= apart_m
        if like:
            free &= (sites[like] == sites[like].iloc[t]).to_numpy(bool)
        order = np.lexsort((ids, shapely.distance(shapes, shapes[t]), np.abs(worth - worth[t])))
        pick = next((int(k) for k in order if free[k]), None)
        if pick is not None:
            taken.append(pick)
        rows.append({
            "site": str(ids[t]), "control": "" if pick is None else str(ids[pick]),
            "apart_m": float("nan") if pick is None else float(far[pick]),
            "difference": float("nan") if pick is None else float(worth[pick] - worth[t]), "geometry": None if pick is None else shapes[pick],
        })  # fmt: skip
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=sites.crs)
