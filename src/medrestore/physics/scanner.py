"""Scanner properties that decide the texture of CT noise: views, detector and kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from medrestore.errors import SettingsError

__all__ = ["RESPONSE_STEP", "Scanner"]

RESPONSE_STEP = 0.05
"""Cycles a pixel between the gains of a measured kernel."""


@dataclass(frozen=True)
class Scanner:
    """Properties of a scanner that decide the texture of the noise.

    Parameters
    ----------
    views : int
        Projection angles over 180°.
    cutoff : float
        Frequency at which the Hann apodisation of the ramp filter reaches zero, in units of the
        pixels' Nyquist frequency: 0.5 is a smooth kernel, above 1 a sharp one.
    electronic : float
        Variance of the electronic noise, quanta² (decisions: 10).
    edge : float
        Edge enhancement of a bone kernel: gain of 1 + ``edge`` at half the cutoff, none at its
        ends; 0 is the plain Hann window.
    rays : int
        Detector elements a pixel. With one, no noise is beyond the pixels' Nyquist frequency along
        any direction; a finer detector and a sharp kernel alias noise, as bone and lung kernels do.
    response : tuple of float
        Apodisation of a measured kernel instead of ``cutoff`` and ``edge``: gains at multiples of
        `RESPONSE_STEP` cycles a pixel, their squares linear between, none beyond.
    """

    views: int = 720
    cutoff: float = 1.0
    electronic: float = 10.0
    edge: float = 0.0
    rays: int = 1
    response: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not 0.2 <= self.cutoff <= 4 or self.views < 16 or self.views % 4:
            raise SettingsError(
                "a scanner needs a cutoff in 0.2…4 and at least 16 views, a multiple of 4, "
                f"got {self}"
            )
        if not 0 <= self.edge <= 5:
            raise SettingsError(f"edge enhancement lies in 0…5, got {self.edge}")
        if not 1 <= self.rays <= 4:
            raise SettingsError(f"a detector has 1 to 4 elements a pixel, got {self.rays}")
        if self.response and not (min(self.response) >= 0 < max(self.response)):
            raise SettingsError(f"gains of a kernel are not negative, got {self.response}")

    def filter(self, detectors: int) -> Tensor:
        """Apodised ramp at the frequencies of ``rfft`` of ``2·detectors`` samples, 1/pixel."""
        frequency = torch.fft.rfftfreq(2 * detectors) * self.rays
        response: Tensor = frequency * self._window(frequency)
        return response

    def _window(self, frequency: Tensor) -> Tensor:
        if self.response:
            at = np.arange(len(self.response)) * RESPONSE_STEP
            squared = np.interp(frequency.numpy(), at, np.square(self.response), right=0.0)
            return torch.from_numpy(np.sqrt(squared).astype(np.float32))
        phase = math.pi * (2 * frequency / self.cutoff).clamp(max=1)
        return 0.5 * (1 + torch.cos(phase)) * (1 + self.edge * torch.sin(phase).square())
