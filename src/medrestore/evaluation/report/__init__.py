"""Figures of one or several cases as files: CSV, JSON, plots and a page."""
