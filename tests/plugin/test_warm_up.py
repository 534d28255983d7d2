"""Models are in memory once the dock has been open for a moment."""

import pytest

from medrestore.models import model
from medrestore.models.model import ModelCache
from medrestore.plugin.warm_up import warm_up


@pytest.fixture
def models(monkeypatch):
    """An empty cache in place of this process's."""
    found = ModelCache()
    monkeypatch.setattr(model, "MODELS", found)
    return found


def test_the_models_of_default_runs_are_loaded(tiny_models, models, monkeypatch):
    loaded = []
    real = models.get
    monkeypatch.setattr(models, "get", lambda *key: loaded.append(key[0].name) or real(*key))
    warm_up().join(60)
    assert loaded == ["ct_tiny", "mr_tiny"]


def test_damaged_weights_are_no_problem_before_they_are_needed(
    tiny_models, models, monkeypatch, tmp_path
):
    from shutil import copytree

    folder = copytree(tiny_models, tmp_path / "models")
    (folder / "ct_tiny" / "models" / "model.safetensors").write_bytes(b"nothing")
    monkeypatch.setenv("MEDRESTORE_MODELS", str(folder))
    thread = warm_up()
    thread.join(60)
    assert not thread.is_alive()
    assert [one.card.name for one in models._loaded.values()] == ["mr_tiny"]
