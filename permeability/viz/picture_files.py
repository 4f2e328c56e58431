"""A map as the file that its name says: PNG, PDF, SVG or a page; the same map gives the same bytes."""

from __future__ import annotations

import base64
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

from permeability.core.errors import OptionError
from permeability.core.plain_text import printable

__all__ = ["PICTURES", "picture_bytes"]

PICTURES = (".png", ".pdf", ".svg", ".html")
NO_DATE: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
    "svg": {"Creator": None, "Date": None},
}
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{alt}</title>
</head>
<body style="margin:1em;background:#fff"><img alt="{alt}" src="data:image/png;base64,{image}" style="max-width:100%;height:auto"></body>
</html>
"""


def picture_bytes(drawn: Any, path: Path, dpi: int, paper: str) -> bytes:
    """A drawn map in the form that a file name asks for.

    Parameters
    ----------
    drawn : Map
        Figure and a text that says what is on it.
    path : Path
        Its end says the form: ``.png``, ``.pdf``, ``.svg``, ``.html``.
    dpi : int
        Of pictures in dots; drawings in lines have no dots but for their rasters.
    paper : str
        Colour of the ground.

    Returns
    -------
    bytes

    Raises
    ------
    OptionError
        O09 for a name of another kind.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> picture_bytes(land.plot(), Path("map.pdf"), 100, "#ffffff")[:5]
    b'%PDF-'
    """
    kind = path.suffix.lower().removeprefix(".").replace("htm", "html").replace("htmll", "html")
    if f".{kind}" not in PICTURES:
        raise OptionError(
            "O09", f"a map cannot be written as {path.name!r}.",
            remedy=f"give a name that ends in {', '.join(PICTURES)}; .save() of the result itself writes tables and rasters",
        )  # fmt: skip
    if kind == "html":
        image = base64.b64encode(_figure(drawn, "png", dpi, paper)).decode("ascii")
        return PAGE.format(alt=escape(printable(drawn.alt)), image=image).encode("utf-8")
    return _figure(drawn, kind, dpi, paper)


def _figure(drawn: Any, kind: str, dpi: int, paper: str) -> bytes:
    from matplotlib import rc_context

    stream = BytesIO()
    with rc_context({"svg.hashsalt": "permeability", "pdf.fonttype": 42}):
        drawn.figure.savefig(stream, format=kind, dpi=dpi, metadata=NO_DATE[kind], facecolor=paper)
    return stream.getvalue()
