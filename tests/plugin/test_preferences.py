"""napari's Preferences page: what is set there is what a panel begins with."""

import shutil

import pytest
from napari import settings

import medrestore
from medrestore.plugin.form import SettingsForm
from medrestore.plugin.preferences import Preferences, models_in, offered_models, preferences
from medrestore.plugin.requests import Choices
from medrestore.plugin.viewer import ScanPicker
from medrestore.settings.settings import Settings

MANIFEST = f"{medrestore.__path__[0]}/napari.yaml"

pytestmark = pytest.mark.skipif(
    not hasattr(settings, "get_plugin_settings"), reason="napari has such pages since 0.9"
)


@pytest.fixture
def page(plugin_settings, npe2pm):
    with npe2pm.tmp_plugin(manifest=MANIFEST):
        yield settings.get_plugin_settings("medrestore").denoise


def test_what_is_set_is_read(page):
    assert preferences() == Preferences()
    page.samples, page.level, page.device = 3, 95, "cpu"
    assert preferences() == Preferences(samples=3, level=95, device="cpu")
    with pytest.raises(ValueError, match="1000"):
        page.samples = 1001


def test_without_the_page_the_defaults_hold(plugin_settings, npe2pm):
    assert preferences() == Preferences()


def test_a_folder_of_models_is_offered(page, tiny_models, tmp_path):
    shutil.copytree(tiny_models / "mr_tiny", tmp_path / "mine" / "ours")
    (tmp_path / "mine" / "broken" / "configs").mkdir(parents=True)
    (tmp_path / "mine" / "broken" / "configs" / "card.json").write_text("{}")
    page.models = str(tmp_path / "mine")
    assert [name for name, *_ in offered_models("MR")] == ["mr_tiny", "mr_tiny (own)"]
    assert [value for _, value, _ in offered_models("MR")][1] == str(tmp_path / "mine" / "ours")
    assert len(models_in(str(tmp_path / "mine" / "ours"))) == 1
    assert models_in("") == models_in(str(tmp_path / "nowhere")) == []


def test_the_form_begins_with_them(page, qtbot, tiny_models):
    from napari.components import ViewerModel

    page.samples, page.steps, page.level, page.device = 4, 5, 80, "cpu"
    page.memory_gb = 2.5
    form = SettingsForm(ScanPicker(ViewerModel()))
    qtbot.addWidget(form)
    assert form.choices() == Choices(
        Settings(samples=4, steps=5, level=0.8, device="cpu", memory_gb=2.5)
    )
