"""Colours of words: the same in all panels, legible on napari's dark and light themes."""

__all__ = ["PROBLEM_STYLE", "QUIET_STYLE"]

PROBLEM_STYLE = "color: #cc6f1c;"  # amber
QUIET_STYLE = "color: #7d828b;"
