"""Open an exported folder in headless QGIS, check every layer and style, render each group to a picture.

Not a pytest test: it needs Debian's ``python3-qgis``.  Run by hand:

    permeability export RESULTS --to qgis --out DIR
    QT_QPA_PLATFORM=offscreen /usr/bin/python3 tests/helpers/qgis_check.py DIR [PICTURE.png]
"""

import sys
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize


def main(folder: Path, picture: str | None) -> int:
    application = QgsApplication([], False)
    application.initQgis()
    project, faults = QgsProject.instance(), []
    if not project.read(str(folder / "permeability.qgs")):
        faults.append(f"project not read: {project.error()}")
    for group in project.layerTreeRoot().findGroups():
        sys.stdout.write(f"{group.name()}\n")
        for node in group.findLayers():
            faults += check_layer(node.layer(), folder)
    order = [n.layer() for n in project.layerTreeRoot().findLayers() if n.itemVisibilityChecked()]
    if picture:
        render(order, picture)
    for fault in faults:
        sys.stdout.write(f"FAULT {fault}\n")
    sys.stdout.write(f"{len(project.mapLayers())} layers, {len(faults)} faults\n")
    application.exitQgis()
    return 1 if faults else 0


def check_layer(layer, folder: Path) -> list[str]:
    name, faults = layer.name(), []
    if not layer.isValid():
        return [f"{name}: not valid"]
    renderer = layer.renderer()
    if isinstance(layer, QgsVectorLayer):
        table = layer.source().split("layername=")[1]
        fresh = QgsVectorLayer(f"{folder}/layers.gpkg|layername={table}", table, "ogr")
        text, ok = fresh.loadDefaultStyle()
        if not ok or fresh.renderer().type() != renderer.type():
            faults.append(f"{name}: default style of the GeoPackage not taken ({text})")
        kind, n = renderer.type(), layer.featureCount()
        symbols = renderer.legendSymbolItems()
        if n == 0 or not symbols:
            faults.append(f"{name}: {n} features, {len(symbols)} symbols")
        sys.stdout.write(
            f"   vector {table}: {n} features, {kind}, {len(symbols)} symbols, crs {layer.crs().isValid()}, labels {layer.labelsEnabled()}\n"
        )
    elif isinstance(layer, QgsRasterLayer):
        path = Path(layer.source())
        fresh = QgsRasterLayer(str(path), path.stem)
        text, ok = fresh.loadNamedStyle(str(path.with_suffix(".qml")))
        if (
            not ok
            or fresh.renderer().type() != "singlebandpseudocolor"
            or renderer.type() != "singlebandpseudocolor"
        ):
            faults.append(f"{name}: style not taken ({text})")
        items = renderer.shader().rasterShaderFunction().colorRampItemList()
        if len(items) < 5:
            faults.append(f"{name}: {len(items)} colours")
        sys.stdout.write(
            f"   raster {path.stem}: {renderer.type()}, {len(items)} colours, {items[0].value:g} to {items[-1].value:g}, crs {layer.crs().isValid()}\n"
        )
    return faults


def render(layers, picture: str) -> None:
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setOutputSize(QSize(1400, 800))
    settings.setDestinationCrs(layers[0].crs())
    box = layers[0].extent()
    box.scale(1.1)
    settings.setExtent(box)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(picture)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2] if len(sys.argv) > 2 else None))
