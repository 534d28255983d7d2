"""Image quality from many noise realisations of one scene whose truth is known."""
