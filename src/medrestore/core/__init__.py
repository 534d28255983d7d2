"""Pure numerics: arrays in, arrays out; no files, no geometry, no windows."""
