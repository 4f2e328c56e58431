"""Sessions: tests, lint, types, layers, notebooks, bench."""

from __future__ import annotations

import nox

nox.options.sessions = ["tests", "lint", "types", "layers", "docs", "notebooks"]
nox.options.default_venv_backend = "venv"


@nox.session
def tests(session: nox.Session) -> None:
    """The test suite and the examples in the docstrings."""
    session.install(".[test]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and format."""
    session.install("ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict."""
    session.install("-e", ".[dev]")
    session.run("mypy")


@nox.session
def layers(session: nox.Session) -> None:
    """Imports run one way."""
    session.install("-e", ".", "import-linter")
    session.run("lint-imports")


@nox.session
def notebooks(session: nox.Session) -> None:
    """Every notebook runs."""
    session.install("-e", ".[dev]")
    session.run(
        "python", "-m", "pytest", "--nbmake", "--nbmake-timeout=300", "notebooks", "-p", "no:cacheprovider"
    )


@nox.session
def docs(session: nox.Session) -> None:
    """The site, with every link checked."""
    session.install("mkdocs-material<10", "mkdocstrings[python]")
    session.run("mkdocs", "build", "--strict", "-d", "build/site")


@nox.session
def bench(session: nox.Session) -> None:
    """Side-by-side benchmarks; prints ratios."""
    session.install("-e", ".[dev]")
    for script in ("leastcost", "circuit", "ranking", "windows"):
        session.run("python", f"benchmarks/{script}.py", *session.posargs)
