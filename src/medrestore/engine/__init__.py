"""A run, from the settings to the arrays: plan, noise, forecast, pipeline, checks."""
