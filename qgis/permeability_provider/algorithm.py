"""A command of the program as an algorithm of QGIS, its dialog made from the specification."""

import json
import os

from qgis import core

from . import program

RESULT = "RESULT"


class CommandAlgorithm(core.QgsProcessingAlgorithm):
    """One command."""

    def __init__(self, spec):
        super().__init__()
        self.spec = spec

    def createInstance(self):
        """A fresh one, as QGIS asks for."""
        return CommandAlgorithm(self.spec)

    def name(self):
        """permeability:costdistance is ``permeability cost-distance``."""
        return self.spec["name"].replace("-", "").replace(" ", "")

    def displayName(self):
        """In the toolbox."""
        return self.spec["name"].replace("-", " ").capitalize()

    def shortHelpString(self):
        """What the program says of the command and its parameters."""
        rows = "".join("<li><b>{}</b>: {}</li>".format(p["name"], p["help"]) for p in self.spec["parameters"])
        return "<p>{}</p><ul>{}</ul>".format(self.spec["help"], rows)

    def initAlgorithm(self, config=None):
        """The dialog."""
        for parameter in self.spec["parameters"]:
            self.addParameter(definition(parameter))
        self.addOutput(core.QgsProcessingOutputString(RESULT, "Result (JSON)"))

    # ------------------------------------------------------------ running
    def processAlgorithm(self, parameters, context, feedback):
        """Call the program with what the dialog holds."""
        words, outputs = self.spec["name"].split(), {}
        for p in self.spec["parameters"]:
            value = self.value(p, parameters, context, feedback)
            words += words_of(p, value)
            if p.get("writes") and value:
                outputs[p["name"]] = value
        feedback.pushCommandInfo("permeability " + " ".join(words))
        found, code = self.call(words, feedback)
        if code:
            feedback.reportError(f"permeability ended with code {code}: look at the result")
        if self.spec["name"] == "run" and outputs:
            self.load_run(outputs["out"], context, feedback)
        return {**outputs, RESULT: json.dumps(found, ensure_ascii=False)}

    def call(self, words, feedback):
        """The program's result and exit code; its refusal is QGIS's."""
        try:
            return program.call(words, lambda event: pass_on(event, feedback), feedback.isCanceled)
        except program.ProgramError as error:
            raise core.QgsProcessingException(str(error)) from error

    def value(self, p, parameters, context, feedback):
        """What the dialog holds for a parameter, as the program wants it; None for nothing."""
        name = p["name"]
        if parameters.get(name) is None and not p.get("writes"):
            return p["default"] if p["type"] == "flag" else None
        if p["type"] == "flag":
            return self.parameterAsBool(parameters, name, context)
        if p["type"] == "choice" and not p["multiple"]:
            return self.parameterAsEnumString(parameters, name, context)
        if p["type"] in ("number", "integer") and not p["multiple"]:
            return (self.parameterAsInt if p["type"] == "integer" else self.parameterAsDouble)(
                parameters, name, context
            )
        role = p.get("role")
        if p.get("writes"):
            if parameters.get(name) is None and name != "out":
                return None
            layer = role in ("raster", "vector")
            return (self.parameterAsOutputLayer if layer else self.parameterAsFileOutput)(
                parameters, name, context
            ) or None
        if role == "raster":
            layer = self.parameterAsRasterLayer(parameters, name, context)
            return None if layer is None else layer.source().split("|")[0]
        if role == "vector":
            return (
                self.parameterAsCompatibleSourceLayerPath(
                    parameters, name, context, ["gpkg"], "gpkg", feedback
                )
                or None
            )
        if role is not None:
            return self.parameterAsFile(parameters, name, context) or None
        return self.parameterAsString(parameters, name, context) or None

    def load_run(self, results, context, feedback):
        """Layers of a run with the styles of its report, where there is a window to show them."""
        if context.project() is None:
            return
        folder = results.rstrip("/\\") + "-qgis"
        self.call(["export", results, "--to", "qgis", "--out", folder], feedback)
        layers = [
            core.QgsRasterLayer(os.path.join(folder, f), f[:-4])
            for f in sorted(os.listdir(folder))
            if f.endswith(".tif")
        ]
        tables = core.QgsVectorLayer(os.path.join(folder, "layers.gpkg"), "layers", "ogr")
        for part in tables.dataProvider().subLayers() if tables.isValid() else []:
            table = part.split("!!::!!")[1]
            if table != "layer_styles":
                layers.append(core.QgsVectorLayer(f"{folder}/layers.gpkg|layername={table}", table, "ogr"))
        for layer in layers:
            if layer.isValid():
                layer.loadDefaultStyle()  # .qml beside rasters, layer_styles in the GeoPackage
                context.temporaryLayerStore().addMapLayer(layer)
                details = core.QgsProcessingContext.LayerDetails(
                    layer.name(), context.project(), layer.name()
                )
                context.addLayerToLoadOnCompletion(layer.id(), details)


def definition(p):
    """A parameter of QGIS from one of the specification."""
    words = p["help"] if len(p["help"]) < 90 else p["help"][:87] + "..."
    title, name, default = "{}: {}".format(p["name"].replace("_", " "), words), p["name"], p["default"]
    optional = not p["required"]
    if p.get("writes"):
        made = name == "out"  # anything else that can be written is written when asked for
        if p["role"] == "raster":
            return core.QgsProcessingParameterRasterDestination(name, title, None, optional, made)
        if p["role"] == "vector":
            return core.QgsProcessingParameterVectorDestination(
                name, title, core.QgsProcessing.TypeVector, None, optional, made
            )
        if p["role"] == "folder":
            return core.QgsProcessingParameterFolderDestination(name, title, None, optional, made)
        return core.QgsProcessingParameterFileDestination(name, title, "HTML (*.html)", None, optional, made)
    if p["type"] == "flag":
        return core.QgsProcessingParameterBoolean(name, title, bool(default), True)
    if p["multiple"]:
        return core.QgsProcessingParameterString(
            name, title + " (several: parted by ;)", None, False, optional
        )
    if p["type"] == "choice":
        return core.QgsProcessingParameterEnum(name, title, p["choices"], False, default, optional, True)
    if p["type"] in ("number", "integer"):
        kind = (
            core.QgsProcessingParameterNumber.Integer
            if p["type"] == "integer"
            else core.QgsProcessingParameterNumber.Double
        )
        made = core.QgsProcessingParameterNumber(name, title, kind, default, optional)
        if p["minimum"] is not None:
            made.setMinimum(p["minimum"])
        if p["maximum"] is not None:
            made.setMaximum(p["maximum"])
        return made
    role = p.get("role")
    if role == "raster":
        return core.QgsProcessingParameterRasterLayer(name, title, None, optional)
    if role == "vector":
        return core.QgsProcessingParameterFeatureSource(
            name, title, [core.QgsProcessing.TypeVector], None, optional
        )
    if role is not None:
        folder = role in ("results", "folder")
        kind = core.QgsProcessingParameterFile.Folder if folder else core.QgsProcessingParameterFile.File
        return core.QgsProcessingParameterFile(
            name, title, kind, "toml" if role == "project" else "", None, optional
        )
    return core.QgsProcessingParameterString(name, title, default, False, optional)


def words_of(p, value):
    """A value as words of the command line; none for what is not given."""
    if p["type"] == "flag":
        flags = p["flags"] if value else p["off_flags"]
        return flags[:1] if bool(value) != bool(p["default"]) else []
    if value is None:
        return []
    several = [v.strip() for v in str(value).split(";") if v.strip()] if p["multiple"] else [str(value)]
    return [word for v in several for word in ([*p["flags"][-1:], v] if p["flags"] else [v])]


def pass_on(event, feedback):
    """An event of the program to the log of QGIS."""
    if event["event"] == "progress":
        feedback.setProgressText(event["step"])
        feedback.setProgress(100.0 * event["done"] / max(event["total"], 1))
    elif event["event"] == "finding":
        feedback.pushWarning(
            "{} [{}] {} - {}".format(event["layer"] or "", event["code"], event["what"], event["remedy"])
        )
    elif event["event"] != "error":  # an error ends the call and is said then
        feedback.pushInfo(event.get("text") or event.get("path", ""))
