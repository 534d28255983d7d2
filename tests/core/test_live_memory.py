"""Counting tensor memory on computations whose peak is known."""

import torch

from medrestore.core.compute import peak_bytes

KIB = 1024


def test_a_chain_holds_two_tensors_at_a_time() -> None:
    def chain() -> None:
        x = torch.zeros(KIB // 4)
        for _ in range(5):
            x = x + 1

    assert peak_bytes(chain) == 2 * KIB


def test_what_is_kept_adds_up_and_views_cost_nothing() -> None:
    def keep() -> list[torch.Tensor]:
        parts = [torch.ones(KIB // 4) for _ in range(3)]
        return [*parts, *(part.view(16, -1)[2:].T for part in parts)]

    assert peak_bytes(keep) == 3 * KIB


def test_in_place_operations_and_outside_tensors() -> None:
    outside = torch.zeros(KIB // 4)

    def add() -> torch.Tensor:
        return (outside * 2).add_(1).mul_(3)

    with torch.inference_mode():
        # an in-place result is the tensor itself; `outside` was not made here
        assert peak_bytes(add) == KIB
