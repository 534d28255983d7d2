"""The documentation runs: every Python block of the README and of docs/ is executed."""

import importlib.util
import pkgutil
import re
from pathlib import Path

import nibabel
import pytest

import medrestore

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks() -> list:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [
        pytest.param(code, id=f"{page.name}-{number}")
        for page in pages
        for number, code in enumerate(BLOCK.findall(page.read_text()))
    ]


@pytest.mark.parametrize("code", blocks())
def test_code_in_the_documentation_runs(code, tiny_models, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sample_data").mkdir()
    for name in ("mr_head.nii.gz", "mr_head_clean.nii.gz"):
        head = nibabel.load(ROOT / "sample_data" / name)
        nibabel.save(head.slicer[..., 18:22], tmp_path / "sample_data" / name)  # quicker
    (tmp_path / "sample_data" / "ct_torso_dicom").symlink_to(ROOT / "sample_data/ct_torso_dicom")
    exec(compile(code, "documentation", "exec"), {})
    assert "mr." in code


def test_links_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_citation_is_of_this_version() -> None:
    text = (ROOT / "CITATION.cff").read_text()
    assert re.search(r"^version: (.+)$", text, re.MULTILINE)[1] == medrestore.__version__


def test_the_glossary_names_what_there_is() -> None:
    rows = (ROOT / "docs" / "glossary.md").read_text().splitlines()
    places = [row.split("|")[3] for row in rows if row.count("|") == 5 and "`" in row]
    names = [name for place in places for name in re.findall(r"`([\w.]+)`", place)]
    assert len(names) > 30
    for name in names:
        assert pkgutil.resolve_name(f"medrestore.{name}"), name


def test_the_story_of_a_run_names_modules_that_there_are() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text().partition("```text\n")[2]
    story = text.partition("```")[0].splitlines()[1:]
    last_column = re.compile(r" {3,}([a-z0-9_.]+(?:, [a-z0-9_.]+)*)$")
    columns = [found[1] for line in story if (found := last_column.search(line))]
    named = [name for column in columns for name in column.split(", ")]
    assert len(named) > 20
    for name in named:
        assert importlib.util.find_spec(f"medrestore.{name}"), name
