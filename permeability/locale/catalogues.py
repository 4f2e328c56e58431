"""The catalogues: English texts of the code and templates, their translations, and how to keep them complete.

``python -m permeability.locale update`` takes up new texts and compiles, ``check`` says what is missing.  Every entry
that a machine made carries the comment :data:`UNREVIEWED`; a translator who has read it takes the comment away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from permeability.locale.language import DOMAIN, LANGUAGES

HERE: Final = Path(__file__).resolve().parent
PACKAGE: Final = HERE.parent
ROOMS: Final = ("report", "viz", "locale", "cli", "alignment", "monitoring")  # whose texts are for readers
FILES: Final = (
    "interop/export.py", "linkage/index_table.py", "barriers/step_words.py", "project/run/input_differences.py", "layers/rasters.py", "impact/line_by_line.py",
    "ranking/ranking_notes.py", "project/checks/account.py", "project/column_mapping.py", "project/settling.py", "project/run/effort.py", "project/run/cell_size.py", "project/run/checksums.py",
    "project/run/repeat.py", "project/run/years.py", "ranking/settling.py", "ranking/draw_effort.py", "core/memory.py",
)  # fmt: skip
KEYWORDS: Final[dict[str, Any]] = {"tr": None, "N_": None, "self": None}
UNREVIEWED: Final = "unreviewed: made by a machine, not read by a speaker of the language"
TRANSLATED: Final = tuple(x for x in LANGUAGES if x != "en")
DATE: Final = datetime(2026, 1, 1, tzinfo=UTC)  # fixed, so that the same texts give the same bytes


@cache
def texts() -> tuple[tuple[str, str | None], ...]:
    """Every text for readers as (text, context), sorted."""
    from permeability.locale.names import PLACE_NAMES

    found: set[tuple[str, str | None]] = {(t, None) for t in _marked()}
    return tuple(sorted(found | {(n, "name") for n in PLACE_NAMES}, key=lambda e: (e[1] or "", e[0])))


def _marked() -> Iterator[str]:
    from babel.messages.extract import extract
    from jinja2.ext import babel_extract

    sources = [p for room in ROOMS for p in sorted((PACKAGE / room).rglob("*.py"))] + [
        PACKAGE / f for f in FILES
    ]
    for path in sources:
        with path.open("rb") as stream:
            for _, message, _, _ in extract("python", stream, keywords=KEYWORDS):
                yield message if isinstance(message, str) else message[0]
    for path in sorted(p for room in ("report", "viz") for p in (PACKAGE / room / "templates").glob("*.j2")):
        with path.open("rb") as stream:
            for _, _, found, _ in babel_extract(stream, list(KEYWORDS), [], {"trimmed": "false"}):
                if found:
                    yield found if isinstance(found, str) else next(m for m in found if m)


def po_path(language: str) -> Path:
    """Source of a catalogue."""
    return HERE / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read_po(language: str) -> Any:
    """A catalogue as it stands."""
    from babel.messages.pofile import read_po as read

    path = po_path(language)
    if not path.is_file():
        return new_catalogue(language)
    with path.open("rb") as stream:
        return read(stream, locale=language)


def new_catalogue(language: str) -> Any:
    """An empty catalogue with fixed dates."""
    from babel.messages.catalog import Catalog

    return Catalog(
        locale=language, domain=DOMAIN, project="permeability", version="1", creation_date=DATE, revision_date=DATE, charset="utf-8",
        copyright_holder="The permeability founders", last_translator="none", language_team=language, fuzzy=False,
        header_comment=f"# Texts of permeability in {language}.  Entries marked “{UNREVIEWED}” wait for a speaker:\n# correct the text where needed and take the mark away.",
    )  # fmt: skip


def update(language: str) -> Any:
    """A catalogue with every text of today: known translations are kept, new texts come untranslated, old ones go."""
    old, fresh = read_po(language), new_catalogue(language)
    for text, context in texts():
        known = old.get(text, context)
        fresh.add(
            text,
            known.string if known is not None else "",
            context=context,
            user_comments=list(known.user_comments) if known is not None else (),
        )
    return fresh


def po_bytes(catalogue: Any) -> bytes:
    """The source file of a catalogue, the same for the same entries."""
    from babel.messages.pofile import write_po

    stream = BytesIO()
    write_po(stream, catalogue, width=0, no_location=True, sort_output=False)
    return stream.getvalue()


def mo_bytes(catalogue: Any) -> bytes:
    """The compiled catalogue; its header tells how many entries no speaker has read."""
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo

    entries = [m for m in catalogue if m.id]
    unread = sum(1 for m in entries if UNREVIEWED in m.user_comments)

    def headers(self: Any) -> list[tuple[str, str]]:
        known: list[tuple[str, str]] = super(counted_class, self).mime_headers
        return [*known, ("X-Unreviewed", str(unread)), ("X-Entries", str(len(entries)))]

    counted_class: Any = type("Counted", (Catalog,), {"mime_headers": property(headers)})
    counted = counted_class(
        locale=catalogue.locale,
        domain=DOMAIN,
        project="permeability",
        version="1",
        creation_date=DATE,
        revision_date=DATE,
        charset="utf-8",
        fuzzy=False,
    )
    for m in entries:
        if m.string:
            counted.add(m.id, m.string, context=m.context)
    stream = BytesIO()
    write_mo(stream, counted)
    return stream.getvalue()


def missing(language: str) -> list[str]:
    """Texts that a catalogue lacks, holds without translation, or holds with other ``{places}``."""
    catalogue, out = read_po(language), []
    for text, context in texts():
        entry = catalogue.get(text, context)
        if entry is None or not entry.string:
            out.append(f"no translation: {text!r}")
        elif sorted(re.findall(r"{\w*}", text)) != sorted(re.findall(r"{\w*}", entry.string)):
            out.append(f"other places: {text!r} -> {entry.string!r}")
    return out
