"""QGIS styles that match the report: XML for ``.qml`` files, the ``layer_styles`` table and the project file.

Written for QGIS 3.22 and later; the elements are the ones QGIS itself writes, cut down to what it reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from permeability.core.plain_text import inert_xml, quoted_xml
from permeability.locale.language import Words
from permeability.viz.style import BARRIER_STYLES, INK, PAPER, PATCH, RANGE, LineStyle, Scale, ramp_stops

QGIS_VERSION = "3.22.16-Białowieża"
DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
POINTS = {"unit": "Point"}


def qml(children: str, geometry: str = "") -> str:
    """A whole style file around the elements of a style."""
    kind = (
        f" <layerGeometryType>{ {'Point': 0, 'Line': 1, 'Polygon': 2}[geometry] }</layerGeometryType>\n"
        if geometry
        else ""
    )
    return f'{DOCTYPE}<qgis version="{QGIS_VERSION}" styleCategories="Symbology|Labeling">\n{children}{kind}</qgis>\n'


# ---------------------------------------------------------------- symbols
def _options(options: Mapping[str, object]) -> str:
    rows = "".join(
        f'<Option type="QString" name={quoted_xml(k)} value={quoted_xml(str(v))}/>'
        for k, v in options.items()
    )
    return f'<Option type="Map">{rows}</Option>' + "".join(
        f"<prop k={quoted_xml(k)} v={quoted_xml(str(v))}/>" for k, v in options.items()
    )


def _layer(kind: str, options: Mapping[str, object], inner: str = "") -> str:
    return f'<layer class="{kind}" enabled="1" locked="0" pass="0">{_options(options)}{inner}</layer>'


def _symbol(name: str, kind: str, layers: Sequence[str], alpha: float = 1.0) -> str:
    return f'<symbol name={quoted_xml(name)} type="{kind}" alpha="{alpha:g}" clip_to_extent="1" force_rhr="0">{"".join(layers)}</symbol>'


def rgba(colour: str, alpha: int = 255) -> str:
    """A colour as QGIS writes it.

    >>> rgba("#ff8000")
    '255,128,0,255'
    """
    return ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5)) + f",{alpha}"


def line_symbol(name: str, style: LineStyle) -> str:
    """A barrier symbol: white casing, dashed line, repeated mark."""
    layers = [
        _layer(
            "SimpleLine",
            {"line_color": rgba(PAPER, 217), "line_width": style.width + 1.6, "line_width_unit": "Point"},
        )
    ]
    dash = (
        {
            "use_custom_dash": 1,
            "customdash": ";".join(f"{d:g}" for d in style.dash),
            "customdash_unit": "Point",
        }
        if style.dash
        else {}
    )
    layers.append(
        _layer(
            "SimpleLine",
            {"line_color": rgba(style.colour), "line_width": style.width, "line_width_unit": "Point", **dash},
        )
    )
    if style.symbol:
        shape = {"tick": "line", "cross": "cross2", "dot": "circle"}[style.symbol]
        mark = _symbol(f"@{name}@2", "marker", [_layer("SimpleMarker", {
            "name": shape, "color": rgba(style.colour), "outline_color": rgba(style.colour), "outline_width": 1.2, "outline_width_unit": "Point",
            "size": 4 if style.symbol == "dot" else 6, "size_unit": "Point", "angle": 0,
        })])  # fmt: skip
        layers.append(
            _layer(
                "MarkerLine",
                {"interval": 24, "interval_unit": "Point", "placement": "interval", "rotate": 1},
                mark,
            )
        )
    return _symbol(name, "line", layers)


def barrier_style(tr: Words) -> str:
    """Barriers by the column ``style_class``."""
    categories = "".join(
        f'<category symbol="{i}" value={quoted_xml(s.key)} label={quoted_xml(s.legend(tr))} render="true"/>'
        for i, s in enumerate(BARRIER_STYLES.values())
    )
    symbols = "".join(line_symbol(str(i), s) for i, s in enumerate(BARRIER_STYLES.values()))
    return f' <renderer-v2 type="categorizedSymbol" attr="style_class" symbollevels="0" enableorderby="0" forceraster="0"><categories>{categories}</categories><symbols>{symbols}</symbols></renderer-v2>\n'


def fill_style(colour: str, alpha: int, dash: str = "solid") -> str:
    """Polygons with an outline."""
    layer = _layer(
        "SimpleFill",
        {
            "color": rgba(colour, alpha),
            "outline_color": rgba(colour),
            "outline_style": dash,
            "outline_width": 1.4,
            "outline_width_unit": "Point",
            "style": "solid",
        },
    )
    return f' <renderer-v2 type="singleSymbol" symbollevels="0" enableorderby="0" forceraster="0"><symbols>{_symbol("0", "fill", [layer])}</symbols></renderer-v2>\n'


def point_style(colour: str) -> str:
    """Points as triangles."""
    layer = _layer(
        "SimpleMarker",
        {
            "name": "triangle",
            "color": rgba(colour),
            "outline_color": rgba(PAPER),
            "size": 7,
            "size_unit": "Point",
        },
    )
    return f' <renderer-v2 type="singleSymbol" symbollevels="0" enableorderby="0" forceraster="0"><symbols>{_symbol("0", "marker", [layer])}</symbols></renderer-v2>\n'


def patch_style(geometry: str) -> str:
    """Patches that should stay connected."""
    return point_style(PATCH) if geometry == "Point" else fill_style(PATCH, 36)


def range_style() -> str:
    """Ranges: dash-dot outline."""
    return fill_style(RANGE, 13, "dash dot")


def _categories(column: str, words: Sequence[tuple[str, str]], symbols: Sequence[str]) -> str:
    """One symbol for each value of a column, with its word for the legend."""
    rows = "".join(
        f'<category symbol="{i}" value={quoted_xml(v)} label={quoted_xml(t)} render="true"/>' for i, (v, t) in enumerate(words)
    )  # fmt: skip
    return f' <renderer-v2 type="categorizedSymbol" attr="{column}" symbollevels="0" enableorderby="0" forceraster="0"><categories>{rows}</categories><symbols>{"".join(symbols)}</symbols></renderer-v2>\n'


def new_line_style(names: Sequence[tuple[str, str]], colours: Sequence[str]) -> str:
    """New lines by the column ``line``: (value, word) and a colour for each, on white."""
    symbols = []
    for i in range(len(names)):
        layers = [
            _layer(
                "SimpleLine", {"line_color": rgba(colour), "line_width": width, "line_width_unit": "Point"}
            )
            for colour, width in ((PAPER, 5.0), (colours[i % len(colours)], 3.0))
        ]
        symbols.append(_symbol(str(i), "line", layers))
    return _categories("line", names, symbols)


def ground_style(words: Sequence[tuple[str, str]], colours: Sequence[str]) -> str:
    """Ground for a new line by the column ``class``: (value, word) and a colour for each."""
    symbols = [
        _symbol(str(i), "fill", [_layer("SimpleFill", {"color": rgba(c, 110), "outline_color": rgba(c), "outline_width": 0.6, "outline_width_unit": "Point", "style": "solid"})])
        for i, c in enumerate(colours[: len(words)])
    ]  # fmt: skip
    return _categories("class", words, symbols)


def site_style(column: str, scale: Scale, tr: Words, top: int, classes: int = 5) -> str:
    """Ranked sections by gain in classes of the ramp, the best labelled with their rank."""
    edges = np.linspace(scale.low, scale.high, classes + 1)
    stops = ramp_stops(scale.ramp, classes)
    ranges, symbols = [], []
    for i, (_, colour) in enumerate(stops):
        low, high = (-1e300 if i == 0 else edges[i]), (1e300 if i == classes - 1 else edges[i + 1])
        label = f"{tr.number(edges[i])} – {tr.number(edges[i + 1])}"
        ranges.append(
            f'<range symbol="{i}" lower="{low:.15g}" upper="{high:.15g}" label={quoted_xml(label)} render="true"/>'
        )
        layers = [
            _layer(
                "SimpleLine",
                {"line_color": rgba(INK), "line_width": 6, "line_width_unit": "Point", "capstyle": "flat"},
            ),
            _layer(
                "SimpleLine",
                {
                    "line_color": rgba(colour),
                    "line_width": 4.2,
                    "line_width_unit": "Point",
                    "capstyle": "flat",
                },
            ),
        ]
        symbols.append(_symbol(str(i), "line", layers))
    renderer = f' <renderer-v2 type="graduatedSymbol" attr={quoted_xml(column)} graduatedMethod="GraduatedColor" symbollevels="0" enableorderby="0" forceraster="0"><ranges>{"".join(ranges)}</ranges><symbols>{"".join(symbols)}</symbols></renderer-v2>\n'
    text = f'<text-style fieldName={quoted_xml(f"CASE WHEN rank <= {int(top)} THEN rank END")} isExpression="1" fontSize="8" fontSizeUnit="Point" textColor="{rgba(INK)}" fontFamily="DejaVu Sans" namedStyle="Bold"><text-buffer bufferDraw="1" bufferSize="1" bufferColor="{rgba(PAPER)}"/></text-style>'
    return (
        renderer
        + f' <labeling type="simple"><settings calloutType="simple">{text}<placement placement="2" placementFlags="10" dist="1.5"/><rendering drawLabels="1" obstacle="1"/></settings></labeling>\n'
    )


def raster_style(scale: Scale, tr: Words, factor: float = 1.0) -> str:
    """A raster in the colours of its scale; ``factor`` turns legend values into values of the file."""
    items = []
    for place, colour in ramp_stops(scale.ramp, 17):
        value = scale.value(place)
        items.append(
            f'<item value="{value * factor:.9g}" color="{colour}" alpha="255" label={quoted_xml(tr.number(value))}/>'
        )
    low, high = scale.low * factor, scale.high * factor
    shader = f'<rastershader><colorrampshader colorRampType="INTERPOLATED" classificationMode="1" clip="0" minimumValue="{low:.9g}" maximumValue="{high:.9g}" labelPrecision="4">{"".join(items)}</colorrampshader></rastershader>'
    return (
        f' <pipe><rasterrenderer type="singlebandpseudocolor" band="1" opacity="1" alphaBand="-1" nodataColor="" classificationMin="{low:.9g}" classificationMax="{high:.9g}">'
        f"<rasterTransparency/>{shader}</rasterrenderer></pipe>\n"
    )


# ---------------------------------------------------------------- the project file
def map_layer(
    layer_id: str, name: str, source: str, srs: str, style: str, *, geometry: str = "", abstract: str = ""
) -> str:
    """One layer of a project; ``geometry`` is empty for a raster."""
    kind = f'type="vector" geometry="{geometry}"' if geometry else 'type="raster"'
    provider = '<provider encoding="UTF-8">ogr</provider>' if geometry else "<provider>gdal</provider>"
    return (
        f'  <maplayer {kind} autoRefreshEnabled="0" styleCategories="AllStyleCategories"><id>{inert_xml(layer_id)}</id><datasource>{inert_xml(source)}</datasource>'
        f"<layername>{inert_xml(name)}</layername><srs>{srs}</srs><resourceMetadata><identifier>{inert_xml(source)}</identifier><type>dataset</type><title>{inert_xml(name)}</title>"
        f"<abstract>{inert_xml(abstract)}</abstract></resourceMetadata>{provider}\n{style}  </maplayer>\n"
    )


def spatial_reference(wkt: str, proj4: str, name: str) -> str:
    """A coordinate system as QGIS stores it."""
    return f"<spatialrefsys><wkt>{inert_xml(wkt)}</wkt><proj4>{inert_xml(proj4)}</proj4><srsid>0</srsid><srid>0</srid><authid></authid><description>{inert_xml(name)}</description><geographicflag>false</geographicflag></spatialrefsys>"


def project(
    title: str,
    srs: str,
    extent: tuple[float, float, float, float],
    groups: Mapping[str, Sequence[tuple[str, str, str, bool]]],
    layers: Sequence[str],
    abstract: str = "",
) -> str:
    """A ``.qgs`` project: groups of (layer id, name, source, checked), top first, and the layers themselves."""
    west, south, east, north = extent
    tree = "".join(
        f'  <layer-tree-group name={quoted_xml(group)} checked="Qt::Checked" expanded="1">'
        + "".join(
            f'<layer-tree-layer id={quoted_xml(i)} name={quoted_xml(n)} source={quoted_xml(s)} providerKey="{"ogr" if "|" in s else "gdal"}" checked="{"Qt::Checked" if on else "Qt::Unchecked"}" expanded="0"/>'
            for i, n, s, on in rows
        )
        + "</layer-tree-group>\n"
        for group, rows in groups.items()
    )
    order = "".join(f"<layer id={quoted_xml(i)}/>" for rows in groups.values() for i, *_ in rows)
    return (
        f'{DOCTYPE}<qgis version="{QGIS_VERSION}" projectname={quoted_xml(title)}>\n <title>{inert_xml(title)}</title>\n <projectCrs>{srs}</projectCrs>\n'
        f' <layer-tree-group>\n{tree} </layer-tree-group>\n <mapcanvas name="theMapCanvas"><units>meters</units><extent><xmin>{west:.10g}</xmin><ymin>{south:.10g}</ymin><xmax>{east:.10g}</xmax><ymax>{north:.10g}</ymax></extent>'
        f"<destinationsrs>{srs}</destinationsrs></mapcanvas>\n <projectlayers>\n{''.join(layers)} </projectlayers>\n <layerorder>{order}</layerorder>\n"
        f" <projectMetadata><title>{inert_xml(title)}</title><abstract>{inert_xml(abstract)}</abstract></projectMetadata>\n"
        ' <properties><Paths><Absolute type="bool">false</Absolute></Paths></properties>\n</qgis>\n'
    )
