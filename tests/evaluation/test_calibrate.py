"""A site's calibration: a new model folder whose intervals cover on the site's scans."""

import hashlib
import json

import numpy as np
import pytest

import medrestore as mr
from medrestore.cli import main
from medrestore.errors import InputError, OutputError, SettingsError
from scans import mr_array, write_nifti

pytestmark = pytest.mark.usefixtures("tiny_models")


def volume(array: np.ndarray, modality: str = "MR") -> mr.Volume:
    return mr.Volume(array, mr.Geometry(array.shape, np.diag([3.0, 0.9, 0.9, 1])), modality)


@pytest.fixture
def pair() -> tuple[mr.Volume, mr.Volume]:
    clean = volume(mr_array(noise=0.0))
    return clean, mr.simulate(clean, noise=0.05, seed=4)


def files(folder) -> dict[str, str]:
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


def test_the_new_model_covers_and_the_old_one_is_untouched(pair, tiny_models, tmp_path) -> None:
    before = files(tiny_models)
    clean, noisy = pair
    card = mr.calibrate(
        "mr_tiny", [clean], [noisy], tmp_path / "here", noise=0.05, samples=2, slices=5
    )
    assert files(tiny_models) == before
    assert card.name == "here" and card.intervals("predictor").people == 1
    assert card.facts["intervals"]["how"] == "empirical, n = 1, no finite-sample guarantee"
    assert set(card.facts["intervals"]["factors"]) == {"predictor", "moment-matched:2"}
    assert "of the site" in (card.folder / "docs" / "README.md").read_text()
    result = mr.denoise(noisy, model=str(card.folder), noise=0.05, samples=0, level=0.8)
    inside = clean.array > 0.06 * np.percentile(clean.array, 99.5)
    hit = (result.lower.array <= clean.array) & (clean.array <= result.upper.array)
    assert hit[inside].mean() == pytest.approx(0.8, abs=0.02)


def test_it_never_overwrites(pair, tiny_models) -> None:
    before = files(tiny_models)
    with pytest.raises(OutputError, match="exists already"):
        mr.calibrate("mr_tiny", [pair[0]], [pair[1]], tiny_models / "mr_tiny", samples=0)
    assert files(tiny_models) == before


def test_pairs_must_match(pair, tmp_path) -> None:
    clean, noisy = pair
    out = tmp_path / "new"
    with pytest.raises(SettingsError, match="1 references for 2 noisy"):
        mr.calibrate("mr_tiny", [clean], [noisy, noisy], out)
    with pytest.raises(InputError, match="different grids"):
        mr.calibrate("mr_tiny", [volume(clean.array[:4])], [noisy], out)
    with pytest.raises(InputError, match="are CT and MR"):
        mr.calibrate("mr_tiny", [volume(clean.array, "CT")], [noisy], out)
    with pytest.raises(SettingsError, match="2 people for 1 scans"):
        mr.calibrate("mr_tiny", [clean], [noisy], out, people=["a", "b"])
    assert not out.exists()


def test_the_command_groups_scans_by_person(pair, tmp_path, capsys) -> None:
    clean, noisy = (
        str(write_nifti(tmp_path / f"{n}.nii.gz", v.array))
        for n, v in zip(("clean", "noisy"), pair, strict=True)
    )
    arguments = ["calibrate", "--model", "mr_tiny", "--modality", "MR", "--noise", "0.05"]
    arguments += ["--reference", clean, clean, "--noisy", noisy, noisy, "--person", "a", "a"]
    arguments += ["-o", str(tmp_path / "site"), "--samples", "0", "--slices", "1", "--json"]
    assert main(arguments) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["intervals"]["people"] == 1
    assert main(arguments) == 2
    assert "exists already" in capsys.readouterr().err
