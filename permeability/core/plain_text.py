"""Text from data made safe for where it goes: web pages, templates, XML and spreadsheets.

A name in a layer may come from a stranger.  It is text and stays text: no page runs it, no template engine reads it as
source, no spreadsheet takes it for a formula, no XML file breaks on it.
"""

from __future__ import annotations

import re
from html import escape
from xml.sax.saxutils import escape as escape_xml
from xml.sax.saxutils import quoteattr

__all__ = [
    "cell",
    "file_name_fault",
    "from_cell",
    "inert_html",
    "inert_xml",
    "one_line",
    "printable",
    "quoted_xml",
]

# C0 and C1 controls but tab and line ends, lone surrogates, non-characters: not allowed in XML 1.0, and invisible
UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")  # they make a name read as another
FORMULA = re.compile(r"'*[=+\-@\t\r]")  # how a formula begins, in every common spreadsheet
MOST_NAME, MOST_PATH = 255, 4000  # bytes of a name, characters of a path
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf")


def printable(text: object) -> str:
    """Text with a visible mark in place of control characters and of those that turn the direction of reading.

    Parameters
    ----------
    text : object

    Returns
    -------
    str

    Examples
    --------
    >>> printable("Fence\\x00 7")
    'Fence\ufffd 7'
    """
    return TURNING.sub("\ufffd", UNSEEN.sub("\ufffd", str(text)))


def file_name_fault(text: str) -> str:
    """Why no file can have this name or path; empty where one can.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> file_name_fault("fences.gpkg"), file_name_fault("fences\\0.gpkg")
    ('', 'no name of a file holds control characters')
    """
    if not text.strip():
        return "the name of a file is empty"
    if UNSEEN.search(text):
        return "no name of a file holds control characters"
    if len(text) > MOST_PATH or max(len(part.encode()) for part in re.split(r"[/\\\\]", text)) > MOST_NAME:
        return "no file has so long a name"
    return ""


def one_line(text: object) -> str:
    """Printable text on one line, for labels in pictures.

    Parameters
    ----------
    text : object

    Returns
    -------
    str

    Examples
    --------
    >>> one_line("Fence\\tseven\\n")
    'Fence seven'
    """
    return " ".join(printable(text).split())


def inert_html(text: object) -> str:
    """Text as HTML that neither a browser nor a template engine takes for more than text.

    The web maps of folium are rendered as templates a second time, with the data already in them, so braces are written
    as character references: a browser shows them, Jinja does not see them.

    Parameters
    ----------
    text : object

    Returns
    -------
    str

    Examples
    --------
    >>> inert_html("<b>{{ 7 * 7 }}")
    '&lt;b&gt;&#123;&#123; 7 * 7 &#125;&#125;'
    """
    return escape(printable(text)).replace("{", "&#123;").replace("}", "&#125;").replace("`", "&#96;")


def inert_xml(text: object) -> str:
    """Text for the content of an XML element.

    Parameters
    ----------
    text : object

    Returns
    -------
    str

    Examples
    --------
    >>> inert_xml("a<b\\x01")
    'a&lt;b\ufffd'
    """
    return escape_xml(printable(text))


def quoted_xml(text: object) -> str:
    """Text as the value of an XML attribute, with its quotes.

    Parameters
    ----------
    text : object

    Returns
    -------
    str

    Examples
    --------
    >>> print(quoted_xml('a"<'))
    'a"&lt;'
    """
    return quoteattr(printable(text))


def cell(value: object) -> object:
    """A value of a table as a spreadsheet may show it: text that would be a formula gets an apostrophe in front.

    Parameters
    ----------
    value : object
        Everything but text is given back as it is, and so is text that is a number.

    Returns
    -------
    object

    Examples
    --------
    >>> cell("=1+1"), cell("-5"), cell("Fence"), cell(7)
    ("'=1+1", '-5', 'Fence', 7)
    """
    if not isinstance(value, str):
        return value
    text = UNSEEN.sub("\ufffd", value)
    return "'" + text if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def from_cell(value: object) -> object:
    """What :func:`cell` was given.

    Parameters
    ----------
    value : object

    Returns
    -------
    object

    Examples
    --------
    >>> from_cell(cell("=1+1")), from_cell("'tis")
    ('=1+1', "'tis")
    """
    if isinstance(value, str) and value.startswith("'") and FORMULA.match(value):
        return value[1:]
    return value
