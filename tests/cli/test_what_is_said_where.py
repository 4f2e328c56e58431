"""What commands say on which stream: messages, progress, faults of the program, and values as JSON has them."""

from __future__ import annotations

import errno
import json
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from permeability.cli import commands, streams
from permeability.cli.answers import records
from permeability.cli.progress import Expected
from permeability.core.errors import EXIT_FAULT, EXIT_INPUT, Finding
from permeability.core.tasks import Progress


@pytest.fixture(autouse=True)
def _plain() -> None:
    streams.set_json(False)  # a command of another test may have been the last to be asked


@pytest.fixture
def as_json() -> Iterator[None]:
    streams.set_json(True)
    yield
    streams.set_json(False)


def test_an_event_is_for_programs_only(capsys: pytest.CaptureFixture[str]) -> None:
    streams.event("progress", done=1)
    assert capsys.readouterr() == ("", "")


def test_words_leave_stdout_to_the_result(as_json: None, capsys: pytest.CaptureFixture[str]) -> None:
    streams.say("four sections")
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err) == {"event": "message", "text": "four sections"}


def test_off_the_main_thread_signals_stay_as_they_are() -> None:
    seen = []

    def work() -> None:
        with streams.stoppable():
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
    with streams.stoppable():
        assert signal.getsignal(signal.SIGTERM) not in seen or before != signal.SIG_DFL


def step(done: int, left: float | None = None, restored: int = 0) -> Progress:
    return Progress(done, 40, restored, done / 40, 1.0, left)


def test_a_long_job_is_told_once_for_every_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    told = Expected("windows")
    for done in range(9):
        told(step(done, restored=2))
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in lines] == [f"windows: {n} of 40 blocks" for n in (0, 4, 8)]
    assert lines[0].endswith(", 2 of them from an earlier run")


def test_on_a_terminal_the_line_is_rewritten_and_ends_with_the_job(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    told = Expected("windows")
    for done in (1, 2, 40):
        told(step(done, 60.0))
    text = capsys.readouterr().err
    assert text.count("\r") == 3
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert "windows: 2 of 40 blocks; " in text
    assert len({len(line) for line in text.strip("\n").split("\r")[1:]}) == 1


def test_a_failed_self_test_is_a_fault_of_the_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {"python": "3", "circuit self-test": "FAILED: off by 1"}
    monkeypatch.setattr("permeability.project.run.doctor.doctor", lambda: found)
    with pytest.raises(SystemExit) as end:
        commands.main(["doctor"])
    assert end.value.code == EXIT_FAULT
    assert "FAILED: off by 1" in capsys.readouterr().out


def test_a_system_error_that_no_user_can_mend_is_not_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(error: OSError) -> int:
        def action() -> None:
            raise error

        return commands._guarded(action)

    with pytest.raises(OSError, match="boom"):
        fail(OSError(errno.EIO, "boom"))
    assert capsys.readouterr().err == ""
    assert fail(OSError(errno.ENOSPC, "No space left on device")) == EXIT_INPUT
    assert fail(OSError(errno.EACCES, "Permission denied", "a.tif")) == EXIT_INPUT
    err = capsys.readouterr().err
    assert "the system refuses 'to write': No space left on device" in err
    assert "the system refuses 'a.tif': Permission denied" in err


def test_a_cell_may_hold_a_list_or_a_record() -> None:
    finding = Finding("L03", "the layer is empty.", "check the file")
    table = pd.DataFrame(
        {"places": [(1, {"km": 2.0})], "told": [finding], "at": [pd.NaT], "file": [Path("a")]}
    )
    (row,) = records(table)
    assert row["places"] == [1, {"km": 2.0}]
    assert row["told"]["code"] == "L03"
    assert row["at"] is None
