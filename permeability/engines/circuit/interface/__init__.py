"""A landscape condensed onto patches and barrier edges: exact gains of any opening."""
