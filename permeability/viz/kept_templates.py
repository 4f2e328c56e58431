"""Templates compiled once: kept beside themselves as Python keeps its modules, which saves half a second of every page."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from importlib.util import cache_from_source
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket, BytecodeCache

__all__ = ["KeptTemplates"]


class KeptTemplates(BytecodeCache):
    """Compiled templates in ``__pycache__`` beside their source; where nothing can be written they are compiled every time.

    What is kept is used for the same source, the same Python and the same Jinja only.  ``PYTHONPYCACHEPREFIX`` and
    ``PYTHONDONTWRITEBYTECODE`` hold as for modules.

    Examples
    --------
    >>> KeptTemplates().get_cache_key("page.html.j2", "/rooms/page.html.j2").endswith(".pyc")
    True
    """

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Where a template is kept; empty for one that is no file."""
        return cache_from_source(f"{filename}.py") if filename else ""

    def get_source_checksum(self, source: str) -> str:
        """Of the source and of what compiled it."""
        return super().get_source_checksum(f"{jinja2.__version__}\n{source}")

    def load_bytecode(self, bucket: Bucket) -> None:
        """What is kept, if it is whole and of this source."""
        try:
            kept = Path(bucket.key).read_bytes() if bucket.key else b""
            if kept:
                bucket.bytecode_from_string(kept)
        except Exception:  # cut short, or of something else: compiled anew
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it, whole or not at all."""
        if not bucket.key or sys.dont_write_bytecode:
            return
        place = Path(bucket.key)
        with contextlib.suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            handle, aside = tempfile.mkstemp(prefix=f"{place.name}.", dir=place.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(bucket.bytecode_to_string())
                os.replace(aside, place)
            except OSError:
                os.unlink(aside)
                raise
