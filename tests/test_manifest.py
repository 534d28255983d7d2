"""The napari manifest: valid, importable, and the same at the top of the repository."""

from dataclasses import asdict
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from napari._app_model.constants._menus import is_menu_contributable
from npe2 import PluginManifest

import medrestore
from medrestore.io.formats import FORMATS
from medrestore.plugin.preferences import Preferences
from medrestore.results.naming import RECORD
from medrestore.settings.settings import SETTINGS

PATH = Path(medrestore.__file__).with_name("napari.yaml")
TOP = PATH.parents[2] / "napari.yaml"


@pytest.fixture(scope="module")
def manifest():
    return PluginManifest.from_file(PATH)


def test_every_target_can_be_imported(manifest):
    manifest.validate_imports()  # raises and names the target
    assert manifest.contributions.widgets and manifest.contributions.readers


def test_napari_finds_it():
    [point] = [p for p in entry_points(group="napari.manifest") if p.name == "medrestore"]
    assert point.value == "medrestore:napari.yaml"


@pytest.mark.skipif(not (TOP.parent / "pyproject.toml").exists(), reason="not a checkout")
def test_the_copy_at_the_top_is_equal():
    assert TOP.read_text() == PATH.read_text()


def test_it_takes_only_what_it_can_read(manifest):
    [reader] = manifest.contributions.readers
    assert reader.accepts_directories
    files = [suffix for one in FORMATS.values() if not one.store for suffix in one.suffixes]
    assert reader.filename_patterns == [*(f"*{suffix}" for suffix in files), f"*{RECORD}"]


def test_it_writes_what_can_be_written(manifest):
    written = [suffix for one in FORMATS.values() for suffix in one.writable]
    assert all(one.filename_extensions == written for one in manifest.contributions.writers)


def test_its_menus_exist(manifest):
    assert all(is_menu_contributable(menu) for menu in manifest.contributions.menus)


def test_commands_are_titled_as_verbs(manifest):
    verbs = {command.title.split()[0] for command in manifest.contributions.commands}
    assert verbs <= {"Denoise", "Measure", "Open", "Save", "Start"}


def test_preferences_are_what_the_panel_begins_with(manifest):
    declared = manifest.contributions.configurations["denoise"].properties
    assert {name: field.default for name, field in declared.items()} == asdict(Preferences())
    preferred = Preferences().settings()
    assert preferred == {name: SETTINGS[name].default for name in preferred}


def test_preferences_offer_what_the_settings_take(manifest):
    declared = manifest.contributions.configurations["denoise"].properties
    for name in ("samples", "steps"):
        kind = SETTINGS[name].kind
        assert (declared[name].minimum, declared[name].maximum) == (kind.low, kind.high)
    level = declared["level"]
    assert (level.minimum, level.maximum) == SETTINGS["level"].kind.percents
    assert declared["device"].enum == list(SETTINGS["device"].kind.labels)
    assert declared["memory_gb"].minimum == SETTINGS["memory_gb"].kind.low
    for name in ("samples", "steps", "device"):
        assert declared[name].title == SETTINGS[name].label


def test_the_palette_offers_only_what_can_be_called_bare(manifest):
    contributions = manifest.contributions
    need_arguments = {c.command for c in (*contributions.readers, *contributions.writers)}
    for command in contributions.commands:
        assert (command.enablement == "False") is (command.id in need_arguments)
