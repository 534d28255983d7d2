"""Diffusion in the latent space of an autoencoder, as large image generators do it."""

from __future__ import annotations

from benchmarks.families.method import Method

METHODS = [Method("latent", "as shipped", "mr_slice_latent", brief=True, own=True)]
