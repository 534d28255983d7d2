"""Residual texture: the family of spectra of r − r̂, from whole slices of training people.

Whole slices, not patches: the family is indexed by a slice's own mean s²/σ², and the lowest band
is narrower than a patch resolves. Noise is the modality's own (CT: through filtered
back-projection, so that its colour is in the spectra).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from medrestore.core.diffusion import diffuse
from medrestore.core.spectra import Spectra
from medrestore.core.spectrum import AREAS, Spectrum
from medrestore.settings.settings import Settings
from medrestore.training.probe import Cohort, band_power, correlation_along_z

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.models.model import Model
    from medrestore.training.probe import Probe

__all__ = ["ANGLES", "family", "measure_spectra"]

ANGLES = tuple(math.pi / 2 * j / 8 for j in range(1, 9))

STRATA = 5
"""Number of ratios of the family."""


class _Measured:
    """Power (angle, slice, band) and correlation (angle, slice, lag) of a case at a noise level."""

    def __init__(
        self, probe: Probe, model: Model, angles: tuple[float, ...], in_latent: bool
    ) -> None:
        window = probe.window
        errors = _errors(probe, model, angles, in_latent)
        if in_latent:
            window = F.interpolate(window[None], errors[0].shape[-2:], mode="area")[0]
        counted = window.sum(dim=(1, 2)).numpy() > 0
        self.ratio = np.asarray(probe.arrays.ratio, dtype=np.float64)[counted]
        share = 1.0 if in_latent else probe.error_share(window)
        whole = np.array([band_power(e, window) for e in errors])
        self.power = (whole * share)[:, counted]
        along = np.array([correlation_along_z(e, window) for e in errors])
        total = whole[:, counted].sum(axis=1) @ AREAS
        of_error = self.power.sum(axis=1) @ AREAS / np.maximum(total, 1e-12)
        along = np.clip(along / of_error[:, None], -1, 1)  # noise of the truth has none
        along[:, len(window) - 1 :] = np.nan  # no slices so far apart
        self.along = np.repeat(along[:, None], counted.sum(), axis=1)


@torch.inference_mode()
def _errors(
    probe: Probe, model: Model, angles: tuple[float, ...], in_latent: bool
) -> list[torch.Tensor]:
    """Errors r − r̂ at every angle; at π/2 all of r, for samples without an evaluation.

    Of a latent model in voxels, through the decoder, or in its latent space.
    """
    generator = torch.Generator().manual_seed(0)
    windows = model.windows(len(probe.noisy))
    denoise = model.denoiser(16, windows, probe.slices)
    condition = probe.condition(model)
    r = probe.residual[:, None]
    shape = (r.shape[-2], r.shape[-1])
    z = model.encode(r.to(model.device), condition)
    found = []
    for t in angles:
        if t == math.pi / 2:
            found.append((z.cpu() if in_latent else r)[:, 0])
            continue
        z_t = diffuse(z, torch.randn(z.shape, generator=generator).to(z), t)
        z_hat = denoise(z_t, t, condition)
        left = z - z_hat if in_latent else r - model.decode(z_hat, condition, shape).cpu()
        found.append(left[:, 0].cpu())
    return found


def measure_spectra(
    cohort: Cohort,
    angles: tuple[float, ...] = ANGLES,
    slices: int = 5,
    in_latent: bool = False,
) -> Spectra:
    """Estimate Cov[r | z_t] at every angle as a family over mean s²/σ².

    Parameters
    ----------
    cohort : Cohort
        Scans of people, and the models that restore them.
    angles : tuple of float
        Ascending, the last one π/2; the first one may be 0, where a latent model leaves what
        its autoencoder loses.
    slices : int
        Neighbouring slices of a case that are measured, with their correlation.
    in_latent : bool
        Of a latent model, estimate Cov[z | z_t], in its latent space.
    """
    restored = cohort.restored(Settings(samples=0), slices, "measuring spectra")
    measured = [_Measured(probe, model, angles, in_latent) for model, probe in restored]
    return family(
        angles,
        np.concatenate([case.ratio for case in measured]),
        np.concatenate([case.power for case in measured], axis=1),
        np.concatenate([case.along for case in measured], axis=1),
    )


def family(
    angles: tuple[float, ...],
    ratios: NDArray[np.float64],
    power: NDArray[np.float64],
    along_z: NDArray[np.float64],
) -> Spectra:
    """Spectra at a few ratios from those of many slices.

    Slices are sorted into strata of equal width in log ratio; a stratum's spectrum is the mean of
    its slices', at the geometric mean of their ratios. Empty strata are left out.

    Parameters
    ----------
    angles : tuple of float
        Of the first axis of the arrays.
    ratios : ndarray, shape (n,)
        Mean s²/σ² of each slice.
    power : ndarray, shape (angles, n, bands)
        In units of s².
    along_z : ndarray, shape (angles, n, lags)
        Correlations; NaN where a scan had no slices so far apart.
    """
    logs = np.log(ratios)
    edges = np.linspace(logs.min(), logs.max() + 1e-9, STRATA + 1)
    stratum = np.searchsorted(edges, logs, side="right") - 1
    nodes, rows = [], []
    for k in sorted(set(stratum.tolist())):
        own = stratum == k
        nodes.append(math.exp(float(logs[own].mean())))
        mean, along = power[:, own].mean(axis=1), _known_mean(along_z[:, own], along_z)
        variance = mean @ AREAS
        rows.append(
            tuple(
                Spectrum(float(v), tuple((bands / max(v, 1e-12)).tolist()), tuple(z.tolist()))
                for v, bands, z in zip(variance, mean, along, strict=True)
            )
        )
    return Spectra(angles, tuple(rows), tuple(nodes))


def _known_mean(
    values: NDArray[np.float64], everywhere: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean over slices, (angles, lags), of what is known there, else anywhere, else 0."""
    found = np.zeros((values.shape[0], values.shape[2]))
    for part in (everywhere, values):
        known = np.isfinite(part)
        count = known.sum(axis=1)
        mean = np.where(known, part, 0.0).sum(axis=1) / np.maximum(count, 1)
        found = np.where(count > 0, mean, found)
    return found
