"""Where a key stands in a TOML text, for messages that name the line."""

from __future__ import annotations

import re
from collections.abc import Sequence


def line_of(text: str, *keys: str | int) -> list[str]:
    """Where a key or table stands in a TOML text, as rows of a finding; empty when it cannot be told.

    Numbers among the keys count the tables of one name from 0; without them the first is meant.

    >>> line_of("[grid]\\ncell_size_m = 5\\ncrs = 'EPSG:4326'", "grid", "crs")
    ['line 3']
    >>> line_of("[[steps]]\\nkm = 1\\n[[steps]]\\nkm = 2", "steps", 1, "km")
    ['line 4']
    """
    if not keys:
        return []
    *tables, key = keys
    here: tuple[str | int, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*(\[+)\s*([^\]]+?)\s*\]", line)
        if header:
            here = _table_at(here, re.sub("[\"']", "", header[2]).split("."), header[1] == "[[")
            if _same_place(here, keys):
                return [f"line {number}"]
        elif _same_place(here, tables) and re.match(rf"\s*[\"']?{re.escape(str(key))}[\"']?\s*=", line):
            return [f"line {number}"]
    return line_of(text, *tables)


def _table_at(before: tuple[str | int, ...], words: list[str], one_of_many: bool) -> tuple[str | int, ...]:
    """Place of a table after another one: ``[[a.b]]`` under the second ``[[a]]`` is ``("a", 1, "b", 0)``."""
    place: list[str | int] = []
    for i, word in enumerate(words):
        place.append(word)
        same = list(before[: len(place)]) == place
        count = before[len(place)] if same and len(before) > len(place) else None
        if i < len(words) - 1:
            place += [count] if isinstance(count, int) else []
        elif one_of_many:
            place.append(count + 1 if isinstance(count, int) else 0)
    return tuple(place)


def _same_place(here: Sequence[str | int], keys: Sequence[str | int]) -> bool:
    if not any(isinstance(k, int) for k in keys):
        here = [h for h in here if not isinstance(h, int)]
    return list(here) == list(keys)
