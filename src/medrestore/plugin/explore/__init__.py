"""Reading the uncertainty: under the cursor, in regions, sample by sample."""
