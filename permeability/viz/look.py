"""How a figure is asked to look: another ramp, no labels; for the length of one drawing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, NamedTuple

from permeability.core.errors import check_choice

__all__ = ["Look", "drawn_as", "look", "retitle"]


class Look(NamedTuple):
    """What was asked for.

    Attributes
    ----------
    cmap : str or None
        Name of a colour map of matplotlib for the values; that of the kind of map by default.
    labels : bool
        Whether patches, sections and lines are named on the map.

    Examples
    --------
    >>> Look().labels
    True
    """

    cmap: str | None = None
    labels: bool = True


PLAIN = Look()
_ASKED: ContextVar[Look | None] = ContextVar("look", default=None)


def look() -> Look:
    """What the present drawing is asked to look like.

    Returns
    -------
    Look

    Examples
    --------
    >>> with drawn_as(cmap="viridis", labels=False):
    ...     look()
    Look(cmap='viridis', labels=False)
    """
    return _ASKED.get() or PLAIN


@contextlib.contextmanager
def drawn_as(cmap: Any = None, labels: bool = True) -> Iterator[None]:
    """Within, figures look so.

    Parameters
    ----------
    cmap : str or matplotlib.colors.Colormap, optional
        One that matplotlib knows by its name.
    labels : bool

    Raises
    ------
    OptionError
        O01 for a colour map that matplotlib does not know.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> "East" in [t.get_text() for t in patches.plot(labels=False).axes.texts]
    False
    """
    name = None if cmap is None else str(getattr(cmap, "name", cmap))
    if name is not None:
        from matplotlib import colormaps

        check_choice("cmap", name, sorted(colormaps))
    token = _ASKED.set(Look(name, bool(labels)))
    try:
        yield
    finally:
        _ASKED.reset(token)


def retitle(axes: Any, title: str) -> None:
    """Put a title in the place of the one that stands above a figure.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    title : str

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> patches.plot(title="Two places").axes.get_title(loc="left")
    'Two places'
    """
    place = "left" if axes.get_title(loc="left") else "center"
    axes.set_title(title, loc=place, fontsize=10.5, fontweight="bold", parse_math=False)
