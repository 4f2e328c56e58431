"""Runs that are killed at random moments, and runs on disks that are full: is anything lost, is the result the same?

    python benchmarks/kills.py [--kills 1000] [--disks 50] [--seed 1] [--report-every 10]

A small project (one fence, two patches, four candidates, draws, a scenario) is run once without a break.  Then, for every kill, the run is
started in a process of its own (forked from one that has the kernels loaded, so that a run takes a part of a second) and ended
by SIGKILL at a random moment; one in three is killed a second time while it resumes; then it is resumed to its end.  Held:

- an earlier result folder is whole after the kill, at its place or where the next run puts it back from;
- every step kept in the store is whole;
- the resumed result has the bytes of the unbroken one, and nothing else is left lying beside it.

Full disks: the run goes into a file system in memory of a random size (Linux, root), or, where none can be mounted, under a limit of file
sizes.  It must end with the refusal O12 and no result, or with a whole result; with room, ``resume`` gives the same bytes.

Measured (two shared cores, Debian 12, CPython 3.11): see the last lines that it prints; figures of record in docs/trust.md.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import permeability as pm
from permeability.core.errors import PermeabilityError
from permeability.core.kept_results import read_kept

WHOLE, REFUSED, FAULT = 0, 2, 1
NO_ROOM = 22


def hashes(folder: Path) -> dict[str, str]:
    """Name -> SHA-256 of every file of a folder."""
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def start(project: Path, results: Path, report: bool, limit: int | None = None) -> int:
    """The run in a process of its own; its id."""
    child = os.fork()
    if child:
        return child
    code = FAULT
    try:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        pm.run_project(project, results, report=report, workers=2, resume=True)
        code = WHOLE
    except PermeabilityError as error:
        cause = error.__cause__
        full = error.code == "O12" or (error.code == "O10" and "O12" in str(error)) or "O12" in str(cause)
        code = NO_ROOM if full else FAULT
        if not full:
            print(error, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def ended(child: int) -> int:
    """Exit code, or minus the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def beside(results: Path) -> list[str]:
    """What lies beside a result folder and its kept steps, which the next run may use."""
    ours = {results.name, f".{results.name}-steps"}
    return sorted(p.name for p in results.parent.iterdir() if p.name not in ours)


def steps_whole(results: Path) -> tuple[int, int]:
    """Steps in the store, and how many of them are damaged."""
    tasks = list(results.with_name(f".{results.name}-steps").glob("*.task"))
    return len(tasks), sum(not read_kept(p.read_bytes(), p.stem)[0] for p in tasks)


def one_kill(project: Path, place: Path, expected: dict[str, str], lasts: float, chance: random.Random, report: bool) -> tuple[bool, int, list[str]]:  # fmt: skip
    """(was it killed in time, steps found finished, faults) of one trial."""
    results, faults, steps, killed = place / "results", [], 0, False
    earlier = chance.random() < 0.5
    if earlier:
        shutil.copytree(place.parent / "whole", results)
        (results / "notes.txt").write_text("mine")
    for _ in range(2 if chance.random() < 1 / 3 else 1):
        child = start(project, results, report)
        time.sleep(chance.uniform(0.0, lasts))
        os.kill(child, signal.SIGKILL)
        killed |= ended(child) == -signal.SIGKILL
        found, damaged = steps_whole(results)
        steps += found
        if damaged:
            faults.append(f"{damaged} of {found} kept steps are damaged")
        at = results if results.exists() else results.with_name(".results-old")
        if earlier and not at.exists():
            faults.append("the earlier result is gone")
        if at.exists() and not pm.verify_results(at).ok:
            faults.append(f"{at.name} is not whole after the kill")
    if ended(start(project, results, report)) != WHOLE:
        return killed, steps, [*faults, "the resumed run did not end well"]
    now = hashes(results)
    if earlier and now.pop("notes.txt", None) is None:
        faults.append("somebody's own file is gone")
    if now != expected:
        faults.append(f"other bytes: {sorted(n for n in {*now, *expected} if now.get(n) != expected.get(n))}")
    if beside(results):
        faults.append(f"left behind: {beside(results)}")
    return killed, steps, faults


def one_disk(project: Path, place: Path, expected: dict[str, str], needs: int, chance: random.Random) -> tuple[str, list[str]]:  # fmt: skip
    """(what the run on a disk of random size said, faults)."""
    faults: list[str] = []
    size = 4096 * int(chance.uniform(4, needs / 4096))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True).returncode == 0  # fmt: skip
    results = place / "results"
    try:
        code = ended(start(project, results, True, None if mounted else size // 8))
        said = {WHOLE: "whole", NO_ROOM: "refused"}.get(code, f"exit {code}")
        if code not in (WHOLE, NO_ROOM):
            faults.append(f"{size} bytes: exit code {code}")
        report_only = results.exists() and not (results / "report.html").exists()
        if results.exists() and not pm.verify_results(results).ok:
            faults.append(f"{size} bytes: the result is not whole")
        if code == NO_ROOM and results.exists() and not report_only:
            faults.append(f"{size} bytes: refused, but there is a result")
        if mounted:
            subprocess.run(["mount", "-o", "remount,size=64m", str(place)], check=True)
        if ended(start(project, results, True)) != WHOLE:
            faults.append(f"{size} bytes: the resumed run did not end well")
        elif hashes(results) != expected:
            faults.append(f"{size} bytes: other bytes")
        if beside(results):
            faults.append(f"left behind: {beside(results)}")
    finally:
        if mounted:
            subprocess.run(["umount", str(place)], check=True)
    return said, faults


def main() -> None:
    """Everything, with a line for every hundredth trial and for every fault."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("kills", 1000), ("disks", 50), ("seed", 1), ("report-every", 10)):
        ask.add_argument(f"--{name}", type=int, default=default)
    given = ask.parse_args()
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="permeability-kills-") as name:
        folder = Path(name)
        project = pm.samples.tiny_project(folder / "tiny")
        project.write_text(project.read_text().replace("draws = 0", "draws = 12"), encoding="utf-8")
        expected, lasts = {}, {}
        for report in (True, False):
            results = folder / ("whole" if report else "bare")
            for lies in (
                results,
                results.with_name(f".{results.name}-steps"),
            ):  # a run that finds its steps is too short
                shutil.rmtree(lies, ignore_errors=True)
            pm.run_project(project, results, report=report, workers=2)
            expected[report] = hashes(results)
            begun = time.perf_counter()
            if ended(start(project, folder / f"timed-{len(lasts)}-{report}", report)) != WHOLE:
                sys.exit("the unbroken run did not end well")
            lasts[report] = (
                time.perf_counter() - begun
            )  # of a process of its own, which is slower than this one
        print(f"an unbroken run: {lasts[True]:.2f} s with report, {lasts[False]:.2f} s without", flush=True)
        plain = {n: h for n, h in expected[True].items() if n not in ("record.json", "report.html")}
        assert plain == {n: h for n, h in expected[False].items() if n != "record.json"}
        killed = steps = bad = 0
        for i in range(given.kills):
            report = given.report_every > 0 and i % given.report_every == 0
            place = Path(tempfile.mkdtemp(dir=folder))
            hit, found, faults = one_kill(
                project, place, expected[report], 1.1 * lasts[report], chance, report
            )
            killed, steps, bad = killed + hit, steps + found, bad + bool(faults)
            for fault in faults:
                print(f"kill {i}: {fault}", flush=True)
            shutil.rmtree(place, ignore_errors=True)
            if (i + 1) % 100 == 0:
                print(f"{i + 1} trials, {killed} killed in time, {steps} finished steps found, {bad} with faults", flush=True)  # fmt: skip
        print(f"kills: {given.kills} trials, {killed} killed before their end, {steps} finished steps found whole, {bad} with faults")  # fmt: skip
        needs, said = (
            int(2.5 * sum(p.stat().st_size for p in (folder / "whole").rglob("*") if p.is_file())),
            [],
        )
        bad = 0
        for i in range(given.disks):
            place = Path(tempfile.mkdtemp(dir=folder))
            word, faults = one_disk(project, place, expected[True], needs, chance)
            said.append(word)
            bad += bool(faults)
            for fault in faults:
                print(f"disk {i}: {fault}", flush=True)
            shutil.rmtree(place, ignore_errors=True)
        counts = {word: said.count(word) for word in sorted(set(said))}
        print(f"full disks: {given.disks} trials, {counts}, {bad} with faults")


if __name__ == "__main__":
    main()
