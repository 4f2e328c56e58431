"""Standards for crossing structures as data: sizes and spacing by species, with source and version."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from permeability.barriers.passability.structures import STRUCTURE_KINDS
from permeability.core.errors import OptionError, check_choice, nearest
from permeability.core.estimate import EVIDENCE
from permeability.core.toml_files import read_toml, shaped
from permeability.species import GROUPS, SpeciesProfile, species_list

STATUSES: tuple[str, ...] = ("standard", "proposal", "guidance", "empty")
"""``empty``: the file ships without figures, for users to fill."""

_FIGURES = (
    *("min_width_m", "min_height_m", "min_openness_m", "max_spacing_m"),
    *("recommended_width_m", "recommended_height_m"),
)
_RULE_KEYS = ("kind", "species", "groups", *_FIGURES, "evidence", "source")
_TOP_KEYS = ("title", "version", "status", "source", "rule")


@dataclass(frozen=True)
class StandardRule:
    """What a standard asks of one kind of structure for some species.

    Parameters
    ----------
    kind : {"gap", "under", "over"}
    species, groups : tuple of str
        Species ids and animal groups it is for; both empty for all.
    min_width_m, min_height_m, min_openness_m, max_spacing_m : float or None
        What is required [m]; openness is width x height / length.
    recommended_width_m, recommended_height_m : float or None
        What is better [m].
    evidence, source : str

    Examples
    --------
    >>> from permeability.species import species
    >>> rule = StandardRule("under", min_width_m=12.0)
    >>> rule.applies("under", species("khulan")), rule.applies("over", species("khulan"))
    (True, False)
    """

    kind: str
    species: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    min_width_m: float | None = None
    min_height_m: float | None = None
    min_openness_m: float | None = None
    max_spacing_m: float | None = None
    recommended_width_m: float | None = None
    recommended_height_m: float | None = None
    evidence: str = "X"
    source: str = ""

    def applies(self, kind: str, profile: SpeciesProfile) -> bool:
        """Whether the rule is about this kind of structure and this species."""
        if kind != self.kind:
            return False
        everyone = not self.species and not self.groups
        return everyone or profile.id in self.species or profile.group in self.groups


@dataclass(frozen=True)
class Standard:
    """A standard or guideline: title, version, status, source and rules.

    Examples
    --------
    >>> found = standard("xinjiang_2019")
    >>> found.empty, len(found.rules) > 0
    (False, True)
    """

    name: str
    title: str
    version: str
    status: str
    source: str
    rules: tuple[StandardRule, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to check against."""
        return not self.rules

    def rules_for(self, kind: str, profile: SpeciesProfile) -> tuple[StandardRule, ...]:
        """The rules about a kind of structure for a species."""
        return tuple(r for r in self.rules if r.applies(kind, profile))


def _folder() -> Any:
    return files("permeability") / "data" / "rules" / "standards"


@cache
def standards() -> tuple[str, ...]:
    """Names of the shipped rule files.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> "mns_6515_2015" in standards()
    True
    """
    return tuple(
        sorted(e.name.removesuffix(".toml") for e in _folder().iterdir() if e.name.endswith(".toml"))
    )


def standard(name: str | os.PathLike[str]) -> Standard:
    """A shipped rule file by name, or one from a path.

    Parameters
    ----------
    name : path

    Returns
    -------
    Standard
        Checked in every key and value.

    Raises
    ------
    OptionError
        N01 for a name or file that is not there, N02 for keys and values that are not known.

    Examples
    --------
    >>> standard("xinjiang_2019").rules[0].min_width_m
    12.0
    >>> standard("mns_6515_2015").empty
    True
    """
    if str(name) in standards():
        path: Any = _folder() / f"{name}.toml"
    else:
        path = Path(name)
        if not path.is_file():
            guess = nearest(name, standards())
            raise OptionError(
                "N01",
                f"there is no standard {str(name)!r}.",
                details={"shipped": ", ".join(standards())},
                remedy=f"did you mean {guess!r}?"
                if guess
                else "give a shipped name or the path of a TOML file",
            )
    with shaped(path.name, "a standard"):
        return standard_from_dict(Path(str(name)).stem, read_toml(path))


def standard_from_dict(name: str, data: Mapping[str, Any]) -> Standard:
    """A standard from plain values (a parsed TOML file), every key and value checked.

    Parameters
    ----------
    name : str
    data : mapping

    Returns
    -------
    Standard

    Raises
    ------
    OptionError
        N02 for keys and values that are not known.

    Examples
    --------
    >>> own = standard_from_dict("own", {"title": "Our rule", "rule": [{"kind": "over", "min_width_m": 30}]})
    >>> own.rules[0].min_width_m
    30.0
    """
    for key in data:
        check_choice("key of a standard", key, _TOP_KEYS, code="N02")
    status = str(data.get("status", "guidance"))
    check_choice("status", status, STATUSES, code="N02")
    rules = tuple(_rule(row) for row in data.get("rule", ()))
    if status == "empty" and rules:
        raise OptionError(
            "N02", f"standard {name!r} has rules but is marked empty.", remedy='set status = "standard"'
        )
    title, version, source = (str(data.get(k, "")) for k in ("title", "version", "source"))
    return Standard(name, title or name, version, status, source, rules)


def _rule(row: Mapping[str, Any]) -> StandardRule:
    for key in row:
        check_choice("key of a rule", key, _RULE_KEYS, code="N02")
    check_choice("kind", row.get("kind"), STRUCTURE_KINDS, code="N02")
    check_choice("evidence", row.get("evidence", "X"), EVIDENCE, code="N02")
    for value in row.get("species", ()):
        check_choice("species", value, species_list(), code="N02")
    for value in row.get("groups", ()):
        check_choice("groups", value, GROUPS, code="N02")
    figures = {k: float(row[k]) for k in _FIGURES if k in row}
    if not figures or min(figures.values()) <= 0:
        raise OptionError(
            "N02",
            "a rule of a standard has no figure, or one that is not above zero.",
            details={"rule": dict(row)},
            remedy=f"give at least one of {', '.join(_FIGURES)} in metres",
        )
    return StandardRule(
        kind=str(row["kind"]),
        species=tuple(row.get("species", ())),
        groups=tuple(row.get("groups", ())),
        evidence=str(row.get("evidence", "X")),
        source=str(row.get("source", "")),
        **figures,
    )
