"""A folder of scans of all kinds: MR that does not say so, CT, cut short, broken, none."""

import pytest

from scans import ct_array, mr_array, write_ct, write_nifti


@pytest.fixture
def archive(tmp_path):
    root = tmp_path / "archive"
    whole = write_nifti(root / "heads" / "a.nii.gz", mr_array()).read_bytes()
    (root / "heads" / "cut.nii.gz").write_bytes(whole[: len(whole) // 2])
    write_ct(root / "torso", ct_array())
    (root / "bad.nii.gz").write_text("no scan")
    (root / "notes.txt").write_text("notes")
    return root
