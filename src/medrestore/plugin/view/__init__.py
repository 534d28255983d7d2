"""The View panel: planes, display window, comparison. Only its boxes and `panel` know Qt."""
