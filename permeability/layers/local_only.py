"""Layers that are read from this machine only: no file may send a reader to the network.

A virtual raster or vector names where its values lie, and GDAL would fetch them: a run could not be repeated, and a file
from a stranger would tell where it is opened.  Descriptions that are known are refused by name; whatever GDAL learns to read
tomorrow finds no way out (:func:`offline`).
"""

from __future__ import annotations

import contextlib
import html
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from permeability.core.errors import LayerError

__all__ = ["offline", "require_local"]

MOST_BYTES = 32_000_000  # a description is text; what is larger is a raster itself
STARTS = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(<\?xml[^>]*>)?\s*(<!--.*?-->\s*)*<(VRTDataset|OGRVRTDataSource|OGRWFSDataSource|GDALTileIndexDataset|GDAL_WMS|GDAL_WMTS|WCS_GDAL|WMS_Tiles)",
    re.DOTALL,
)
NETWORK = re.compile(
    r"/vsi(?:curl|s3|gs|az|adls|oss|swift|webhdfs|hdfs)[^\s<\"']*|(?:https?|ftps?|s3|gs)://[^\s<\"']*"
    r"|<(?:ServerUrl|ServiceURL|GetCapabilitiesUrl|URL)>[^<]*|\b(?:WMS|WCS|WFS|WMTS|PG|MSSQL|MYSQL|OCI):[^\s<\"']*",
    re.IGNORECASE,
)  # fmt: skip
NAMESPACES = re.compile(
    r"xmlns(?::\w+)?\s*=\s*(\"[^\"]*\"|'[^']*')|<SRS.*?</SRS>|<Metadata.*?</Metadata>",
    re.DOTALL | re.IGNORECASE,
)
NAMED = re.compile(
    r"<(?:SourceFilename|SrcDataSource|SourceDataset)[^>]*>([^<]+)<", re.IGNORECASE
)  # what a description reads from


# a way out that ends at once, on this machine: for all that reads over HTTP, whichever driver it is
NO_WAY_OUT = {
    "GDAL_HTTP_PROXY": "http://127.0.0.1:9", "GDAL_HTTPS_PROXY": "http://127.0.0.1:9", "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_HTTP_TIMEOUT": "5", "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
}  # fmt: skip


_OPTIONS = threading.Lock()
_held: dict[str, int] = {}  # by how many calls an option is held
_before: dict[str, str | None] = {}


@contextlib.contextmanager
def offline(**more: str) -> Iterator[None]:
    """Options of GDAL, for both libraries that hold one, with which it finds no way to the network.

    Parameters
    ----------
    **more : str
        Further options of the call.

    Yields
    ------
    None

    Examples
    --------
    >>> import pyogrio
    >>> with offline():
    ...     pyogrio.get_gdal_config_option("CPL_VSIL_CURL_ALLOWED_EXTENSIONS")
    '.none'
    """
    import pyogrio
    import rasterio

    options = NO_WAY_OUT | more
    with _OPTIONS:  # several threads read at once: the first finds what was set before, the last puts it back
        for k in options:
            if not _held.get(k):
                _before[k] = pyogrio.get_gdal_config_option(k)
            _held[k] = _held.get(k, 0) + 1
        pyogrio.set_gdal_config_options(options)
    try:
        with rasterio.Env(**options):
            yield
    finally:
        with _OPTIONS:
            for k in options:
                _held[k] -= 1
            pyogrio.set_gdal_config_options({k: _before[k] for k in options if not _held[k]})


JSON_KINDS = {"gdal_streamed_alg": "a recipe of GDAL", "stac_version": "a catalogue of far files", "tilejson": "a service of tiles", "refs": "references to parts of files"}  # fmt: skip


def _refuse_far_json(one: Path, layer: str) -> None:
    """Refuse a file of one JSON object that names where to fetch: a coordinate system by a link, a recipe, a catalogue, references."""
    try:
        told: Any = json.loads(one.read_bytes())
    except (ValueError, RecursionError):
        return  # GDAL says what is wrong with it
    crs = told.get("crs")
    if isinstance(crs, dict) and "href" in str(crs.get("properties", "")):
        found = "its coordinate system is a link"
    else:
        kinds = {k: v for k, v in JSON_KINDS.items() if k in told or told.get("type") == k}
        if not kinds:
            return
        found = f"it is {next(iter(kinds.values()))}"
    raise LayerError(
        "L19", f"{one.name} reads from elsewhere ({found}): layers are read from files of this machine, so that a run can be repeated.",
        layer=layer, remedy="save what it shows as a file first, such as a GeoPackage with the coordinate system in it",
    )  # fmt: skip


def require_local(path: Path, *, layer: str) -> None:
    """Refuse a description (VRT, WMS and the like) that reads from the network, itself or through others that it names.

    Parameters
    ----------
    path : Path
    layer : str
        Used in messages.

    Raises
    ------
    LayerError
        L19 with the address.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "far.vrt"
    ...     _ = file.write_text("<VRTDataset><SourceFilename>/vsicurl/http://far/a.tif</SourceFilename></VRTDataset>")
    ...     require_local(file, layer="heights")
    Traceback (most recent call last):
    ...
    permeability.core.errors.LayerError: LayerError [L19]: ...
    """
    seen: set[Path] = set()
    waiting = [path]
    while waiting:
        one = waiting.pop()
        if one in seen or not one.is_file() or one.stat().st_size > MOST_BYTES:
            continue
        seen.add(one)
        with one.open("rb") as file:
            head = file.read(4096)
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            _refuse_far_json(one, layer)
        if not STARTS.match(head):
            continue
        text = NAMESPACES.sub("", html.unescape(one.read_text(encoding="utf-8", errors="replace")))
        found = NETWORK.search(text)
        if found:
            raise LayerError(
                "L19", f"{one.name} reads from the network ({found[0][:80]}): layers are read from files of this machine, so that a run can be repeated.",
                layer=layer, remedy="save what it shows as a file first (gdal_translate far.vrt near.tif, or ogr2ogr)",
            )  # fmt: skip
        waiting += [(one.parent / name.strip()).resolve() for name in NAMED.findall(text)]
