"""Latent models: right in closed form where all is Gaussian, and run by name from everywhere."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

import medrestore as mr
from medrestore.api import make_plan, run_plan
from medrestore.cli import main
from medrestore.core.diffusion import diffuse
from medrestore.core.families import networks
from medrestore.core.spectra import Spectra
from medrestore.core.spectrum import AREAS, LAGS, Spectrum, _band_index, measure
from medrestore.errors import ModelError
from medrestore.models.model import Model, find_card, load
from medrestore.settings.settings import Settings
from medrestore.training.finish import write_bundle
from tiny import speak, tiny_card

NAME, SIDE = "a_latent", 96


def latent_card() -> dict:
    """A whole card for a tiny latent model."""
    card = tiny_card(NAME, "MR") | {"family": "latent"}
    refiner = card["refiner"] | {"window": 16, "stride": 12}
    return card | {"refiner": refiner | {"autoencoder": {"channels": 8, "blocks": 1}}}


def write_model(folder: Path, facts: dict, talks: bool) -> None:
    torch.manual_seed(0)
    nets = networks(facts)
    if talks:
        speak(*nets)
    write_bundle(folder / NAME, facts, *nets)


@pytest.fixture
def models(tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A latent model whose every layer has something to say."""
    write_model(tmp_path / "models", latent_card(), talks=True)
    monkeypatch.setenv("MEDRESTORE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture(scope="module")
def noisy() -> mr.Volume:
    rng = np.random.default_rng(0)
    array = 100 + rng.normal(0, 5, (4, 41, 37)).cumsum(1)
    return mr.Volume(array.astype(np.float32), mr.Geometry((4, 41, 37), np.eye(4)), "MR")


def powers(image: np.ndarray) -> np.ndarray:
    """Mean of an image over each band, from its values on the grid of frequencies."""
    band = _band_index(*image.shape).ravel()
    sums = np.bincount(band, image.ravel(), minlength=len(AREAS))
    return sums / np.maximum(np.bincount(band, minlength=len(AREAS)), 1)


def kept(share: float) -> np.ndarray:
    """Band powers of what a predicted latent explains of white noise: cos² of a 2×2 mean."""
    f = np.fft.fftfreq(1024)
    return share * powers(np.outer(np.cos(np.pi * f) ** 2, np.cos(np.pi * f) ** 2))


def spectrum_of(power: np.ndarray) -> Spectrum:
    variance = float(AREAS @ power)
    return Spectrum(variance, tuple(power / max(variance, 1e-12)), (0.0,) * LAGS)


@pytest.fixture(scope="module")
def gaussian(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A latent model as it is before training, which is exact if r is white noise.

    Its autoencoder is the mean of 2×2 voxels times 2, and its repetition over 2, an orthonormal
    pair; its refiner predicts no velocity, r̂ = cos t z_t, the mean of a unit Gaussian.
    """
    angles = (0.0, *(math.pi / 16 * j for j in range(1, 9)))
    rows = tuple(spectrum_of(1 - kept(math.cos(t) ** 2)) for t in angles)
    walked = tuple(spectrum_of(np.full(len(AREAS), math.sin(t) ** 2)) for t in angles[1:])
    facts = latent_card()
    facts["spectra"] = Spectra(angles, (rows,)).facts()
    facts["latent_spectra"] = Spectra(angles[1:], (walked,)).facts()
    folder = tmp_path_factory.mktemp("gaussian")
    write_model(folder, facts, talks=False)
    return load(find_card(str(folder / NAME), "MR"))


def drawn(model: Model, sampler: str, steps: int) -> tuple[np.ndarray, mr.Result]:
    """Band powers of (sample − μ)/s over several slices and samples; the run."""
    flat = np.full((4, SIDE, SIDE), 1000.0, np.float32)
    scan = mr.Volume(flat, mr.Geometry(flat.shape, np.eye(4)), "MR")
    asked = Settings(
        model=str(model.card.folder),
        noise=0.05,
        samples=6,
        steps=steps,
        sampler=sampler,
        keep_samples=True,
    )
    result = run_plan(make_plan(scan, asked), scan, model=model)
    s = 50 * math.exp(math.log1p(math.exp(3.0)) - 3.0)  # what a predictor says before training
    r = torch.from_numpy((result.samples - result.restored.array) / np.float32(s))
    one = measure(r.reshape(-1, SIDE, SIDE))
    return one.variance * np.asarray(one.density), result


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_samples_are_as_white_as_the_truth(gaussian: Model, steps: int) -> None:
    """What the decoder cannot know is drawn: right in every band, at any number of steps."""
    power, result = drawn(gaussian, "moment-matched", steps)
    assert power[2:] == pytest.approx(np.ones(6), abs=0.06)
    assert float(AREAS @ power) == pytest.approx(1, abs=0.02)
    assert result.std.array.mean() == pytest.approx(50 * 1.0498, rel=0.02)


def test_without_what_is_lost_three_quarters_of_the_power_would_be_missing(gaussian: Model) -> None:
    """DDIM shrinks the latent by cos(Δ) a step; the autoencoder's own loss is added to it."""
    steps = 8
    power, _ = drawn(gaussian, "ddim", steps)
    share = math.cos(math.pi / 2 / steps) ** (2 * steps)
    expected = 1 - kept(1.0) + kept(share)
    assert power[2:] == pytest.approx(expected[2:], abs=0.06)
    assert AREAS @ kept(1.0) == pytest.approx(0.25, abs=1e-3)


def test_prediction_errors_have_the_spectra_of_the_card(gaussian: Model) -> None:
    """r − D(ẑ_t), measured, is what the closed form says: 1 − cos²t · cos²(πf_x) cos²(πf_y)."""
    generator = torch.Generator().manual_seed(0)
    r = torch.randn(24, 1, SIDE, SIDE, generator=generator)
    told = torch.zeros(24, 24, SIDE // 2, SIDE // 2)
    z = gaussian.encode(r, told)
    assert z.std().item() == pytest.approx(1, abs=0.02)
    denoise = gaussian.denoiser(16, gaussian.windows(24), range(24))
    for t in (0.0, math.pi / 4):
        z_t = diffuse(z, torch.randn(z.shape, generator=generator), t)
        with torch.no_grad():
            left = r - gaussian.decode(denoise(z_t, t, told), told, (SIDE, SIDE))
        found = measure(left[:, 0])
        expected = 1 - kept(math.cos(t) ** 2)
        assert found.variance * np.asarray(found.density)[2:] == pytest.approx(
            expected[2:], abs=0.05
        )


@pytest.mark.parametrize("shape", [(40, 36), (41, 37), (9, 7)])
def test_any_size_is_encoded_and_decoded(gaussian: Model, shape: tuple[int, int]) -> None:
    """Of blocks of equal voxels nothing is lost, whatever the size and the windows."""
    plane = gaussian.family.plane(shape)
    assert plane == tuple(math.ceil(n / 2) for n in shape)
    blocks = torch.randn(2, 1, *plane, generator=torch.Generator().manual_seed(1))
    r = blocks.repeat_interleave(2, 2).repeat_interleave(2, 3)[..., : shape[0], : shape[1]]
    told = torch.zeros(2, 24, *plane)
    with torch.no_grad():
        z = gaussian.encode(r, told, batch=3)
        assert z.shape == blocks.shape and torch.allclose(z, 2 * blocks, atol=1e-5)
        assert torch.allclose(gaussian.decode(z, told, shape, batch=5), r, atol=1e-5)


def test_the_decoder_is_heard_and_told(models: Path, noisy: mr.Volume) -> None:
    """Another decoder gives another sample from the same walk; so does another condition."""
    model = load(find_card(NAME, "MR"))
    generator = torch.Generator().manual_seed(0)
    z, told = torch.randn(1, 1, 20, 18, generator=generator), torch.zeros(1, 24, 20, 18)
    with torch.no_grad():
        one, other = (model.decode(z, told + c, (40, 36)) for c in (0.0, 1.0))
        assert not torch.allclose(one, other, atol=1e-3)
        for parameter in model.refiner.autoencoder.decoder.parameters():
            parameter *= 1.5
        assert not torch.allclose(model.decode(z, told, (40, 36)), one, atol=1e-3)


def test_windows_are_counted_in_the_plane_that_is_walked(models: Path, noisy: mr.Volume) -> None:
    plan = make_plan(noisy, Settings(model=NAME, noise=0.05))
    assert find_card(NAME, "MR").window == (16, 12)
    assert plan.slab == 16 // (2 * 2)  # 21 × 19 in the plane: two windows either way
    assert plan.settings.method == "moment-matched:2"


def test_it_is_asked_for_by_name(models: Path, tiny_models: Path, tmp_path: Path) -> None:
    """ "auto" means a model of the residual itself, however the others are called."""
    (tmp_path / "a_latent").symlink_to(models / NAME)
    (tmp_path / "mr_tiny").symlink_to(tiny_models / "mr_tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDRESTORE_MODELS", str(tmp_path))
        assert find_card("auto", "MR").name == "mr_tiny"


def test_stacks_are_refused(models: Path) -> None:
    with pytest.raises(ModelError, match=r"slice by slice, depth 8 was asked for; use depth 1"):
        networks(latent_card() | {"depth": 8})


def test_from_the_widget(models: Path, noisy: mr.Volume) -> None:
    pytest.importorskip("medrestore.plugin.form", reason="needs Qt")
    from medrestore.plugin.preferences import offered_models
    from medrestore.plugin.requests import Choices

    assert NAME in [value for _, value, _ in offered_models("MR")]
    plan = make_plan(noisy, Choices(Settings(model=NAME)).settings)
    assert plan.model == NAME and plan.settings.steps == 2


def test_on_the_command_line(models: Path, noisy: mr.Volume, tmp_path: Path) -> None:
    scan = tmp_path / "scan.nii.gz"
    mr.write(noisy, scan)
    line = ["denoise", str(scan), "--modality", "MR", "--noise", "0.05", "--samples", "2"]
    for sampler in ("moment-matched", "heun"):
        out = tmp_path / sampler
        assert main([*line, "--model", NAME, "--sampler", sampler, "-o", str(out)]) == 0
        record = json.loads(next(out.rglob("*_run.json")).read_text())
        assert record["plan"]["model"] == NAME
