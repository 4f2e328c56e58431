"""Files of other programs: Circuitscape and Omniscape problem files, ESRI ASCII grids, lists."""
