"""Protected and connected land, indices by country, and who owns and who gains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from permeability.linkage.index_table import INDEX
from permeability.locale.language import words
from permeability.viz.charts import beside, framed, stacked
from permeability.viz.explore import nowhere
from permeability.viz.look import look
from permeability.viz.maps import Map, new_map
from permeability.viz.notebook import facts_html, page, reader
from permeability.viz.view import Contents, View

if TYPE_CHECKING:
    from permeability.linkage.countries import CountrySplit
    from permeability.linkage.protected_areas import CountryProtConn
    from permeability.linkage.protected_network import ProtConn
    from permeability.ranking.owners import CountryGains

__all__ = ["plot_countries", "plot_gains", "plot_protconn", "plot_split"]

STACKED = ("ProtConn[Within]", "ProtConn[Contig]", "ProtConn[Unprot]", "ProtConn[Trans]", "ProtUnconn")


def plot_protconn(found: ProtConn, ax: Any = None, *, language: str = "en") -> Map:
    """Protected land of the region by how it is connected.

    Parameters
    ----------
    found : ProtConn
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> from permeability.linkage.network_metrics import MovementKernel
    >>> from permeability.linkage.protected_network import network_protconn
    >>> plot_protconn(network_protconn([30.0, 40.0], ([0], [1], [1000.0]), MovementKernel(1000), 1000.0)).axes.get_xlabel()
    '% of the region'
    """
    tr = words(language)
    rows = {tr("the region"): [max(found.percent[p], 0.0) for p in STACKED]}
    return stacked(rows, STACKED, tr("Protected and connected land"), tr("% of the region"), ax)


def html_protconn(found: ProtConn) -> str:
    """Picture, areas and parts."""
    tr = reader()
    facts = {
        tr("protected"): tr("{n} of {all} km²", n=tr.number(found.protected_km2), all=tr.number(found.region_km2)),
        tr("ProtConn is at most so much more"): tr("{n} points", n=tr.number(found.error_pct)),
    }  # fmt: skip
    return page(tr("Protected and connected land"), plot_protconn(found, language=tr.language), facts_html(facts), found.table, "")  # fmt: skip


def contents(found: Any) -> Contents:
    """What can be written to a file."""
    return Contents(pd.DataFrame(found.table))


def explore(found: Any, **options: Any) -> Any:
    """Nothing of this has a place on a map (O06)."""
    raise nowhere()


def plot_countries(found: CountryProtConn, ax: Any = None, *, language: str = "en") -> Map:
    """Protected land of every country by how it is connected.

    Parameters
    ----------
    found : CountryProtConn
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import permeability as pm
    >>> areas = gpd.GeoSeries([shapely.box(0, 0, 9000, 9000)], crs="EPSG:32648")
    >>> lands = gpd.GeoDataFrame({"name": ["E"]}, geometry=[shapely.box(0, -1e4, 1e4, 1e4)], crs=32648)
    >>> plot_countries(pm.protconn_by_country(areas, pm.metrics.MovementKernel(1000), lands)).axes.get_yticklabels()[0].get_text()
    'E'
    """
    tr = words(language)
    rows = {str(r["country"]): [max(r[p], 0.0) for p in STACKED] for r in found.table.to_dict("records")}
    return stacked(rows, STACKED, tr("Protected and connected land"), tr("% of the country"), ax)


def html_countries(found: CountryProtConn) -> str:
    """Picture and table."""
    tr = reader()
    return page(tr("Protected and connected land"), plot_countries(found, language=tr.language), "", found.table, "")  # fmt: skip


def plot_split(split: CountrySplit, ax: Any = None, *, language: str = "en") -> Map:
    """Share of every index that lies within, across and through countries.

    Parameters
    ----------
    split : CountrySplit
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import pandas as pd
    >>> from permeability.linkage.countries import CountrySplit
    >>> parts = pd.DataFrame({"index": ["eca_km2"], "kind": ["within"], "country": ["A"], "other": ["A"], "value": [2.0], "share": [1.0]})
    >>> plot_split(CountrySplit({"eca_km2": 2.0}, parts)).axes.get_xlabel()
    '% of the whole'
    """
    tr = words(language)
    kinds = split.kinds()
    parts = (tr("within a country"), tr("across a border"), tr("through a third country"))
    rows = {}
    for name, row in kinds.iterrows():
        whole = float(row["whole"])
        rows[tr(INDEX[str(name)].label) if name in INDEX else str(name)] = [100 * float(row[k]) / whole if np.isfinite(whole) and whole else 0.0 for k in ("within", "across", "through")]  # fmt: skip
    return stacked(rows, parts, tr("Indices by country"), tr("% of the whole"), ax)


def html_split(split: CountrySplit) -> str:
    """Picture and table."""
    tr = reader()
    return page(tr("Indices by country"), plot_split(split, language=tr.language), "", split.kinds().reset_index(), "")  # fmt: skip


def plot_gains(gains: CountryGains, ax: Any = None, *, language: str = "en") -> Map:
    """Who owns the sections, and who gains: darker is more.

    Parameters
    ----------
    gains : CountryGains
    ax : matplotlib.axes.Axes, optional
    language : {"en", "mn", "ru"}

    Returns
    -------
    Map

    Examples
    --------
    >>> import pandas as pd
    >>> from permeability.ranking.owners import CountryGains
    >>> plot_gains(CountryGains("eca_km2", pd.DataFrame([[1.0]], ["A"], ["B"]), pd.DataFrame())).axes.get_ylabel()
    'where the section stands'
    """
    from matplotlib import colormaps

    tr = words(language)
    matrix = gains.matrix
    values = matrix.to_numpy(float)
    ax = new_map(3.4 + 1.4 * values.shape[1], 2.0 + 0.5 * values.shape[0]) if ax is None else ax
    top = float(np.nanmax(np.abs(values))) if values.size and np.isfinite(values).any() else 1.0
    ax.imshow(values, cmap=look().cmap or "YlOrBr", vmin=0, vmax=top or 1.0, aspect="auto")
    ax.set_xticks(range(values.shape[1]), beside(matrix.columns))
    ax.set_yticks(range(values.shape[0]), beside(matrix.index))
    if look().labels:
        dark = colormaps[look().cmap or "YlOrBr"]
        for (i, j), v in np.ndenumerate(values):
            light = sum(dark(min(max(v / (top or 1.0), 0.0), 1.0))[:3]) > 1.5
            ax.text(j, i, tr.number(v), ha="center", va="center", fontsize=8, color="black" if light else "white")  # fmt: skip
    title = tr("Who owns the section, who gains")
    framed(ax, title, tr("whose animals gain"), tr("where the section stands"))
    ax.set_position((0.34, 0.28, 0.62, 0.56))
    told = "; ".join(f"{i} – {j}: {tr.number(values[a, b])}" for a, i in enumerate(matrix.index) for b, j in enumerate(matrix.columns))  # fmt: skip
    return Map(ax.figure, ax, f"{title}: {told}.")


def html_gains(gains: CountryGains) -> str:
    """Picture and matrix."""
    tr = reader()
    table = gains.matrix.rename_axis(index="", columns=None).reset_index()
    return page(tr("Who owns the section, who gains"), plot_gains(gains, language=tr.language), "", table, "")  # fmt: skip


PROTCONN = View(plot_protconn, html_protconn, explore, contents)
COUNTRIES = View(plot_countries, html_countries, explore, contents)
SPLIT = View(plot_split, html_split, explore, contents)
GAINS = View(plot_gains, html_gains, explore, contents)
