"""The form shows the settings that are described, and gives what is set in it."""

from dataclasses import dataclass

import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QLabel

from medrestore.plugin import form as form_module
from medrestore.plugin.fields import field_of
from medrestore.plugin.form import SettingsForm
from medrestore.plugin.requests import Choices
from medrestore.plugin.viewer import ScanPicker
from medrestore.settings.description import Number, Text, described, setting
from medrestore.settings.settings import SAMPLERS, SETTINGS, Settings

pytestmark = pytest.mark.usefixtures("tiny_models")


@pytest.fixture
def form(qtbot):
    form = SettingsForm(ScanPicker(ViewerModel()))
    qtbot.addWidget(form)
    return form


def labels_of(form):
    return {label.text() for label in form.findChildren(QLabel)}


def test_untouched_it_gives_the_defaults(form):
    assert form.choices() == Choices()


def test_every_setting_with_a_label_has_a_row_with_its_tip(form):
    shown = {one.label for one in SETTINGS.values() if one.label} - {"Keep samples"}
    assert shown <= labels_of(form)
    assert form.fields["keep_samples"].text() == "Keep samples"
    described = [(SETTINGS[name], field) for name, field in form.fields.items()]
    assert all(field.toolTip() == (one.tip or one.text) for one, field in described)


def test_fields_take_what_settings_take_and_no_more(qtbot):
    sampler = field_of(SETTINGS["sampler"], "ddim")
    qtbot.addWidget(sampler)
    offered = [sampler.itemData(i) for i in range(sampler.count())]
    assert offered == ["auto", *SAMPLERS] and sampler.given() == "ddim"
    steps = field_of(SETTINGS["steps"], 0)
    qtbot.addWidget(steps)
    assert steps.text() == "Automatic"
    steps.setValue(5000)
    assert steps.given() == 1000
    level = field_of(SETTINGS["level"], 0.57)
    qtbot.addWidget(level)
    assert (level.text(), level.given()) == ("57 %", 0.57)
    guidance = field_of(SETTINGS["guidance"], 1.0)
    qtbot.addWidget(guidance)
    guidance.setValue(1000)
    assert guidance.given() == 100


@pytest.mark.parametrize(
    ("modality", "number", "unit", "given"),
    [
        ("MR", 9, "%", 0.09),
        ("MR", 25.5, "a.u.", "25.5 a.u."),
        ("CT", 30, "HU", 30),
        ("MR", 0, "%", "auto"),
    ],
)
def test_noise_is_given_in_the_unit_shown(form, modality, number, unit, given):
    form.show_noise_unit(modality)
    form.noise_entry.units.setCurrentText(unit)
    form.noise_entry.number.setValue(number)
    assert form.choices().settings.noise == pytest.approx(given)


def test_without_samples_nothing_is_asked_that_needs_some(form):
    form.fields["samples"].setValue(0)
    form.fields["keep_samples"].setChecked(True)
    form.fields["guidance"].setValue(2)
    form.fields["estimate"].setCurrentText("One sample")
    assert form.choices().settings == Settings(samples=0)


@dataclass(frozen=True)
class Sharper(Settings):
    """Two settings more."""

    sharpness: float = setting(
        1.5,
        Number(0, 3, "is in 0…3, got {value}"),
        "sharpness of edges",
        label="Sharpness",
        tip="How sharp edges are.",
    )
    remark: str = setting("", Text("any text"), "a remark", label="Remark")


def test_a_new_setting_gets_its_row(qtbot, monkeypatch):
    monkeypatch.setattr(form_module, "SETTINGS", described(Sharper))
    monkeypatch.setattr(form_module, "Settings", Sharper)
    form = SettingsForm(ScanPicker(ViewerModel()))
    qtbot.addWidget(form)
    assert {"Sharpness", "Remark"} <= labels_of(form)
    form.fields["sharpness"].setValue(9)
    form.fields["remark"].setText("of the left side ")
    assert form.choices().settings == Sharper(sharpness=3.0, remark="of the left side")
