"""Pictures: one style for the maps of the library, the notebook, the report and QGIS."""
