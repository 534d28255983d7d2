"""The look of every page that medrestore writes."""
