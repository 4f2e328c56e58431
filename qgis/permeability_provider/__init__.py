"""The plugin of QGIS that hands the program permeability to the Processing toolbox; it imports nothing of that program."""


def classFactory(iface):
    """What QGIS calls first."""
    from .plugin import Plugin

    return Plugin()
