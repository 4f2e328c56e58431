"""The face of a result: what it shows of itself in a notebook, as a map, on a web map and in a file.

The views live in :mod:`permeability.viz` and are loaded when a face is asked for, so that computing never waits for
matplotlib.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar


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
    ...     patches.save(f"{folder}/patches.csv").read_text().splitlines()[0]
    'id,name,weight,area_km2'
    """

    _face: ClassVar[str]

    @classmethod
    def _view(cls) -> Any:
        return import_module("permeability.viz.views").VIEWS[cls._face]

    def _repr_html_(self) -> str:
        return str(self._view().html(self))

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """A map with legend, scale bar, north and units, as a :class:`permeability.viz.maps.Map`.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Drawn into; a figure of its own by default.
        **options
            ``language`` ("en", "mn", "ru") and those of ``plot`` in the file of its kind in
            :mod:`permeability.viz.views`.
        """
        return self._view().plot(self, ax, **options)

    def explore(self, **options: Any) -> Any:
        """A web map to zoom and point at (needs the extra ``explore``); without a background by default.

        Parameters
        ----------
        **options
            Passed on to :meth:`geopandas.GeoDataFrame.explore`; ``tiles="OpenStreetMap"`` asks for a background, which
            needs a network.

        Raises
        ------
        OptionError
            O05 without the extra, O06 when there is nothing with a place on a map.
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
