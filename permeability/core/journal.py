"""The one logger of the package, and the one line that a notebook is shown without being asked."""

from __future__ import annotations

import logging
import sys

__all__ = ["LOG", "PROGRESS", "in_notebook", "say"]

LOG = logging.getLogger("permeability")
"""What the package has to say on its own account (INFO); silent until somebody adds a handler."""
LOG.addHandler(logging.NullHandler())
PROGRESS = logging.getLogger("permeability.progress")
"""Long jobs: when they begin and end (INFO), and how far they are (DEBUG)."""


def in_notebook() -> bool:
    """Whether a person reads along in a notebook.

    Returns
    -------
    bool

    Examples
    --------
    >>> in_notebook()
    False
    """
    ipython = sys.modules.get("IPython")
    shell = getattr(ipython, "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


def say(text: str) -> None:
    """Log a line; in a notebook whose log nobody has set up it is shown as well.

    Parameters
    ----------
    text : str

    Examples
    --------
    >>> say("nobody hears this")
    """
    LOG.info(text)
    heard = LOG.isEnabledFor(logging.INFO) and any(
        not isinstance(h, logging.NullHandler) for h in (*LOG.handlers, *logging.getLogger().handlers)
    )
    if in_notebook() and not heard:
        sys.stderr.write(f"permeability: {text}\n")
