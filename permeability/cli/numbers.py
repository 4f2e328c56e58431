"""Numbers of the command line: finite ones, or a usage error."""

from __future__ import annotations

import math
from typing import Any

import click

__all__ = ["Number"]


class Number(click.FloatRange):
    """A float within a range; ``nan`` and ``inf``, which every comparison lets through, are refused.

    Examples
    --------
    >>> Number(1800, 2200).convert("1996", None, None)
    1996.0
    >>> Number().convert("nan", None, None)
    Traceback (most recent call last):
    ...
    click.exceptions.BadParameter: 'nan' is not a finite number.
    """

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, within its range."""
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return found
