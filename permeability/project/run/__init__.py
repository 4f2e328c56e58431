"""A project from end to end: what it will take, its steps, its result folder, differences of two results."""
