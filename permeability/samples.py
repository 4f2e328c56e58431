"""Where the sample data lie: inside an installed package, or in the checkout."""

from __future__ import annotations

from pathlib import Path

from permeability.errors import LayerError


def sample_folder(name: str = "gobi") -> Path:
    """Folder of a shipped sample.

    Raises
    ------
    LayerError
        L10 when the samples were not installed.

    Examples
    --------
    >>> (sample_folder() / "project.toml").is_file()
    True
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "data" / "samples" / name, here.parent / "data" / "samples" / name):
        if (folder / "project.toml").is_file():
            return folder
    raise LayerError(
        "L10",
        f"the sample {name!r} is not installed.",
        remedy="install landscape-permeability from its wheel",
    )
