"""What all tests share: no windows of the person who runs them, no settings of theirs."""

import os
import tempfile

import hypothesis
import pytest

os.environ["MPLBACKEND"] = "Agg"
os.environ["QT_API"] = "pyside6"
os.environ["NAPARI_CONFIG"] = os.path.join(tempfile.mkdtemp(prefix="medrestore-"), "napari.yaml")
os.environ.pop("MEDRESTORE_MODELS", None)

# Examples are the same on every machine, and a busy machine is not a failure.
hypothesis.settings.register_profile("medrestore", derandomize=True, deadline=None)
hypothesis.settings.load_profile("medrestore")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--precision`` makes every machine one with, or without, hardware for bfloat16."""
    parser.addoption(
        "--precision",
        choices=("float32", "bfloat16"),
        help='what precision="auto" means in this run of the tests; default: what the chip has',
    )


def pytest_configure(config: pytest.Config) -> None:
    """Answer for the chip before any test asks it."""
    precision = config.getoption("--precision")
    if precision is not None:
        import torch

        for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
            setattr(torch.cpu, name, lambda: precision == "bfloat16")


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory):
    """A folder with two tiny models, ``mr_tiny`` and ``ct_tiny``; made the default models."""
    from tiny import write_tiny_models

    folder = write_tiny_models(tmp_path_factory.mktemp("models"))
    os.environ["MEDRESTORE_MODELS"] = str(folder)
    yield folder
    os.environ.pop("MEDRESTORE_MODELS")
