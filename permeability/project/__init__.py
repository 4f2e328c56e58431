"""The project file: what it says, and every problem of it at once."""
