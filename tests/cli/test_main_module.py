"""``python -m permeability`` is the same command line."""

import subprocess
import sys

from permeability import __version__


def test_module_runs_as_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "permeability", "--version"], capture_output=True, text=True, check=True
    )
    assert __version__ in done.stdout
