"""English left in a page that should be in another language."""

import json
import re
from html.parser import HTMLParser

import geopandas as gpd

SPOKEN = ("alt", "title", "aria-label", "data-head", "placeholder")
WORDS = re.compile(r"\b[A-Za-z][a-z’']+(?: [a-z’']{2,})+\b")
CITED = re.compile(r"[A-Z]\w+ et al\. \d{4}")
QUIET = ("script", "style", "code", "pre")


class Visible(HTMLParser):
    """Every piece of text that is seen or read out."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.said, self.open = [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag in QUIET:
            self.open.append(tag)
        self.said += [value for name, value in attrs if name in SPOKEN and value]

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_data(self, data):
        if not self.open:
            self.said.append(data)


def english(page, quoted=()):
    """Pieces with two English words in a row, but for what is quoted as it stands in its source."""
    whole = {" ".join(q.split()) for q in quoted if q}
    found = []
    for piece in Visible(page).said:
        text = " ".join(piece.split())
        for q in sorted((q for q in whole if q in text), key=len, reverse=True):
            text = text.replace(q, "")
        if WORDS.search(CITED.sub("", text)):
            found.append(text)
    return list(dict.fromkeys(found))


def quoted_in(folder):
    """Sources, licences and scientific names of a result folder, which reports give as they stand."""
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    barriers = gpd.read_file(folder / "sites.gpkg", layer="barriers")
    cells = [str(v) for c in ("source", "licence") if c in barriers for v in barriers[c].dropna()]
    return [*_sources(record), *cells]


def _sources(value, key=""):
    if isinstance(value, dict):
        for k, v in value.items():
            yield from _sources(v, k)
    elif isinstance(value, list):
        for v in value:
            yield from _sources(v, key)
    elif isinstance(value, str) and key in ("source", "scientific"):
        yield value
