"""The lines that repeat what was clicked."""

import json
import shlex

import pytest

import medrestore as mr
from medrestore import cli
from medrestore.plugin.layers import to_layer
from medrestore.plugin.requests import Choices, Snapshot, command_line, python_lines
from medrestore.settings.settings import Settings


@pytest.fixture
def scan(head, tmp_path):
    path = mr.write(head, tmp_path / "a scan.nii.gz")
    data, meta, _ = to_layer(mr.read(path, "MR"))
    return Snapshot(data, meta)


def test_python_runs_and_gives_what_the_button_gives(scan, tmp_path, monkeypatch, tiny_models):
    monkeypatch.chdir(tmp_path)
    found = {}
    exec(python_lines(scan, Choices(Settings(noise=0.05, samples=1, seed=3))), found)
    settings = found["result"].plan.settings
    assert (settings.noise, settings.samples, settings.seed) == (0.05, 1, 3)
    assert (tmp_path / "restored" / "a scan_run.json").is_file()


def test_python_restores_the_slices_chosen(scan, tmp_path, monkeypatch, tiny_models):
    monkeypatch.chdir(tmp_path)
    found = {}
    exec(python_lines(scan, Choices(Settings(noise=0.05, samples=1), slices=(0, 1))), found)
    assert found["result"].plan.slices == (1, 2)  # displayed from the head downwards
    assert len(mr.read(tmp_path / "restored" / "a scan_restored.nii.gz", "MR").array) == 2


def test_the_command_runs(scan, tmp_path, monkeypatch, tiny_models, capsys):
    monkeypatch.chdir(tmp_path)
    settings = Settings(noise=0.05, samples=1, level=0.95, keep_samples=True)
    chosen = Choices(settings, slices=(0, 1))
    line, remark = command_line(scan, chosen).splitlines()
    assert "slices 0 to 1" in remark
    program, *words = shlex.split(line)
    assert program == "medrestore"
    assert cli.main(words) == 0
    plan = json.loads((tmp_path / "restored" / "a scan_run.json").read_text())["plan"]
    assert plan["settings"]["level"] == 0.95
    assert plan["settings"]["keep_samples"] is True


def test_defaults_are_not_said(scan):
    assert python_lines(scan, Choices()).splitlines()[3] == "result = mr.denoise(volume)"
    assert command_line(scan, Choices()).endswith("-o restored --modality MR")


def test_a_layer_without_a_file_gets_a_placeholder():
    assert "mr.read('scan.nii.gz')" in python_lines(None, Choices())
