"""Texts for readers in rooms that stand below the reader's language: the mark, and a sentence with its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["N_", "Said", "Worded", "in_english", "plainly"]


def N_(message: str) -> str:
    """Mark a text for the catalogues and give it back unchanged.

    >>> N_("Fence")
    'Fence'
    """
    return message


@dataclass(frozen=True)
class Said:
    """A text and its values, apart, so that it can still be put into the reader's language; as ``str`` it is English.

    Attributes
    ----------
    text : str
        English, with ``{places}``; a text of the catalogues.
    values : mapping
        Place -> str, number, another :class:`Said`, ``{"names": {language: name}}``, or a list of these.

    Examples
    --------
    >>> str(Said("{what} ({facts})", {"what": Said("build"), "facts": [Said("fenced"), Said("in {year}", {"year": "2030"})]}))
    'build (fenced, in 2030)'
    """

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return (
            self.text.format(**{k: in_english(v) for k, v in self.values.items()})
            if self.values
            else self.text
        )


class Worded(str):
    """An English text that remembers what it was made of, so that a reader of another language can be told it.

    Attributes
    ----------
    said : Said

    Examples
    --------
    >>> note = Worded(Said("{n} cells", {"n": 1200}))
    >>> note, note.said.text
    ('1,200 cells', '{n} cells')
    """

    said: Said
    __slots__ = ("said",)

    def __new__(cls, said: Said) -> Worded:
        made = super().__new__(cls, str(said))
        made.said = said
        return made

    def __getnewargs__(self) -> tuple[Said]:  # type: ignore[override]
        return (self.said,)


def in_english(value: Any) -> str:
    """A value of a :class:`Said`, or several of them, in English.

    >>> in_english(12500), in_english(0.1234567), in_english(["a", "b"])
    ('12,500', '0.123457', 'a, b')
    """
    if isinstance(value, (list, tuple)):
        return ", ".join(map(in_english, value))
    if isinstance(value, Mapping):
        return str(value["names"]["en"])
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def plainly(value: Any) -> Any:
    """The same as what JSON knows: text and values of each :class:`Said`.

    >>> plainly(Said("in {year}", {"year": "2030"}))
    {'text': 'in {year}', 'values': {'year': '2030'}}
    """
    if isinstance(value, Said):
        return {"text": value.text, "values": {k: plainly(v) for k, v in value.values.items()}}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plainly(v) for v in value]
    return value
