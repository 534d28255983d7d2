"""`medrestore evaluate`: from scans on the disk to a report, or one clear line."""

import json
from pathlib import Path

import numpy as np
import pytest

import medrestore as mr
from medrestore.cli import main
from scans import body, write_nifti

pytestmark = pytest.mark.usefixtures("tiny_models")


def do(*arguments: object) -> None:
    assert main([str(a) for a in arguments]) == 0


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    assert main([str(a) for a in arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path) -> Path:
    """Two references, their noisy copies and what `denoise` makes of them."""
    root = tmp_path_factory.mktemp("scans")
    for seed, name in enumerate(("ann", "bob")):
        clean = 400 * body((4, 40, 48)) * (1 + 0.2 * seed)
        write_nifti(root / "full" / f"{name}.nii.gz", clean)
        reference = root / "full" / f"{name}.nii.gz"
        noisy = root / "fast" / f"{name}_noisy.nii.gz"
        options = ("--modality", "MR", "--noise", "0.05")
        do("simulate", reference, "-o", noisy, *options, "--seed", seed)
        do("denoise", noisy, "-o", root / "out", *options, "--samples", "0")
    return root


def three(root: Path, name: str = "") -> list[object]:
    ends = (f"{name}.nii.gz", f"{name}_noisy.nii.gz", f"{name}_noisy_restored.nii.gz")
    places = [
        root / d / (end if name else "")
        for d, end in zip(("full", "fast", "out"), ends, strict=True)
    ]
    options = ("--reference", "--noisy", "--restored")
    return [word for pair in zip(options, places, strict=True) for word in pair]


def test_one_scan(scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    do("evaluate", *three(scans, "ann"), "--modality", "MR", "-o", tmp_path / "report")
    said = capsys.readouterr()
    for word in ("ann: MR", "PSNR", "data range", "the 90% interval covers", "report.html"):
        assert word in said.out
    assert said.err == ""
    facts = json.loads((tmp_path / "report" / "figures.json").read_text())
    kinds = [level["kind"] for level in facts["cases"][0]["uncertainty"]["restored"]["levels"]]
    assert (kinds.count("result"), kinds.count("calibrated")) == (1, 3)


def test_the_command_says_what_python_says(scans: Path, tmp_path: Path) -> None:
    do("evaluate", *three(scans, "bob"), "--modality", "MR", "-o", tmp_path / "report")
    facts = json.loads((tmp_path / "report" / "figures.json").read_text())["cases"][0]
    reference, noisy = (
        mr.read(scans / path, "MR") for path in ("full/bob.nii.gz", "fast/bob_noisy.nii.gz")
    )
    result = mr.denoise(noisy, noise=0.05, samples=0)
    assert facts == json.loads(json.dumps(mr.evaluate(reference, noisy, result, "bob").facts()))


def test_folders(scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    command = ("evaluate", *three(scans), "--modality", "MR", "-o", tmp_path / "report")
    do(*command, "--seed", "5")
    said = capsys.readouterr().out
    assert "2 cases" in said and "seed 5" in said
    assert "holds a report already" in refused(capsys, *command)
    do(*command, "--overwrite", "--json")
    facts = json.loads(capsys.readouterr().out)
    assert [case["case"] for case in facts["cases"]] == ["ann", "bob"]
    assert facts["paired"][0]["cases"] == 2
    assert facts == json.loads((tmp_path / "report" / "figures.json").read_text())


def test_another_methods_image(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = np.asarray(mr.read(scans / "full/ann.nii.gz").array) + 3
    write_nifti(tmp_path / "mean.nii.gz", image)
    command = three(scans, "ann")
    command[-1] = tmp_path / "mean.nii.gz"
    do("evaluate", *command, "--modality", "MR", "-o", tmp_path / "report")
    assert "only images are judged" in capsys.readouterr().out
    assert not (tmp_path / "report" / "reliability.svg").exists()


def test_a_run_whose_model_is_gone_is_judged_as_an_image(
    scans: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "none").mkdir()
    monkeypatch.setenv("MEDRESTORE_MODELS", str(tmp_path / "none"))
    capsys.readouterr()
    do("evaluate", *three(scans, "ann"), "--modality", "MR", "-o", tmp_path / "report")
    assert "its uncertainty is not judged: no model" in capsys.readouterr().out


def test_what_is_wrong_is_one_line_and_nothing_is_written(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    good = three(scans, "ann")
    other = write_nifti(tmp_path / "other.nii.gz", np.ones((4, 30, 30), np.float32))
    for place, path, says in (
        (1, tmp_path / "gone.nii.gz", "does not exist"),
        (1, other, "resample one onto the other"),
        (3, scans / "fast/bob_noisy.nii.gz", "is not the scan of"),
        (3, good[1], "not three different scans"),
    ):
        command = list(good)
        command[place] = path
        line = refused(capsys, "evaluate", *command, "--modality", "MR", "-o", out)
        assert says in line
    assert "--modality" in refused(capsys, "evaluate", *_images(scans, tmp_path), "-o", out)
    assert "is a file" in refused(capsys, "evaluate", *good, "--modality", "MR", "-o", other)
    assert not out.exists()


def _images(scans: Path, tmp_path: Path) -> list[object]:
    """Scans that say no modality, without a run beside them."""
    command = three(scans, "ann")
    image = mr.read(scans / "full/ann.nii.gz").array
    command[-1] = write_nifti(tmp_path / "plain.nii.gz", np.asarray(image) + 1)
    return command


def test_several_methods_and_people(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ann", "bob"):
        image = np.asarray(mr.read(scans / f"full/{name}.nii.gz").array) + 3
        write_nifti(tmp_path / "theirs" / f"{name}.nii.gz", image)
    (tmp_path / "who.csv").write_text("case,person\nann,1\nbob,2\n")
    places = three(scans)[:4]
    named = ("--restored", f"ours={scans / 'out'}", "--restored", f"theirs={tmp_path / 'theirs'}")
    command = ("evaluate", *places, *named, "--modality", "MR", "-o", tmp_path / "report")
    capsys.readouterr()
    do(*command, "--person", tmp_path / "who.csv")
    said = capsys.readouterr().out
    assert "2 cases of 2 people" in said and "ours − theirs" in said and "Holm" in said
    facts = json.loads((tmp_path / "report" / "figures.json").read_text())
    assert [case["person"] for case in facts["cases"]] == ["1", "2"]
    assert list(facts["cases"][0]["uncertainty"]) == ["ours"]
    means = {(one["method"], one["figure"]): one for one in facts["means"]}
    theirs = means["theirs", "RMSE"]["mean"]
    scales = [case["fidelity"][0]["data_range"] for case in facts["cases"]]
    assert theirs == pytest.approx(np.mean([300 / s for s in scales]), rel=1e-4)
    assert means["ours", "covered by the 90 % interval"]["people"] == 2
    do(*command, "--person", "^(.)", "--overwrite")  # a and b
    assert "needs the columns" in refused_who(capsys, command, tmp_path, "scan,who\nann,1\n")
    assert "does not say who bob" in refused_who(capsys, command, tmp_path, "case,person\nann,1\n")
    line = refused(capsys, *command, "--overwrite", "--person", "[a-z]+")
    assert "has 0 groups" in line
    again = (*command[:-2], "--restored", scans / "out", "--restored", scans / "out")
    assert "twice for 'restored'" in refused(capsys, *again, "-o", tmp_path / "other")


def refused_who(
    capsys: pytest.CaptureFixture[str], command: tuple[object, ...], folder: Path, text: str
) -> str:
    (folder / "who.csv").write_text(text)
    return refused(capsys, *command, "--overwrite", "--person", folder / "who.csv")
