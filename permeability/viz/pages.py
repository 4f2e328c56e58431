"""Templates to one HTML page: everything escaped, undefined names refused, nothing fetched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from permeability.core.plain_text import printable
from permeability.locale.language import NAMES, Words

if TYPE_CHECKING:
    from jinja2 import Environment

OWN = "permeability.viz"  # whose folder of templates has what all pages share


@cache
def environment(room: str = OWN) -> Environment:
    """The template environment of a room: autoescape on, undefined names are errors."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    from permeability.viz.kept_templates import KeptTemplates

    return Environment(
        loader=ChoiceLoader([PackageLoader(r, "templates") for r in dict.fromkeys((room, OWN))]), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, bytecode_cache=KeptTemplates(),
    )  # fmt: skip


def part(name: str, room: str = OWN) -> str:
    """A style sheet or script that goes into the page."""
    places = (files(r) / "templates" / name for r in (room, OWN))
    return next(p for p in places if p.is_file()).read_text(encoding="utf-8")


def html_page(
    template: str,
    context: dict[str, Any],
    tr: Words,
    *,
    room: str = OWN,
    scripts: Sequence[str] = ("map.js",),
    styles: Sequence[str] = ("style.css",),
) -> str:
    """A page in a language, with its scripts as one and its style sheets as one.

    The content security policy allows this page's own script by its hash and no request at all, so that even a text
    that got past the escaping could neither run nor call.
    """
    from markupsafe import Markup

    script, style = ("\n".join(_closed_up(part(n, room)) for n in names) for names in (scripts, styles))
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    page = (
        environment(room)
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
