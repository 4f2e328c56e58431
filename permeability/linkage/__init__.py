"""How well patches are linked: pairs and maps, paths, corridors, networks, indices."""
