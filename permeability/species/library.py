"""The shipped profiles, by any of their names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from permeability.core.errors import SpeciesError, nearest
from permeability.core.toml_files import read_toml, shaped
from permeability.species.profile import SpeciesProfile, data_folder, profile_from_dict, raw_profile


@cache
def species_list() -> tuple[str, ...]:
    """Ids of the shipped profiles, sorted.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> "khulan" in species_list()
    True
    """
    names = (entry.name for entry in data_folder("species").iterdir())
    return tuple(sorted(n.removesuffix(".toml") for n in names if n.endswith(".toml")))


@cache
def _shipped(identifier: str) -> SpeciesProfile:
    return profile_from_dict(raw_profile(identifier))


@cache
def _aliases() -> Mapping[str, str]:
    """Lower-case scientific and common names -> id."""
    found: dict[str, str] = {}
    for identifier in species_list():
        names = raw_profile(identifier)["names"]
        for name in (identifier, identifier.replace("_", " "), *names.values()):
            found[str(name).lower()] = identifier
    return found


def species(name: str) -> SpeciesProfile:
    """The shipped profile of a species.

    Parameters
    ----------
    name : str
        Id (``"khulan"``), scientific name, or English, Mongolian or Russian name; case does not matter.

    Returns
    -------
    SpeciesProfile
        The shipped profile.

    Raises
    ------
    SpeciesError
        S01 for an unknown name, with the nearest known one.

    Examples
    --------
    >>> species("Procapra gutturosa").id
    'mongolian_gazelle'
    """
    asked = str(name)
    found = asked if asked in species_list() else _aliases().get(asked.lower())
    if found is None:
        guess = nearest(name, _aliases())
        raise SpeciesError(
            "S01",
            f"species {name!r} is not known.",
            details={"known": ", ".join(species_list())},
            remedy=f"did you mean {_aliases()[guess]!r}?"
            if guess
            else "use one of the known species, or add a profile",
        )
    return _shipped(found)


def species_profile(name: str | os.PathLike[str] | SpeciesProfile) -> SpeciesProfile:
    """The profile of a species: a shipped one by any of its names, one of your own from a file, or as it is.

    Parameters
    ----------
    name : str, path or SpeciesProfile
        A name as for :func:`species`, or the path of a ``.toml`` file as ``permeability species show --toml`` writes it.

    Returns
    -------
    SpeciesProfile

    Raises
    ------
    SpeciesError
        S01 for an unknown name; further codes for what is wrong in a file.

    Examples
    --------
    >>> species_profile("Khulan").id, species_profile(species("saiga")).id
    ('khulan', 'saiga')
    """
    if isinstance(name, SpeciesProfile):
        return name
    if str(name).endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise SpeciesError(
                "S01", f"there is no file {str(name)!r}.", remedy="give the path of a species file"
            )
        with shaped(path.name, "a species profile"):
            return profile_from_dict({"id": path.stem, **read_toml(path)})
    return species(str(name))
