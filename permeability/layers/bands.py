"""One door for bands: what a band's numbers mean is read with them.

The value of a cell is ``stored x scale + offset``; nodata, masks and alpha are compared with the stored number and become NaN;
numbers that can only be an undeclared nodata are refused, never taken for values; a picture is no raster of values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioIOError
from rasterio.windows import Window

from permeability.core.errors import LayerError

__all__ = ["BandFacts", "band_facts", "band_values"]

HUGE = 1e30  # no land has such a value; -3.4028235e38, 1.7e308 and 9.97e36 are how programs write "nothing"
USUAL_NODATA = (-9999.0, -32768.0, -99999.0, -2147483648.0, 32767.0, 65535.0, 2147483647.0, 4294967295.0)
METRES = ("", "m", "metre", "metres", "meter", "meters")
PICTURE = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)


@dataclass(frozen=True)
class BandFacts:
    """What a file says of one of its bands.

    Attributes
    ----------
    band, bands : int
        Which, of how many.
    name, unit : str
        As the file has them; may be empty.
    nodata : float or None
        Stored number that means no value.
    scale, offset : float
        Value = stored x scale + offset.
    classes : bool
        Whether a colour table or names of classes belong to the band: its numbers are codes.
    picture : bool
        Whether the band is a colour of a picture.
    masked : bool
        Whether the file has a mask or an alpha band.

    Examples
    --------
    >>> import tempfile, rasterio
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> with tempfile.TemporaryDirectory() as folder, rasterio.open(land.save(f"{folder}/r.tif")) as source:
    ...     facts = band_facts(source, 1)
    >>> facts.bands, facts.scale, facts.offset, facts.classes
    (1, 1.0, 0.0, False)
    """

    band: int
    bands: int
    name: str
    unit: str
    nodata: float | None
    scale: float
    offset: float
    classes: bool
    picture: bool
    masked: bool


def band_facts(source: Any, band: int) -> BandFacts:
    """The facts of a band of an open raster.

    Parameters
    ----------
    source : rasterio.DatasetReader
    band : int
        From 1 on.

    Returns
    -------
    BandFacts
    """
    colour = source.colorinterp[band - 1]
    flags = {f.name for f in source.mask_flag_enums[band - 1]}
    nodata = source.nodatavals[band - 1]
    return BandFacts(
        band, source.count, source.descriptions[band - 1] or "", source.units[band - 1] or "", nodata, float(source.scales[band - 1]),
        float(source.offsets[band - 1]), colour is ColorInterp.palette or _has_names(source, band), colour in PICTURE,
        bool(flags & {"per_dataset", "alpha"}),
    )  # fmt: skip


def _has_names(source: Any, band: int) -> bool:
    """Whether the band has a colour table or a list of class names."""
    try:
        source.colormap(band)
    except ValueError:
        return False
    return True


def band_values(
    source: Any,
    band: int,
    window: Window | None = None,
    *,
    nodata: float | None = None,
    layer: str = "raster",
) -> NDArray[np.float64]:
    """Values of a band, or of a window of it, NaN where there is none.

    Parameters
    ----------
    source : rasterio.DatasetReader
    band : int
        From 1 on.
    window : rasterio.windows.Window, optional
    nodata : float, optional
        A stored number that means no value, beside what the file says.
    layer : str
        Name used in messages.

    Returns
    -------
    array
        float64, shape (rows, cols).

    Raises
    ------
    LayerError
        L11 when the file ends too early, L30 for numbers that can only be an undeclared nodata.

    Examples
    --------
    >>> import tempfile, rasterio
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> with tempfile.TemporaryDirectory() as folder, rasterio.open(land.save(f"{folder}/r.tif")) as source:
    ...     band_values(source, 1, Window(0, 0, 3, 1)).tolist()
    [[1.0, 1.0, 1.0]]
    """
    try:
        stored = source.read(band, window=window, masked=True)
    except RasterioIOError as exc:
        raise LayerError(
            "L11", f"the raster cannot be read: {exc}", layer=layer, rows=["all"],
            remedy="check that the file is whole: copy it again from where it came",
        ) from exc  # fmt: skip
    values: NDArray[np.float64] = stored.astype(np.float64).filled(np.nan)
    del stored
    if nodata is not None:
        values[values == nodata] = np.nan
    huge = np.isfinite(values) & (np.abs(values) >= HUGE)
    if huge.any():
        most = float(values[huge][0])
        raise LayerError(
            "L30", f"{int(huge.sum()):,} cells hold {most:.8g}, which is no value but an undeclared nodata.", layer=layer,
            details={"nodata of the file": "none" if source.nodatavals[band - 1] is None else source.nodatavals[band - 1]},
            remedy=f"say nodata = {most!r} for the layer, or set the nodata value in your GIS",
        )  # fmt: skip
    scale, offset = source.scales[band - 1], source.offsets[band - 1]
    if scale != 1.0 or offset != 0.0:
        values *= scale
        values += offset
    return values


def sample_values(
    source: Any, band: int, most: int, *, nodata: float | None = None, layer: str = "raster"
) -> NDArray[np.float64]:
    """A raster on its own cells; of one with more than ``most`` cells a regular sample of them.

    Parameters
    ----------
    source : rasterio.DatasetReader
    band : int
    most : int
        Cells.
    nodata : float, optional
    layer : str

    Returns
    -------
    array
        float64.
    """
    step = int(np.ceil(np.sqrt(source.width * source.height / most)))
    if step <= 1:
        return band_values(source, band, nodata=nodata, layer=layer)
    rows = range(step // 2, source.height, step)
    return np.vstack([
        band_values(source, band, Window(0, row, source.width, 1), nodata=nodata, layer=layer)[:, step // 2 :: step] for row in rows
    ])  # fmt: skip
