"""The documentation runs: every Python block of the README and of docs/ is executed."""

import re
from pathlib import Path

import nibabel
import pytest

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
