"""Finished steps on disk hold numbers and nothing that could run; a file from somebody else does no harm."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import permeability as pm
from permeability.core.errors import OptionError
from permeability.core.kept_results import MAGIC, keepable, read_kept, write_kept
from permeability.core.tasks import Store, run_tasks

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
NUMBERS = hnp.arrays(
    st.sampled_from(["<f8", "<f4", "<i8", "<i4", "|b1", "|u1", "<c16"]),
    hnp.array_shapes(min_dims=0, min_side=0),
)
NESTED = st.recursive(
    PLAIN | NUMBERS,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


class Runs:
    """Unpickling this makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def same(a: Any, b: Any) -> bool:
    """Same kind, same bits, NaN and signed zero included."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (np.ndarray, np.generic)):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    return a.hex() == b.hex() if isinstance(a, float) else bool(a == b)


@given(NESTED)
@settings(max_examples=200, deadline=None)
def test_what_is_kept_comes_back_bit_for_bit(value: Any) -> None:
    data = write_kept(value, "key")
    found, back = read_kept(data, "key")
    assert found
    assert same(value, back)
    assert write_kept(back, "key") == data
    assert read_kept(data, "another") == (False, None)


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_other_bytes_are_not_found_even_with_a_right_checksum(data: bytes) -> None:
    assert read_kept(data, "key") == (False, None)
    assert read_kept(MAGIC + hashlib.sha256(data).digest() + data, "key") == (False, None)


@pytest.mark.parametrize(
    "told",
    [
        ["array", "|O", [1]],
        ["array", "<f8", [1 << 40]],
        ["array", "<f8", [-1]],
        ["array", "<U9", [1]],
        ["record", "Popen", [["args", ["plain", "true"]]]],
        ["record", "WindowResult", [["no such field", ["plain", 1]]]],
        ["float", "0x1p99999"],
        ["plain", ["a"]],
        ["what", 1],
        [],
        None,
        [["a"], 1],
    ],
)
def test_a_header_that_asks_for_more_is_not_found(told: Any) -> None:
    header = json.dumps({"key": "k", "result": told}).encode()
    body = len(header).to_bytes(8, "little") + header + b"\0" * 8
    assert read_kept(MAGIC + hashlib.sha256(body).digest() + body, "k") == (False, None)


def test_a_planted_pickle_does_not_run_and_its_task_is_done_again(tmp_path: Path) -> None:
    mark = tmp_path / "PWNED"
    payload = pickle.dumps(Runs(mark))
    store = tmp_path / "steps"
    list(run_tasks(abs, [-3], store=store))
    (file,) = store.glob("*.task")
    whole = file.read_bytes()
    for planted in (
        payload,
        hashlib.sha256(payload).digest() + payload,
        MAGIC + hashlib.sha256(payload).digest() + payload,
    ):
        file.write_bytes(planted)
        assert Store(store).load(file.stem) == (False, None)
        assert list(run_tasks(abs, [-3], store=store)) == [(0, 3)]
        assert not mark.exists()
        assert file.read_bytes() == whole


def test_no_module_reads_pickles_from_a_file() -> None:
    package = Path(pm.__file__).parent
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for word in (
            "import pickle",
            "from pickle",
            "read_pickle",
            "allow_pickle=True",
            "joblib",
            "cloudpickle",
        ):
            assert word not in text, f"{path.name}: {word}"


def test_records_come_back_when_they_were_announced_and_are_refused_otherwise() -> None:
    @dataclass(frozen=True)
    class Strange:
        a: int

    for value in (
        Strange(1),
        {1: 2},
        np.array(["a"]),
        np.array([None]),
        np.ma.masked_array([1.0], [True]),
        object(),
    ):
        with pytest.raises(OptionError, match=r"W04.*cannot be kept"):
            write_kept(value, "k")
    keepable(Strange)
    assert read_kept(write_kept(Strange(1), "k"), "k") == (True, Strange(1))


def test_a_resumed_project_run_equals_the_unbroken_one_whatever_was_planted(tmp_path: Path) -> None:
    project = pm.samples.tiny_project(tmp_path / "tiny")
    mark = tmp_path / "PWNED"
    pm.run_project(project, tmp_path / "whole", report=False)
    code = (
        "import sys, permeability.project.run.run as r\n"
        "import permeability as pm\n"
        "r.write_results = lambda *a: (_ for _ in ()).throw(KeyboardInterrupt)\n"  # all steps done, nothing written
        "pm.run_project(sys.argv[1], sys.argv[2], report=False)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(project), str(tmp_path / "out")], capture_output=True, check=False
    )
    assert b"KeyboardInterrupt" in done.stderr
    steps = sorted((tmp_path / ".out-steps").glob("*.task"))
    assert len(steps) > 1
    payload = pickle.dumps(Runs(mark))
    steps[0].write_bytes(hashlib.sha256(payload).digest() + payload)
    steps[1].write_bytes(MAGIC + hashlib.sha256(payload).digest() + payload)
    pm.run_project(project, tmp_path / "out", report=False, resume=True)
    assert not mark.exists()
    for file in sorted(p for p in (tmp_path / "whole").rglob("*") if p.is_file()):
        assert file.read_bytes() == (tmp_path / "out" / file.relative_to(tmp_path / "whole")).read_bytes(), (
            file.name
        )
    shutil.rmtree(tmp_path / "out")


def test_bytes_behind_the_last_number_are_not_ours() -> None:
    data = write_kept(np.arange(3.0), "key")
    body = data[len(MAGIC) + 32 :]
    assert MAGIC + hashlib.sha256(body).digest() + body == data
    longer = body + b"\0"
    assert read_kept(MAGIC + hashlib.sha256(longer).digest() + longer, "key") == (False, None)
