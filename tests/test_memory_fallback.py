"""When memory runs out: the same voxels from smaller batches, and a record of what was done."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from medrestore.api import make_plan, run_plan
from medrestore.core.predictor import Condition
from medrestore.devices import out_of_memory
from medrestore.engine.memory_fallback import MemoryFallback
from medrestore.engine.pipeline import run
from medrestore.errors import ResourceError
from medrestore.models.model import Model, find_card, load
from medrestore.settings.settings import Settings
from medrestore.volume import Geometry, Volume

SHAPE = (5, 60, 60)
CPU_MESSAGE = (
    "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: "
    "you tried to allocate 1099511627776 bytes. Error code 12 (Cannot allocate memory)"
)


class Tight:
    """A model on a machine with room for a few windows; ``fits`` says how many on a device.

    It stands for a GPU as well: its networks stay on the CPU, whatever device it is told.
    """

    def __init__(self, model: Model, fits: dict[str, int], device: str = "cpu") -> None:
        self._model, self.fits, self.device = model, fits, device
        self.tried: list[tuple[str, int]] = []

    def __getattr__(self, name: str):
        return getattr(self._model, name)

    def to(self, device: str) -> None:
        self.device = device

    def _take(self, n: int) -> None:
        self.tried.append((self.device, n))
        if n > self.fits[self.device]:
            raise (
                RuntimeError(CPU_MESSAGE)
                if self.device == "cpu"
                else torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            )

    def predict(self, c: Condition):
        self._take(len(c.y))
        return self._model.predict(c)

    def denoiser(self, batch, windows, slices, stride=0):
        inner = self._model.denoiser(batch, windows, slices, stride)

        def denoise(z_t, t, condition):
            self._take(batch)
            return inner(z_t, t, condition)

        return denoise


@pytest.fixture(scope="module")
def volume() -> Volume:
    array = np.random.default_rng(0).normal(100, 5, SHAPE).astype(np.float32)
    return Volume(array, Geometry(SHAPE, np.eye(4)), "MR")


@pytest.fixture(scope="module")
def model(tiny_models) -> Model:
    return load(find_card("mr_tiny", "MR"))


@pytest.fixture(scope="module")
def plan(volume: Volume, tiny_models):
    made = make_plan(volume, Settings(noise=0.05, samples=2, keep_samples=True))
    return replace(made, slab=4, batch=16)


def test_smaller_batches_give_the_same_voxels(plan, volume, model) -> None:
    whole = run(plan, volume, model)
    tight = Tight(model, {"cpu": 2})
    result = run_plan(plan, volume, model=tight)
    assert (result.plan.slab, result.plan.batch) == (2, 2)
    assert np.abs(result.samples - whole.samples).max() <= 1e-3 * plan.noise.sigma
    assert np.abs(result.std.array - whole.std).max() <= 1e-3 * plan.noise.sigma
    assert [n for _, n in tight.tried if n > 2] == [4, 16, 8, 4]  # learnt once, not every time
    note = result.plan.warnings[-1]
    assert note == (
        "memory ran out: 2 instead of 4 slices and 2 instead of 16 windows were evaluated at once"
    )


def test_nothing_is_noted_where_everything_fits(plan, volume, model) -> None:
    result = run_plan(plan, volume, model=Tight(model, {"cpu": 16}))
    assert result.plan == plan or result.plan.to_json() == plan.to_json()


def test_one_window_that_does_not_fit_on_the_cpu_is_an_error(plan, volume, model) -> None:
    with pytest.raises(ResourceError, match="even one window"):
        run_plan(plan, volume, model=Tight(model, {"cpu": 0}))


def test_an_engine_that_leaves_its_device_goes_on_on_the_cpu(plan, volume, model) -> None:
    tight = Tight(model, {"cpu": 99, "gpu": 0}, device="gpu")
    engine = MemoryFallback(tight, plan.slab, plan.batch)
    y = torch.from_numpy(volume.array[None, :3].repeat(4, axis=0))
    c = Condition(y, torch.full((4, 1, 60, 60), 5.0), torch.full((1, 1, 1, 1), 200.0))
    with torch.inference_mode():
        prediction = engine.predict(c)
        assert torch.allclose(prediction.mu, model.predict(c).mu, atol=1e-3)
    assert tight.tried[:3] == [("gpu", 4), ("gpu", 2), ("gpu", 1)]
    assert tight.tried[3:] == [("cpu", 1)] * 4
    assert engine.notes == ("memory ran out on gpu: the run went on on cpu",)


@pytest.mark.parametrize(
    ("error", "means_it"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (torch.OutOfMemoryError("XPU out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 17.82 GB, max allowed: …"), True),
        (RuntimeError(CPU_MESSAGE), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_counts_as_running_out(error: Exception, means_it: bool) -> None:
    assert out_of_memory(error) is means_it


def test_torch_says_so_for_real() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert out_of_memory(caught.value)


def test_other_errors_are_not_swallowed(plan, volume, model) -> None:
    class Broken(Tight):
        def predict(self, c):
            raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        run_plan(plan, volume, model=Broken(model, {"cpu": 1}))
