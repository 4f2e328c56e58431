"""The provider: one algorithm for each of ten commands, as the installed program describes them."""

from qgis.core import Qgis, QgsMessageLog, QgsProcessingProvider

from . import program
from .algorithm import CommandAlgorithm

COMMANDS = ("check", "plan", "rank", "run", "compare", "resistance", "cost-distance", "circuit", "omnidirectional", "board")  # fmt: skip


class Provider(QgsProcessingProvider):
    """Group ``permeability`` of the toolbox."""

    def id(self):
        """First part of the names: permeability:rank."""
        return "permeability"

    def name(self):
        """As the toolbox shows it."""
        return "Landscape permeability"

    def load(self):
        """Offer the setting, then the algorithms."""
        try:
            from processing.core.ProcessingConfig import ProcessingConfig, Setting

            told = "Python, or the program permeability, to be called (empty: found on the path)"
            ProcessingConfig.settingIcons[self.name()] = self.icon()
            ProcessingConfig.addSetting(
                Setting(self.name(), program.SETTING, told, "", valuetype=Setting.FILE)
            )
            ProcessingConfig.readSettings()
        except ImportError:
            pass  # qgis_process without the Processing plugin: the variable and the path remain
        self.refreshAlgorithms()
        return True

    def unload(self):
        """Take the setting away."""
        try:
            from processing.core.ProcessingConfig import ProcessingConfig

            ProcessingConfig.removeSetting(program.SETTING)
        except (ImportError, KeyError):
            pass

    def loadAlgorithms(self):
        """Algorithms of the commands that the program has; a word in the log when there is no program."""
        try:
            told = {c["name"]: c for c in program.spec()["commands"]}
        except program.ProgramError as error:
            QgsMessageLog.logMessage(str(error), "permeability", Qgis.Warning)
            return
        for name in COMMANDS:
            if name in told:
                self.addAlgorithm(CommandAlgorithm(told[name]))
