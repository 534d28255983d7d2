"""What an adversarial loss does to the decoder of a residual, by band.

    python -m benchmarks.latent.critic [--steps 300] [--seed 0]

Gaussian fields of unit order, white noise and smoothed noise, stand for residuals: what the latent
cannot hold is known to be noise. Autoencoders are trained without a critic, with one that is shown
D(z) and the error turned by 180° (`medrestore.training.autoencoder`), and with one that is shown
D(z) alone, as usual. ``lost`` is the error's share of the power; by band, relative to the field's
power T, stand D (decoded), E (error) and D + E, the power of samples with the error's noise. Writes
`benchmarks/latent/critic.csv`.
"""

from __future__ import annotations

import argparse
import csv
import platform
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

from medrestore.core.autoencoder import Autoencoder
from medrestore.core.spectrum import BANDS, Spectrum, measure
from medrestore.training.autoencoder import Adversary, autoencoder_step

if TYPE_CHECKING:
    from torch import Tensor

SIDE, TEST, SHOWN = 32, 64, 3
"""Pixels of a patch; patches that figures rest on; first band that a patch resolves."""

CASES = (("none", 0.0), ("turned", 0.02), ("turned", 0.2), ("alone", 0.02), ("alone", 0.2))
"""What the critic is shown, and its weight."""


class Alone(Adversary):
    """A critic of D(z), without the error that `autoencoder_step` adds for it."""

    decoded: Tensor

    def learn(self, real: Tensor, made: Tensor, told: Tensor) -> None:
        """As usual, of what was decoded."""
        super().learn(real, self.decoded, told)

    def doubt(self, made: Tensor, told: Tensor) -> Tensor:
        """As usual, of what was decoded."""
        return super().doubt(self.decoded, told)


def fields(generator: torch.Generator, count: int) -> Tensor:
    """0.8 of smoothed and 0.6 of white unit noise, (count, 1, 32, 32)."""
    noise = torch.randn(count, 1, SIDE + 4, SIDE + 4, generator=generator)
    taps = torch.tensor([1.0, 1.3, 1.0])
    kernel = taps[:, None] * taps[None, :]
    smooth = F.conv2d(noise, (kernel / kernel.square().sum().sqrt())[None, None])[..., 1:-1, 1:-1]
    return 0.8 * smooth + 0.6 * torch.randn(count, 1, SIDE, SIDE, generator=generator)


def told(count: int) -> Tensor:
    """Nothing, in the place of what a refiner is told."""
    return torch.zeros(count, 24, SIDE // 2, SIDE // 2)


def trained(kind: str, weight: float, steps: int, seed: int) -> Autoencoder:
    """An autoencoder of `fields` after so many steps."""
    torch.manual_seed(seed)
    net, generator = Autoencoder(24, 1), torch.Generator().manual_seed(seed)
    here = torch.device("cpu")
    critic = {"none": lambda _: None, "turned": Adversary, "alone": Alone}[kind](here)

    def called(*args: Any) -> Any:
        coded = net(*args)
        if isinstance(critic, Alone):
            critic.decoded = coded.r[::2]
        return coded

    step = autoencoder_step(lambda: (fields(generator, 8), told(8)), generator, critic, 50, weight)
    optimiser = torch.optim.Adam(net.parameters(), lr=2e-3)
    for _ in range(steps):
        loss, _figures = step(called)  # type: ignore[arg-type]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net


@torch.no_grad()
def figures(net: Autoencoder, seed: int) -> dict[str, float]:
    """On patches that were not trained on."""
    r = fields(torch.Generator().manual_seed(seed + 1), TEST)
    blocks = F.pixel_unshuffle(r, 2)
    net.standardise(net.encode(blocks, told(TEST)), r)
    decoded = F.pixel_shuffle(net.decode(net.encode(blocks, told(TEST)), told(TEST)), 2)
    whole, held, error = (measure(x[:, 0]) for x in (r, decoded, r - decoded))
    row = {"lost": error.variance / whole.variance}
    for i in range(SHOWN, len(BANDS) - 1):
        d, e = (_power(x, i) / _power(whole, i) for x in (held, error))
        row |= {f"d_{BANDS[i]:.3f}": d, f"e_{BANDS[i]:.3f}": e, f"sample_{BANDS[i]:.3f}": d + e}
    return row


def _power(spectrum: Spectrum, band: int) -> float:
    return spectrum.variance * spectrum.density[band]


def main() -> None:
    """One row for each critic."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rows = []
    for kind, weight in CASES:
        found = figures(trained(kind, weight, asked.steps, asked.seed), asked.seed)
        rows.append(
            {"shown": kind, "weight": weight, **{name: round(x, 3) for name, x in found.items()}}
        )
        print(rows[-1], flush=True)
    facts = {"steps": asked.steps, "seed": asked.seed, "date": date.today().isoformat()}
    facts["machine"] = f"{platform.machine()} CPU"
    with (Path(__file__).parent / "critic.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], *facts])
        writer.writeheader()
        writer.writerows({**row, **facts} for row in rows)


if __name__ == "__main__":
    main()
