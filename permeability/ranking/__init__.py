"""Which site first: candidates, exact gains, ranks and how sure they are."""
