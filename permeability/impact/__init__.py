"""What barriers do to a species: line by line, scenario by scenario, and what a further change would do."""
