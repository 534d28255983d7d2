"""Synthetic anatomy without noise: shapes and contrasts that the training scans lack."""
