"""The face of a result: what it shows of itself in a notebook, as a map, on a web map and in a file.

The views live in :mod:`permeability.viz` and are loaded when a face is asked for, so that computing never waits for
matplotlib.
"""

from __future__ import annotations

import inspect
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from permeability.core.errors import OptionError
from permeability.core.guesses import no_such_name, refuse_keywords

RESULT = {
    "sort_values": "table.sort_values", "to_csv": "table.to_csv, or save('x.csv')", "to_excel": "save('x.xlsx')",
    "to_dataframe": "table", "to_pandas": "table", "df": "table", "gdf": "table", "data": "table", "dataframe": "table",
    "geodataframe": "table", "results": "table", "head": "table.head", "to_parquet": "table.to_parquet",
    "loc": "indexed.loc", "iloc": "table.iloc", "query": "table.query", "columns": "table.columns", "index": "indexed.index", "shape": "table.shape",
    "top": "head", "to_markdown": "table.to_markdown", "to_html": "table.to_html", "to_json": "table.to_json", "iterrows": "table.iterrows",
    "show": "plot()", "map": "plot()", "cost": "cost_usd", "total_cost": "cost_usd", "resistance": "pairs['resistance']",
    "matrix": "pairs.pivot(index='a', columns='b', values='resistance')", "species": "profile",
    "to_dataset": "to_xarray()", "transform": "grid.transform", "best": "lines", "affine": "grid.transform",
}  # fmt: skip
"""Guesses at a result -> what is there, where it is there."""
TABLES = ("DataFrame", "GeoDataFrame")
HELD = ("ndarray", "dict", "list")
LOOKS = ("ax", "title", "figsize", "cmap", "labels")  # what every plot takes, whatever it shows


class Face:
    """Base of the results that show themselves; a class names its row of :data:`permeability.viz.views.VIEWS` in ``_face``.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> isinstance(land, Face), land._repr_html_()[:4]
    (True, '<div')
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     patches.save(f"{folder}/patches.csv").read_text(encoding="utf-8-sig").splitlines()[0]
    'id,name,weight,area_km2'
    """

    _face: ClassVar[str]

    @classmethod
    def _view(cls) -> Any:
        return import_module("permeability.viz.views").VIEWS[cls._face]

    def __getattribute__(self, name: str) -> Any:
        """Nobody changes a result by changing what it shows: tables, lists and dicts are handed out as copies, arrays and maps locked.

        The package itself gets its own arrays and lists, as it must: it computes with them and changes none.
        """
        value = object.__getattribute__(self, name)
        if name[0] == "_":
            return value
        kind = type(value).__name__
        if kind in TABLES:
            return value.copy(deep=not _copies_on_write())
        if kind == "DataArray":
            lock(value.variable.values)
        elif kind in HELD and not _asked_from_inside():
            return _handed_out(value)
        return value

    def __getattr__(self, name: str) -> Any:
        """What is not there, with what was probably meant."""
        kind = type(self).__name__
        if name.startswith("_"):
            raise AttributeError(f"{kind!r} object has no attribute {name!r}")
        known = [k for k in dir(self) if not k.startswith("_")]
        said = {
            k: v
            for k, v in RESULT.items()
            if v.split(".")[0].split("[")[0].split("(")[0].split(",")[0] in known
        }
        raise no_such_name(f"{kind!r} object", name, known, said)

    def summary(self) -> str:
        """What the result is, in a few lines of text.

        Returns
        -------
        str
        """
        return repr(self)

    def to_xarray(self, *, chunks: Any = None) -> Any:
        """The maps of the result, with coordinates and coordinate system where it has them.

        Parameters
        ----------
        chunks : int, tuple, dict or "auto", optional
            Hand the maps out as dask arrays of such chunks.  They are in memory all the same: only
            :func:`permeability.interop.raster_windows.omnidirectional_files` computes from chunk to chunk.

        Returns
        -------
        xarray.Dataset

        Raises
        ------
        OptionError
            A13 for a result without a map, and for chunks without dask.

        Examples
        --------
        >>> import permeability as pm
        >>> list(pm.connectivity(*pm.samples.tiny()).to_xarray())
        ['current', 'distance']
        """
        return import_module("permeability.viz.saving").as_dataset(self, chunks)

    def to_file(self, path: str | Path) -> Path:
        """The same as :meth:`save`.

        Parameters
        ----------
        path : path

        Returns
        -------
        pathlib.Path
        """
        return self.save(path)

    def _repr_html_(self) -> str:
        return str(self._view().html(self))

    def plot(
        self,
        *wrong: Any,
        ax: Any = None,
        title: str | None = None,
        figsize: tuple[float, float] | None = None,
        cmap: Any = None,
        labels: bool = True,
        **options: Any,
    ) -> Any:
        """A map with legend, scale bar, north and units, as a :class:`permeability.viz.maps.Map`.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Drawn into; a figure of its own by default.
        title : str, optional
            Above the map.
        figsize : (width, height), optional
            Of the figure [inches].
        cmap : str, optional
            Colour map of matplotlib for the values; the one of the kind of map by default.
        labels : bool
            Whether patches, sections and lines are named on the map.
        **options
            ``language`` ("en", "mn", "ru") and those of ``plot`` in the file of its kind in
            :mod:`permeability.viz.views`.
        """
        draw = self._view().plot
        if wrong:
            raise OptionError(
                "A09", f"plot() takes no {wrong[0]!r} without a name.",
                remedy=f"name it, such as show={wrong[0]!r} or ax=; {', '.join(list(inspect.signature(draw).parameters)[2:])}",
            )  # fmt: skip
        refuse_keywords(
            "plot",
            options,
            {**dict.fromkeys(LOOKS), **inspect.signature(draw).parameters},
        )
        with import_module("permeability.viz.look").drawn_as(cmap, labels):
            drawn = draw(self, ax, **options)
        if title is not None:
            import_module("permeability.viz.look").retitle(drawn.axes, title)
        if figsize is not None:
            drawn.figure.set_size_inches(*figsize)
        return drawn

    def explore(self, **options: Any) -> Any:
        """A map to zoom and point at with mouse or keyboard: one page that asks for nothing of a network.

        Parameters
        ----------
        **options
            ``language`` ("en", "mn", "ru"; the reader's by default); ``m``, a map to lay this one on;
            ``tiles="OpenStreetMap"`` for a web map with a background instead, which needs a network and the extra
            ``explore``, and takes all that :meth:`geopandas.GeoDataFrame.explore` does.

        Returns
        -------
        permeability.viz.screen_map.ScreenMap or folium.Map
            Shows itself in a notebook; ``.save("map.html")``.

        Raises
        ------
        OptionError
            O05 for tiles without the extra, O06 when there is nothing with a place on a map, A07 for another option.
        """
        return self._view().explore(self, **options)

    def save(self, path: str | Path) -> Path:
        """Write the result to one file, by the end of its name: ``.csv``, ``.gpkg``, ``.tif``, ``.png``, ``.pdf``, ``.svg`` or ``.html``.

        Parameters
        ----------
        path : path

        Returns
        -------
        pathlib.Path

        Raises
        ------
        OptionError
            O07 when this result has nothing for such a file.
        """
        return Path(import_module("permeability.viz.saving").save(self, Path(path)))


def _asked_from_inside() -> bool:
    """Whether the attribute is read by the package, or by ``dataclasses.replace``, which makes a result of a result."""
    asking = sys._getframe(2).f_globals.get("__name__", "")
    return asking.partition(".")[0] in ("permeability", "dataclasses")


def _handed_out(value: Any) -> Any:
    """A copy of lists and dicts, and arrays that cannot be written to."""
    kind = type(value)
    if kind is dict:
        return {k: _handed_out(v) for k, v in value.items()}
    if kind is list:
        return [_handed_out(v) for v in value]
    if kind.__name__ == "ndarray":
        value = value.view()
        lock(value)
    elif kind.__name__ == "DataArray":
        lock(value.variable.values)
    return value


@cache
def _copies_on_write() -> bool:
    """Whether a shallow copy of a table is safe: pandas from 3.0 on copies when something is written."""
    return int(import_module("pandas").__version__.split(".")[0]) >= 3


def lock(values: Any) -> None:
    """Make an array read-only.

    Parameters
    ----------
    values : numpy.ndarray

    Examples
    --------
    >>> import numpy as np
    >>> map_of = np.zeros(2)
    >>> lock(map_of)
    >>> map_of[0] = 1
    Traceback (most recent call last):
    ...
    ValueError: assignment destination is read-only
    """
    if hasattr(values, "flags"):
        values.flags.writeable = False
