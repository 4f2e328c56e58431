"""Templates to one HTML page: everything escaped, undefined names refused, nothing fetched."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from permeability.core.plain_text import printable
from permeability.locale.language import NAMES, Words

if TYPE_CHECKING:
    from jinja2 import Environment


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


def render(template: str, context: dict[str, Any], tr: Words) -> str:
    """A page in a language.

    The content security policy allows this page's own script by its hash and no request at all, so that even a text
    that got past the escaping could neither run nor call.
    """
    from markupsafe import Markup

    script, style = part("map.js"), part("style.css")
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
    return "\n".join(line.rstrip() for line in printable(page).split("\n") if line.strip()) + "\n"
