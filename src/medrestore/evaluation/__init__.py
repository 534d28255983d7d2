"""How good a restoration is, in the terms radiology research uses."""
