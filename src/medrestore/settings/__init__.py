"""Settings of a run: their descriptions, checks and documentation."""
