"""One look for every page, plot and table that medrestore writes."""
