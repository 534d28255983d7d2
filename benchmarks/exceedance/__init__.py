"""Reliability of exceedance probabilities."""
