"""A report as PDF, printed by a Chromium that is already there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from permeability.core.errors import OptionError

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
FLAGS = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer", "--generate-pdf-document-outline",
)  # fmt: skip


WINDOWS = (("Microsoft", "Edge", "Application", "msedge.exe"), ("Google", "Chrome", "Application", "chrome.exe"), ("Chromium", "Application", "chrome.exe"))  # fmt: skip
MACOS = ("Google Chrome", "Microsoft Edge", "Chromium")


def find_browser() -> str | None:
    """Path of an installed Chromium, Chrome or Edge, None when there is none."""
    on_path = next((found for name in BROWSERS if (found := shutil.which(name)) is not None), None)
    return on_path or next((str(p) for p in usual_places(sys.platform, os.environ) if p.is_file()), None)


def usual_places(platform: str, environment: Mapping[str, str]) -> list[Path]:
    """Where browsers are installed that are not on the path: on Windows and macOS none is.

    >>> [p.name for p in usual_places("win32", {"ProgramFiles": "C"})]
    ['msedge.exe', 'chrome.exe', 'chrome.exe']
    """
    if platform == "win32":
        roots = [
            environment[k]
            for k in ("ProgramFiles", "ProgramFiles(x86)", "LOCALAPPDATA")
            if environment.get(k)
        ]
        return [Path(root, *parts) for parts in WINDOWS for root in roots]
    if platform == "darwin":
        roots = [
            "/Applications",
            *([f"{environment['HOME']}/Applications"] if environment.get("HOME") else []),
        ]
        return [Path(root, f"{name}.app", "Contents", "MacOS", name) for name in MACOS for root in roots]
    return []


def write_pdf(
    report_html: str | Path, target_pdf: str | Path, *, browser: str | None = None, timeout_s: float = 180.0
) -> Path:
    """Print a report to PDF with headless Chromium, which is kept from the network.

    Parameters
    ----------
    report_html : path
        A page that :func:`permeability.report.write_report` or ``write_comparison`` wrote.
    target_pdf : path
    browser : str, optional
        Program to use; the first Chromium, Chrome or Edge by default.
    timeout_s : float
        Time allowed [s].

    Returns
    -------
    pathlib.Path
        ``target_pdf``.

    Raises
    ------
    OptionError
        O03 when there is no browser, O04 when it made no PDF.
    """
    from permeability.layers.whole_files import whole_file

    page = Path(report_html).resolve()
    program = browser or find_browser()
    if program is None or shutil.which(program) is None:
        raise OptionError(
            "O03",
            "no Chromium, Chrome or Edge was found to print the PDF.",
            details={"looked for": ", ".join(BROWSERS)},
            remedy="install Chromium, or print the HTML page from any browser",
        )
    if not page.is_file():
        raise OptionError(
            "O04",
            f"there is no report {str(report_html)!r} to print.",
            remedy="write it first with `permeability report`",
        )
    with whole_file(target_pdf) as aside, tempfile.TemporaryDirectory() as profile:
        # Chromium refuses its sandbox to root, and the page is our own file without any request
        command = [
            program,
            *FLAGS,
            "--no-sandbox",
            f"--user-data-dir={profile}",
            f"--print-to-pdf={aside}",
            page.as_uri(),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
            said = done.stderr
        except subprocess.TimeoutExpired as error:
            said = str(error)
        if not aside.is_file() or aside.stat().st_size == 0:
            raise OptionError(
                "O04",
                f"{Path(program).name} made no PDF.",
                details={"it said": said[-400:]},
                remedy="print the HTML page from any browser",
            )
    return Path(target_pdf)
