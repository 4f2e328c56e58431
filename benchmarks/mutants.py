"""Faults planted one at a time in a copy of modules, and whether the tests see them (cosmic-ray plants them).

    python benchmarks/mutants.py permeability/landscape [--contexts .coverage --times junit.xml] [--most 60] [--seed 1] [--part 1/2]
    python benchmarks/mutants.py permeability/barriers/passability/chances.py --tests tests/barriers/test_passability.py

The first words are files or folders of the package.  Of all faults that can be planted in it a sample is tried, drawn with the seed; the
working copy is never touched.  Which tests are run for a fault: those of ``--tests``, and, with the data of a traced run

    pytest --cov=permeability --cov-branch --cov-context=test --junitxml=junit.xml

the quickest of those that come by its line, up to ``--spend`` seconds.  Not counted as faults: what stands in an annotation (never
evaluated) and the options of a compiled kernel's decorator (how it is kept and compiled, not what it computes).  A fault that no test sees
(a survivor) is printed with its line, to be explained or given a test.

Compiled kernels know of a change in their own file only, not in what they call from other files: with a kernel among the modules
(``--kernels``) all of them are compiled anew for every fault.

Figures of record: docs/trust.md.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIG = """[cosmic-ray]
module-path = {modules}
timeout = {seconds}.0
excluded-modules = []
test-command = {command!r}
[cosmic-ray.distributor]
name = "local"
"""
AT_MOST = 120
"""Tests for one fault."""
AT_MOST_OF_ONE = 3
"""Cases of one test among them."""


class Choice:
    """Which tests come by a line, the quickest first."""

    def __init__(self, contexts: Path, times: Path) -> None:
        self.spent: dict[str, float] = {}
        for case in ElementTree.parse(times).iter("testcase"):
            folder, _, name = str(case.get("classname")).rpartition(".")
            self.spent[f"{folder.replace('.', '/')}/{name}.py::{case.get('name')}"] = float(
                case.get("time") or 0
            )
        from coverage import CoverageData

        self.data = CoverageData(str(contexts))
        self.data.read()
        self.files = {
            Path(f).as_posix().rpartition("/permeability/")[2]: f for f in self.data.measured_files()
        }

    def of(self, module: str, lines: range, spend: float) -> list[str]:
        """Node ids for a fault on these lines of a module (path from the root of the project)."""
        by_line = self.data.contexts_by_lineno(self.files.get(module.removeprefix("permeability/"), ""))
        tests = {c.rpartition("|")[0] for line in lines for c in by_line.get(line, ()) if c}
        if not tests:  # a default or a name in a signature: what runs the body
            tests = {
                c.rpartition("|")[0]
                for n in _function_at(module, lines.start)
                for c in by_line.get(n, ())
                if c
            }
        if not tests:  # what runs when the module is loaded
            tests = {c.rpartition("|")[0] for found in by_line.values() for c in found if c}
        kept: list[str] = []
        left, of_one = spend, Counter[str]()
        for test in sorted(tests, key=lambda t: (self.spent.get(t, 1.0), t)):
            name = test.partition("[")[0]
            of_one[name] += 1
            if of_one[name] > AT_MOST_OF_ONE:  # a hundred cases of one test see what the first ones see
                continue
            left -= self.spent.get(test, 1.0)
            if left < 0 or len(kept) == AT_MOST:
                break
            kept.append(test)
        return kept or sorted(tests, key=lambda t: self.spent.get(t, 1.0))[:1]


def _function_at(module: str, line: int) -> range:
    """Lines of the innermost function whose text, signature included, holds this line; none outside of functions."""
    found = [
        node
        for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.lineno <= line <= (node.end_lineno or 0)
    ]
    inner = min(found, key=lambda n: (n.end_lineno or 0) - n.lineno, default=None)
    return range(0) if inner is None else range(inner.body[0].lineno, (inner.end_lineno or 0) + 1)


def not_faults(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Begin and end (line, column) of what is no fault when it changes: annotations, the decorators of kernels."""
    spans = []
    for node in ast.walk(ast.parse(source)):
        own: list[ast.expr | None] = []
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            own = [node.returns, *(d for d in node.decorator_list if "njit" in ast.unparse(d))]
        elif isinstance(node, (ast.arg, ast.AnnAssign)):
            own = [node.annotation]
        spans += [((n.lineno, n.col_offset), (n.end_lineno or 0, n.end_col_offset or 0)) for n in own if n]
    return spans


def own_command(folder: Path) -> None:
    """What cosmic-ray starts for each fault: finds the line that differs from the kept source, runs the tests chosen for it."""
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    changed = [m for m in plan["modules"] if (folder / m).read_bytes() != (folder / "kept" / m).read_bytes()]
    if len(changed) != 1:
        sys.exit(f"{len(changed)} modules differ")
    old = (folder / "kept" / changed[0]).read_text(encoding="utf-8").splitlines()
    new = (folder / changed[0]).read_text(encoding="utf-8").splitlines()
    first = next(i for i, (a, b) in enumerate(zip(old, new)) if a != b) + 1
    last = max(first, first + len(old) - len(new))
    if plan["kernels"]:
        for kernel in (folder / "permeability/engines/kernels").glob("*.py"):
            os.utime(kernel)
    tests = list(plan["tests"])
    if plan["contexts"]:
        choice = Choice(Path(plan["contexts"]), Path(plan["times"]))
        chosen = choice.of(changed[0], range(first, last + 1), plan["spend"])
        tests += [t for t in chosen if t not in set(plan["failing"])]
    (folder / "asked.txt").write_text("\n".join(tests), encoding="utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"@{folder / 'asked.txt'}"]
    sys.exit(subprocess.run(words, cwd=folder).returncode if tests else 0)


def main() -> None:
    """Plant, run, count."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("module", nargs="+", help="files or folders of the package")
    ask.add_argument("--tests", nargs="+", default=[])
    ask.add_argument("--contexts", type=Path, help="data of coverage with a context for each test")
    ask.add_argument("--times", type=Path, help="its junit.xml")
    ask.add_argument("--spend", type=float, default=20, help="seconds of tests for a fault")
    ask.add_argument("--most", type=int, default=60)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--part", default="1/1", help="of the sample: 1/2 and 2/2 on two machines")
    ask.add_argument("--again", type=Path, help="what an earlier call printed: only its survivors")
    ask.add_argument("--seconds", type=int, default=240, help="for each fault")
    ask.add_argument("--kernels", action="store_true", help="compile all kernels anew for every fault")
    ask.add_argument("--cosmic-ray", default=shutil.which("cosmic-ray") or "cosmic-ray")
    given = ask.parse_args()
    if not given.tests and not (given.contexts and given.times):
        ask.error("--tests, or --contexts with --times")
    with tempfile.TemporaryDirectory(prefix="permeability-mutants-") as name:
        folder = Path(name)
        folder /= "project"
        leave = shutil.ignore_patterns(
            "*.pyc", "__pycache__", ".git", ".venv", "build", "dist", "site", ".coverage*"
        )
        shutil.copytree(ROOT, folder, ignore=leave)
        modules = sorted(
            {
                p.relative_to(folder).as_posix()
                for m in given.module
                for p in ([folder / m] if m.endswith(".py") else (folder / m).rglob("*.py"))
            }
        )
        for module in modules:
            (folder / "kept" / module).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / module, folder / "kept" / module)
        plan = {
            "modules": modules,
            "kernels": given.kernels,
            "tests": given.tests,
            "spend": given.spend,
            "contexts": str(given.contexts.resolve()) if given.contexts else "",
            "times": str(given.times.resolve()) if given.times else "",
            "failing": [],
        }
        command = f"{sys.executable} {Path(__file__).resolve()} --own {folder}"
        environment = os.environ | {
            "PYTHONPATH": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PERMEABILITY_COMPILE_AHEAD": "0",
            "NUMBA_CACHE_DIR": str(folder / "kernels-kept"),
        }
        config, session = folder / "mutants.toml", folder / "mutants.sqlite"
        paths = json.dumps([str(folder / m) for m in modules])
        config.write_text(CONFIG.format(modules=paths, seconds=given.seconds, command=command))

        def tool(*words: str) -> None:
            subprocess.run([given.cosmic_ray, *words, str(config), str(session)], cwd=folder, env=environment, check=True)  # fmt: skip

        if given.tests:
            begun = time.monotonic()
            words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *given.tests]
            if subprocess.run(words, cwd=folder, env=environment, capture_output=True).returncode:
                sys.exit("the tests fail before any fault is planted")
            print(f"the tests pass without a fault ({time.monotonic() - begun:.0f} s)", flush=True)
        tool("init")
        spans = {m: not_faults((folder / m).read_text(encoding="utf-8")) for m in modules}
        with contextlib.closing(sqlite3.connect(session)) as base:
            rows = base.execute("SELECT job_id, module_path, start_pos_row, start_pos_col, operator_name FROM mutation_specs ORDER BY module_path, start_pos_row, start_pos_col, operator_name, operator_args, occurrence").fetchall()  # fmt: skip
            order = [
                job
                for job, path, row, column, _ in rows
                if not any(
                    a <= (row, column) < b for a, b in spans[Path(path).relative_to(folder).as_posix()]
                )
            ]
            sample = random.Random(given.seed).sample(order, min(given.most, len(order)))
            which, parts = (int(w) for w in given.part.split("/"))
            kept = set(sample[which - 1 :: parts])
            if given.again:
                alive = set(
                    re.findall(r"^survived, (\S+:\d+ \(.*\)):$", given.again.read_text(), re.MULTILINE)
                )
                named = {job: f"{Path(path).relative_to(folder).as_posix()}:{row} ({operator})" for job, path, row, _, operator in rows}  # fmt: skip
                kept = {job for job in kept if named[job] in alive}
            for table in ("mutation_specs", "work_items"):
                base.executemany(
                    f"DELETE FROM {table} WHERE job_id = ?", [(j,) for j, *_ in rows if j not in kept]
                )
            base.commit()
        print(f"{len(order)} faults can be planted in {len(modules)} files, {len(kept)} are", flush=True)
        if given.contexts:
            choice = Choice(given.contexts, given.times)
            lines = {
                (Path(path).relative_to(folder).as_posix(), row) for job, path, row, *_ in rows if job in kept
            }
            every = sorted({t for m, row in lines for t in choice.of(m, range(row, row + 1), given.spend)})
            plan["failing"] = fail_without(folder, every, environment)
            print(f"{len(every)} tests come by them, {len(plan['failing'])} of them fail in the copy and are left out", flush=True)  # fmt: skip
        (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        tool("exec")
        report(session, folder, given.module)


def fail_without(folder: Path, tests: list[str], environment: dict[str, str]) -> list[str]:
    """Which of these tests fail though no fault is planted (they want the repository, not a copy of it)."""
    (folder / "asked.txt").write_text("\n".join(tests), encoding="utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "--tb=no", "-rfE", f"@{folder / 'asked.txt'}"]  # fmt: skip
    said = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True).stdout
    return [
        line.split(" ", 1)[1].split(" - ")[0]
        for line in said.splitlines()
        if line.startswith(("FAILED ", "ERROR "))
    ]


def report(session: Path, folder: Path, name: list[str]) -> None:
    """Survivors with their lines; the score, whole and for each file."""
    with contextlib.closing(sqlite3.connect(session)) as base:
        rows = base.execute("SELECT module_path, start_pos_row, operator_name, test_outcome, diff, output FROM mutation_specs JOIN work_results USING (job_id) ORDER BY module_path, start_pos_row").fetchall()  # fmt: skip
    seen: dict[str, list[bool]] = defaultdict(list)
    for path, line, operator, outcome, diff, _ in rows:
        module = Path(path).relative_to(folder).as_posix()
        seen[module].append("survived" not in str(outcome).lower())
        if not seen[module][-1]:
            changed = [d for d in diff.splitlines() if d[:1] in "+-" and d[:3] not in ("+++", "---")]
            print(f"survived, {module}:{line} ({operator}):\n    " + "\n    ".join(changed))
    for module, of in sorted(seen.items()):
        print(f"{module}: {sum(of)} of {len(of)} seen")
    every = [s for of in seen.values() for s in of]
    late = sum(str(row[-1]).startswith("timeout") for row in rows)
    print(f"{late} of the seen ran out of time")
    print(
        f"{' '.join(name)}: {sum(every)} of {len(every)} seen ({100 * sum(every) / max(1, len(every)):.1f} %)"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--own"]:
        own_command(Path(sys.argv[2]))
    else:
        main()
