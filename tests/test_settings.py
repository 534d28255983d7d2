"""Settings are described once; command line, signature, checks and documentation follow."""

import inspect
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

import medrestore as mr
from medrestore.cli import parser as command_line
from medrestore.devices import pick_device
from medrestore.errors import ResourceError, SettingsError
from medrestore.settings.description import Choice, Number, described, setting
from medrestore.settings.documentation import page
from medrestore.settings.settings import SETTINGS, Settings, feasible

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"

BINDING = (
    "volume model mode estimate samples steps level noise seed device sampler keep_samples progress"
).split()
"""Positions that scripts may rely on by place."""


def test_denoise_takes_the_settings_with_their_defaults() -> None:
    parameters = inspect.signature(mr.denoise).parameters
    assert list(parameters)[: len(BINDING)] == BINDING
    assert set(parameters) == {"volume", "progress", *SETTINGS}
    types = inspect.get_annotations(Settings)
    for name, one in SETTINGS.items():
        if name == "steps":  # None may be said for the model's own number
            assert parameters[name].default is None and one.default == 0
            continue
        assert parameters[name].default == one.default, name
        extra = " | Volume" if name == "noise" else ""
        assert parameters[name].annotation == types[name] + extra, name


def test_denoise_hands_over_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stop(Exception):
        pass

    def keep(volume: object, settings: Settings, noise_map: object) -> None:
        found.append((settings, noise_map))
        raise Stop

    found: list[tuple[Settings, object]] = []
    monkeypatch.setattr("medrestore.api.make_plan", keep)
    given = {"model": "m", "estimate": "sample", "samples": 3, "level": 0.5, "seed": 9}
    given |= {"guidance": 2.0, "schedule": "karras", "memory_gb": 4.0, "keep_samples": True}
    with pytest.raises(Stop):
        mr.denoise("a volume", **given)  # type: ignore[arg-type]
    assert found == [(Settings(**given), None)]


def test_help_in_python_names_every_setting() -> None:
    named = re.findall(r"^    (\w+) : ", Settings.__doc__ or "", re.MULTILINE)
    assert named == list(SETTINGS)
    assert re.search(r"samples : 0…1000\n +Posterior samples; 0 gives", Settings.__doc__ or "")


@pytest.mark.skipif(not PAGE.exists(), reason="not a checkout")
def test_the_page_of_the_documentation_is_what_the_descriptions_say() -> None:
    assert PAGE.read_text() == page(SETTINGS)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("samples", 1001, "samples is a whole number in 0…1000, got 1001"),
        ("samples", 2.0, "samples is a whole number in 0…1000, got 2.0"),
        ("level", 1, "level lies between 0 and 1, got 1; 0.9 is usual"),
        ("level", "much", "level lies between 0 and 1, got much"),
        ("memory_gb", 0, "memory_gb is above 0, got 0; leave it out for no limit"),
        ("guidance", float("nan"), "guidance is a weight in 0…100, got nan"),
        ("measurement", 101, "measurement is a weight in 0…100, got 101"),
        ("mode", "4d", "mode is one of slice, patch3d, got '4d'"),
        ("precision", "half", "precision is one of auto, float32, bfloat16, got 'half'"),
        ("schedule", None, "schedule is one of cosine, .*, got None"),
    ],
)
def test_what_is_out_of_range_is_refused_by_its_description(
    name: str, value: object, says: str
) -> None:
    with pytest.raises(SettingsError, match=says):
        Settings(**{name: value})


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_no_fault_of_a_model() -> None:
    with pytest.raises(ResourceError, match="no CUDA GPU is usable; use auto or cpu"):
        pick_device("cuda")
    with pytest.raises(
        SettingsError,
        match="device is auto, cpu, cuda, mps or xpu, or one of several as in cuda:1, got 'tpu'",
    ):
        pick_device("tpu")


def test_without_samples_what_needs_some_is_off() -> None:
    given = {"samples": 0, "estimate": "sample", "guidance": 2.0, "keep_samples": True, "seed": 4}
    assert Settings(**feasible(given)) == Settings(samples=0, seed=4)
    assert feasible({"guidance": 2.0}) == {"guidance": 2.0}


@dataclass(frozen=True)
class Sharper(Settings):
    """Two settings more, each described where it is declared."""

    sharpness: float = setting(1.5, Number(0, 3, "is in 0…3, got {value}"), "sharpness of edges")
    edge_filter: str = setting(
        "sobel", Choice({"sobel": "Sobel", "scharr": "Scharr"}), "filter of edges"
    )


def test_a_new_setting_is_one_declaration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_line, "SETTINGS", described(Sharper))
    monkeypatch.setattr(command_line, "Settings", Sharper)
    parser = command_line.Parser(prog="medrestore")
    command_line.add_settings(parser)
    asked = command_line.settings_from(parser.parse_args(["--sharpness", "2"]), "auto")
    assert asked == Sharper(sharpness=2.0)
    helped = parser.format_help()
    assert "--sharpness" in helped and "--edge-filter sobel|scharr" in helped
    wrong = parser.parse_args(["--edge-filter", "prewitt"])
    with pytest.raises(SettingsError, match="edge_filter is one of sobel, scharr, got 'prewitt'"):
        command_line.settings_from(wrong, "auto")
    assert "| `sharpness` | `--sharpness` | 0…3 |" in page(described(Sharper))
