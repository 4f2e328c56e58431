"""Which set of measures: alternatives side by side, plans for a budget, bounds, costs, offsets."""
