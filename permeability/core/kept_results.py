"""Finished tasks as bytes that hold numbers and nothing else, so that a folder from somebody else can do no harm.

A file is a line of magic, a checksum, a JSON header and the raw bytes of the arrays that the header names.  Reading it
makes plain values, arrays of numbers and the few record types that our own modules have announced with :func:`keepable`;
no name in the file is ever imported, looked up or called.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from permeability.core.errors import OptionError

__all__ = ["keepable", "read_kept", "write_kept"]

MAGIC = b"permeability step 1\n"
NUMBERS = re.compile(r"[<>|][biufc]\d{1,2}")  # array types of plain numbers; no objects, texts or records
LARGEST_WHOLE = 1 << 63
Kind = TypeVar("Kind")

_RECORDS: dict[str, type] = {}


class _NotKept(Exception):
    """The bytes are no step of this form."""


def keepable(kind: type[Kind]) -> type[Kind]:
    """Class decorator: records of this dataclass may be kept.

    Parameters
    ----------
    kind : type
        A dataclass of plain values and arrays.

    Returns
    -------
    type
        The same.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @keepable
    ... @dataclass(frozen=True)
    ... class Gain:
    ...     km2: float
    >>> read_kept(write_kept(Gain(4.0), "a"), "a")
    (True, Gain(km2=4.0))
    """
    _RECORDS[kind.__qualname__] = kind
    return kind


def write_kept(result: object, key: str) -> bytes:
    """A result as bytes.

    Parameters
    ----------
    result : object
        Plain values, arrays of numbers, tuples, lists, mappings with text keys and records announced by :func:`keepable`.
    key : str
        Name of the step; part of the bytes, so that a file under another name is not taken for this one.

    Returns
    -------
    bytes

    Raises
    ------
    OptionError
        W04 for a result of another kind.

    Examples
    --------
    >>> read_kept(write_kept((1.5, np.arange(3)), "a"), "a")[1][1].tolist()
    [0, 1, 2]
    """
    arrays: list[NDArray[Any]] = []
    header = json.dumps(
        {"key": key, "result": _tell(result, arrays)}, allow_nan=False, sort_keys=True
    ).encode()
    body = len(header).to_bytes(8, "little") + header + b"".join(a.tobytes() for a in arrays)
    return MAGIC + hashlib.sha256(body).digest() + body


def read_kept(data: bytes, key: str) -> tuple[bool, Any]:
    """(found, result) of bytes from :func:`write_kept`; bytes of any other kind, damaged or of another key are not found.

    Parameters
    ----------
    data : bytes
    key : str

    Returns
    -------
    tuple[bool, object]

    Examples
    --------
    >>> read_kept(b"anything", "a")
    (False, None)
    """
    start = len(MAGIC) + 32
    body = data[start:]
    if data[: len(MAGIC)] != MAGIC or hashlib.sha256(body).digest() != data[len(MAGIC) : start]:
        return False, None
    try:
        return True, _read(body, key)
    except (_NotKept, ValueError, TypeError, LookupError, OverflowError, AttributeError, RecursionError):
        return False, None  # a right checksum over a wrong content: not ours


def _read(body: bytes, key: str) -> Any:
    size = int.from_bytes(body[:8], "little")
    header = json.loads(body[8 : 8 + size])
    if header["key"] != key:
        raise _NotKept
    reader = _Reader(memoryview(body)[8 + size :])
    result = reader.make(header["result"])
    if reader.at != len(reader.body):
        raise _NotKept
    return result


def _tell(value: object, arrays: list[NDArray[Any]]) -> Any:
    """What the header says of a value: ``[kind, content]``."""
    if value is None or isinstance(value, (bool, str)):
        return ["plain", value]
    if isinstance(value, (np.ndarray, np.generic)):
        return _tell_array(value, arrays)
    if isinstance(value, int):
        return ["whole", str(value)] if abs(value) >= LARGEST_WHOLE else ["plain", value]
    if isinstance(value, float):
        return ["float", value.hex()]
    if isinstance(value, (tuple, list)):
        return [type(value).__name__, [_tell(v, arrays) for v in value]] if _bare(value) else _refuse(value)
    if isinstance(value, dict) and all(isinstance(k, str) for k in value):
        return ["dict", [[k, _tell(v, arrays)] for k, v in value.items()]]
    name = type(value).__qualname__
    if is_dataclass(value) and _RECORDS.get(name) is type(value):
        return ["record", name, [[f.name, _tell(getattr(value, f.name), arrays)] for f in fields(value)]]
    return _refuse(value)


def _tell_array(value: Any, arrays: list[NDArray[Any]]) -> Any:
    array = np.asarray(value, order="C")
    if np.ma.isMaskedArray(value) or not NUMBERS.fullmatch(array.dtype.str):
        return _refuse(value)
    arrays.append(array)
    return ["scalar" if isinstance(value, np.generic) else "array", array.dtype.str, list(array.shape)]


def _bare(value: Any) -> bool:
    return type(value) in (tuple, list)


def _refuse(value: object) -> Any:
    raise OptionError(
        "W04", f"a result of kind {type(value).__name__} cannot be kept for a later run.",
        remedy="give back plain values, arrays of numbers, or tuples and announced records of them; or leave store out",
    )  # fmt: skip


class _Reader:
    """Values made from the header, arrays cut from the bytes after it."""

    def __init__(self, body: memoryview) -> None:
        self.body, self.at = body, 0

    def make(self, told: Any) -> Any:
        kind, *rest = told
        if kind in ("array", "scalar"):
            array = self._array(*rest)
            return array[()] if kind == "scalar" else array
        if kind == "record":
            name, parts = rest
            return _RECORDS[name](**{str(k): self.make(v) for k, v in parts})
        (content,) = rest
        if kind == "plain" and (content is None or isinstance(content, (bool, int, str))):
            return content
        if kind == "whole":
            return int(content)
        if kind == "float":
            return float.fromhex(content)
        if kind in ("tuple", "list"):
            made = [self.make(v) for v in content]
            return tuple(made) if kind == "tuple" else made
        if kind == "dict":
            return {str(k): self.make(v) for k, v in content}
        raise _NotKept

    def _array(self, dtype: str, shape: list[int]) -> NDArray[Any]:
        if not NUMBERS.fullmatch(dtype) or any(type(n) is not int or n < 0 for n in shape):
            raise _NotKept
        kind = np.dtype(dtype)
        end = self.at + math.prod(shape) * kind.itemsize
        if end > len(self.body):
            raise _NotKept
        cut = np.frombuffer(self.body[self.at : end], dtype=kind).reshape(shape).copy()
        self.at = end
        return cut
