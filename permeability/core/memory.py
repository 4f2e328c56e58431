"""How much memory there is, and how much of it this process may still take: one notion for plans, refusals and reports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from permeability.core.texts import N_, Said

GROUPS = Path("/sys/fs/cgroup")  # where Linux shows the limits of containers and batch jobs
OWN_GROUPS = Path("/proc/self/cgroup")
NO_LIMIT = 1 << 60  # what the older form of control groups shows where there is none


def physical() -> int:
    """Memory of the machine [bytes], whatever a container may take of it.

    >>> physical() >= available() > 0
    True
    """
    import psutil

    return int(psutil.virtual_memory().total)


def available() -> int:
    """Memory this process may still take [bytes]: what is free, and no more than what is left in its container or batch job
    or under its own limit (``ulimit -v``).

    Whatever refuses work for want of memory asks this.
    """
    import psutil

    free = int(psutil.virtual_memory().available)
    return min((free, *(left for _, left in _groups()), *_own_limit()))


def _own_limit() -> tuple[int, ...]:
    """What is left of the address space that the process may take, where it is limited [bytes]."""
    try:
        import resource
    except ImportError:  # not on Windows
        return ()
    import psutil

    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most == resource.RLIM_INFINITY:
        return ()
    return (max(0, most - int(psutil.Process().memory_info().vms)),)


def container() -> int | None:
    """Smallest limit of the containers and batch jobs around this process [bytes], None without any."""
    return min((limit for limit, _ in _groups()), default=None)


def told() -> str:
    """What there is and what is free, in words for plans and refusals."""
    return str(told_said())


def told_said() -> Said:
    """The same with its values apart.

    >>> told_said().text[:10]
    '{free} GiB'
    """
    limit, values = container(), {"free": f"{available() / 2**30:.1f}", "all": f"{physical() / 2**30:.1f}"}
    if limit is None:
        return Said(N_("{free} GiB free of {all} GiB in this machine"), values)
    text = N_("{free} GiB free of {all} GiB in this machine; its container or job may take {most} GiB")
    return Said(text, values | {"most": f"{limit / 2**30:.1f}"})


def _groups() -> Iterator[tuple[int, int]]:
    """Limit and what is left of it, for every control group around this process that has a limit."""
    for folder, most, used, cache in _folders():
        limit, taken = _number(folder / most), _number(folder / used)
        if limit is not None and taken is not None and limit < NO_LIMIT:
            yield limit, max(0, limit - max(0, taken - _given_back(folder / "memory.stat", cache)))


def _folders() -> Iterator[tuple[Path, str, str, str]]:
    """Folders of this process's control groups and of those around them, with the names of their files, newer and older form."""
    newer = ("memory.max", "memory.current", "inactive_file")
    older = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    for line in _text(OWN_GROUPS).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        base, names = (GROUPS / "memory", older) if controllers else (GROUPS, newer)
        own = base / path.strip("/")
        around = (own, *own.parents)
        for folder in around[: around.index(base) + 1]:
            yield folder, *names


def _given_back(path: Path, name: str) -> int:
    """Bytes of files that the kernel holds and gives back when memory is wanted."""
    rows = (line.split() for line in _text(path).splitlines())
    return next((int(row[1]) for row in rows if row[0] == name), 0)


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
