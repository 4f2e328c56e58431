"""Kinds of parameters: what a path leads to, so that ``permeability spec`` can say it to other programs."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import click

from permeability.locale.language import LANGUAGES

__all__ = [
    "FILE", "LANGUAGE", "LAYER", "NEW_FILE", "NEW_FOLDER", "NEW_LAYER", "NEW_RASTER", "PROJECT", "RASTER", "RESULTS", "VECTOR", "Place",
    "with_options",
]  # fmt: skip


ROLES = {
    "project": "project file (.toml)",
    "results": "result folder of a run",
    "vector": "layer of points, lines or areas",
    "raster": "raster",
    "layer": "layer, vector or raster",
    "file": "file",
    "folder": "folder",
}


class Place(click.Path):
    """A path, with what it leads to and whether the command writes there.

    Parameters
    ----------
    role : {"project", "results", "vector", "raster", "layer", "file", "folder"}
    writes : bool

    Examples
    --------
    >>> Place("raster").convert("a.tif", None, None).name, Place("raster", writes=True).writes
    ('a.tif', True)
    """

    def __init__(self, role: str, *, writes: bool = False) -> None:
        super().__init__(path_type=Path)
        self.role, self.writes = role, writes

    def about(self) -> str:
        """What it leads to, in words.

        >>> Place("raster", writes=True).about()
        'raster to write'
        """
        return ROLES[self.role] + (" to write" if self.writes else "")


PROJECT, RESULTS, VECTOR, RASTER = Place("project"), Place("results"), Place("vector"), Place("raster")
LAYER, FILE = Place("layer"), Place("file")
NEW_FOLDER, NEW_FILE = Place("folder", writes=True), Place("file", writes=True)
LANGUAGE = click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    help="of what is written (default: the reader's, as PERMEABILITY_LANGUAGE or LANG says)",
)
NEW_LAYER, NEW_RASTER = Place("vector", writes=True), Place("raster", writes=True)


def with_options(*sets: tuple[Callable[[Any], Any], ...]) -> Callable[[Any], Any]:
    """Several options as one decorator.

    >>> command = click.command()(with_options((click.option("--a"), click.option("--b")))(lambda a, b: None))
    >>> [p.name for p in command.params]
    ['a', 'b']
    """
    every = [option for group in sets for option in group]
    return lambda function: reduce(lambda f, option: option(f), reversed(every), function)
