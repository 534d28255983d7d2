"""The variance of a count's logarithm, against counts drawn one by one."""

import numpy as np
import pytest
import torch

from medrestore.physics.ct import log_count_variance


@pytest.mark.parametrize("electronic", [0.0, 10.0])
@pytest.mark.parametrize("quanta", [0.5, 3.0, 16.0, 200.0, 20_000.0])
def test_variance_is_that_of_counts_drawn(quanta: float, electronic: float) -> None:
    rng = np.random.default_rng(0)
    counts = rng.poisson(quanta, 400_000) + rng.normal(0, np.sqrt(electronic), 400_000)
    drawn = np.log(np.maximum(counts, 1)).var()
    found = log_count_variance(torch.tensor([quanta], dtype=torch.float64), electronic).item()
    assert found == pytest.approx(drawn, rel=0.015)


def test_many_quanta_are_first_order() -> None:
    n = torch.tensor([1e4, 1e6, 1e8])
    assert log_count_variance(n, 10.0).numpy() == pytest.approx(
        (1 / n + 10 / n**2).numpy(), rel=1e-3
    )


def test_no_quanta_no_noise() -> None:
    assert log_count_variance(torch.tensor([1e-6]), 0.0).item() < 1e-2
