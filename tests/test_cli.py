"""The command line: every command, and one clear line for everything that is wrong."""

import inspect
import json
import os
import signal
import subprocess
import sys
import types
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

import medrestore as mr
from medrestore.cli import _parser, main
from medrestore.restorer import RESTORER
from medrestore.settings.settings import Settings
from scans import AFFINE, ct_array, mr_array, write_ct, write_nifti

pytestmark = pytest.mark.usefixtures("tiny_models")
LAYERS = ("restored", "std", "lower", "upper", "removed", "inconsistent")
FAST = ("--modality", "MR", "--noise", "0.05", "--samples", "2")


@pytest.fixture(scope="module")
def mr_scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nifti(tmp_path_factory.mktemp("mr") / "head.nii.gz", mr_array())


@pytest.fixture(scope="module")
def ct_scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ct(tmp_path_factory.mktemp("ct") / "torso", ct_array())


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command that must fail, and returns its one line."""

    def run(*arguments: object) -> str:
        assert main([str(a) for a in arguments]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith("medrestore: ")
        return lines[0]

    return run


def do(*arguments: object) -> None:
    assert main([str(a) for a in arguments]) == 0


def array_of(path: Path) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj, dtype=np.float32)


# --- denoise


def test_denoise_writes_the_layers_and_the_record(
    mr_scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    do("denoise", mr_scan, "-o", tmp_path / "out", *FAST)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"head_{layer}.nii.gz" for layer in LAYERS} | {"head_run.json"}
    said = capsys.readouterr()
    for word in ("mr_tiny", "5 × 40 × 48", "given: 5 %", "2 samples × 2 steps", "seed 0"):
        assert word in said.out
    assert str(tmp_path / "out" / "head_run.json") in said.out
    assert "checks" in said.out
    assert said.err == ""


def test_denoise_gives_the_same_voxels_as_python(mr_scan: Path, tmp_path: Path) -> None:
    do("denoise", mr_scan, "-o", tmp_path, *FAST, "--seed", "7", "--estimate", "sample")
    volume = mr.read(mr_scan, modality="MR")
    result = mr.denoise(volume, noise=0.05, samples=2, seed=7, estimate="sample")
    for layer in LAYERS:
        written = mr.read(tmp_path / f"head_{layer}.nii.gz")
        np.testing.assert_array_equal(written.array, getattr(result, layer).array)


def test_the_affine_of_the_input_comes_back(mr_scan: Path, tmp_path: Path) -> None:
    do("denoise", mr_scan, "-o", tmp_path, *FAST, "--samples", "0")
    for layer in LAYERS:
        image = nib.load(tmp_path / f"head_{layer}.nii.gz")
        np.testing.assert_array_equal(image.affine, nib.load(mr_scan).affine)
    np.testing.assert_allclose(nib.load(mr_scan).affine, AFFINE, atol=1e-6)


def test_denoise_json(mr_scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    do("denoise", mr_scan, "-o", tmp_path, *FAST, "--json", "--keep-samples")
    facts = json.loads(capsys.readouterr().out)
    assert facts["samples_drawn"] == 2 and facts["plan"]["model"] == "mr_tiny"
    assert facts["guards"]["voxels"] == 5 * 40 * 48
    assert all(Path(path).exists() for path in facts["outputs"])
    assert array_of(tmp_path / "head_samples.nii.gz").shape == (48, 40, 5, 2)


def test_dicom_in_dicom_out(ct_scan: Path, tmp_path: Path) -> None:
    do("denoise", ct_scan, "-o", tmp_path, "--samples", "1")
    for layer in LAYERS:
        assert len(list((tmp_path / f"torso_{layer}").glob("*.dcm"))) == 5
    restored = mr.read(tmp_path / "torso_restored")
    assert restored.geometry.same_grid(mr.read(ct_scan).geometry)
    assert [path.name for path in (tmp_path / "torso_std_map").iterdir()] == ["00001.dcm"]


def test_dicom_in_nifti_out_and_again(
    ct_scan: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    command = ("denoise", ct_scan, "-o", tmp_path, "--samples", "0", "--format", "nifti")
    do(*command)
    assert "exists already" in refused(*command)
    do(*command, "--overwrite")


def test_voxels_that_are_no_measurement_come_back(tmp_path: Path) -> None:
    array = mr_array()
    array[2, :4] = np.nan
    do("denoise", write_nifti(tmp_path / "s.nii.gz", array), "-o", tmp_path / "out", *FAST)
    for layer in LAYERS:
        found = np.isnan(array_of(tmp_path / "out" / f"s_{layer}.nii.gz").T)
        np.testing.assert_array_equal(found, np.isnan(array))


def test_one_slice(tmp_path: Path) -> None:
    scan = write_nifti(tmp_path / "s.nii.gz", mr_array((1, 40, 48)))
    do("denoise", scan, "-o", tmp_path / "out", *FAST)
    assert array_of(tmp_path / "out" / "s_restored.nii.gz").shape == (48, 40, 1)


def test_a_clean_scan_comes_back(tmp_path: Path) -> None:
    array = mr_array(noise=0.0)
    scan = write_nifti(tmp_path / "s.nii.gz", array)
    do("denoise", scan, "-o", tmp_path / "out", *FAST, "--noise", "0.0005")
    restored = array_of(tmp_path / "out" / "s_restored.nii.gz").T
    assert np.abs(restored - array).max() <= 0.5 * 0.0005 * 400


def test_a_time_point_of_a_4d_scan(tmp_path: Path, refused: Callable[..., str]) -> None:
    frames = np.stack([mr_array(), 0.5 * mr_array()])
    scan = write_nifti(tmp_path / "s.nii.gz", frames)
    do("denoise", scan, "-o", tmp_path / "one", *FAST, "--volume", "1")
    assert array_of(tmp_path / "one" / "s_restored.nii.gz").shape == (48, 40, 5)
    assert "volume 2 does not exist" in refused(
        "denoise", scan, "-o", tmp_path / "two", *FAST, "--volume", "2"
    )
    do("denoise", scan, "-o", tmp_path / "all", *FAST)
    assert array_of(tmp_path / "all" / "s_restored.nii.gz").shape == (48, 40, 5, 2)


def test_a_noise_map_and_its_rerun(mr_scan: Path, tmp_path: Path) -> None:
    levels = np.full((5, 40, 48), 20.0)
    levels[:, :20] = 10
    noise = write_nifti(tmp_path / "map.nii.gz", levels)
    do("denoise", mr_scan, "-o", tmp_path / "a", *FAST, "--noise", noise)
    record = tmp_path / "a" / "head_run.json"
    do("rerun", record, "-o", tmp_path / "b", "--input", mr_scan)
    mr.rerun(record, mr_scan).save(tmp_path / "c")
    for layer in (*LAYERS, "noise"):
        first, *again = (array_of(tmp_path / d / f"head_{layer}.nii.gz") for d in "abc")
        for other in again:
            np.testing.assert_array_equal(first, other)


# --- what is refused, in one line


def test_bad_scans(tmp_path: Path, refused: Callable[..., str], ct_scan: Path) -> None:
    def line(path: Path) -> str:
        message = refused("denoise", path, "-o", tmp_path / "out", "--samples", "0")
        assert not (tmp_path / "out").exists()
        return message

    assert "does not exist" in line(tmp_path / "nothing.nii.gz")
    text = tmp_path / "text.nii.gz"
    text.write_text("this is a text file\n")
    assert "text.nii.gz" in line(text)
    broken = tmp_path / "broken"
    write_ct(broken, ct_array())
    one = broken / "IM0002.dcm"
    one.write_bytes(one.read_bytes()[: one.stat().st_size // 2])
    assert "IM0002.dcm" in line(broken) or "broken" in line(broken)
    alone = tmp_path / "alone.dcm"
    alone.write_bytes(one.read_bytes()[:300])
    assert "alone.dcm" in line(alone)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "holds no files" in line(empty)
    colour = tmp_path / "colour.nii.gz"
    pixels = np.zeros((8, 8, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.save(nib.Nifti1Image(pixels, np.eye(4)), colour)
    assert "colour" in line(colour)
    picture = tmp_path / "picture.png"
    Image.new("RGB", (8, 8)).save(picture)
    assert "not a scan" in line(picture)
    assert "--modality" in line(write_nifti(tmp_path / "mr.nii.gz", mr_array()))


def test_gaps_are_named_and_may_be_kept(tmp_path: Path, refused: Callable[..., str]) -> None:
    scan = write_ct(tmp_path / "gap", ct_array((6, 48, 48)), skip=(3,))
    assert "mm" in refused("denoise", scan, "-o", tmp_path / "out", "--samples", "0")
    do("denoise", scan, "-o", tmp_path / "out", "--samples", "0", "--gaps", "keep")


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [
        ("--model", "nonsense", "mr_tiny"),
        ("--model", "ct_tiny", "for CT"),
        ("--noise", "loud", "no such file"),
        ("--noise", "-1", "≥ 0"),
        ("--noise", "nan", "≥ 0"),
        ("--samples", "many", "--samples"),
        ("--samples", "-1", "0…1000"),
        ("--steps", "-1", "0…1000"),
        ("--level", "90", "between 0 and 1"),
        ("--estimate", "best", "posterior-mean"),
        ("--sampler", "magic", "ddim"),
        ("--schedule", "square", "karras"),
        ("--mode", "4d", "patch3d"),
        ("--device", "tpu", "auto"),
        ("--modality", "US", "CT"),
        ("--gaps", "fill", "keep"),
        ("--format", "png", "nifti"),
        ("--format", "dicom", "DICOM source"),
        ("--volume", "3", "does not exist"),
        ("--colour", "red", "--colour"),
    ],
)
def test_bad_options(
    option: str, value: str, word: str, mr_scan: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    line = refused("denoise", mr_scan, "-o", tmp_path / "out", *FAST, option, value)
    assert word in line
    assert not (tmp_path / "out").exists()


def test_bad_commands(refused: Callable[..., str]) -> None:
    assert "--help" in refused()
    assert "denoize" in refused("denoize")
    assert "-o" in refused("denoise", "scan.nii.gz")


def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    mr_scan: Path, tmp_path: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("computed although the result could not be written")

    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "head_std.nii.gz").touch()
    monkeypatch.setattr(RESTORER, "run", never)
    monkeypatch.setattr(RESTORER, "plan", never)
    assert "is a file" in refused("denoise", mr_scan, "-o", tmp_path / "file" / "out", *FAST)
    assert "--overwrite" in refused("denoise", mr_scan, "-o", tmp_path / "full", *FAST)
    if os.geteuid() != 0:  # root may write anywhere
        (tmp_path / "locked").mkdir(mode=0o500)
        assert "cannot" in refused("denoise", mr_scan, "-o", tmp_path / "locked" / "out", *FAST)


def test_a_bug_is_not_swallowed(mr_scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("medrestore.io.find", bug)
    with pytest.raises(ZeroDivisionError):
        main(["info", str(mr_scan)])


# --- stopping


def test_ctrl_c_keeps_the_samples_drawn(
    mr_scan: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from medrestore.cli.terminal import Bar

    ticks, tick = [0], Bar.tick

    def pressing(self: Bar, n: int = 1) -> None:
        ticks[0] += n  # a slab at a time
        if ticks[0] - n < 20 + 5 + 5 + 2 <= ticks[0]:  # predictions, start, sample, part
            signal.raise_signal(signal.SIGINT)
        tick(self, n)

    monkeypatch.setattr(Bar, "tick", pressing)
    before = signal.getsignal(signal.SIGINT)
    command = ["denoise", str(mr_scan), *FAST, "--samples", "6", "-o"]
    assert main([*command, str(tmp_path / "some")]) == 130
    said = capsys.readouterr()
    assert "1 of 6 samples" in said.out
    assert json.loads((tmp_path / "some" / "head_run.json").read_text())["samples_drawn"] == 1
    assert signal.getsignal(signal.SIGINT) is before
    ticks[0] = 15  # now in the predictor: nothing is worth keeping
    assert main([*command, str(tmp_path / "none")]) == 130
    assert capsys.readouterr().err.splitlines() == [
        "medrestore: stopped before the scan was restored; nothing was written"
    ]
    assert not (tmp_path / "none").exists()
    monkeypatch.setattr(Bar, "tick", tick)
    do("rerun", tmp_path / "some" / "head_run.json", "--input", mr_scan)
    for layer in LAYERS:
        name = f"head_{layer}.nii.gz"
        again = array_of(tmp_path / "some" / "rerun" / name)
        np.testing.assert_array_equal(array_of(tmp_path / "some" / name), again)


def test_a_keyboard_interrupt_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("medrestore.models.model.available", interrupted)
    assert main(["models"]) == 130
    assert capsys.readouterr().err == "medrestore: stopped\n"


# --- the other commands


def test_info(
    mr_scan: Path, ct_scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "archive [1]"
    write_nifti(archive / "a" / "head.nii.gz", mr_array())
    write_ct(archive / "gap", ct_array(), skip=(2,))
    (archive / "notes.txt").write_text("notes")
    do("info", archive)
    said = capsys.readouterr().out
    for word in ("head", "5×40×48", " ? ", "3×0.906×0.906", "SPL", "gap", "notes.txt"):
        assert word in said
    assert "note: gap: " in said
    do("info", archive, "--json")
    facts = json.loads(capsys.readouterr().out)
    assert [v["modality"] for v in facts["volumes"]] == [None, "CT"]
    assert facts["volumes"][0]["shape"] == [5, 40, 48]
    assert facts["skipped"][0]["path"].endswith("notes.txt")


def test_info_of_nothing(tmp_path: Path, refused: Callable[..., str]) -> None:
    assert "holds no files" in refused("info", tmp_path)
    assert "does not exist" in refused("info", tmp_path / "nowhere")
    (tmp_path / "text.nii.gz").write_text("no scan")
    assert "text.nii.gz" in refused("info", tmp_path)
    assert "text.nii.gz" in refused("info", tmp_path / "text.nii.gz")


def test_simulate(
    mr_scan: Path, ct_scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    do("simulate", mr_scan, "-o", tmp_path / "n.nii.gz", "--noise", "0.1", "--modality", "MR")
    assert "0.1 of the foreground" in capsys.readouterr().out
    volume = mr.read(mr_scan, modality="MR")
    expected = mr.simulate(volume, noise=0.1).array
    np.testing.assert_array_equal(mr.read(tmp_path / "n.nii.gz").array, expected)
    do("simulate", ct_scan, "-o", tmp_path / "folder", "--hu", "30", "--seed", "2")
    said = capsys.readouterr().out
    assert (tmp_path / "folder" / "torso_noisy.nii.gz").exists()
    assert 20 < float(said.split("σ ")[1].split(" HU")[0]) < 40
    do("simulate", ct_scan, "-o", tmp_path / "quarter.nii.gz", "--dose", "0.25")


def test_simulate_refuses(
    mr_scan: Path, ct_scan: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    out = tmp_path / "n.nii.gz"
    assert "--dose" in refused("simulate", ct_scan, "-o", out)
    assert "not allowed" in refused("simulate", ct_scan, "-o", out, "--dose", "0.5", "--hu", "3")
    assert "between 0 and 1" in refused("simulate", ct_scan, "-o", out, "--dose", "2")
    assert "CT" in refused("simulate", ct_scan, "-o", out, "--noise", "0.1")
    assert "--modality" in refused("simulate", mr_scan, "-o", out, "--noise", "0.1")
    assert ".nii.gz" in refused("simulate", ct_scan, "-o", tmp_path / "n.mp4", "--hu", "3")
    out.touch()
    assert "--overwrite" in refused("simulate", ct_scan, "-o", out, "--hu", "3")


def test_models(tiny_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    do("models")
    said = capsys.readouterr().out
    assert "mr_tiny" in said and "ct_tiny" in said and "random weights" in said and "MB" in said
    do("models", "--json")
    assert [card["name"] for card in json.loads(capsys.readouterr().out)] == ["ct_tiny", "mr_tiny"]


def test_rerun_refuses_what_it_did_not_run(
    mr_scan: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    do("denoise", mr_scan, "-o", tmp_path / "out", *FAST, "--samples", "0")
    record = tmp_path / "out" / "head_run.json"
    assert "--input" in refused("rerun", record)
    other = write_nifti(tmp_path / "head.nii.gz", mr_array(noise=0.1))
    assert "voxels differ" in refused("rerun", record, "--input", other)
    (tmp_path / "no.json").write_text("{}")
    assert "not the record" in refused("rerun", tmp_path / "no.json")
    assert "cannot be read" in refused("rerun", tmp_path / "nothing.json")
    facts = json.loads(record.read_text())
    facts["plan"]["model_sha256"] = "0" * 64
    record.write_text(json.dumps(facts))
    assert "another version" in refused("rerun", record, "--input", mr_scan)


def test_rerun_finds_the_scan_beside_its_results(tmp_path: Path) -> None:
    scan = write_nifti(tmp_path / "head.nii.gz", np.stack([mr_array(), 2 * mr_array()]))
    do("denoise", scan, "-o", tmp_path / "out", *FAST, "--volume", "1")
    do("rerun", tmp_path / "out" / "head_run.json")
    first = array_of(tmp_path / "out" / "head_restored.nii.gz")
    again = array_of(tmp_path / "out" / "rerun" / "head_restored.nii.gz")
    np.testing.assert_array_equal(first, again)


def test_train_hands_over(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    refused: Callable[..., str],
) -> None:
    from medrestore.training import run

    signature, got = inspect.signature(run.train), []

    def train(*arguments: object, **named: object) -> Path:
        got.extend(signature.bind(*arguments, **named).arguments.values())
        return Path("models/x")

    monkeypatch.setattr(run, "train", train)
    for name in ("_print_left_out", "_print_few"):  # no model
        monkeypatch.setattr(f"medrestore.cli.train.{name}", lambda *_: None)
    config = tmp_path / "train.json"
    assert "does not exist" in refused("train", config)
    config.write_text("{}")
    do("train", config, "--from", "mr_tiny", "--time-limit", "1.5")
    assert got[:3] == [config, "mr_tiny", 1.5]
    assert "medrestore denoise SCAN -o out --model models/x" in capsys.readouterr().out
    assert "--time-limit" in refused("train", config, "--time-limit", "0")
    monkeypatch.setitem(sys.modules, "medrestore.training.run", None)
    assert "medrestore[train]" in refused("train", config)


def test_view_opens_the_scan_with_our_reader(
    mr_scan: Path, monkeypatch: pytest.MonkeyPatch, refused: Callable[..., str]
) -> None:
    opened: list[object] = []

    class Viewer:
        def open(self, path: str, plugin: str) -> None:
            opened.extend((path, plugin))

    fake = types.SimpleNamespace(Viewer=Viewer, run=lambda: opened.append("shown"))
    monkeypatch.setitem(sys.modules, "napari", fake)
    do("view", mr_scan)
    assert opened == [str(mr_scan), "medrestore", "shown"]
    assert "does not exist" in refused("view", "nowhere.nii.gz")
    monkeypatch.setitem(sys.modules, "napari", None)
    assert "medrestore[napari]" in refused("view", mr_scan)


def test_the_options_have_the_defaults_of_python() -> None:
    given = _parser().parse_args(["denoise", "scan", "-o", "out"])
    for setting in fields(Settings):
        assert getattr(given, setting.name) == setting.default, setting.name


def test_as_a_program(mr_scan: Path, tmp_path: Path) -> None:
    """A whole run in a process of its own: no warning of a library reaches the user."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        program = "import sys; from medrestore.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", program, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=180)

    good = run("denoise", mr_scan, "-o", tmp_path, *FAST, "--samples", "1")
    assert (good.returncode, good.stderr) == (0, "")
    bad = run("denoise", tmp_path / "nothing", "-o", tmp_path)
    assert bad.returncode == 2
    assert len(bad.stderr.splitlines()) == 1 and "Traceback" not in bad.stderr


def test_output_that_nobody_reads_any_more_is_no_error(tiny_models: Path) -> None:
    """As of `medrestore models | head -1`."""
    program = "import sys; from medrestore.cli import main; sys.exit(main(['models']))"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None and running.stderr is not None
        running.stdout.close()
        said = running.stderr.read()
        assert running.wait(60) == 141
    assert said == ""


def test_without_a_terminal_a_long_command_says_how_far_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from medrestore.cli.terminal import Bar

    now = [0.0]
    with Bar("stopped", line_s=30, clock=lambda: now[0]) as bar:
        bar.start(400, "training predictor")
        for _ in range(9):
            now[0] += 10
            bar.tick(20)
    lines = ["training predictor", "training predictor: 60 of 400, 2 a second"]
    assert capsys.readouterr().err.splitlines()[:2] == lines
    with Bar("stopped") as quiet:
        quiet.start(4, "restoring")
        quiet.tick()
    assert capsys.readouterr().err == ""
