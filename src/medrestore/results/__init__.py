"""What a run gives back, its files, and its record."""
