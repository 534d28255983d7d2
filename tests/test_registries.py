"""One more of each: added in a test, used through the public door, and taken out again."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

import medrestore as mr
from medrestore.citations.citing import citations
from medrestore.cli import main
from medrestore.core.diffusion import diffuse
from medrestore.core.families import FAMILIES, Family
from medrestore.core.samplers import SAMPLERS
from medrestore.core.samplers.sampler import sampler
from medrestore.errors import ModelError, OutputError, SettingsError
from medrestore.evaluation.metrics import (
    IMAGE_METRICS,
    INTENSITY,
    UNCERTAINTY_METRICS,
    Errors,
    Metric,
    Pair,
)
from medrestore.evaluation.report.files import write_report
from medrestore.io.formats import FORMATS, Format
from medrestore.io.scan import Scan
from medrestore.plugin.files import get_reader
from medrestore.volume import Source
from scans import mr_array, write_nifti
from tiny import tiny_card

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nifti(tmp_path_factory.mktemp("scans") / "head.nii.gz", mr_array())


@sampler("halfway", "Half a step", ("song2021sde", "lu2022"), per_angle=2)
def halfway(z_t, r_hat, t, u, chain):
    """Evaluate once more, halfway, and go there without noise."""
    middle = (t + u) / 2
    if u == 0:
        return r_hat
    noise = chain.field.white(chain.index)
    return diffuse(chain.evaluate(diffuse(r_hat, noise, middle), middle), noise, u)


def test_a_sampler(
    scan: Path, tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = mr.read(scan, modality="MR")
    asked = {"sampler": "halfway", "samples": 2, "steps": 3, "noise": 0.05}
    with pytest.raises(SettingsError, match="halfway"):
        mr.denoise(volume, **asked)
    monkeypatch.setitem(SAMPLERS, "halfway", halfway)
    result = mr.denoise(volume, **asked)
    assert result.plan.evaluations == len(volume.array) * (4 + 1 + 2 * 4)
    assert np.isfinite(result.restored.array).all()
    record = result.save(tmp_path)[-1]
    uses = {use for one in citations(record) for use in one.uses}
    assert "sampler halfway" in uses
    assert np.array_equal(mr.rerun(record, source=scan).restored.array, result.restored.array)
    assert all("halfway" in f.samplers for f in FAMILIES.values())


def test_a_sampler_is_offered(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(SAMPLERS, "halfway", halfway)
    with pytest.raises(SystemExit):
        main(["denoise", "--help"])
    assert "|".join(("auto", *SAMPLERS)) in re.sub(r"\s+", "", capsys.readouterr().out)


def test_a_sampler_is_in_the_form(qtbot, tiny_models: Path, monkeypatch) -> None:
    from napari.components import ViewerModel

    from medrestore.plugin.form import SettingsForm
    from medrestore.plugin.viewer import ScanPicker

    monkeypatch.setitem(SAMPLERS, "halfway", halfway)
    form = SettingsForm(ScanPicker(ViewerModel()))
    qtbot.addWidget(form)
    box = form.fields["sampler"]
    assert [box.itemData(i) for i in range(box.count())] == ["auto", *SAMPLERS]
    assert box.itemText(box.count() - 1) == "Half a step"


def test_the_table_of_samplers_is_the_registry() -> None:
    """Name, cost and file of each, as `docs/mathematics.md` lists them."""
    rows = re.findall(r"^\| (.+?) \|.+\| (\S.*?) \| `(\w+)\.py` \|$", _page("mathematics"), re.M)
    assert [name.split()[0] for name, *_ in rows] == list(SAMPLERS)
    for (_, cost, file), one in zip(rows, SAMPLERS.values(), strict=True):
        n = one.per_angle
        assert cost == (f"{n}K − {n - 1}" if n > 1 else "K")
        assert file == one.name.replace("-", "_")


class Doubtful(Family):
    """The residual's, that doubts its predictor twice as much."""

    name = "doubtful"
    references = ("efron2011",)
    summary = "a test of registries"
    steps = 3

    def predictor(self, facts):
        predictor = super().predictor(facts)
        predictor.register_forward_hook(
            lambda network, given, out: out._replace(log_s=out.log_s + float(np.log(2)))
        )
        return predictor


def test_a_family(scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from medrestore.core.families import networks
    from medrestore.models.card_page import page
    from medrestore.models.model import find_card
    from medrestore.training.finish import write_bundle

    monkeypatch.setitem(FAMILIES, "doubtful", Doubtful())
    for family in ("residual", "doubtful"):
        card = tiny_card(family, "MR") | {"family": family}
        write_bundle(tmp_path / "models" / family, card, *networks(card))
    monkeypatch.setenv("MEDRESTORE_MODELS", str(tmp_path / "models"))
    volume = mr.read(scan, modality="MR")
    plain, doubtful = (
        mr.denoise(volume, model=one, noise=0.05, samples=0) for one in ("residual", "doubtful")
    )
    assert np.array_equal(plain.restored.array, doubtful.restored.array)
    np.testing.assert_allclose(doubtful.std.array, 2 * plain.std.array, rtol=1e-5)
    result = mr.denoise(volume, model="doubtful", noise=0.05, samples=1)
    assert result.plan.settings.steps == 3
    record = result.save(tmp_path / "out")[-1]
    keys = {one.reference.key for one in citations(record)}
    assert "efron2011" in keys
    assert "residual U-Net" in page(find_card("doubtful", "MR").facts)
    monkeypatch.delitem(FAMILIES, "doubtful")
    with pytest.raises(ModelError, match="doubtful"):
        mr.denoise(volume, model="doubtful", noise=0.05, samples=0)


class Npy(Format):
    """NumPy's own files; a grid of 1 mm."""

    name, label, program = "npy", "NumPy", "zarr"
    suffixes = writable = (".npy",)
    result = ".npy"
    menu, tip = "NumPy…", "One .npy for each map."

    def matches(self, start: bytes) -> bool:
        return start.startswith(b"\x93NUMPY")

    def describe(self, path: Path) -> Scan:
        shape = np.load(path, mmap_mode="r").shape
        return Scan(path, "npy", None, shape, (1.0, 1.0, 1.0), "SPL", name=path.stem, files=(path,))

    def load(self, path: Path, modality: str | None) -> mr.Volume:
        array = np.load(path)
        geometry = mr.Geometry(array.shape, np.eye(4))
        return mr.Volume(array, geometry, modality, source=Source("npy", path.stem, (path,)))

    def save(self, volume: mr.Volume, path: Path) -> None:
        np.save(path, volume.array)


def test_a_format(
    scan: Path, tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = mr.read(scan, modality="MR")
    path = tmp_path / "in" / "head.npy"
    with pytest.raises(OutputError, match=re.escape(".nrrd, .mha, .mhd or .zarr")):
        mr.write(volume, path)
    monkeypatch.setitem(FORMATS, "npy", Npy())
    mr.write(volume, path)
    path.rename(path.with_suffix(""))  # told by its content
    assert np.array_equal(mr.read(path.with_suffix(""), modality="MR").array, volume.array)
    path.with_suffix("").rename(path)
    [found] = mr.find(tmp_path / "in")
    assert (found.format, found.shape) == ("npy", volume.array.shape)
    [opened] = get_reader(str(path))(str(path))
    assert np.array_equal(np.sort(opened[0], axis=None), np.sort(volume.array, axis=None))

    out = tmp_path / "out"
    asked = ["--modality", "MR", "--noise", "0.05", "--samples", "0", "--json"]
    assert main(["denoise", str(path), "-o", str(out), *asked]) == 0
    assert (out / "head_restored.npy").is_file() and (out / "head_std.npy").is_file()
    assert main(["denoise", str(path), "-o", str(out), *asked]) == 2  # they are in the way
    assert main(["denoise", str(scan), "-o", str(tmp_path), *asked, "--format", "npy"]) == 0
    record = tmp_path / "head_run.json"
    uses = {one.reference.key: one.uses for one in citations(record)}
    assert uses["zarr"] == ("writing results",) and "nibabel" in uses
    restored = mr.read(tmp_path / "head_restored.npy", modality="MR").array
    assert np.array_equal(mr.read(out / "head_restored.npy", modality="MR").array, restored)


def test_a_format_is_offered(
    qtbot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from medrestore.plugin.run_bar import RunBar

    monkeypatch.setitem(FORMATS, "npy", Npy())
    with pytest.raises(SystemExit):
        main(["denoise", "--help"])
    assert "source|nifti|dicom|zarr|npy" in capsys.readouterr().out
    bar = RunBar(*[lambda *_: None] * 4)
    qtbot.addWidget(bar)
    menu = [action.text() for action in bar.formats.actions()]
    assert menu == ["DICOM series…", "NIfTI…", "Zarr…", "NumPy…"]


WORST = Metric[Pair](
    "worst error",
    "worst",
    INTENSITY,
    lambda pair: float(np.abs(pair.image - pair.reference)[pair.mask].max()),
    "{:.1f}",
    "lower",
)
LARGEST_Z = Metric[Errors](
    "largest z", "z", "", lambda one: float(np.abs(one.error / one.std).max()), "{:.1f}"
)


def test_a_metric(
    tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    rng = np.random.default_rng(0)
    clean = np.full((3, 40, 48), 100, np.float32)
    clean[:, :, :20] = 60
    geometry = mr.Geometry(clean.shape, np.eye(4))

    def volume() -> mr.Volume:
        noise = rng.normal(0, 5, clean.shape).astype(np.float32)
        return mr.Volume(clean + noise, geometry, "MR")

    def reports() -> list:
        return [
            mr.evaluate(truth, noisy, mr.denoise(noisy, noise=0.05, samples=0), case=case)
            for case, truth, noisy in (("a", volume(), volume()), ("b", volume(), volume()))
        ]

    plain = write_report(reports(), tmp_path / "plain")
    head = (plain.parent / "figures.csv").read_text().splitlines()[0]
    monkeypatch.setitem(IMAGE_METRICS, "worst", WORST)
    monkeypatch.setitem(UNCERTAINTY_METRICS, "z", LARGEST_Z)
    found = reports()
    page = write_report(found, tmp_path / "more")
    rows = list(csv.DictReader((page.parent / "figures.csv").read_text().splitlines()))
    assert ",".join(rows[0]) == f"{head},worst"
    errors = found[0].of("restored").values
    assert float(rows[1]["worst"]) == pytest.approx(errors["worst"]) and errors["worst"] > 5
    facts = json.loads((page.parent / "figures.json").read_text())
    assert facts["cases"][0]["uncertainty"]["restored"]["z"] > 1
    named = {(one["figure"], one["unit"]) for one in facts["means"]}
    assert {("worst error", "% of scale"), ("largest z", "")} <= named
    assert "worst error" in {one["figure"] for one in facts["paired"]}
    assert "worst error (a.u.)" in page.read_text() and "largest z" in page.read_text()
    assert "worst error" not in plain.read_text()


def test_the_table_of_metrics_is_the_registry() -> None:
    """Name, column, what is better and source of each, as `docs/evaluation.md` lists them."""
    rows = re.findall(r"^\| (.+) \| `?(.+?)`? \| (.*?) ?\| (.*?) ?\|$", _page("evaluation"), re.M)
    stated = {row for row in rows if row[0] != "metric"}
    metrics = [*IMAGE_METRICS.values(), *UNCERTAINTY_METRICS.values()]
    for one in metrics:
        assert (one.name, one.column or "–", one.better, one.reference) in stated, one.name


def _page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")
