"""The chapters of ``permeability check``: each looks at one part of a project and adds what it finds."""
