"""Statistics of blinded reader studies: preference, scores, agreement; numpy and scipy alone."""
