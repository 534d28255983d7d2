"""The report of an ensemble: rows, tables, plots and a page."""
