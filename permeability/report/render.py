"""Templates to one HTML page: everything escaped, undefined names refused, nothing fetched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from permeability.core.errors import OptionError
from permeability.core.plain_text import printable
from permeability.locale.language import NAMES, Words

if TYPE_CHECKING:
    from jinja2 import Environment

PAGES = (".html", ".htm", ".pdf")


@cache
def environment() -> Environment:
    """The template environment: autoescape on, undefined names are errors."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("permeability.report", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip


def part(name: str) -> str:
    """A style sheet or script that goes into the page."""
    return (files("permeability.report") / "templates" / name).read_text(encoding="utf-8")


def render(
    template: str,
    context: dict[str, Any],
    tr: Words,
    *,
    scripts: Sequence[str] = ("map.js",),
    styles: Sequence[str] = ("style.css",),
) -> str:
    """A page in a language, with its scripts as one and its style sheets as one.

    The content security policy allows this page's own script by its hash and no request at all, so that even a text
    that got past the escaping could neither run nor call.
    """
    from markupsafe import Markup

    script, style = ("\n".join(_closed_up(part(name)) for name in names) for names in (scripts, styles))
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    page = (
        environment()
        .get_template(template)
        .render(
            **context,
            tr=tr,
            language=tr.language,
            language_name=NAMES[tr.language],
            policy=policy,
            script=Markup(script),
            style=Markup(style),
        )
    )
    return _closed_up(printable(page)) + "\n"


def _closed_up(text: str) -> str:
    """Without empty lines and spaces at their ends; what the policy names by its hash is closed up before."""
    return "\n".join(line.rstrip() for line in text.split("\n") if line.strip())


def require_page(target: str | Path, pages: Sequence[str] = PAGES) -> None:
    """Refuse a report under a name that says it is something else.

    Raises
    ------
    OptionError
        O09 for a name that does not end in one of ``pages`` (``.html``, ``.htm``, ``.pdf``), or that is a folder.

    Examples
    --------
    >>> require_page("report.docx")
    Traceback (most recent call last):
    ...
    permeability.core.errors.OptionError: OptionError [O09]: ...
    """
    path = Path(target)
    if path.suffix.lower() not in pages or path.is_dir():
        raise OptionError(
            "O09", f"a report cannot be written as {path.name!r}{': it is a folder' if path.is_dir() else ''}.",
            remedy=f"give a file name that ends in {' or '.join(pages)}",
        )  # fmt: skip


def write_page(target: str | Path, page: str) -> Path:
    """Write a page as the file that its name says."""
    from permeability.layers.whole_files import write_text
    from permeability.report.pdf import write_pdf

    path = Path(target)
    if path.suffix.lower() != ".pdf":
        return write_text(path, page)
    with TemporaryDirectory() as folder:
        return write_pdf(write_text(Path(folder) / "report.html", page), path)
