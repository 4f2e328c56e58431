"""A machine of 64 GiB with control groups that a test writes."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from permeability.core import memory

GIB = 2**30


def pretend(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """60 of 64 GiB free, no control groups yet; they are read from ``folder / "cgroup"``."""
    monkeypatch.setattr(memory, "GROUPS", folder / "cgroup")
    monkeypatch.setattr(memory, "OWN_GROUPS", folder / "own")
    (folder / "own").write_text("0::/\n")
    machine = psutil.virtual_memory()._replace(total=64 * GIB, available=60 * GIB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: machine)
    return folder


def limit(folder: Path, most: int | str, used: int, cache: int = 0, *, older: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if older else ("memory.max", "memory.current")
    for name, value in zip(names, (most, used)):
        (folder / name).write_text(f"{value}\n")
    word = "total_inactive_file" if older else "inactive_file"
    (folder / "memory.stat").write_text(f"anon {used - cache}\n{word} {cache}\n")
