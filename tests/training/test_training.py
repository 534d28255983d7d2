"""Training end to end in miniature, and what its parts promise."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

import medrestore as mr
from medrestore.core.predictor import Condition, Prediction, Predictor
from medrestore.errors import InputError, ModelError, SettingsError
from medrestore.models.card import Card
from medrestore.models.model import load
from medrestore.training.config import Config
from medrestore.training.data import PatchSampler, Stack, stacks_of
from medrestore.training.finish import write_bundle
from medrestore.training.loop import Schedule, averaged, fit, learning_rate
from medrestore.training.pairs import Pairs
from medrestore.training.run import train
from medrestore.training.stages import predictor_loss
from medrestore.training.targets import Pair
from medrestore.training.trainings import networks_of
from small import blocks, quick, scan, trained, write_config


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    quick(monkeypatch)
    stages = {
        "predictor": {"steps": 40, "rate": 0.003, "muon": 5, "every": 10, "warm_up": 5},
        "refiner": {"steps": 4, "every": 2},
    }
    return write_config(tmp_path, stages=stages)


def test_train_resume_and_use(config: Path, tmp_path: Path) -> None:
    folder = trained(config)
    card = Card.read(folder)
    assert card.facts["training"]["stages"]["predictor"]["steps"] == 40
    assert card.intervals("predictor").people == 2
    assert len(card.spectra.angles) == 8 and 0.5 < card.spectra.at(math.pi / 2).variance < 2
    assert card.spectra.ratios and "moment-matched:2" in card.spectra.gains
    assert "made here (CC0)" in (folder / "docs" / "README.md").read_text()
    metadata = json.loads((folder / "configs" / "metadata.json").read_text())
    assert metadata["intended_use"].startswith("research only")

    curve = (tmp_path / "runs/small/predictor/curve.csv").read_text().splitlines()
    first, last = float(curve[1].split(",")[3]), float(curve[-1].split(",")[3])
    assert last < 0.9 * first  # error/σ² falls

    before = load(card).predictor.state_dict()["mean.weight"].clone()
    assert torch.equal(
        load(Card.read(trained(config))).predictor.state_dict()["mean.weight"], before
    )

    clean = scan(5)
    noisy = mr.simulate(clean, noise=0.05, seed=3)
    result = mr.denoise(noisy, model=str(folder), noise=0.05, samples=2)
    assert np.std(result.restored.array - clean.array) < np.std(noisy.array - clean.array)


@pytest.mark.slow
def test_fine_tuning_starts_from_the_models_weights(config: Path, tmp_path: Path) -> None:
    first = trained(config)
    tuned = train(
        config, str(first), time_limit=1e-9, runs=tmp_path / "tuned", models=tmp_path / "other"
    )
    weights = [load(Card.read(f)).predictor.state_dict()["head.weight"] for f in (first, tuned)]
    assert torch.equal(*weights)
    assert Card.read(tuned).facts["training"]["command"].endswith("--from small")


def test_folds_never_see_whom_they_are_held_out_for(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn, corrected = [], []

    class Watched(Pairs):
        def __init__(self, config, stacks, *rest) -> None:
            drawn.append({hash(stack.array.tobytes()) for stack in stacks})
            corrected.append(config.noise_aware)
            super().__init__(config, stacks, *rest)

    monkeypatch.setattr("medrestore.training.trainings.Pairs", Watched)
    stages = json.loads(config.read_text())["stages"] | {"fold": {"steps": 3, "every": 1}}
    folder = trained(config, stages=stages, noise_aware=True)
    everybody, first, second, *examples = drawn
    assert first | second == everybody and not first & second
    assert sorted(map(sorted, examples)) == sorted(map(sorted, (first, second)))
    assert corrected == [True, True, True, False, False]  # what is diffused holds no more noise
    card = Card.read(folder)
    assert card.facts["region_factors"]["people_held_out"] == 2
    assert "not trained on them" in card.facts["intervals"]["who"]
    folds = {name for name in card.facts["training"]["stages"] if name.startswith("fold_")}
    assert len(folds) == 2

    none = {name: {"steps": 0} for name in ("predictor", "fold", "refiner")}
    trained(config, folder, name="tuned", stages=stages | none)
    for fold in folds:  # goes on from the first model's, not from the model that knows everybody
        kin, own = (averaged(tmp_path / "runs" / name / fold) for name in ("small", "tuned"))
        assert kin and all(torch.equal(kin[key], own[key]) for key in kin)


def test_who_is_held_out_is_calibrated_on_and_never_trained_on(config: Path) -> None:
    scans = json.loads(config.read_text())["scans"]
    others = scans[1:]
    folder = trained(config, scans=scans[:1], held_out=others, noise_aware=True)
    card, names = Card.read(folder), sorted({scan["person"] for scan in others})
    training, regions = card.facts["training"], card.facts["region_factors"]
    assert training["people"] == [scans[0]["person"]] and training["held_out"] == names
    assert regions["people"] == regions["people_held_out"] == card.intervals("predictor").people
    assert card.facts["intervals"]["who"] == "people held out of the training, with fresh noise"
    with pytest.raises(SettingsError, match="cannot be trained on and held out"):
        trained(config, held_out=others, name="both")
    with pytest.raises(SettingsError, match="cannot be held out: small"):
        trained(config, folder, name="b", scans=others, held_out=scans[:1])


def test_a_config_that_is_none_says_so(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    for text, said in (
        ("nothing", "is no training config: Expecting value"),
        ("[]", "is no training config, but a list"),
        ('{"name": "x"}', "modality is missing"),
    ):
        bad.write_text(text)
        with pytest.raises(SettingsError, match=said):
            Config.read(bad)
    with pytest.raises(SettingsError, match="cannot read"):
        Config.read(tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("place", "name", "value", "said"),
    [
        ((), "held_outs", [], "held_outs is unknown; did you mean held_out"),
        (("scans", 0), "persn", "x", r"scans\[0\].persn is unknown; did you mean person"),
        (
            ("stages", "predictor"),
            "step",
            3,
            "stages.predictor.step is unknown; did you mean steps",
        ),
        (
            ("corruption",),
            "misjuged",
            0.3,
            "corruption.misjuged is unknown; did you mean misjudged",
        ),
        (("synthetic",), "balls", 0.3, "synthetic.balls is unknown; there are dead_leaves"),
        ((), "scans", [], "scans is empty"),
        ((), "scans", "a.nii.gz", "scans is a list of scans, got 'a.nii.gz'"),
        ((), "stages", 3, "stages holds a schedule by name, got 3"),
        ((), "predictor", {}, "predictor.slices is missing"),
        ((), "depth", "3", "depth is a whole number, got '3'"),
        ((), "batch", 2.5, "batch is a whole number, got 2.5"),
        ((), "corruption", [1], "corruption is numbers by name"),
        ((), "synthetic", None, "synthetic is numbers by name"),
        ((), "noise", 0.05, "noise is a list, got 0.05"),
        ((), "noise", [0.1, 0.05], "noise is two numbers from 0 on, the lower first"),
        ((), "noise_aware", "yes", "noise_aware is true or false"),
        (("scans", 0), "weight", "much", r"scans\[0\].weight is a number"),
        (("stages",), "predicter", {}, "stages.predicter is unknown; did you mean predictor"),
    ],
)
def test_a_mistake_in_a_config_is_named(
    config: Path, place: tuple, name: str, value: object, said: str
) -> None:
    facts = json.loads(config.read_text())
    part = facts
    for key in place:
        part = part.setdefault(key, {}) if isinstance(part, dict) else part[key]
    part[name] = value
    config.write_text(json.dumps(facts))
    with pytest.raises(SettingsError, match=said):
        Config.read(config)


def test_networks_of_unknown_arguments_say_so(config: Path) -> None:
    facts = json.loads(config.read_text())
    facts["predictor"]["widhts"] = [8]
    config.write_text(json.dumps(facts))
    with pytest.raises(SettingsError, match=r"make no networks: .*widhts"):
        networks_of(Config.read(config), None)


def test_a_held_out_scan_that_is_not_there_is_called_that(config: Path) -> None:
    held_out = [{"file": "absent.nii.gz", "person": "nobody"}]
    with pytest.raises(InputError, match="held-out scan absent"):
        trained(config, held_out=held_out, name="absent")


def test_learning_rate_warms_up_and_falls() -> None:
    schedule = Schedule(rate=1e-3, last_rate=1e-5, warm_up=10)
    assert learning_rate(schedule, 0.0, 0) == pytest.approx(1e-4)
    assert learning_rate(schedule, 0.5, 100) == pytest.approx(0.5 * (1e-3 + 1e-5))
    assert learning_rate(schedule, 1.0, 100) == pytest.approx(1e-5)


def test_the_table_tells_the_pace_and_keeps_the_columns_it_began_with(tmp_path: Path) -> None:
    def loss_of(net: torch.nn.Module) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        return net(torch.ones(1, 2)).square().mean(), {}

    net, schedule = torch.nn.Linear(2, 1), Schedule(steps=6, every=3, muon=0)
    fit(net, loss_of, schedule, tmp_path / "new")
    header, *rows = (tmp_path / "new" / "curve.csv").read_text().splitlines()
    assert header == "step,minutes,loss,steps_per_s" and len(rows) == 2
    assert all(float(row.split(",")[3]) > 1 for row in rows)
    old = tmp_path / "old" / "curve.csv"
    old.parent.mkdir()
    old.write_text("step,minutes,loss,gone\n1,2,3,4\n")
    fit(net, loss_of, schedule, old.parent)
    rows = old.read_text().splitlines()[1:]
    assert [len(row.split(",")) for row in rows] == [4, 4, 4]
    assert rows[-1].split(",")[0] == "6" and rows[-1].split(",")[3] == "nan"


def test_another_architecture_is_refused_on_resume(tmp_path: Path) -> None:
    def step(net):
        return net(torch.ones(1, 3)).square().mean(), {}

    fit(torch.nn.Linear(3, 2), step, Schedule(steps=2), tmp_path)
    with pytest.raises(ModelError, match="another architecture"):
        fit(torch.nn.Linear(3, 4), step, Schedule(steps=4), tmp_path)


def test_likelihood_is_least_where_s_is_the_rms_error() -> None:
    """Gaussian NLL: over a constant s the minimum is at the true standard deviation."""
    clean, sigma = torch.zeros(1, 1, 64, 64), torch.full((1, 1, 64, 64), 2.0)
    mu = 0.6 * torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    pair = Pair(Condition(mu, sigma, torch.ones(1, 1, 1, 1)), clean)
    losses = {}
    for s in (0.4, 0.5, 0.6, 0.7, 0.8):
        log_s = torch.full_like(mu, math.log(s))
        losses[s] = predictor_loss(Prediction(mu, log_s), pair).likelihood.item()
    assert min(losses, key=losses.get) == 0.6


def test_as_the_noise_vanishes_so_does_the_change() -> None:
    """|μ − y| ≤ const·σ and s ≤ const·σ, whatever the weights: it cannot harm a clean scan."""
    torch.manual_seed(0)
    net = Predictor(3, (8, 12, 16), 1)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    y = torch.rand(1, 3, 40, 36) * 100
    ratios = []
    for sigma in (1e-2, 1e-4, 1e-6):
        c = Condition(y, torch.full((1, 1, 40, 36), sigma), torch.full((1, 1, 1, 1), 100.0))
        with torch.no_grad():
            prediction = net(c)
        ratios.append(float((prediction.mu - y[:, 1:2]).abs().max()))
    assert ratios[0] > 0 and ratios[2] < 1e-3


def test_patches_hold_slices_in_order_and_stay_in_the_scan(monkeypatch) -> None:
    monkeypatch.setattr("medrestore.training.data.APART", 0.0)
    array = np.arange(10, dtype=np.float32)[:, None, None] + np.zeros((10, 40, 40), np.float32)
    sampler = PatchSampler([Stack(array + 100, 1.0)], 5, 2, 32, "CT", seed=0)
    patches, scales, *_ = sampler.batch(16)
    assert patches.shape == (16, 1, 5, 32, 32) and (scales == 1).all()
    steps = np.diff(patches[:, 0, :, 0, 0], axis=1)
    assert set(np.unique(np.abs(steps))) <= {0.0, 1.0}  # neighbours; ends replicate
    with pytest.raises(SettingsError, match="smaller patch"):
        PatchSampler([Stack(array, 1.0)], 5, 2, 64, "CT", seed=0)


def test_isotropic_scans_are_cut_along_every_axis_and_binned() -> None:
    array = np.random.default_rng(0).uniform(100, 200, (140, 130, 150)).astype(np.float32)
    stacks = stacks_of(array, (1.0, 1.0, 1.0), "MR")
    assert len(stacks) == 6
    assert stacks[3].array.shape == (70, 65, 75)
    assert stacks[3].array.std() == pytest.approx(array.std() / 8**0.5, rel=0.02)
    assert len(stacks_of(array, (5.0, 1.0, 1.0), "MR")) == 2


def test_half_precision_weights_restore_the_same(tmp_path: Path) -> None:
    """Rounding the shipped weights moves μ by less than 1 % of σ and s by less than 1 %."""
    card = Card.read(Path(__file__).parents[2] / "models" / "mr_slice")
    facts = {k: v for k, v in card.facts.items() if k not in ("version", "weights_sha256")}
    whole = load(card)
    write_bundle(tmp_path / "half", facts, whole.predictor, whole.refiner)
    half = load(Card.read(tmp_path / "half"))
    torch.manual_seed(0)
    clean = torch.from_numpy(blocks(1)[None, :7]) / 1000
    c = Condition(
        clean + 0.05 * torch.randn(clean.shape), torch.full((1, 1, 96, 96), 0.05), torch.ones(1)
    )
    with torch.inference_mode():
        one, other = whole.predict(c), half.predict(c)
    assert (one.mu - other.mu).abs().max() < 0.01 * 0.05
    assert (one.log_s - other.log_s).abs().max() < 0.01
    assert (tmp_path / "half/models/model.safetensors").stat().st_size < 0.6 * (
        4 * sum(p.numel() for net in (whole.predictor, whole.refiner) for p in net.parameters())
    )
