"""``permeability spec``: every command and parameter, made from the commands themselves, for other programs and dialogs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import click

from permeability._version import __version__
from permeability.cli.answers import JsonCommand
from permeability.cli.parameters import Place
from permeability.cli.streams import as_json, out, say

__all__ = ["SCHEMA_ID", "leaves", "spec", "spec_of"]

SCHEMA_ID = "urn:permeability:schema:commands:1"
NUMBERS = ("integer", "number")


@click.command("spec", cls=JsonCommand)
@click.argument("command", nargs=-1)
@click.pass_context
def spec(context: click.Context, command: tuple[str, ...]) -> None:
    """Every command (or COMMAND alone) with its parameters: type, unit, default, choices, help."""
    wanted = " ".join(command)
    found = [
        spec_of(name, c) for name, c in leaves(context.find_root().command) if not wanted or name == wanted
    ]
    if not found:
        raise click.UsageError(f"there is no command {wanted!r}")
    lines = []
    for one in found:
        lines.append(f"{one['name']}: {one['help'].splitlines()[0]}")
        lines += [f"  {_line(p)}" for p in one["parameters"]]
    data = {"program": "permeability", "version": __version__, "commands": found}
    if as_json():  # without the libraries of results: dialogs wait for this
        out(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        say("\n".join(lines))


def leaves(command: click.Command, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its words on the command line, in order of the alphabet."""
    if isinstance(command, click.Group):
        for part in sorted(command.commands):
            yield from leaves(command.commands[part], f"{name} {part}".strip())
    else:
        yield name, command


def spec_of(name: str, command: click.Command) -> dict[str, Any]:
    """A command as data."""
    return {
        "name": name,
        "help": re.sub(r"\s*\n\s*", " ", (command.help or "").strip()),
        "result": f"{SCHEMA_ID}#/$defs/{name.replace(' ', '_').replace('-', '_')}",
        "parameters": [_parameter(p) for p in command.params if p.name != "json_asked"],
    }


def _parameter(parameter: click.Parameter) -> dict[str, Any]:
    told, kind = parameter.to_info_dict(), parameter.type
    option = isinstance(parameter, click.Option)
    flag = bool(told.get("is_flag"))
    of = kind.types[0] if isinstance(kind, click.Tuple) else kind
    plain_name = {"path": "path", "choice": "choice", "float": "number"}.get(of.name, of.name.split()[0])
    type_name = "flag" if flag else plain_name
    words = told.get("help") or (kind.about() if isinstance(kind, Place) else "") or _named(parameter)
    unit = re.search(r"\[([^\]]+)\]", words)
    default = told.get("default")
    facts: dict[str, Any] = {
        "name": parameter.name,
        "kind": "option" if option else "argument",
        "flags": list(told["opts"]) if option else [],
        "off_flags": list(told["secondary_opts"]) if option else [],
        "type": type_name,
        "required": bool(told["required"]),
        "multiple": bool(told["multiple"]) or told["nargs"] == -1,
        "values": max(int(told["nargs"]), 1),
        "default": list(default) if isinstance(default, tuple) else str(default) if isinstance(kind, click.Path) and default is not None else default,
        "unit": (unit[1] if unit else "1") if type_name in NUMBERS else None,
        "choices": list(getattr(kind, "choices", ())) or None,
        "minimum": getattr(kind, "min", None),
        "maximum": getattr(kind, "max", None),
        "minimum_excluded": bool(getattr(kind, "min_open", False)),
        "help": words,
    }  # fmt: skip
    if isinstance(kind, Place):
        facts |= {"role": kind.role, "writes": kind.writes}
    return facts


def _named(parameter: click.Parameter) -> str:
    """What an argument without a text of its own is called."""
    return f"{parameter.human_readable_name.lower().replace('_', ' ')}"


def _line(parameter: dict[str, Any]) -> str:
    name = ", ".join([*parameter["flags"], *parameter["off_flags"]]) or parameter["name"].upper()
    facts = [parameter["type"]]
    facts += [f"[{parameter['unit']}]"] if parameter["unit"] else []
    facts += [" | ".join(map(str, parameter["choices"]))] if parameter["choices"] else []
    facts += ["required"] if parameter["required"] else []
    facts += [] if parameter["default"] in (None, False, []) else [f"default {parameter['default']}"]
    return f"{name:<28} {', '.join(facts)}: {parameter['help']}"
