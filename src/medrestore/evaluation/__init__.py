"""Image quality and calibration of restorations, in the terms radiology research uses."""
