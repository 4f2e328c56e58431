"""What a command answers: words for a terminal, or with ``--json`` one JSON document on stdout and events on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import click

from permeability.cli.streams import as_json, event, out, say, set_json
from permeability.core.errors import Finding, PermeabilityError

__all__ = [
    "JsonCommand",
    "JsonGroup",
    "answer",
    "error_event",
    "finding_facts",
    "plain",
    "records",
    "written",
]


class JsonCommand(click.Command):
    """A command that takes ``--json``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(
                ["--json", "json_asked"], is_flag=True, is_eager=True, expose_value=False, callback=_ask,
                help="print the result as JSON, progress and messages as JSON lines on stderr",
            )
        )  # fmt: skip


def _ask(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    set_json(value)


class JsonGroup(click.Group):
    """A group of such commands."""

    command_class = JsonCommand


def answer(data: Any, text: str | Callable[[], None]) -> None:
    """Print a result: ``data`` as JSON where that is asked for, else ``text`` (or what it prints).

    Parameters
    ----------
    data : object
        Numbers, texts, lists, dicts, data classes, paths.
    text : str or callable
    """
    if as_json():
        from permeability.layers.whole_files import json_text

        out(json_text(plain(data)).rstrip())
    elif callable(text):
        text()
    else:
        say(text)


def written(path: str | Path, *, quiet: bool = False) -> str:
    """Tell of a file or folder that was written: an event with ``--json``, else its name on stdout unless ``quiet``."""
    if as_json():
        event("written", path=str(path))
    elif not quiet:
        say(str(path))
    return str(path)


def plain(value: Any) -> Any:
    """A value as JSON has it: data classes become dicts, paths and other things text.

    >>> plain(Finding("L03", "the layer is empty.", "check the file", rows=(3,)))["rows"]
    ['3']
    """
    if isinstance(value, Finding):
        return finding_facts(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(v) for v in value]
    return value


def finding_facts(finding: Finding) -> dict[str, Any]:
    """A finding as JSON has it."""
    return {
        "code": finding.code, "severity": finding.severity, "what": finding.what, "remedy": finding.remedy, "layer": finding.layer,
        "rows": [str(r) for r in finding.rows], "details": {str(k): str(v) for k, v in finding.details.items()},
    }  # fmt: skip


def error_event(error: PermeabilityError, findings: Iterable[Finding] = ()) -> None:
    """A refusal as events: its findings, and the error itself last."""
    for finding in findings:
        event("finding", **finding_facts(finding))
    facts = finding_facts(error.finding()) | {"severity": "error"}
    event("error", kind=type(error).__name__, exit_code=error.exit_code, text=str(error), **facts)


def records(table: Any) -> list[dict[str, Any]]:
    """Rows of a table without shapes, as JSON has them: times in ISO 8601, nothing as null.

    >>> import pandas as pd
    >>> records(pd.DataFrame({"day": [pd.Timestamp("2024-05-01")], "km": [float("nan")]}))
    [{'day': '2024-05-01T00:00:00', 'km': None}]
    """
    rows = table.drop(columns="geometry", errors="ignore").to_dict("records")
    return [{str(k): _cell(v) for k, v in row.items()} for row in rows]


def _cell(value: Any) -> Any:
    if isinstance(value, (list, tuple, set, frozenset, Mapping)) or is_dataclass(value):
        return plain(value)
    if value is None or value != value or str(value) in ("NaT", "<NA>"):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value
