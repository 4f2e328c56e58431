"""A refusal in a notebook is short: the user's line, what is wrong, what to do."""

from __future__ import annotations

import pytest

IPython = pytest.importorskip("IPython.core.interactiveshell")

CELL = "import permeability as pm\nland, patches = pm.samples.tiny()\npm.rank(land, patches,\n        pm.candidates(land, 'F', length_m=2000), sort_by='beauty')"


@pytest.fixture
def shell():
    made = IPython.InteractiveShell.instance()
    yield made
    made.run_line_magic("xmode", "Context")
    IPython.InteractiveShell.clear_instance()


def shown(shell, capsys, code: str) -> str:
    shell.run_cell(code)
    told = capsys.readouterr()
    return told.out + told.err


def test_the_users_line_and_the_message_and_no_more(shell, capsys):
    text = shown(shell, capsys, CELL)
    assert "OptionError [O01]" in text
    assert "remedy" in text
    assert "pm.rank(land, patches," in text
    assert "permeability/" not in text.replace("\\", "/")
    assert len(text.strip().splitlines()) < 12


def test_all_of_it_where_that_is_asked_for(shell, capsys):
    shell.run_line_magic("xmode", "Verbose")
    text = shown(shell, capsys, CELL)
    assert "OptionError [O01]" in text
    assert "check_choice" in text


def test_in_a_function_of_a_users_file(shell, capsys, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import permeability as pm\n\ndef run():\n    return pm.species_profile('yeti')\n"
    )
    text = shown(shell, capsys, f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nimport mine\nmine.run()")
    assert "mine.py, line 4" in text
    assert "pm.species_profile('yeti')" in text


def test_plain_python_shows_the_whole_way():
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", "import permeability as pm; pm.species_profile('yeti')"],
        capture_output=True,
        text=True,
    )
    assert done.stderr.startswith("Traceback")
    assert "library.py" in done.stderr
