"""Models and sample scans are found in a checkout and in an installed wheel."""

from pathlib import Path

import pytest

from medrestore import resources
from medrestore.errors import InputError, ModelError


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "src" / "medrestore"
    package.mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(resources, "_PACKAGE", package)
    monkeypatch.delenv(resources.MODELS_VARIABLE, raising=False)
    return tmp_path


def test_a_checkout_uses_its_own_folders(checkout: Path) -> None:
    assert resources.models_folder() == checkout / "models"
    (checkout / "sample_data").mkdir()
    assert resources.sample_data_folder() == checkout / "sample_data"


def test_a_wheel_carries_its_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "medrestore"
    (package / "_models").mkdir(parents=True)
    (package / "_sample_data").mkdir()
    monkeypatch.setattr(resources, "_PACKAGE", package)
    monkeypatch.delenv(resources.MODELS_VARIABLE, raising=False)
    assert resources.models_folder() == package / "_models"
    assert resources.sample_data_folder() == package / "_sample_data"


def test_the_variable_wins(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path_factory.mktemp("models")
    monkeypatch.setenv(resources.MODELS_VARIABLE, str(other))
    assert resources.models_folder() == other


def test_a_wrong_variable_is_named(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(resources.MODELS_VARIABLE, str(checkout / "nowhere"))
    with pytest.raises(ModelError, match=r"MEDRESTORE_MODELS.*nowhere.*not a folder"):
        resources.models_folder()


def test_a_bare_installation_says_what_to_do(checkout: Path) -> None:
    (checkout / "models").rmdir()
    with pytest.raises(ModelError, match="MEDRESTORE_MODELS"):
        resources.models_folder()
    with pytest.raises(InputError, match="reinstall"):
        resources.sample_data_folder()
