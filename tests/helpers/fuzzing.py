"""Hostile inputs made from a seed, and doors that must refuse or take them; run by tests/fuzz and, for long, by benchmarks/fuzz.py.

A case is (kind, seed): the same pair is the same input on every machine.  A door may give a result, findings or a refusal with a
code; anything else (a bare exception, a warning of numpy or shapely, no answer within ten seconds, a file outside its folder, the
end of the process) is a fault, and is printed with its kind and seed.
"""

from __future__ import annotations

import copy
import os
import random
import shutil
import signal
import tomllib
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import permeability as pm
from permeability.core.errors import PermeabilityError

HANG_S = 10  # of the processor; a machine with much else to do may take six times as long by the clock
DEEP = "[" * 300 + "]" * 300
NUMBERS = [0, 1, -1, 2, 0.5, -0.5, 1e-9, 1e-300, 1e300, -1e300, 10**9, 10**30, -(10**30), 2**63, float("nan"), float("inf"), float("-inf")]  # fmt: skip
WORDS = [
    "", " ", "8 km", "5,000", "5000 veh/d", "spring 2031", "nan", "inf", "1e999", "F", "S", "W", "barriers", "patches", "resistance", "khulan", "yeti", "own",
    "../../../etc/passwd", "/etc/passwd", "/dev/zero", "/proc/self/environ", "layers.gpkg", "resistance.tif", "project.toml", ".", "..", "a" * 5000, "x\0y",
    "/vsicurl/http://127.0.0.1:9/a.tif", "http://127.0.0.1:9/a.gpkg", "/vsizip//etc/passwd", "PG:host=127.0.0.1", "{{ 7*7 }}", "<script>alert(1)</script>",
    "'; DROP TABLE x; --", "=cmd|' /C calc'!A0", "хулан", "\u202etxt.exe", "EPSG:4326", "EPSG:32648", "EPSG:0", "+proj=longlat", "F km 0-2", "today", DEEP, "~", "~nobody_here/a.gpkg", "~/a",
]  # fmt: skip
Door = Callable[[Path], object]


# ---------------------------------------------------------------- values and tables
def value(r: random.Random, depth: int = 0) -> Any:
    """A value that a key was not made for."""
    kind = r.randrange(10 if depth < 3 else 5)
    if kind < 2:
        return r.choice(NUMBERS)
    if kind < 4:
        return r.choice(WORDS)
    if kind == 4:
        return r.random() < 0.5
    if kind == 5:
        return [value(r, depth + 1) for _ in range(r.randrange(4))]
    if kind == 6:
        return {r.choice(WORDS[4:16]) or "x": value(r, depth + 1) for _ in range(r.randrange(3))}
    if kind == 7:
        return [r.choice(NUMBERS) for _ in range(r.randrange(5))]
    if kind == 8:
        return r.uniform(-10, 10_000)
    return r.randrange(-5, 10_000)


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to all nodes of nested tables."""
    found = [path] if path else []
    if isinstance(tree, dict):
        for k, v in tree.items():
            found += places(v, (*path, k))
    elif isinstance(tree, list):
        for i, v in enumerate(tree):
            found += places(v, (*path, i))
    return found


def keys_of(path: tuple[Any, ...]) -> list[str]:
    """Keys that a project file knows there."""
    from permeability.project.spec import valid_keys

    return valid_keys(path)


def bent(tree: Any, r: random.Random, keys: Callable[[tuple[Any, ...]], list[str]]) -> Any:
    """A copy of nested tables with a few things changed, taken out, doubled or added."""
    tree = copy.deepcopy(tree)
    for _ in range(r.choice([1, 1, 1, 2, 3, 6])):
        path = r.choice(places(tree) or [()])
        if not path:
            break
        holder = tree
        for part in path[:-1]:
            holder = holder[part]
        what = r.randrange(6)
        if what == 0:
            del holder[path[-1]]
        elif what == 1 and isinstance(holder, list):
            holder.insert(r.randrange(len(holder) + 1), value(r))
        elif what <= 3:
            there = holder[path[-1]]
            known = keys(path)
            if isinstance(there, dict):
                there[r.choice(known) if known and r.random() < 0.8 else "unheard_of"] = value(r)
            else:
                holder[path[-1]] = value(r)
        elif isinstance(holder, dict):
            known = keys(path[:-1])
            holder[r.choice(known) if known and r.random() < 0.9 else r.choice(WORDS[9:16])] = value(r)
    return tree


def toml(tree: Any) -> str:
    """Nested tables as TOML: one inline table, which every value may be part of."""
    return "".join(f"{_text(str(k))} = {_inline(v)}\n" for k, v in tree.items())


def _inline(v: Any) -> str:
    if isinstance(v, bool):
        return str(v).lower()
    if isinstance(v, (int, float)):
        return repr(v)
    if isinstance(v, dict):
        return "{" + ", ".join(f"{_text(str(k))} = {_inline(x)}" for k, x in v.items()) + "}"
    if isinstance(v, list):
        return "[" + ", ".join(map(_inline, v)) + "]"
    return _text(str(v))


def _text(v: str) -> str:
    out = "".join(c if c >= " " and c not in '"\\\x7f' else f"\\u{ord(c):04x}" for c in v)
    return f'"{out}"'


def scarred(data: bytes, r: random.Random) -> bytes:
    """Bytes with some flipped, cut out, doubled, overwritten or cut off."""
    out = bytearray(data)
    for _ in range(r.choice([1, 1, 2, 4, 16])):
        at = r.randrange(len(out)) if out else 0
        length = r.choice([1, 1, 2, 4, 16, 256])
        what = r.randrange(7)
        if what == 0 and out:
            out[at] ^= 1 << r.randrange(8)
        elif what == 1:
            out[at : at + length] = r.randbytes(length)
        elif what == 2:
            del out[at : at + length]
        elif what == 3:
            out[at:at] = out[at : at + length]
        elif what == 4:
            out[at : at + length] = bytes([r.choice([0, 255, 127, 48])]) * length
        elif what == 5 and r.random() < 0.2:
            del out[at:]
        else:
            out[at : at + 1] = r.choice(
                [b"nan", b"-", b"1e999", b"\xff\xfe", b"\0", b"=", b"[", b"9" * 20, b"\n", b" "]
            )
    return bytes(out)


# ---------------------------------------------------------------- the doors
class Kitchen:
    """What the doors need, made once: a small project, problem files, a profile, tracks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base = Path(pm.samples.tiny_project(folder / "base")).parent
        text = (self.base / "project.toml").read_text(encoding="utf-8")
        self.tiny = tomllib.loads(text)
        self.text = text.encode()
        self.gpkg = (self.base / "layers.gpkg").read_bytes()
        self.tif = (self.base / "resistance.tif").read_bytes()
        gobi = pm.samples.sample_folder()
        self.projects = [self.tiny, self.tiny, *(tomllib.loads((gobi / n).read_text(encoding="utf-8")) for n in ("project.toml", "eia.toml", "tracks.toml"))]  # fmt: skip
        self.profile = pm.species.species("khulan").to_dict()
        self.count = 0

    def place(self) -> Path:
        """An empty folder with the layers of the small project."""
        self.count += 1
        place = self.folder / f"case{self.count}"
        place.mkdir()
        for name in ("layers.gpkg", "resistance.tif"):
            os.link(self.base / name, place / name)
        return place


def fresh(path: Path, data: bytes) -> Path:
    """Write a file anew; what stood there may be a link to the pattern."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    return path


def project_keys(k: Kitchen, r: random.Random, place: Path) -> Door:
    """A project file with other keys and values: read and judged by its own, without layers."""
    fresh(
        place / "project.toml", toml(bent(r.choice(k.projects), r, keys_of)).encode("utf-8", "surrogatepass")
    )
    return lambda p: pm.open_project(p / "project.toml")


def project_text(k: Kitchen, r: random.Random, place: Path) -> Door:
    """A project file with other bytes."""
    fresh(place / "project.toml", scarred(k.text, r))
    return lambda p: pm.open_project(p / "project.toml")


def project(k: Kitchen, r: random.Random, place: Path) -> Door:
    """A small project with other keys and values: checked with its layers; one in eight that passes is run."""
    fresh(place / "project.toml", toml(bent(k.tiny, r, keys_of)).encode("utf-8", "surrogatepass"))
    return checked_and_run(r.random() < 0.125)


def checked_and_run(run: bool) -> Door:
    """`check`, and `run` of what passes it, which must not refuse then (but for what only computing shows)."""

    def door(place: Path) -> object:
        errors = [f for f in pm.check(place / "project.toml") if f.severity == "error"]
        if errors or not run:
            return errors
        return pm.run_project(place / "project.toml", place / "results", report=False, workers=1)

    return door


def species(k: Kitchen, r: random.Random, place: Path) -> Door:
    """A species profile with other keys and values, or other bytes."""
    text = toml(bent(k.profile, r, lambda path: list(k.profile)))
    data = text.encode("utf-8", "surrogatepass")
    fresh(place / "own.toml", scarred(data, r) if r.random() < 0.3 else data)
    from permeability.project.recipe import own_profile

    return lambda p: own_profile("own", "own.toml", None, p)


HEADER = "ncols 4\nnrows 3\nxllcorner 0\nyllcorner 0\ncellsize 10\nNODATA_value -9999\n"
PROBLEM = {
    "data_type": "raster", "scenario": "pairwise", "habitat_file": "habitat.asc", "point_file": "focal.asc",
    "habitat_map_is_resistances": "True", "output_file": "result.out", "write_cur_maps": "True", "connect_four_neighbors_only": "False",
}  # fmt: skip


def grid(k: Kitchen, r: random.Random, place: Path) -> Door:
    """An ESRI ASCII grid with other bytes."""
    rows = "\n".join(" ".join(r.choice(["1", "2.5", "-9999", "0", "-1", "nan", "inf", "1e300", "x", "1,5"] if r.random() < 0.1 else ["1", "3"]) for _ in range(4)) for _ in range(3))  # fmt: skip
    fresh(place / "a.asc", scarred((HEADER + rows).encode(), r))
    from permeability.layers.exchange_grids import read_raster

    return lambda p: read_raster(p / "a.asc")


def problem(k: Kitchen, r: random.Random, place: Path) -> Door:
    """A Circuitscape problem file with other options and grids, run."""
    from permeability.interop.circuitscape import run_problem
    from permeability.interop.circuitscape_options import FILES, FLAGS

    options = dict(PROBLEM)
    for _ in range(r.randrange(4)):
        key = r.choice([*PROBLEM, *FLAGS, *FILES])
        options[key] = r.choice([str(value(r, 3)), "True", "False", "pairwise", "advanced", "one-to-all", "all-to-one", "network", "raster", "habitat.asc", "focal.asc", "0", "1"]).replace("\n", " ")  # fmt: skip
    cells = ["1", "1", "2", "5", "-9999"]
    habitat = "\n".join(" ".join(r.choice(cells) for _ in range(4)) for _ in range(3))
    focal = "\n".join(["1 -9999 -9999 2", "-9999 -9999 -9999 -9999", "-9999 3 -9999 -9999"])
    files = {"habitat.asc": HEADER + habitat, "focal.asc": HEADER + focal, "problem.ini": "[Circuitscape mode]\n" + "\n".join(f"{a} = {b}" for a, b in options.items()) + "\n"}  # fmt: skip
    for name, text in files.items():
        data = text.encode("utf-8", "surrogatepass")
        fresh(place / name, scarred(data, r) if r.random() < 0.25 else data)
    return lambda p: run_problem(p / "problem.ini", output_dir=p / "out")


def omniscape(k: Kitchen, r: random.Random, place: Path) -> Door:
    """An Omniscape problem file with other options and grids, run."""
    from permeability.interop.omniscape import run_problem

    options = {
        "resistance_file": "habitat.asc",
        "source_file": "source.asc",
        "radius": "2",
        "block_size": "1",
        "project_name": "out",
    }
    for _ in range(r.randrange(3)):
        options[r.choice([*options, "resistance_is_conductance", "source_threshold", "calc_normalized_current", "r_cutoff", "buffer", "mask_nodata", "conditional", "solver", "connect_four_neighbors_only"])] = r.choice([str(value(r, 3)), "true", "false", "1", "0", "3"]).replace("\n", " ")  # fmt: skip
    text = "[Required]\n" + "\n".join(f"{a} = {b}" for a, b in options.items()) + "\n"
    grids = {n: HEADER + "\n".join(" ".join(r.choice(["1", "1", "2", "-9999"]) for _ in range(4)) for _ in range(3)) for n in ("habitat.asc", "source.asc")}  # fmt: skip
    for name, written in {"problem.ini": text, **grids}.items():
        data = written.encode("utf-8", "surrogatepass")
        fresh(place / name, scarred(data, r) if r.random() < 0.25 else data)
    return lambda p: run_problem(p / "problem.ini", output_dir=p / "out")


def geopackage(k: Kitchen, r: random.Random, place: Path) -> Door:
    """A GeoPackage with other bytes; one in eight goes through the whole check."""
    fresh(place / "layers.gpkg", scarred(k.gpkg, r))
    if r.random() < 0.125:
        fresh(place / "project.toml", k.text)
        return checked_and_run(False)
    from permeability.layers.vectors import read_vector

    table = r.choice(["barriers", "patches"])
    return lambda p: read_vector(p / "layers.gpkg", table)


def tiff(k: Kitchen, r: random.Random, place: Path) -> Door:
    """A GeoTIFF with other bytes; one in eight goes through the whole check."""
    fresh(place / "resistance.tif", scarred(k.tif, r))
    if r.random() < 0.125:
        fresh(place / "project.toml", k.text)
        return checked_and_run(False)
    from permeability.layers.exchange_grids import read_raster

    return lambda p: read_raster(p / "resistance.tif")


def tracks(k: Kitchen, r: random.Random, place: Path) -> Door:
    """A table of fixes with other bytes and cells."""
    lines = ["animal,time,lon,lat"]
    for i in range(12):
        cells = [
            r.choice("ab"),
            f"2024-05-0{1 + i % 9} {i:02d}:00:00",
            f"{102 + i / 100:.4f}",
            f"{44 + i / 90:.4f}",
        ]
        if r.random() < 0.2:
            cells[r.randrange(4)] = str(value(r, 3)).replace("\n", " ")
        lines.append(",".join(cells))
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    fresh(place / "fixes.csv", scarred(data, r) if r.random() < 0.7 else data)
    from permeability.telemetry.reading import read_tracks

    options: dict[str, Any] = {
        "crs": "EPSG:4326",
        "timezone": r.choice(["UTC", "Asia/Ulaanbaatar", "Mars/Base", ""]),
    }
    if r.random() < 0.2:
        options[r.choice(["animal", "time", "x", "y", "error_m", "max_speed_kmh", "crs"])] = r.choice(
            [*WORDS[:12], 1.0, -1.0, float("nan")]
        )
    return lambda p: read_tracks(p / "fixes.csv", **options)


KINDS: dict[str, Callable[[Kitchen, random.Random, Path], Door]] = {
    "project-keys": project_keys, "project-text": project_text, "project": project, "species": species, "grid": grid, "problem": problem,
    "omniscape": omniscape, "geopackage": geopackage, "tiff": tiff, "tracks": tracks,
}  # fmt: skip


# ---------------------------------------------------------------- one case
class Hang(BaseException):
    """No answer within the time."""


def attempt(kitchen: Kitchen, kind: str, seed: int) -> str | None:
    """Make and try one case; the fault, or None."""
    r = random.Random(f"{kind} {seed}")
    place = kitchen.place()
    before = set(kitchen.folder.iterdir())
    fault: str | None = None
    alarm = hasattr(signal, "setitimer")
    try:
        door = KINDS[kind](kitchen, r, place)
        if alarm:
            signal.signal(signal.SIGALRM, _hangs)
            signal.signal(signal.SIGPROF, _hangs)
            signal.setitimer(signal.ITIMER_PROF, HANG_S)
            signal.setitimer(signal.ITIMER_REAL, 6 * HANG_S)
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "error", category=RuntimeWarning, module=r"permeability\."
            )  # numpy's; GDAL's are of pyogrio
            door(place)
    except PermeabilityError as refusal:
        if not refusal.remedy or not refusal.code:
            fault = f"no remedy: {refusal}"
    except Hang:
        fault = f"no answer in {HANG_S} s\n{traceback.format_exc(limit=-3)}"
    except Exception:
        fault = traceback.format_exc(limit=-6)
    finally:
        if alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.setitimer(signal.ITIMER_PROF, 0)
    strange = {p.name for p in set(kitchen.folder.iterdir()) - before}
    if strange:
        fault = f"{fault or ''}\nwritten outside its folder: {strange}"
    shutil.rmtree(place, ignore_errors=True)
    return fault and f"{kind} {seed}: {fault}"


def _hangs(number: int, frame: object) -> None:
    raise Hang
