"""Results on a background map from the web, for a notebook with a network (extra ``explore``: folium, mapclassify).

The report never uses these: they fetch tiles and scripts when they are shown.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pandas as pd

from permeability.errors import OptionError
from permeability.viz.style import BARRIER_STYLES, barrier_key
from permeability.words import proper_name, words

if TYPE_CHECKING:
    import geopandas as gpd

    from permeability.landscape import Landscape
    from permeability.ranking import Ranking


def explore_landscape(land: Landscape, *, language: str = "en", **options: Any) -> Any:
    """Barriers by class on a folium map.

    Parameters
    ----------
    land : Landscape
    language : {"en", "mn", "ru"}
    **options
        Passed on to :meth:`geopandas.GeoDataFrame.explore`.

    Returns
    -------
    folium.Map
        Shows itself in a notebook.

    Raises
    ------
    OptionError
        O05 when folium or mapclassify is not installed.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> type(explore_landscape(land)).__name__  # with the extra
    'Map'
    """
    tr = words(language)
    table = land.barriers.table.assign(standing=land.standing)
    keys = [
        barrier_key({str(k): v for k, v in row.items()})
        for row in table.drop(columns="geometry").to_dict("records")
    ]
    legend = [BARRIER_STYLES[k].legend(tr) for k in keys]
    shown = [s for s in BARRIER_STYLES.values() if s.key in keys]
    named = [
        proper_name({str(k): v for k, v in row.items()}, tr)
        for row in table.drop(columns="geometry").to_dict("records")
    ]
    frame = table[["id", "line", "geometry"]].assign(
        name=named, type=pd.Categorical(legend, [s.legend(tr) for s in shown])
    )
    return _explore(
        frame,
        column="type",
        cmap=[s.colour for s in shown],
        tooltip=["name", "id", "line", "type"],
        **options,
    )


def explore_ranking(ranking: Ranking, **options: Any) -> Any:
    """Ranked sections by gain on a folium map; the tooltip tells rank, rank range, gain and cost.

    Parameters
    ----------
    ranking : Ranking
    **options
        Passed on to :meth:`geopandas.GeoDataFrame.explore`.

    Returns
    -------
    folium.Map
        Shows itself in a notebook.

    Raises
    ------
    OptionError
        O05 when folium or mapclassify is not installed.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))
    >>> type(explore_ranking(sites)).__name__
    'Map'
    """
    gain = f"gain_{ranking.sort_by}"
    wanted = (
        "rank",
        "rank_low",
        "rank_high",
        "share_in_top",
        "id",
        gain,
        "gain_reachable_km2",
        "cost_usd_low",
        "cost_usd",
        "cost_usd_high",
    )
    columns = [c for c in dict.fromkeys(wanted) if c in ranking.table.columns]
    return _explore(
        ranking.table[[*columns, "geometry"]],
        column=gain,
        cmap="cividis_r",
        tooltip=columns,
        style_kwds={"weight": 6},
        **options,
    )


def _explore(frame: gpd.GeoDataFrame, **options: Any) -> Any:
    lacking = [m for m in ("folium", "mapclassify") if find_spec(m) is None]
    if lacking:
        raise OptionError(
            "O05",
            f"{' and '.join(lacking)} not installed.",
            remedy='pip install "landscape-permeability[explore]"',
        )
    return frame.to_crs(4326).explore(**options)
