"""Known noise added to real scans is found again: q = √(e(a)² − e(0)²)/a is 1.

A few scans of `benchmarks/noise`, which measures all of them.
"""

import pytest
from benchmarks.noise.run import rows_of
from benchmarks.noise.scans import DATA, Case, cases

if (DATA / "train" / "index.json").exists():
    CASES = {case.name: case for modality in ("MR", "CT") for case in cases(modality)}
else:
    CASES = {}

MR = ("ms12_brain_t1", "sts014_limb_t1", "cmb06489_abdomen_t2_a", "mr_pyradiomics_brain2")
SLICES = ("tcga17z054_1", "tcga602715_1", "tcga17z058_1")


def case_of(name: str) -> Case:
    if name not in CASES:
        pytest.skip("the shared scans are not on this machine")
    return CASES[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", MR)
def test_mr(name: str) -> None:
    """Within 15 % from 6 % of noise on, filtered noise within 30 %."""
    rows = list(rows_of(case_of(name), ["medrestore"]))
    assert len(rows) == 9 * 4
    for row in rows:
        if float(row["level"]) >= 0.06:
            limit = 0.3 if "Hamming" in str(row["noise"]) else 0.15
            assert float(row["q"]) == pytest.approx(1, abs=limit), row


@pytest.mark.slow
@pytest.mark.parametrize("name", SLICES)
def test_single_ct_slices(name: str) -> None:
    """Within 15 % where the slice's own noise is no stronger than what was added."""
    rows = [
        row
        for row in rows_of(case_of(name), ["medrestore"])
        if float(row["own"]) <= float(row["level"])
    ]
    assert rows
    for row in rows:
        assert float(row["q"]) == pytest.approx(1, abs=0.15), row
