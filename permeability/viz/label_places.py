"""Where the labels of a map stand so that none covers another: boxes tried around each place, nearest first.

Texts are measured by a width per letter that is no narrower than that of the fonts the page asks for, at the size they
have in print, so that what is free here is free on the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

EM_WIDE: Final = (
    0.66  # width of a letter [em]; bold DejaVu Sans, the widest of the page's fonts, has 0.65 on average
)
EM_HIGH: Final = 1.25
PRINT: Final = 1.35  # texts are this much larger in print, see ``--p`` of the style sheet
SMALL: Final = 1.9  # and this much on maps that take half of a page or less
NEAR: Final = (7.0, 16.0, 28.0, 42.0, 60.0)  # distances tried [px]
TURNS: Final = ((1, 0), (-1, 0), (1, -1), (1, 1), (-1, -1), (-1, 1), (0, -1), (0, 1))


class Box(NamedTuple):
    """A rectangle on the map [km]: left, top, right, bottom.

    >>> Box(0, 0, 2, 2).meets(Box(1, 1, 3, 3)), Box(0, 0, 1, 1).meets(Box(1, 1, 2, 2))
    (True, False)
    """

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether two rectangles have an area in common."""
        return (
            self.left < other.right and other.left < self.right
            and self.top < other.bottom and other.top < self.bottom
        )  # fmt: skip


class Label(NamedTuple):
    """Where a text stands [km]: middle of its left end or right end on the base line, and whether it is far from its place."""

    x: float
    y: float
    anchor: str
    far: bool


@dataclass(frozen=True)
class LabelPlaces:
    """The labels of one map.

    Attributes
    ----------
    width, height : float
        Of the map [km].
    unit : float
        Kilometres per pixel.
    taken : list of Box
        What a label may not cover.
    letters : float
        How much larger texts are in print than on the screen.

    Examples
    --------
    >>> map_ = LabelPlaces(90.0, 45.0, 0.1)
    >>> first, second = map_.place(10.0, 20.0, "Choir"), map_.place(10.0, 20.0, "Choir")
    >>> first.anchor, second.anchor
    ('start', 'end')
    >>> map_.place(10.0, 20.0, "a text that is far too long for the width of this map" * 4) is None
    True
    """

    width: float
    height: float
    unit: float
    taken: list[Box] = field(default_factory=list)
    letters: float = PRINT

    def keep_line_free(self, xy: NDArray[np.float64], half_px: float) -> None:
        """Keep squares along a line free; ``xy`` are its corners, shape (n, 2) [km].

        >>> map_ = LabelPlaces(90.0, 45.0, 0.1)
        >>> map_.keep_line_free(np.array([[0.0, 5.0], [10.0, 5.0]]), 5.0)
        >>> len(map_.taken)
        21
        """
        step = half_px * self.unit
        for a, b in pairwise(xy):
            n = max(1, int(np.ceil(np.hypot(*(b - a)) / step)))
            for x, y in a + (b - a) * (np.arange(n + 1) / n)[:, None]:
                self.keep_free(float(x), float(y), half_px)

    def keep_free(self, x: float, y: float, half_px: float) -> None:
        """Keep a square around a place free [km]."""
        r = half_px * self.unit
        self.taken.append(Box(x - r, y - r, x + r, y + r))

    def place(
        self, x: float, y: float, text: str, size_px: float = 11.0, *, beside: bool = False
    ) -> Label | None:
        """The nearest free place of a text beside a point; None where there is none.

        Parameters
        ----------
        x, y : float
            The point [km].
        text : str
        size_px : float
            Size of the letters on the screen.
        beside : bool
            Only where the text needs no line that leads to its point.
        """
        em = size_px * self.letters * self.unit
        wide, high = EM_WIDE * em * max(len(text), 1), EM_HIGH * em
        for box, anchor, far in self._tries(x, y, wide, high):
            inside = box.left >= 0 and box.top >= 0 and box.right <= self.width and box.bottom <= self.height
            if inside and not (beside and far) and not any(box.meets(b) for b in self.taken):
                self.taken.append(box)
                at = {"start": box.left, "end": box.right, "middle": (box.left + box.right) / 2}[anchor]
                return Label(at, box.bottom - 0.3 * em, anchor, far)
        return None

    def _tries(self, x: float, y: float, wide: float, high: float) -> Iterator[tuple[Box, str, bool]]:
        for k, distance in enumerate(NEAR):
            d = distance * self.unit
            for right, down in TURNS:
                middle = y + down * (d + high / 2) if down else y
                left = x + d if right > 0 else x - d - wide if right < 0 else x - wide / 2
                anchor = {1: "start", -1: "end", 0: "middle"}[right]
                yield Box(left, middle - high / 2, left + wide, middle + high / 2), anchor, k > 1
