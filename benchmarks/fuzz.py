"""Hostile inputs for as long as one likes: project and species files, problem files, grids, GeoPackages, TIFFs, tracks.

    python benchmarks/fuzz.py [--kind project ...] [--seconds 600] [--first 0] [--most 200000]

Cases and doors stand in tests/helpers/fuzzing.py; a fault is printed with its kind and seed, which are the same input on every machine.  A batch
runs in a process of its own, with a limit of memory, so that a reader that dies or swells is a fault and not the end.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
import traceback
from pathlib import Path

import permeability as pm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))
from fuzzing import KINDS, Kitchen, attempt

MEMORY_BYTES = 6 << 30  # of address space above what is there at the start


def main() -> None:
    """Every kind in turn; faults as they are found, counts at the end."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--kind", action="append", choices=list(KINDS))
    ask.add_argument("--seconds", type=float, default=60.0, help="for each kind")
    ask.add_argument("--first", type=int, default=0, help="first seed")
    ask.add_argument("--most", type=int, default=10**9, help="cases for each kind")
    ask.add_argument("--batch", type=int, default=500, help="cases in one process")
    given = ask.parse_args()
    total = 0
    with tempfile.TemporaryDirectory(prefix="permeability-fuzz-") as name:
        kitchen = Kitchen(Path(name))
        if "project" in (given.kind or KINDS):  # kernels are compiled before a clock runs
            pm.run_project(kitchen.base / "project.toml", Path(name) / "first")
        for kind in given.kind or KINDS:
            begun, seed, faults = time.monotonic(), given.first, 0
            while time.monotonic() - begun < given.seconds and seed < given.first + given.most:
                end = min(seed + given.batch, given.first + given.most)
                seed, bad = batch(kitchen, kind, seed, end, begun + given.seconds)
                faults += bad
            total += faults
            print(f"{kind}: {seed - given.first} cases, {faults} faults, {time.monotonic() - begun:.0f} s", flush=True)  # fmt: skip
    sys.exit(1 if total else 0)


def batch(kitchen: Kitchen, kind: str, first: int, end: int, until: float) -> tuple[int, int]:
    """Cases first .. end in a forked process, which may die; (next seed, faults)."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(told)
        try:
            tried(kitchen, kind, range(first, end), until, tell)
        except BaseException:
            traceback.print_exc()
            os._exit(1)  # not through the end of the kitchen, whose folder the parent still needs
        os._exit(0)
    os.close(tell)
    with os.fdopen(told, "rb") as heard:
        lines = heard.read().split()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    faults = sum(line.startswith(b"f") for line in lines)
    after = 1 + max((int(line[1:]) for line in lines), default=first - 1)
    if code != 0:
        print(f"{kind} {after - 1}: the process ended with {code}", flush=True)
        faults += 1
    return after, faults


def tried(kitchen: Kitchen, kind: str, seeds: range, until: float, tell: int) -> None:
    """Cases one after the other, told through a pipe: which is begun, which is a fault."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES, used + MEMORY_BYTES))
    for seed in seeds:
        if time.monotonic() > until:
            break
        os.write(tell, b"b%d\n" % seed)
        fault = attempt(kitchen, kind, seed)
        if fault:
            print(fault, flush=True)
            os.write(tell, b"f%d\n" % seed)


if __name__ == "__main__":
    main()
