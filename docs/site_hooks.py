"""What the site has beyond the pages: notebooks with what came out of them, and nothing from another server.

The notebooks in ``notebooks/`` hold no outputs.  ``PERMEABILITY_NOTEBOOKS`` names a folder with copies that were run
(``.ci/run`` makes one); without it the pages show text and code and say so.
"""

from __future__ import annotations

import html
import json
import logging
import os
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent / "notebooks"
NOT_RUN = "*Not run when this page was made: text and code only.*"
THEIRS = "https://unpkg.com/iframe-worker/shim"
LOADS = re.compile(
    r"""<(?:script|img|iframe|link(?=[^>]*stylesheet))[^>]*(?:src|href)=["']?(?:https?:)?//[^>]*>"""
)
PICTURES = ("image/png", "image/jpeg")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The notebooks in the navigation, after the gallery."""
    pages = [{title(_read(path)): f"notebooks/{path.stem}.md"} for path in sorted(SOURCE.glob("*.ipynb"))]
    if config.nav is not None and pages:
        at = next((i for i, item in enumerate(config.nav) if "Gallery" in item), len(config.nav) - 1)
        config.nav.insert(at + 1, {"Notebooks": pages})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """A page for every notebook."""
    for path in sorted(SOURCE.glob("*.ipynb")):
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=page(_read(path))))
    return files


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """The theme's help for search in a folder comes from another server; ours lies beside the page."""
    ours = get_relative_url("site_worker.js", page.url)
    return output.replace(f'src="{THEIRS}"', f'src="{ours}"')


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:
    """The page for addresses that are none searches without that help."""
    return re.sub(rf'<script src="{re.escape(THEIRS)}"></script>', "", output_content)


def on_post_build(config: MkDocsConfig) -> None:
    """A page that would load something from elsewhere is a fault, which `--strict` makes an error."""
    for path in sorted(Path(config.site_dir).rglob("*.html")):
        for tag in LOADS.findall(path.read_text(encoding="utf-8")):
            logging.getLogger("mkdocs.hooks").warning("%s loads from elsewhere: %s", path.name, tag)


def _read(path: Path) -> dict[str, Any]:
    run = Path(os.environ.get("PERMEABILITY_NOTEBOOKS", "")) / path.name
    chosen = run if os.environ.get("PERMEABILITY_NOTEBOOKS") and run.is_file() else path
    return dict(json.loads(chosen.read_text(encoding="utf-8")))


def title(notebook: dict[str, Any]) -> str:
    """First heading of a notebook."""
    text = "\n".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown")
    found = re.search(r"^# +(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else "Notebook"


def page(notebook: dict[str, Any]) -> str:
    """A notebook as Markdown."""
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"]).rstrip()
        if cell["cell_type"] == "markdown":
            parts.append(source)
        elif cell["cell_type"] == "code" and source:
            parts.append(f"```python\n{source}\n```")
            parts += [shown for output in cell["outputs"] if (shown := output_html(output))]
    if not any(c.get("outputs") for c in notebook["cells"]):
        parts.insert(1, NOT_RUN)
    return "\n\n".join(parts) + "\n"


def output_html(output: dict[str, Any]) -> str:
    """One output: a picture, its own HTML, or text.  Nothing that would bring a script along."""
    data = output.get("data") or {}
    for kind in PICTURES:
        if kind in data:
            code = "".join(data[kind]).replace("\n", "")
            return _boxed(f'<img src="data:{kind};base64,{code}" alt="Output of the cell above">')
    own = "".join(data.get("text/html", ""))
    if own and "<script" not in own.lower() and "<iframe" not in own.lower():
        return _boxed(re.sub(r"\n\s*\n", "\n", own))
    text = "".join(output.get("text") or data.get("text/plain") or "").rstrip()
    return _boxed(f"<pre>{html.escape(text).replace(chr(10), '&#10;')}</pre>") if text else ""


def _boxed(inner: str) -> str:
    return f'<div class="output">{inner}</div>'
