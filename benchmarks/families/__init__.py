"""Every family of models and samplers on the same noisy pixels: one table, one figure."""
