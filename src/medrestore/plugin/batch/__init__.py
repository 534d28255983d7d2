"""The Batch panel: a folder in, a folder out."""
