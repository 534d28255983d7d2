"""The public names: where they live, that they resolve, what type checkers see."""

import ast
import importlib.metadata
import importlib.util
from pathlib import Path

import pytest

import medrestore

HOMES = medrestore._HOMES
BINDING = {
    "read",
    "find",
    "write",
    "denoise",
    "denoise_folder",
    "simulate",
    "calibrate",
    "evaluate",
}  # the interface's own


@pytest.mark.parametrize(
    ("home", "name"), [(home, name) for home, names in HOMES.items() for name in names]
)
def test_a_name_resolves_to_its_home(home: str, name: str) -> None:
    value = getattr(medrestore, name)
    assert value is getattr(importlib.import_module(f"medrestore.{home}"), name)
    assert name in dir(medrestore)


def test_the_list_of_public_names_is_whole() -> None:
    listed = [name for names in HOMES.values() for name in names]
    assert len(listed) == len(set(listed))
    assert {*listed, "__version__"} == set(medrestore.__all__)
    assert set(medrestore.__all__) >= BINDING


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(medrestore.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {(f"medrestore.{home}", name) for home, names in HOMES.items() for name in names}


def test_every_error_is_public() -> None:
    from medrestore import errors

    assert set(errors.__all__) == set(HOMES["errors"])


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'denoize'"):
        _ = medrestore.denoize


def test_the_version_is_that_of_the_installed_package() -> None:
    assert medrestore.__version__ == importlib.metadata.version("medrestore")
