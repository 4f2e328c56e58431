"""A report as a document for word processors: headings, sentences, tables and maps of the page, in its order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from permeability.layers.word_files import new_document, save_document
from permeability.locale.language import Words
from permeability.viz.paper_figures import figure_png

__all__ = ["write_document"]

SKIPPED: Final = frozenset({"script", "style", "nav", "svg", "noscript", "summary", "button", "title"})
SCREEN_ONLY: Final = frozenset({"screen", "tools", "key", "skip", "out"})
LONG: Final = 5  # rows of a long table that are on paper, as in the style sheet
WIDE, LINE = 17.0, 105.0  # centimetres and letters of a line of a table
LETTERS: Final = {"p": 9.5, "cell": 7.5, "small": 6.5}  # [pt]


def write_document(page: str, context: Mapping[str, Any], tr: Words, target: Path) -> Path:
    """Write a page of the report as DOCX.

    Parameters
    ----------
    page : str
        The page as HTML.
    context : mapping
        What the page was made from: its maps are drawn anew as pictures.
    tr : Words
    target : Path

    Returns
    -------
    Path

    Raises
    ------
    OptionError
        U31 without python-docx.
    """
    paper = new_document(str(context["title"]), target, instead=".html or .pdf")
    from lxml import html

    tree = html.document_fromstring(page)
    _set_up(paper, tr)
    maps = {str(m["key"]): m for m in _maps(context)}
    for part in tree.iter("header", "main", "footer"):
        _blocks(paper, part, maps, tr)
    return save_document(paper, target)


def _maps(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every map in what a page is made from."""
    if isinstance(value, Mapping):
        if "view_box" in value:
            yield value
            return
        for v in value.values():
            yield from _maps(v)
    elif isinstance(value, (list, tuple)):
        for v in value:
            yield from _maps(v)


def _set_up(paper: Any, tr: Words) -> None:
    """Letters, language, page numbers."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt

    normal = paper.styles["Normal"]
    normal.font.size = Pt(LETTERS["p"])
    normal.paragraph_format.space_after = Pt(3)
    spoken = OxmlElement("w:lang")
    spoken.set(qn("w:val"), {"en": "en-GB", "mn": "mn-MN", "ru": "ru-RU"}.get(tr.language, tr.language))
    normal.element.get_or_add_rPr().append(spoken)
    page = paper.sections[0]
    page.top_margin = page.bottom_margin = Cm(1.8)
    line = page.footer.paragraphs[0]
    for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
        run = line.add_run()
        part = OxmlElement("w:instrText" if text else "w:fldChar")
        if text:
            part.text = text
        else:
            part.set(qn("w:fldCharType"), kind)
        run._r.append(part)


# ---------------------------------------------------------------- blocks
def _blocks(paper: Any, node: Any, maps: Mapping[str, Any], tr: Words) -> None:
    for child in node:
        if not isinstance(child.tag, str) or child.tag in SKIPPED or SCREEN_ONLY & _classes(child):
            continue
        level = re.fullmatch(r"h([1-4])", child.tag)
        if level:
            paper.add_heading(_plain(child), level=int(level[1]) - 1 if level[1] != "1" else 0)
        elif child.tag == "p":
            _paragraph(paper.add_paragraph(), child, bold="statement" in _classes(child))
        elif child.tag in ("ul", "ol"):
            for item in child.iterchildren("li"):
                _paragraph(paper.add_paragraph(style="List Bullet"), item)
        elif child.tag == "dt":
            _paragraph(paper.add_paragraph(), child, bold=True)
        elif child.tag == "table":
            _table(paper, child)
        elif child.tag == "figure":
            if child.get("id") in maps:
                _picture(paper, maps[child.get("id")], tr)
        else:
            if child.tag in ("dd", "div") and (child.text or "").strip():
                _paragraph(paper.add_paragraph(), child, deep=False)
            _blocks(paper, child, maps, tr)


def _classes(node: Any) -> set[str]:
    return set((node.get("class") or "").split())


def _tidy(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "")


def _plain(node: Any) -> str:
    return _tidy("".join(node.itertext())).strip()


def _runs(node: Any, bold: bool = False, small: bool = False, deep: bool = True) -> Iterator[tuple[str, bool, bool, bool]]:  # fmt: skip
    """Texts of a node with what they look like: bold, slanted, small; blocks within a line are told apart by a space."""
    yield _tidy(node.text), bold, node.tag == "i", small
    for child in node if deep else ():
        if isinstance(child.tag, str) and child.tag not in SKIPPED:
            lesser = child.tag == "small" or bool({"range", "moved"} & _classes(child))
            if lesser:
                yield "\n" if node.tag in ("td", "th") else " ", bold, False, small
            yield from _runs(child, bold or child.tag == "b", small or lesser)
            if lesser and node.tag == "li":
                yield " ", bold, False, small
        yield _tidy(child.tail), bold, False, small


def _paragraph(line: Any, node: Any, *, bold: bool = False, deep: bool = True, size: float = 0.0) -> None:
    from docx.shared import Pt

    for text, strong, slanted, small in _runs(node, bold, deep=deep):
        if text:
            run = line.add_run(text)
            run.bold, run.italic = strong or None, slanted or None
            if size:
                run.font.size = Pt(min(size, LETTERS["small"]) if small else size)


def _table(paper: Any, node: Any) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.shared import Pt

    head = [r for part in node.iterchildren("thead") for r in part.iterchildren("tr")]
    body = [r for part in node.iterchildren("tbody") for r in part.iterchildren("tr")]
    rows = head + (body[:LONG] if "long" in _classes(node) else body)
    cells = [[c for c in r if c.tag in ("th", "td")] for r in rows]
    across = max((len(r) for r in cells), default=0)
    if not across:
        return
    for caption in node.iterchildren("caption"):
        line = paper.add_paragraph()
        _paragraph(line, caption, bold=True)
        line.paragraph_format.keep_with_next = True
    grid = paper.add_table(rows=len(rows), cols=across, style="Table Grid")
    places, wide = grid._cells, _widths(cells, across)
    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            place = places[i * across + j]
            place.width = wide[j]
            line = place.paragraphs[0]
            line.paragraph_format.space_after = Pt(0)
            if "n" in _classes(cell):
                line.alignment = WD_ALIGN_PARAGRAPH.RIGHT
            _paragraph(line, cell, bold=cell.tag == "th", size=LETTERS["cell"])
    for i, row in enumerate(grid._tbl.tr_lst):
        for rule in ("w:cantSplit", *(["w:tblHeader"] if i < len(head) else [])):
            row.get_or_add_trPr().append(OxmlElement(rule))
    paper.add_paragraph().paragraph_format.space_after = Pt(2)


def _widths(cells: list[list[Any]], across: int) -> list[Any]:
    """Widths of columns: no narrower than the longest word, and more for long texts, as far as the page goes."""
    from docx.shared import Cm

    texts = [[_plain(row[j]) for row in cells if j < len(row)] for j in range(across)]
    words = [max((len(w) for t in column for w in t.split()), default=1) + 2.5 for column in texts]
    asked = [max(w, min(max((len(t) for t in column), default=1), 30)) for w, column in zip(words, texts)]
    spare, more = max(LINE - sum(words), 0.0), [a - w for a, w in zip(asked, words)]
    full = [w + (spare * m / sum(more) if sum(more) else spare / across) for w, m in zip(words, more)]
    return [Cm(WIDE * w / sum(full)) for w in full]


def _picture(paper: Any, figure: Mapping[str, Any], tr: Words) -> None:
    from docx.shared import Cm

    line = paper.add_paragraph()
    line.add_run(f"{figure['title']}. ").bold = True
    line.add_run(str(figure["alt"]))
    line.paragraph_format.keep_with_next = True
    paper.add_picture(BytesIO(figure_png(figure, tr)), width=Cm(16.5))
    paper.inline_shapes[-1]._inline.docPr.set("descr", str(figure["alt"]))
    for text in (figure.get("note"), figure.get("foot")):
        if text:
            _small(paper.add_paragraph(), str(text))


def _small(line: Any, text: str) -> None:
    from docx.shared import Pt

    line.add_run(text).font.size = Pt(LETTERS["small"])
