"""The plugin: it adds the provider and takes it away again."""

from qgis.core import QgsApplication

from .provider import Provider


class Plugin:
    """Named by ``hasProcessingProvider`` in metadata.txt, so that qgis_process sees it too."""

    def __init__(self):
        self.provider = None

    def initProcessing(self):
        """Called by qgis_process, and by the window of QGIS through initGui."""
        self.provider = Provider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self):
        """Called when QGIS has a window."""
        self.initProcessing()

    def unload(self):
        """Called when the plugin is switched off."""
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
