"""Which reference, noisy and restored scan belong together."""

from pathlib import Path

import numpy as np
import pytest

import medrestore as mr
from medrestore.evaluation.pairing import Cases, cases_of
from scans import mr_array, write_ct, write_nifti

ARRAY = mr_array((2, 12, 12))


@pytest.fixture
def place(tmp_path: Path):
    def write(*names: str) -> None:
        for name in names:
            write_nifti(tmp_path / f"{name}.nii.gz", ARRAY)

    write.root = tmp_path
    return write


def found(root: Path, *parts: str) -> list[tuple[str, ...]]:
    cases = paired(*(root / part for part in parts)).cases
    return [
        (
            c.name,
            *(p.relative_to(root).as_posix() for p in (c.reference, c.noisy, *c.restored.values())),
        )
        for c in cases
    ]


def paired(reference: Path, noisy: Path, *restored: Path) -> Cases:
    return cases_of(reference, noisy, {f"method {i}": path for i, path in enumerate(restored)})


def test_folders_as_simulate_and_denoise_write_them(place) -> None:
    place("full/a", "full/b", "full/c", "fast/a_noisy", "fast/b_noisy", "out/a_noisy_restored")
    place("out/a_noisy_std", "out/a_noisy_lower", "out/a_noisy_upper", "out/b_noisy_restored")
    assert found(place.root, "full", "fast", "out") == [
        ("a", "full/a.nii.gz", "fast/a_noisy.nii.gz", "out/a_noisy_restored.nii.gz"),
        ("b", "full/b.nii.gz", "fast/b_noisy.nii.gz", "out/b_noisy_restored.nii.gz"),
    ]
    _, alone = paired(*(place.root / name for name in ("full", "fast", "out")))
    assert alone == ("c",)


def test_sub_folders_tell_equal_names_apart(place) -> None:
    place(*(f"{top}/{who}/t1" for top in ("full", "fast", "out") for who in ("ann", "bob")))
    assert [case[0] for case in found(place.root, "full", "fast", "out")] == ["ann/t1", "bob/t1"]


def test_stems_decide_where_the_folders_are_built_differently(place) -> None:
    place("full/x/a", "full/x/b", "fast/a", "fast/b", "out/deep/a", "out/deep/b")
    assert [case[0] for case in found(place.root, "full", "fast", "out")] == ["a", "b"]


def test_single_scans_belong_together_whatever_their_names(place) -> None:
    place("gold", "quick", "better")
    names = ("gold.nii.gz", "quick.nii.gz", "better.nii.gz")
    assert found(place.root, *names) == [("gold", *names)]


def test_a_dicom_series_is_known_by_its_folder(tmp_path: Path) -> None:
    for name in ("full", "fast"):
        write_ct(tmp_path / name, np.zeros((2, 12, 12)))
    write_nifti(tmp_path / "out" / "fast_restored.nii.gz", ARRAY)
    ((name, *_, restored),) = paired(*(tmp_path / one for one in ("full", "fast", "out"))).cases
    assert (name, restored["method 0"].name) == ("full", "fast_restored.nii.gz")


def test_a_noisy_scan_beside_its_reference_is_not_taken_for_it(place) -> None:
    place("scans/a", "scans/a_noisy", "scans/b", "scans/b_noisy", "out/a", "out/b")
    with pytest.raises(mr.InputError, match="not three different scans"):
        paired(*(place.root / one for one in ("scans", "scans", "out")))


def test_nothing_belongs_together(place) -> None:
    place("full/a", "full/b", "fast/c", "fast/d", "out/a", "out/b")
    with pytest.raises(mr.InputError, match="no scan of full has partners in fast and out"):
        found(place.root, "full", "fast", "out")


def test_a_place_without_scans(place) -> None:
    place("full/a")
    (place.root / "empty").mkdir()
    with pytest.raises(mr.InputError, match="empty holds no scan"):
        found(place.root, "full", "full", "empty")
    with pytest.raises(mr.InputError, match="gone does not exist"):
        found(place.root, "full", "full", "gone")


def test_a_uid_that_names_a_scan_is_not_repeated(place) -> None:
    uid = "1.2.826.0.1.3680043.8.498.12345678901234567890"
    place(*(f"{top}/{name}/t1" for top in ("full", "fast", "out") for name in (uid, "bob")))
    place(f"full/{uid}/t2")
    cases, alone = paired(*(place.root / one for one in ("full", "fast", "out")))
    assert len(cases) == 2 and len(alone) == 1
    assert not any(uid in name for name in (*alone, *(case.name for case in cases)))


def test_several_methods_are_kept_apart_by_name(place) -> None:
    place(*(f"{top}/{who}" for top in ("full", "fast", "one") for who in ("a", "b")), "two/a")
    folders = {name: place.root / name for name in ("one", "two")}
    cases, alone = cases_of(place.root / "full", place.root / "fast", folders)
    assert [case.name for case in cases] == ["a"] and alone == ("b",)
    assert {name: path.parent.name for name, path in cases[0].restored.items()} == {
        "one": "one",
        "two": "two",
    }
    with pytest.raises(mr.InputError, match="not three different scans"):
        cases_of(
            place.root / "full", place.root / "fast", {"x": folders["one"], "y": folders["one"]}
        )
