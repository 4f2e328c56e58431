"""What no file can be called is refused in words, before a system does it in its own."""

from __future__ import annotations

import pytest

from permeability.core.plain_text import file_name_fault


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "is empty"),
        (" \t", "is empty"),
        ("a\ab.tif", "control characters"),
        ("a" * 256, "so long a name"),
        ("ш" * 128, "so long a name"),  # 256 bytes
        ("a/" * 5000, "so long a name"),
        ("a" * 255, ""),
        ("folder/" * 60 + "a.tif", ""),
    ],
)
def test_names_that_no_file_can_have(name: str, fault: str) -> None:
    found = file_name_fault(name)
    assert (fault in found) if fault else found == ""
