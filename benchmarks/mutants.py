"""Faults planted one at a time in a copy of a module, and whether its tests see them (cosmic-ray plants them).

    python benchmarks/mutants.py MODULE TESTS... [--most 60] [--seed 1] [--seconds 120]

MODULE is a file of the package, TESTS what pytest is to run.  Of all faults that can be planted a sample is tried, drawn with the seed; the
module in the working copy is never touched.  A fault that no test sees (a survivor) is printed with its line, to be explained or given a test.

Measured: permeability/barriers/passability/chances.py with tests/barriers/test_passability.py, see docs/trust.md.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIG = """[cosmic-ray]
module-path = "{module}"
timeout = {seconds}.0
excluded-modules = []
test-command = {command!r}
[cosmic-ray.distributor]
name = "local"
"""


def main() -> None:
    """Plant, run, count."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("module")
    ask.add_argument("tests", nargs="+")
    ask.add_argument("--most", type=int, default=60)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--seconds", type=int, default=120, help="for each fault")
    ask.add_argument("--cosmic-ray", default=shutil.which("cosmic-ray") or "cosmic-ray")
    given = ask.parse_args()
    with tempfile.TemporaryDirectory(prefix="permeability-mutants-") as name:
        folder = Path(name)
        for part in ("permeability", "tests", "data", "docs"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("*.pyc"))
        shutil.copy(ROOT / "pyproject.toml", folder)
        command = " ".join(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *given.tests]
        )
        environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        config, session = folder / "mutants.toml", folder / "mutants.sqlite"
        config.write_text(CONFIG.format(module=folder / given.module, seconds=given.seconds, command=command))

        def tool(*words: str) -> None:
            subprocess.run([given.cosmic_ray, *words, str(config), str(session)], cwd=folder, env=environment, check=True)  # fmt: skip

        begun = time.monotonic()
        if subprocess.run(command.split(), cwd=folder, env=environment, capture_output=True).returncode:
            sys.exit("the tests fail before any fault is planted")
        print(f"the tests pass without a fault ({time.monotonic() - begun:.0f} s)", flush=True)
        tool("init")
        with contextlib.closing(sqlite3.connect(session)) as base:
            every = [job for (job,) in base.execute("SELECT job_id FROM work_items ORDER BY job_id")]
            order = [j for (j,) in base.execute("SELECT job_id FROM mutation_specs ORDER BY start_pos_row, start_pos_col, operator_name, operator_args, occurrence")]  # fmt: skip
            kept = set(random.Random(given.seed).sample(order, min(given.most, len(order))))
            for table in ("mutation_specs", "work_items"):
                base.executemany(
                    f"DELETE FROM {table} WHERE job_id = ?", [(j,) for j in every if j not in kept]
                )
            base.commit()
        tool("exec")
        with contextlib.closing(sqlite3.connect(session)) as base:
            rows = base.execute("SELECT start_pos_row, operator_name, test_outcome, diff FROM mutation_specs JOIN work_results USING (job_id) ORDER BY start_pos_row").fetchall()  # fmt: skip
        alive = [r for r in rows if str(r[2]).lower() == "survived"]
        for line, operator, _, diff in alive:
            changed = [d for d in diff.splitlines() if d[:1] in "+-" and d[:3] not in ("+++", "---")]
            print(f"survived, line {line} ({operator}):\n    " + "\n    ".join(changed))
        print(f"{given.module}: {len(rows)} of {len(every)} faults tried, {len(rows) - len(alive)} seen ({100 * (len(rows) - len(alive)) / max(1, len(rows)):.0f} %), {len(alive)} survived")  # fmt: skip


if __name__ == "__main__":
    main()
