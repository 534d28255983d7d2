"""Model folders: weights, card and page."""
