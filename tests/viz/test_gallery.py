"""The pictures of the gallery: every text of them stands free and inside, and what is shipped is what is drawn today."""

from __future__ import annotations

import itertools
import runpy

import numpy as np
import pytest
from places import REPOSITORY

GALLERY = REPOSITORY / "docs" / "gallery"
BLOCK = 12  # pixels of a square that is compared

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def drawn():
    pytest.importorskip("PIL")
    script = runpy.run_path(str(REPOSITORY / "docs" / "make_gallery.py"))
    return {name: draw() for name, draw in (script["pictures"]() | script["new_lines"]()).items()}


def texts(figure):
    """Every text that is seen, with its box in pixels."""
    from matplotlib.text import Text

    figure.canvas.draw()
    seen = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    bars = list(figure.findobj(lambda x: hasattr(x, "get_xticklabels")))
    off = {id(t) for a in bars for t in [*a.get_xticklabels(), *a.get_yticklabels()] if not in_view(a, t)}
    return [(t.get_text(), t.get_window_extent()) for t in seen if id(t) not in off]


def in_view(axes, tick):
    (low, high) = sorted(axes.get_xlim())
    return low <= tick.get_position()[0] <= high


def test_the_pictures_are_those_of_the_script(drawn):
    assert sorted(drawn) == sorted(p.stem for p in GALLERY.glob("*.png"))


def test_no_text_of_a_picture_covers_another_or_leaves_the_sheet(drawn):
    covered, outside = [], []
    for name, picture in drawn.items():
        found = texts(picture.figure)
        assert len(found) >= 4
        sheet = picture.figure.bbox
        outside += [
            (name, t)
            for t, b in found
            if b.x0 < -1 or b.y0 < -1 or b.x1 > sheet.x1 + 1 or b.y1 > sheet.y1 + 1
        ]
        for (one, a), (other, b) in itertools.combinations(found, 2):
            wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
            if wide > 1 and high > 1:
                covered.append((name, one, other))
    assert covered == []
    assert outside == []


def squares(path):
    """Mean brightness of squares of a picture."""
    from PIL import Image

    with Image.open(path) as picture:
        grey = np.asarray(picture.convert("L"), float)
    rows, cols = (n // BLOCK for n in grey.shape)
    return grey.shape, grey[: rows * BLOCK, : cols * BLOCK].reshape(rows, BLOCK, cols, BLOCK).mean((1, 3))


def test_what_is_shipped_is_what_is_drawn(drawn, tmp_path):
    """By eye, not byte for byte: fonts and libraries move an edge, not a map."""
    for name, picture in drawn.items():
        shape, now = squares(picture.save(tmp_path / f"{name}.png", dpi=90))
        before_shape, before = squares(GALLERY / f"{name}.png")
        assert shape == before_shape
        off = np.abs(now - before)
        assert off.mean() < 2, name
        assert (off > 40).mean() < 0.005, name
        blank = np.abs(np.full_like(now, 255.0) - now)
        assert blank.mean() > 2, name  # the comparison would see an empty sheet
