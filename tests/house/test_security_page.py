"""The page on hostile input: at least sixty kinds, and the test that each names is there, with its case."""

from __future__ import annotations

import re

from places import REPOSITORY

PAGE = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| `([^`]+)` \|$", re.MULTILINE)


def test_every_kind_has_a_test_that_is_there() -> None:
    rows = ROW.findall(PAGE)
    assert [int(r[0]) for r in rows] == [*range(1, len(rows) + 1)]
    assert len(rows) >= 60
    assert len({r[1] for r in rows}) == len(rows)
    for _, what, _, test in rows:
        file, _, name = test.partition("::")
        text = (REPOSITORY / file).read_text(encoding="utf-8")
        name, _, case = name.partition("[")
        assert not name or re.search(rf"(def |^){name}\b", text, re.MULTILINE), f"{what}: no test {test}"
        assert not case or f'"{case.removesuffix("]")}"' in text, f"{what}: no case {test}"


def test_every_code_on_the_page_is_one_of_ours() -> None:
    listed = set(re.findall(r"^\| ([A-Z]\d\d) \|", (REPOSITORY / "docs" / "errors.md").read_text(encoding="utf-8"), re.MULTILINE))  # fmt: skip
    assert set(re.findall(r"\b[A-Z]\d\d\b", PAGE)) <= listed | {"U202"}
