"""`medrestore ensemble`: from a scan to noisy realisations, and from restored ones to a report."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import medrestore as mr
from medrestore.cli import main
from medrestore.evaluation.ensemble import report
from medrestore.evaluation.ensemble.folder import open_ensemble
from medrestore.evaluation.ensemble.study import analyse
from scans import body, write_nifti

SCENE = ("--rods", "-30", "-15", "30", "--rod-mm", "14", "--sizes", "8", "--contrasts", "10")


def do(*arguments: object) -> None:
    assert main([str(a) for a in arguments]) == 0


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    assert main([str(a) for a in arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MR ensemble, blurred copies as another method's, and maps of what blurring removed."""
    root = tmp_path_factory.mktemp("ensembles")
    flat = 400 * (body((3, 110, 110)) > 0.2).astype(np.float32)
    write_nifti(root / "scan.nii.gz", flat, np.diag([-1.6, 1.6, 3.0, 1]))
    options = ("--modality", "MR", "--noise", "0.08", "--realisations", "16", "--slices", "3")
    do("ensemble", "make", root / "scan.nii.gz", "-o", root / "dir", *options, *SCENE)
    for path in (root / "dir" / "noisy").iterdir():
        noisy = mr.read(path, "MR")
        blurred = gaussian_filter(noisy.array, (0, 1.2, 1.2))
        stem, out = path.name.removesuffix(".nii.gz"), root / "blur" / "sub"
        mr.write(noisy.with_array(blurred), out / f"{stem}_restored.nii.gz")
        mr.write(noisy.with_array(noisy.array - blurred), out / f"{stem}_removed.nii.gz")
    return root


def test_make_writes_what_it_says(made: Path) -> None:
    ensemble = open_ensemble(made / "dir")
    assert ensemble.facts["noise"] == {"noise": 0.08}
    assert len({one["seed"] for one in ensemble.facts["realisations"]}) == 16
    truth = mr.read(made / "dir" / "truth" / "present.nii.gz", "MR")
    assert truth.array == pytest.approx(ensemble.scene.clean("present").array, abs=1e-3)
    present = [mr.read(made / "dir/noisy" / f"{n}.nii.gz", "MR") for n in ensemble.names["present"]]
    assert present[0].geometry.same_grid(ensemble.scene.background.geometry)
    tissue = truth.array > 200
    noise = np.std([one.array[tissue] for one in present], axis=0, ddof=1).mean()
    assert noise == pytest.approx(0.08 * 400, rel=0.05)
    assert "scan" in ensemble.facts["scene"] and "/" not in ensemble.facts["scene"]


def test_the_same_seed_is_the_same_voxels(made: Path, tmp_path: Path) -> None:
    options = ("--modality", "MR", "--noise", "0.08", "--realisations", "8", "--slices", "3")
    do("ensemble", "make", made / "scan.nii.gz", "-o", tmp_path / "again", *options, *SCENE)
    for name in ("present_003", "absent_000"):
        one, two = (
            mr.read(d / f"noisy/{name}.nii.gz", "MR") for d in (made / "dir", tmp_path / "again")
        )
        assert np.array_equal(one.array, two.array)


def test_figures_of_noisy_and_blurred_images(made: Path) -> None:
    study = analyse(made / "dir", {"blur": made / "blur"})
    noisy, blur = study.methods
    assert noisy.noise.std.value == pytest.approx(32, rel=0.06)
    assert blur.noise.std.value < 0.4 * noisy.noise.std.value
    assert blur.noise.mean.value < 0.6 * noisy.noise.mean.value
    for one in blur.rods:
        spread = 1.2 * 1.6
        expected = np.exp(-2 * np.pi**2 * spread**2 * one.transfer.frequency**2)
        assert np.abs(one.transfer.value - expected)[one.transfer.frequency < 0.15].max() < 0.25
        assert one.cnr.value > 1.5 * next(r.cnr.value for r in noisy.rods if r.rod == one.rod)
    strong = blur.rods[-1]
    assert strong.f50.lower < np.sqrt(np.log(2) / 2) / np.pi / spread < strong.f50.upper
    assert noisy.line.slope == pytest.approx(1, abs=0.03)
    (before,), (after,) = noisy.lesions, blur.lesions
    assert before.matched.auc.value > 0.8
    assert 0.5 < after.remaining.value < before.remaining.value
    assert noisy.lesions[0].recall is None
    assert after.recall is not None and after.recall.inserted == 24
    assert after.recall.false_positives <= 0.01 + 1 / 24
    with pytest.raises(mr.InputError, match="no method nlm"):
        study.of("nlm")


def test_the_report(
    made: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "report"
    arguments = ("ensemble", "analyse", made / "dir", "--restored", f"blur={made / 'blur'}")
    do(*arguments, "-o", out)
    said = capsys.readouterr().out
    for word in ("blur", "matched filter", "noise std", "report.html"):
        assert word in said
    plots = {
        f"{n}.{k}" for n in ("nps", "ttf", "detectability", "linearity") for k in ("svg", "pdf")
    }
    names = {"figures.csv", "figures.json", "curves.csv", "report.html"}
    assert {path.name for path in out.iterdir()} == plots | names
    with (out / "figures.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["method"] for row in rows} == {"noisy", "blur"}
    facts = json.loads((out / "figures.json").read_text(encoding="utf-8"))
    assert [row["figure"] for row in facts["figures"]] == [row["figure"] for row in rows]
    spectrum = [c for c in facts["curves"] if c["method"] == "noisy" and c["curve"] == "NPS"]
    assert spectrum[0]["unit"] == "a.u.² mm²"
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 4 and "Removed structure" in page
    assert "<script" not in page and not re.search(r'(?:src|href)="(?!#|data:)', page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    empty = {"svg": b"<svg></svg>", "pdf": b"%PDF"}
    monkeypatch.setattr(report, "draw", lambda _: dict.fromkeys(report.PLOTS, empty))
    do(*arguments, "-o", out, "--overwrite", "--json")
    assert json.loads(capsys.readouterr().out)["realisations"] == [8, 8]


def test_what_does_not_fit_is_refused(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ("-o", tmp_path / "report")
    said = refused(capsys, "ensemble", "analyse", made / "blur", *out)
    assert "holds no truth.json" in said
    analysed = ("ensemble", "analyse", made / "dir", *out, "--restored")
    assert "NAME=DIR" in refused(capsys, *analysed, "blur")
    assert "name of the images before" in refused(capsys, *analysed, f"noisy={made / 'blur'}")
    (tmp_path / "few").mkdir()
    assert "no image of present_000" in refused(capsys, *analysed, f"few={tmp_path / 'few'}")
    odd = ("-o", tmp_path / "x", "--noise", "0.1", "--realisations", "9")
    assert "even number" in refused(capsys, "ensemble", "make", *odd)
    assert not (tmp_path / "report").exists() and not (tmp_path / "x").exists()


def test_another_truth_is_noticed(made: Path, tmp_path: Path) -> None:
    place = tmp_path / "moved"
    (place / "truth").mkdir(parents=True)
    facts = json.loads((made / "dir" / "truth.json").read_text())
    (place / "truth.json").write_text(json.dumps(facts))
    truth = mr.read(made / "dir" / "truth" / "absent.nii.gz", "MR")
    mr.write(truth.with_array(truth.array + 1), place / "truth" / "absent.nii.gz")
    with pytest.raises(mr.InputError, match="are not those that"):
        open_ensemble(place)
    (place / "truth.json").write_text(json.dumps(facts | {"version": 99}))
    with pytest.raises(mr.InputError, match="version 99"):
        open_ensemble(place)
    (place / "truth.json").write_text("{")
    with pytest.raises(mr.InputError, match="is damaged"):
        open_ensemble(place)
