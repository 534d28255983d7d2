"""The benchmark of families: how methods are found, rows kept, inputs shared, figures taken."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.families import crops, methods, page, plot, texture
from benchmarks.families.crops import Crop, DataSet, cut
from benchmarks.families.drawn import Drawn
from benchmarks.families.inferer import Angled, sampled, scheduler_of, through_inferer
from benchmarks.families.method import Method
from benchmarks.families.methods import registered
from benchmarks.families.run import brief, fill, told_why
from benchmarks.families.scores import figures, squares
from benchmarks.families.table import Table, head
from benchmarks.families.verdict import difference
from benchmarks.quality.cases import Case

from medrestore.core.diffusion import v_hat
from medrestore.core.families import networks
from medrestore.core.method import passes
from medrestore.core.noise_field import NoiseField
from medrestore.core.samplers import SAMPLERS
from medrestore.core.samplers.chain import sample
from medrestore.core.spectrum import Spectrum, kernel_of
from medrestore.engine.plan import Noise
from medrestore.models.model import find_card, load
from medrestore.settings.settings import Settings
from medrestore.training.finish import write_bundle
from tiny import speak, tiny_card

MEAN, STD = 0.4, 0.3
"""Of the Gaussian residual."""
SIGMA = 0.05


def crop(seed: int, side: int = 64, kind: str = "simulated", scan: str = "") -> Crop:
    """A smooth image with white noise, in a stack of five."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    truth = (0.5 + 0.2 * np.sin(6 * x + seed) * np.cos(5 * y)).astype(np.float32)
    noisy = truth + SIGMA * rng.standard_normal((5, side, side))
    inside = np.ones(truth.shape, bool)
    noise = Noise(SIGMA, None, "added")
    scan = scan or f"person {seed}"
    stack = noisy.astype(np.float32)
    return Crop(scan, "MR", kind, stack, 2, truth, inside, inside, noise, 1.0)


def drawn(shown: np.ndarray, std: float, samples: np.ndarray | None = None) -> Drawn:
    half = np.float32(1.645 * std)
    spread = np.full(shown.shape, std, np.float32)

    def region(mask: np.ndarray) -> tuple[float, float]:
        mean, width = float(shown[mask].mean()), 1.645 * std / math.sqrt(mask.sum())
        return mean - width, mean + width

    return Drawn(shown, spread, shown - half, shown + half, samples, region, "none", 0, 1.0)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An importable folder for families, empty."""
    folder = tmp_path / f"extra_{tmp_path.name}"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def add(package: Path, name: str, label: str) -> None:
    (package / f"{name}.py").write_text(
        "from benchmarks.families.method import Method\n"
        f"METHODS = [Method('new', {label!r}, 'mr_tiny', {{'samples': 0}})]\n"
    )


def test_a_family_registers_by_a_file_of_its_own(package: Path) -> None:
    add(package, "one", "a")
    assert [m.label for m in registered(package.name, [str(package)])] == ["a"]
    add(package, "another", "b")
    assert [m.label for m in registered(package.name, [str(package)])] == ["b", "a"]
    add(package, "third", "a")
    with pytest.raises(ValueError, match=r"registered twice.*'new', 'a'.*label of its own"):
        registered(package.name, [str(package)])


def test_shipped_files_register_methods_that_can_be_asked_for() -> None:
    found = registered()
    files = [path.stem for path in Path(methods.__file__).parent.glob("*.py")]
    assert len({m.family for m in found}) == len(files) - 1  # the package's own
    known = {"sampler", "steps", "samples", "guidance", "measurement"}
    for method in found:
        assert method.modality in ("MR", "CT")
        assert method.asked.keys() <= known
        if "no setting" not in method.lacking:
            assert method.settings(3).seed == 3
    assert {"predictor alone", "2 steps"} <= {m.label for m in found if m.brief}


def test_what_cannot_run_is_listed_with_its_reason(tiny_models: Path, tmp_path: Path) -> None:
    missing = Method("new", "a", "mr_nowhere")
    unknown = Method("new", "b", "mr_tiny", {"telepathy": 1.0})
    unserved = Method("new", "c", "mr_tiny", {"sampler": "consistency"})
    table = Table(tmp_path / "t.csv")
    data = DataSet("MR made up", "MR", False, lambda: pytest.fail("nothing needs crops"))
    fill(table, [missing, unknown, unserved], [data])
    rows = list(Table(tmp_path / "t.csv").rows.values())
    assert [row["note"] for row in rows] == [
        "not shipped",
        "this medrestore has no setting telepathy",
        "weights do not serve consistency",
    ]
    assert not any("psnr" in row for row in rows)
    assert "new (mr_nowhere): not shipped" in page.whole(rows)
    shipped_since = replace(missing, model="mr_tiny")
    table.record({**rows[0], "model": "mr_tiny"})
    told_why(table, [missing, unknown, unserved, shipped_since])
    assert [row["note"] for row in table.rows.values()][-1] == "not run yet"
    with pytest.raises(LookupError, match="mr_nowhere is not shipped"):
        missing.loaded()


class Watched:
    """A method's ``run`` that keeps what it was given."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def __call__(self, model: object, crop: Crop, asked: Settings) -> Drawn:
        self.seen.append(crop.noisy.copy())
        samples = crop.truth + SIGMA * np.random.default_rng(asked.seed).standard_normal(
            (asked.samples, *crop.truth.shape)
        )
        crop.noisy.flags.writeable = False
        return drawn(samples.mean(axis=0), SIGMA, samples.astype(np.float32))


def test_rows_are_made_once_and_all_methods_see_the_same_pixels(
    tiny_models: Path, tmp_path: Path
) -> None:
    runs = Watched(), Watched()
    pair = [
        Method("new", label, "mr_tiny", {"samples": 4}, run)
        for label, run in zip("ab", runs, strict=True)
    ]
    data = DataSet("MR made up", "MR", False, lambda: [crop(0), crop(1), crop(2)])
    path = tmp_path / "t.csv"
    fill(Table(path), pair, [data])
    first = path.read_text()
    assert [len(run.seen) for run in runs] == [3, 3]
    for one, two in zip(*(run.seen for run in runs), strict=True):
        np.testing.assert_array_equal(one, two)

    fill(Table(path), pair, [data])  # nothing to do
    assert [len(run.seen) for run in runs] == [3, 3]
    assert path.read_text() == first
    fill(Table(path), [pair[0], replace(pair[1], asked={"samples": 5})], [data])
    assert [len(run.seen) for run in runs] == [3, 6]
    fill(Table(path), pair[:1], [data], anew=True)
    fill(Table(path), pair[:1], [data], seed=1)
    assert len(runs[0].seen) == 9
    row = head(pair[0], data, 3, crops.SIDE, 1)
    assert Table(path).holds(row)
    assert not Table(path).holds(row | {"weights": "of another training"})

    table = Table(path)
    names = list(table.rows)
    table.keep([names[1], ("of", "no", "such", "row")])
    table.write()
    assert list(Table(path).rows) == names[1:]
    others = Table(path)
    others.record(row | {"method": "of another run"})
    table.record(row | {"method": "of this run"})
    assert [name[2] for name in Table(path).rows][-2:] == ["of another run", "of this run"]


def test_the_pipelines_evaluations_are_counted(tiny_models: Path) -> None:
    model = load(find_card("mr_tiny", "MR"))
    for sampler, steps in (("moment-matched", 2), ("heun", 2)):
        asked = Settings(sampler=sampler, steps=steps, samples=3, keep_samples=True)
        found = Method("new", "a", "mr_tiny").run(model, crop(0, side=32), asked)
        assert found.evaluations == 1 + passes(sampler, steps, 3)
        assert found.samples.shape == (3, 32, 32)
        assert (found.sampler, found.steps) == (sampler, steps)
    mask = np.zeros((32, 32), bool)
    mask[:8, :8] = True
    lower, upper = found.region(mask)
    assert lower < float(found.shown[mask].mean()) < upper


def velocity(z_t: torch.Tensor, t: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
    """The exact network of N(MEAN, STD²), told its mean."""
    angle = float(t[0])
    c, s = math.cos(angle), math.sin(angle)
    gain = c * STD**2 / (c**2 * STD**2 + s**2)
    return v_hat(z_t, told + gain * (z_t - c * told), angle)


@pytest.mark.parametrize(
    ("name", "steps", "within"), [("DDPMScheduler", 1000, 0.015), ("DDIMScheduler", 1000, 0.015)]
)
def test_monais_loop_on_a_gaussian_world_has_the_exact_law(
    name: str, steps: int, within: float
) -> None:
    """Every timestep taken, mean and spread are the truth's, and those of our sampler."""
    network = Angled(velocity, scheduler_of(name, steps))
    before = torch.random.get_rng_state()
    r = sampled(network, torch.full((1, 1, 32, 32), MEAN), 8, seed=0)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert network.evaluations == 8 * steps
    assert r.mean().item() == pytest.approx(MEAN, abs=0.01)
    assert r.std().item() == pytest.approx(STD, rel=within)

    field = NoiseField(0, [(k, 0) for k in range(8)], (32, 32))
    told, white = torch.full((8, 1, 32, 32), MEAN), kernel_of(Spectrum.white())
    ours = sample(
        SAMPLERS[name[:4].lower()],
        lambda z, t, c: math.cos(t) * z - math.sin(t) * velocity(z, torch.tensor([t]), c),
        told,
        field,
        lambda t: white,
        steps,
    ).r
    assert r.std().item() == pytest.approx(ours.std().item(), rel=2 * within)


def test_monais_loop_runs_a_plain_conditional_model(tiny_models: Path, tmp_path: Path) -> None:
    card = tiny_card("mr_plain", "MR") | {
        "family": "image",
        "predictor": {"mean": 0.5, "std": 0.2, "slices": 3},
        "intervals": {"relative_sigma": [0.01, 0.1], "people": 1, "factors": {}},
    }
    torch.manual_seed(0)
    prior, refiner = networks(card)
    speak(refiner)
    write_bundle(tmp_path / "mr_plain", card, prior, refiner)
    model = load(find_card(str(tmp_path / "mr_plain"), "MR"))
    run, asked = through_inferer("DDIMScheduler", 5), Settings(samples=3)
    found, again = (run(model, crop(0, side=32), asked) for _ in range(2))
    np.testing.assert_array_equal(found.samples, again.samples)
    np.testing.assert_allclose(found.shown, found.samples.mean(axis=0), rtol=1e-5, atol=1e-6)
    expected = found.samples.std(axis=0, ddof=1) * math.sqrt(1 + 1 / 3)
    np.testing.assert_allclose(found.std, expected, rtol=1e-4, atol=1e-6)
    assert found.evaluations == 15
    with pytest.raises(ValueError, match=r"\(64, 64\) pixels does not fit a network of 32 × 32"):
        run(model, crop(0), asked)


def test_figures_of_an_honest_method_are_honest(tiny_models: Path) -> None:
    pairs = []
    for seed in range(4):
        one, rng = crop(seed), np.random.default_rng(100 + seed)
        error = SIGMA * rng.standard_normal(one.truth.shape)
        samples = one.truth + error + SIGMA * rng.standard_normal((8, *one.truth.shape))
        shown = (one.truth + error).astype(np.float32)
        pairs.append((one, drawn(shown, SIGMA, samples.astype(np.float32))))
    found = figures(pairs)
    assert found["psnr"] == pytest.approx(-20 * math.log10(SIGMA), abs=0.1)
    assert found["psnr_sample"] == pytest.approx(found["psnr"] - 3.01, abs=0.1)
    assert found["std_ratio"] == pytest.approx(1, abs=0.02)
    assert found["sample_ratio"] == pytest.approx(1, abs=0.02)
    for name in ("cover90", "cover90_16", "cover90_64"):
        assert found[name] == pytest.approx(0.9, abs=0.06)
    assert (found["regions_16"], found["regions_1024"]) == (4 * 64, 4 * 4)
    assert found["nps_shift"] == pytest.approx(0, abs=0.02)
    assert 0 <= found["fid"] < found["fid_sample"]


def test_coarser_noise_lowers_the_mean_frequency() -> None:
    rows = []
    for seed in range(3):
        one = crop(seed)
        noise = one.plane - one.truth
        smooth = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1)) / 3
        rows.append((one, drawn(one.truth + smooth, SIGMA)))
    assert texture.nps_shift(rows) < -0.02
    same = [(one, drawn(one.plane, SIGMA)) for one, _ in rows]
    assert texture.nps_shift(same) == 0


def test_repeats_tell_the_noise_that_is_left_without_a_truth() -> None:
    """What both repeats share, a bias, is no noise."""
    pair = [crop(seed, kind="repeat", scan="b0") for seed in (0, 1)]
    bias = 10 * pair[0].truth
    same = [(one, drawn(one.plane + bias, SIGMA)) for one in pair]
    assert texture.nps_shift(same) == pytest.approx(0, abs=1e-5)


def test_regions_are_disjoint_squares_inside_the_mask() -> None:
    mask = np.zeros((20, 20), bool)
    mask[2:18, 4:20] = True
    found = list(squares(mask, 4))
    assert len(found) == 12
    assert not (np.sum(found, axis=0) > 1).any()
    assert all(mask[one].all() and one.sum() == 16 for one in found)


def test_a_crop_lies_inside_its_case_and_keeps_its_slice() -> None:
    values = np.arange(20 * 80 * 90, dtype=np.float32).reshape(20, 80, 90) + 1
    mask = values > 0
    case = Case("toy", "MR", "simulated", 0.03, values, values, mask, 0.03, (1.0, 1.0, 1.0))
    found = cut(case, 1, (2, 88))
    assert found.noisy.shape == (crops.DEPTH, crops.SIDE, crops.SIDE)
    np.testing.assert_array_equal(found.plane, values[1, :64, 26:])
    np.testing.assert_array_equal(found.truth, found.plane)


def test_differences_are_paired_and_count_people_not_crops() -> None:
    def row(each: str, people: int) -> dict:
        return {"psnr_each": each, "people": people}

    other = row("30.00;31.00;32.00", 3)
    worse = difference([(row("29.00;29.50;31.20", 3), other)])
    assert worse.mean == pytest.approx(-(1 + 1.5 + 0.8) / 3)
    assert worse.lower < worse.mean < worse.upper < 0
    assert "**loses**" in str(worse)
    assert str(difference([(other, other)])) == "the same image"
    assert difference([(row("31;30;32.5", 3), other)]).word == "no difference shown"
    crops_of_two = difference([(row("31;31;30;30", 2), row("30;30;30;30", 2))])
    assert crops_of_two.mean == 0.5
    assert crops_of_two.word == "too few people to say"
    fewer = difference([(row("28.00", 1), other)])
    assert fewer.mean == -2


def test_labels_stand_apart_and_in_order() -> None:
    assert plot.apart([0.1, 0.5, 0.9], 0.05) == pytest.approx([0.1, 0.5, 0.9])
    wanted = [0.5, 0.5, 0.52, 0.1]
    found = plot.apart(wanted, 0.1)
    assert np.diff(np.sort(found)).min() >= 0.1 - 1e-12
    assert found[0] < found[1] < found[2]
    assert np.mean(found[:3]) == pytest.approx(np.mean(wanted[:3]))
    assert plot.apart([0.2, 0.98, 1.0], 0.1) == pytest.approx([0.2, 0.9, 1.0])


def test_the_figure_and_the_pages_hold_what_the_table_holds(tmp_path: Path) -> None:
    def row(label: str, family: str, evaluations: float, ratio: float) -> dict:
        about = {"data": "MR 9 %", "family": family, "method": label, "model": "mr_slice"}
        told = {"sampler": "ddim", "psnr": 30.0, "psnr_each": "29;30;31", "people": 3}
        costs = {"evaluations": evaluations, "cpu_seconds": 0.5, "sample_ratio": ratio}
        return about | told | costs | {"std_ratio": 1.0, "date": "d", "machine": "m", "seed": 0}

    rows = [
        row("2 steps", "moment-matched", 10.0, 1.0),
        row("50 steps", "slow", 394.0, 0.5) | {"psnr_each": "28;28;28.5", "note": "patience"},
    ]
    plot.draw(rows, tmp_path / "figure.svg")
    drawn_text = (tmp_path / "figure.svg").read_text()
    assert "slow" in drawn_text or drawn_text.count("<use") > 4  # letters are outlines
    plot.draw([], tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()
    whole = page.whole(rows)
    assert "| slow | 50 steps | mr_slice | 30.00 |" in whole
    assert "**loses**; patience |" in whole
    listed = Method("slow", "50 steps", "mr_slice", brief=True)
    small = page.brief(rows, [listed])
    assert "| MR | slow | 50 steps | 30.0 |" in small
    assert "−1.83 dB [−2.50, −1.00], **loses**" in small
    before = f"a\n{page.BEGIN}old\n{page.END}\nb\n"
    after = page.inserted(before, small)
    assert after.startswith("a\n") and after.endswith("\nb\n") and "old" not in after
    assert page.inserted(after, small) == after
    with pytest.raises(ValueError, match="no place for the table"):
        page.inserted("nothing", small)
    assert brief(rows[1]).endswith("patience")
