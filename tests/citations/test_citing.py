"""References of a run: those of what it used, and no others; identifiers that the docs state."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import medrestore as mr
from medrestore.citations.citing import citations
from medrestore.citations.references import REFERENCES, Reference, bibtex, in_one_line
from medrestore.cli import main
from medrestore.core.samplers import SAMPLERS
from medrestore.core.schedules import SCHEDULES
from medrestore.errors import SettingsError
from scans import ct_array, mr_array, write_ct, write_nifti

pytestmark = pytest.mark.usefixtures("tiny_models")
DOCS = Path(__file__).resolve().parents[2] / "docs" / "mathematics.md"

SAMPLED = {"salimans2022", "salmon2011", "timofte2016"}  # mirrored, as sampled runs are
GUARDS = {"benjamini1995", "benjamini2001"}
NETWORKS = {"pytorch", "monai"}


@pytest.fixture(scope="module")
def mr_record(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path) -> Path:
    folder = tmp_path_factory.mktemp("mr")
    volume = mr.read(write_nifti(folder / "head.nii.gz", mr_array()), modality="MR")
    return mr.denoise(volume, noise=0.05, samples=1).save(folder)[-1]


@pytest.fixture(scope="module")
def ct_record(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path) -> Path:
    folder = tmp_path_factory.mktemp("ct")
    volume = mr.read(write_ct(folder / "torso", ct_array()))
    return mr.denoise(volume, noise=25.0, samples=0).save(folder / "out")[-1]


def keys(record: Path) -> set[str]:
    return {one.reference.key for one in citations(record)}


def every_key() -> set[str]:
    samplers = {key for one in SAMPLERS.values() for key in one.references}
    return samplers | {one.reference for one in SCHEDULES.values()}


def changed(record: Path, folder: Path, **settings: Any) -> Path:
    facts = json.loads(record.read_text())
    facts["plan"]["settings"] |= settings
    path = folder / "scan_run.json"
    path.write_text(json.dumps(facts))
    return path


def test_an_mr_run_with_samples(mr_record: Path) -> None:
    assert keys(mr_record) == SAMPLED | GUARDS | NETWORKS | {
        "medrestore",
        "model_mr_tiny",
        "gudbjartsson1995",
        "bao2022analytic",
        "bao2022covariance",
        "nichol2021",
        "sankaran1963",
        "nibabel",
    }
    first = citations(mr_record)[0].reference
    assert (first.title, first.version) == ("medrestore", mr.__version__)


def test_a_ct_run_without_samples(ct_record: Path) -> None:
    assert keys(ct_record) - {"nibabel"} == GUARDS | NETWORKS | {
        "medrestore",
        "model_ct_tiny",
        "yu2012",
        "zabic2013",
        "pydicom",
        "highdicom",
    }
    map_there = any(ct_record.parent.glob("*_noise.nii.gz"))
    assert ("nibabel" in keys(ct_record)) == map_there


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_each_sampler_and_schedule_has_its_own(
    mr_record: Path, tmp_path: Path, sampler: str, schedule: str
) -> None:
    every = every_key()
    found = keys(changed(mr_record, tmp_path, sampler=sampler, schedule=schedule))
    assert found & every == {*SAMPLERS[sampler].references, SCHEDULES[schedule].reference}


def test_those_of_a_sampler_are_those_of_its_file(mr_record: Path) -> None:
    import medrestore.core.samplers as package

    for sampler, own in ((one.name, one.references) for one in SAMPLERS.values()):
        file = Path(package.__file__).with_name(f"{sampler.replace('-', '_')}.py")
        said = re.findall(r"arXiv:(\d{4}\.\d{5})", file.read_text())
        assert {REFERENCES[key].arxiv for key in own} <= {*said}, sampler


@pytest.mark.parametrize(
    ("file", "reader"),
    [
        ("a.nii", "nibabel"),
        ("a.nrrd", "simpleitk"),
        ("a.mhd", "simpleitk"),
        ("a.zarr", "zarr"),
        ("IM0001", "pydicom"),
        ("a.dcm", "pydicom"),
        (None, None),
    ],
)
def test_the_reader_follows_the_file(
    mr_record: Path, tmp_path: Path, file: str | None, reader: str | None
) -> None:
    facts = json.loads(mr_record.read_text())
    facts["input"]["files"] = [file] if file else []
    facts["guards"], facts["outputs"] = None, []
    (tmp_path / "a_run.json").write_text(json.dumps(facts))
    found = keys(tmp_path / "a_run.json")
    assert found & {"nibabel", "simpleitk", "zarr", "pydicom"} == ({reader} if reader else set())
    assert not found & (GUARDS | {"sankaran1963"})


def test_estimates_calibration_and_data(
    mr_record: Path, tmp_path: Path, tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = json.loads(mr_record.read_text())
    facts["plan"]["noise"]["source"] = "estimated: mode of the local variance, Koay-corrected"
    (tmp_path / "a_run.json").write_text(json.dumps(facts))
    assert "koay2006" in keys(tmp_path / "a_run.json")

    card = json.loads((tiny_models / "mr_tiny" / "configs" / "card.json").read_text())
    card["intervals"]["how"] = "conformal risk control"
    card["training"] = {"licences": ["phantoms_1 (PDDL)", "others (MIT)"]}
    there = tmp_path / "models" / "mr_tiny" / "configs" / "card.json"
    there.parent.mkdir(parents=True)
    there.write_text(json.dumps(card))
    monkeypatch.setenv("MEDRESTORE_MODELS", str(tmp_path / "models"))
    found = {one.reference.key: one for one in citations(mr_record)}
    assert found["data_mr_tiny_1"].reference.title == "phantoms_1 (PDDL)"
    assert found["data_mr_tiny_2"].uses == ("training data of mr_tiny",)
    assert found["angelopoulos2022"].uses == ("calibration of the intervals",)

    card["weights_sha256"] = "another"
    there.write_text(json.dumps(card))
    found = {one.reference.key: one for one in citations(mr_record)}
    assert "not at hand" in found["model_mr_tiny"].reference.note
    assert not {"data_mr_tiny_1", "angelopoulos2022"} & set(found)


def test_shipped_models_name_their_data(
    mr_record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEDRESTORE_MODELS")
    card = next(card for card in mr_models() if card.name == "mr_slice")
    facts = json.loads(mr_record.read_text())
    facts["plan"] |= {"model": "mr_slice", "model_sha256": card.sha256}
    (tmp_path / "a_run.json").write_text(json.dumps(facts))
    titles = [one.reference.title for one in citations(tmp_path / "a_run.json")]
    assert "studyforrest T1 (PDDL)" in titles


def mr_models() -> list[Any]:
    from medrestore.models.model import available

    return available()


def test_identifiers_are_those_of_the_documentation() -> None:
    page = DOCS.read_text(encoding="utf-8")
    for work in REFERENCES.values():
        assert not work.doi or f"doi:{work.doi}" in page, work.key
        assert not work.arxiv or f"arXiv:{work.arxiv}" in page, work.key
        if work.doi or work.arxiv:  # first author and year as the page has them
            line = next(x for x in page.splitlines() if (work.doi or work.arxiv) in x)
            if re.match(r"\d+\. ", line):
                assert work.authors[0].partition(",")[0].split()[-1] in line, work.key
                assert str(work.year) in line, work.key
    assert every_key() <= set(REFERENCES)


def test_bibtex_is_well_formed(capsys: pytest.CaptureFixture[str], mr_record: Path) -> None:
    for work in REFERENCES.values():
        text = bibtex(work)
        assert text.count("{") == text.count("}") and " = {}" not in text
        assert re.fullmatch(r"@(article|inproceedings|misc)\{\w+,(\n  \w+ = \{.+\},)+\n\}", text)
        assert in_one_line(work).count("\n") == 0 and "None" not in in_one_line(work)
    assert r"a\_b \& c" in bibtex(Reference("x", "misc", "a_b & c"))
    assert main(["cite", str(mr_record), "--bibtex"]) == 0
    entries = re.findall(r"^@\w+\{(\w+),$", capsys.readouterr().out, re.MULTILINE)
    assert len(entries) == len(set(entries)) and set(entries) == keys(mr_record)


def test_on_the_command_line(
    mr_record: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cite", str(mr_record)]) == 0
    said = capsys.readouterr().out
    assert "Nichol & Dhariwal 2021. Improved Denoising" in said and "arXiv:2102.09672" in said
    assert "for: schedule cosine" in said and f"medrestore {mr.__version__}" in said
    assert main(["cite", str(mr_record), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert {one["key"] for one in facts} == keys(mr_record)
    assert main(["cite", str(mr_record), "--json", "--bibtex"]) == 2


@pytest.mark.parametrize(
    "content", ["", "no JSON", "[]", "{}", '{"plan": {}, "input": {"sha256": 0}}', "cut"]
)
def test_a_file_that_is_no_record(
    mr_record: Path, tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "head_run.json"
    path.write_text(mr_record.read_text()[:300] if content == "cut" else content)
    with pytest.raises(SettingsError, match="not the record of a run"):
        citations(path)
    capsys.readouterr()
    for file in (path, tmp_path / "nowhere.json", tmp_path):
        assert main(["cite", str(file)]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("part", ["settings", "modality", "model", "noise", "model_sha256"])
def test_a_record_with_a_part_missing(mr_record: Path, tmp_path: Path, part: str) -> None:
    facts = json.loads(mr_record.read_text())
    del facts["plan"][part]
    (tmp_path / "a_run.json").write_text(json.dumps(facts))
    with pytest.raises(SettingsError, match="not the record of a run"):
        citations(tmp_path / "a_run.json")
