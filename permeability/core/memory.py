"""How much memory there is."""

from __future__ import annotations

import os
from pathlib import Path


def machine_memory() -> int | None:
    """Four fifths of the machine's memory [bytes], or None where the system does not tell."""
    try:
        return int(0.8 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return None


def available_bytes() -> int:
    """Memory this process may still take [bytes].

    Reads the kernel's own estimate where there is one and the container's limit where it is lower.
    """
    free = _meminfo_available()
    if free is None:
        free = (
            os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
            if hasattr(os, "sysconf")
            else 4 << 30
        )
    limit = _number("/sys/fs/cgroup/memory.max")
    used = _number("/sys/fs/cgroup/memory.current")
    if limit is not None and used is not None:
        free = min(free, max(0, limit - used))
    return int(free)


def _meminfo_available() -> int | None:
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _number(path: str) -> int | None:
    try:
        return int(Path(path).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
