"""Layers that are read from this machine only: no file may send a reader to the network.

A virtual raster or vector names where its values lie, and GDAL would fetch them: a run could not be repeated, and a file
from a stranger would tell where it is opened.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

from permeability.core.errors import LayerError

__all__ = ["require_local"]

MOST_BYTES = 32_000_000  # a description is text; what is larger is a raster itself
STARTS = re.compile(
    rb"\s*(<\?xml[^>]*>)?\s*(<!--.*?-->\s*)*<(VRTDataset|OGRVRTDataSource|GDAL_WMS|GDAL_WMTS|WCS_GDAL|WMS_Tiles)",
    re.DOTALL,
)
NETWORK = re.compile(
    r"/vsi(?:curl|s3|gs|az|adls|oss|swift|webhdfs|hdfs)[^\s<\"']*|(?:https?|ftps?|s3|gs)://[^\s<\"']*"
    r"|<(?:ServerUrl|ServiceURL|GetCapabilitiesUrl)>[^<]*|\b(?:WMS|WCS|WFS|WMTS|PG|MSSQL|MYSQL|OCI):[^\s<\"']*",
    re.IGNORECASE,
)  # fmt: skip
NAMESPACES = re.compile(
    r"xmlns(?::\w+)?\s*=\s*(\"[^\"]*\"|'[^']*')|<SRS.*?</SRS>|<Metadata.*?</Metadata>",
    re.DOTALL | re.IGNORECASE,
)
NAMED = re.compile(
    r"<(?:SourceFilename|SrcDataSource|SourceDataset)[^>]*>([^<]+)<", re.IGNORECASE
)  # what a description reads from


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
            if not STARTS.match(file.read(4096)):
                continue
        text = NAMESPACES.sub("", html.unescape(one.read_text(encoding="utf-8", errors="replace")))
        found = NETWORK.search(text)
        if found:
            raise LayerError(
                "L19", f"{one.name} reads from the network ({found[0][:80]}): layers are read from files of this machine, so that a run can be repeated.",
                layer=layer, remedy="save what it shows as a file first (gdal_translate far.vrt near.tif, or ogr2ogr)",
            )  # fmt: skip
        waiting += [(one.parent / name.strip()).resolve() for name in NAMED.findall(text)]
