"""Forward models of noise, and the phantoms they are shown on."""
