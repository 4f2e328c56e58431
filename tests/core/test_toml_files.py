"""Files that a user wrote are refused, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from permeability.barriers.database import load_mapping
from permeability.barriers.standards import standard
from permeability.core.errors import PermeabilityError
from permeability.core.toml_files import read_toml

WRONG = {
    "no toml": "rule = ",
    "a word for a table": 'rule = "all"\ncolumns = "none"\nstructures = 3\n',
    "a list for a table": "columns = [1, 2]\nrule = [1, 2]\n",
    "a number for a table": "[[rule]]\nwhen = 3\nset = 4\n",
    "nested": "a = " + "[" * 3000 + "]" * 3000,
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("reader", [load_mapping, standard])
def test_files_of_the_wrong_shape(tmp_path: Path, text: str, reader: object) -> None:
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(PermeabilityError) as refused:
        reader(tmp_path / "mine.toml")  # type: ignore[operator]
    assert refused.value.remedy


def test_letters_that_are_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes("name = 'Зам'".encode("cp1251"))
    with pytest.raises(PermeabilityError, match=r"(?s)O62.*UTF-8"):
        read_toml(tmp_path / "mine.toml")
