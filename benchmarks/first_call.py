"""What the first call waits for: seconds of compiling, by kernel, in a process whose kernel cache is empty, and the same once more.

    python benchmarks/first_call.py [rank] [demo] [--most 25] [--alone]
    python benchmarks/first_call.py rank demo --kinds

``rank`` is ``pm.rank`` of the tiny landscape, ``demo`` the command.  Seconds are those of the processor but for ``wall``; a kernel's own seconds are
without the kernels that it calls.  Each case runs twice in a folder of its own: with nothing kept, and with what the first run kept.  ``--alone``: without the
second process that compiles ahead; ``--kinds`` prints the lines of ``permeability/engines/kernels/job_kinds.py`` instead.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def rank() -> None:
    """A ranking of three sections of the tiny landscape."""
    import permeability as pm

    land, patches = pm.samples.tiny()
    pm.rank(land, patches, pm.candidates(land, "F", length_m=2000))


def demo() -> None:
    """`permeability demo`, without its words."""
    from permeability.cli.commands import main

    sys.argv = ["permeability", "demo"]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise


CASES = {"rank": rank, "demo": demo}


def within(case: str, most: int) -> None:
    """Run one case here and tell what was compiled."""
    from numba.core.event import Listener, register

    class Compiled(Listener):
        def __init__(self) -> None:
            self.open: list[list[float]] = []
            self.own: dict[str, list[float]] = {}

        def on_start(self, event: Any) -> None:
            self.open.append([time.process_time(), 0.0])

        def on_end(self, event: Any) -> None:
            begun, inner = self.open.pop()
            took = time.process_time() - begun
            function = event.data["dispatcher"].py_func
            name = f"{function.__module__.removeprefix('permeability.engines.')}.{function.__name__}"
            self.own.setdefault(name, []).append(took - inner)
            if self.open:
                self.open[-1][1] += took

    told = Compiled()
    register("numba:compile", told)
    wall, spent = time.monotonic(), time.process_time()
    CASES[case]()
    wall, spent = time.monotonic() - wall, time.process_time() - spent
    every = sum(map(sum, told.own.values()))
    print(f"{case}: {wall:.1f} s wall, {spent:.1f} s, compiling {every:.1f} s: {sum(map(len, told.own.values()))} kinds of {len(told.own)} functions", file=sys.stderr)  # fmt: skip
    for name, seconds in sorted(told.own.items(), key=lambda item: -sum(item[1]))[:most]:
        print(f"  {sum(seconds):6.2f} s  {len(seconds):2d} x  {name}", file=sys.stderr)


def kinds(case: str) -> None:
    """Run one case and print the kernels that it calls first, with their types."""
    from numba.core.event import Listener, register

    depth: list[int] = []

    class Called(Listener):
        def on_start(self, event: Any) -> None:
            function = event.data["dispatcher"].py_func
            if not depth:
                words = " ".join(map(word, event.data["args"]))
                print(
                    f"{function.__module__.rpartition('.')[2]}.{function.__name__} {words}", file=sys.stderr
                )
            depth.append(1)

        def on_end(self, event: Any) -> None:
            depth.pop()

    register("numba:compile", Called())
    CASES[case]()


def word(kind: Any) -> str:
    """A type as the lists write it."""
    from numba import types

    if isinstance(kind, types.NamedTuple):
        return "E"
    if isinstance(kind, types.BaseTuple):
        return f"({' '.join(map(word, kind))})"
    if isinstance(kind, types.Array):
        letter = {"float64": "F", "int64": "I", "int32": "S", "int16": "H", "uint8": "U", "bool": "B"}[str(kind.dtype)]  # fmt: skip
        return f"{letter}{kind.ndim}{'' if kind.mutable else 'r'}"
    return {"float64": "f", "int64": "i", "int32": "s", "int16": "h", "uint8": "u", "bool": "b"}[str(kind)]


def main() -> None:
    """Every case twice, each in a process of its own."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("cases", nargs="*", default=list(CASES))
    ask.add_argument("--most", type=int, default=25, help="kernels to list")
    ask.add_argument("--alone", action="store_true", help="no second process compiles ahead")
    ask.add_argument("--kinds", action="store_true", help="print what is compiled, once")
    ask.add_argument("--within", choices=list(CASES), help=argparse.SUPPRESS)
    given = ask.parse_args()
    if given.within:
        kinds(given.within) if given.kinds else within(given.within, given.most)
        return
    more = ["--kinds"] if given.kinds else []
    for case in given.cases:
        with tempfile.TemporaryDirectory(prefix="permeability-first-") as name:
            paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
            there = os.environ | {"NUMBA_CACHE_DIR": f"{name}/kernels", "PYTHONPATH": paths}
            if given.alone or given.kinds:
                there["PERMEABILITY_COMPILE_AHEAD"] = "0"
            for turn in ("nothing kept", "kept")[: 1 if given.kinds else 2]:
                place = Path(name, turn)
                place.mkdir()
                print(f"-- {turn}", file=sys.stderr)
                subprocess.run([sys.executable, __file__, "--within", case, "--most", str(given.most), *more],
                               cwd=place, env=there, stdout=subprocess.DEVNULL, check=True)  # fmt: skip


if __name__ == "__main__":
    main()
