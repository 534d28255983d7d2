"""`mr.evaluate` against scikit-image, scipy, SSIM written out, and closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from made_cases import ct_reference, gaussian_errors, mr_reference, result, volume
from scipy.ndimage import correlate1d
from scipy.stats import linregress
from skimage.metrics import peak_signal_noise_ratio

import medrestore as mr
from medrestore.core.intensity import foreground_scale

REFERENCE = mr_reference()
NOISY = (REFERENCE + 50 * gaussian_errors(1)).astype(np.float32)
RESTORED = (REFERENCE + 20 * gaussian_errors(2)).astype(np.float32)


@pytest.fixture(scope="module")
def report() -> mr.Report:
    return mr.evaluate(volume(REFERENCE), volume(NOISY), volume(RESTORED), "one")


def written_out_ssim(a: np.ndarray, b: np.ndarray, data_range: float) -> np.ndarray:
    """Wang et al. 2004, eq. 13, with the 11-tap Gaussian window of σ = 1.5."""
    taps = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    taps /= taps.sum()

    def local(image: np.ndarray) -> np.ndarray:
        return correlate1d(correlate1d(image, taps, axis=0), taps, axis=1)

    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    ma, mb = local(a), local(b)
    va, vb, vab = local(a * a) - ma**2, local(b * b) - mb**2, local(a * b) - ma * mb
    return ((2 * ma * mb + c1) * (2 * vab + c2)) / ((ma**2 + mb**2 + c1) * (va + vb + c2))


@pytest.mark.parametrize(("method", "image"), [("noisy", NOISY), ("restored", RESTORED)])
def test_psnr_and_ssim_are_those_of_independent_code(
    report: mr.Report, method: str, image: np.ndarray
) -> None:
    found, scale = report.of(method), foreground_scale(REFERENCE)
    assert found.window.data_range == pytest.approx(scale)
    wanted = peak_signal_noise_ratio(REFERENCE.astype(float), image.astype(float), data_range=scale)
    assert found.psnr_db == pytest.approx(wanted, rel=1e-9)
    cut = [np.clip(a, 0, scale).astype(float) for a in (image, REFERENCE)]
    wanted = np.mean([written_out_ssim(a, b, scale) for a, b in zip(*cut, strict=True)])
    assert found.ssim == pytest.approx(wanted, abs=1e-6)


def test_rmse_bias_and_limits_of_exact_gaussian_errors(report: mr.Report) -> None:
    for method, sigma in (("noisy", 50), ("restored", 20)):
        found = report.of(method)
        assert found.rmse == pytest.approx(sigma, rel=1e-3)
        assert found.bias == pytest.approx(0, abs=1e-3)
        assert found.agreement.limits == pytest.approx((-1.96 * sigma, 1.96 * sigma), rel=1e-3)
        assert found.rmse_percent == pytest.approx(100 * found.rmse / found.window.data_range)


def test_the_slope_is_that_of_the_regression(report: mr.Report) -> None:
    one, other = NOISY.astype(float).ravel(), REFERENCE.astype(float).ravel()
    wanted = linregress((one + other) / 2, one - other).slope
    assert report.of("noisy").agreement.slope == pytest.approx(wanted, rel=1e-6)


def test_a_gain_and_an_offset_are_told_apart() -> None:
    """Of a·r: (a − 1)r on (a + 1)r/2, slope 2(a − 1)/(a + 1); of r + 7: bias 7 and nothing else."""
    gain = mr.evaluate(volume(REFERENCE), volume(NOISY), volume(1.1 * REFERENCE)).of("restored")
    assert gain.agreement.slope == pytest.approx(0.2 / 2.1, rel=1e-5)
    offset = mr.evaluate(volume(REFERENCE), volume(NOISY), volume(REFERENCE + 7)).of("restored")
    assert (offset.bias, offset.rmse) == pytest.approx((7, 7), rel=1e-5)
    assert offset.agreement.std == pytest.approx(0, abs=1e-4)
    assert offset.agreement.slope == pytest.approx(0, abs=1e-6)


def test_ct_windows_hold_the_voxels_whose_reference_lies_in_them() -> None:
    truth = ct_reference()
    error = np.where(truth < -500, 3.0, np.where(truth < 200, 5.0, 11.0)).astype(np.float32)
    found = mr.evaluate(volume(truth, "CT"), volume(truth + 20, "CT"), volume(truth + error, "CT"))
    ranges = {one.window.name: one.window.data_range for one in found.fidelity}
    assert ranges == {"foreground": 2900, "lung": 1500, "abdomen": 400, "brain": 80, "bone": 1500}
    band = truth[0].size * truth.shape[0] // 5
    voxels = {name: found.of("restored", name).voxels / band for name in ranges}
    assert voxels == {"foreground": 4, "lung": 3, "abdomen": 2, "brain": 1, "bone": 3}
    assert found.of("restored", "abdomen").bias == pytest.approx(5, rel=1e-5)
    assert found.of("restored", "lung").bias == pytest.approx((3 + 5 + 5) / 3, rel=1e-5)
    assert found.of("restored", "brain").psnr_db == pytest.approx(20 * np.log10(80 / 5), rel=1e-5)
    tissues = {one.name: one.rmse for one in found.strata if one.kind == "tissue"}
    assert tissues == pytest.approx({"lung": 3, "fat": 5, "soft": 5, "bone": 11}, rel=1e-4)
    assert found.unit == "HU"


def test_strata_of_mr_are_thirds_of_the_foreground(report: mr.Report) -> None:
    names = [one.name for one in report.strata]
    assert names == ["dark", "middle", "bright", "flat", "sloping", "edge"]
    for one in report.strata:
        assert one.voxels == pytest.approx(REFERENCE.size / 3, rel=0.01)
        assert one.rmse == pytest.approx(20, rel=0.06)
        assert one.rmse_noisy == pytest.approx(50, rel=0.06)
        assert one.covered is None


def test_an_image_alone_has_no_uncertainty_and_says_so(report: mr.Report) -> None:
    assert report.uncertainty is None
    assert "no standard deviation" in report.notes[0]


def test_what_is_not_finite_does_not_count() -> None:
    holes = RESTORED.copy()
    holes[:, :10] = np.nan
    found = mr.evaluate(volume(REFERENCE), volume(NOISY), volume(holes)).of("restored")
    assert found.voxels == REFERENCE[:, 10:].size
    assert found.rmse == pytest.approx(np.std(RESTORED[:, 10:] - REFERENCE[:, 10:]), rel=1e-2)
    assert 0 < found.ssim < 1


def test_a_perfect_image_has_infinite_psnr(report: mr.Report) -> None:
    perfect = mr.evaluate(volume(REFERENCE), volume(NOISY), volume(REFERENCE)).of("restored")
    assert perfect.psnr_db == np.inf
    assert perfect.ssim == pytest.approx(1)


def test_slices_of_a_preview_are_compared_with_their_own() -> None:
    made = result(RESTORED[[2, 3]], np.full((2, 40, 50), 20.0, np.float32), 1.6449)
    grid = volume(REFERENCE).slices((2, 3)).geometry
    moved = {name: replace(v, geometry=grid) for name, v in made.layers().items()}
    preview = replace(made, **moved, plan=replace(made.plan, shape=(6, 40, 50), slices=(2, 3)))
    found = mr.evaluate(volume(REFERENCE), volume(NOISY), preview)
    assert found.of("noisy").voxels == 2 * 40 * 50
    assert found.of("restored").rmse == pytest.approx(
        np.sqrt(np.mean((RESTORED[2:4] - REFERENCE[2:4]) ** 2)), rel=1e-5
    )


def test_the_report_in_words(report: mr.Report) -> None:
    text = str(report)
    assert "one: MR, 12000 voxels" in text
    assert f"data range {foreground_scale(REFERENCE):.5g} a.u." in text


def test_a_window_without_figures_is_named(report: mr.Report) -> None:
    with pytest.raises(mr.InputError, match="no figures of restored in lung"):
        report.of("restored", "lung")


def moved(array: np.ndarray) -> mr.Volume:
    geometry = volume(array).geometry
    affine = geometry.affine.copy()
    affine[0, 3] += 1
    return replace(volume(array), geometry=replace(geometry, affine=affine))


@pytest.mark.parametrize(
    ("reference", "noisy", "restored", "says"),
    [
        (volume(REFERENCE), volume(NOISY[1:]), volume(RESTORED), "noisy scan has shape"),
        (volume(REFERENCE), volume(NOISY), moved(RESTORED), "restored scan has shape"),
        (volume(REFERENCE), volume(NOISY), volume(RESTORED[None]), "restored scan is 4-D"),
        (volume(REFERENCE), volume(NOISY, "CT"), volume(RESTORED), "noisy scan is CT"),
        (volume(0 * REFERENCE), volume(NOISY), volume(RESTORED), "no signal"),
        (*[volume(a[..., :8, :]) for a in (REFERENCE, NOISY, RESTORED)], "window of SSIM"),
        (*[volume(a - 5000, "CT") for a in (REFERENCE, NOISY, RESTORED)], "0 voxels"),
    ],
)
def test_scans_that_cannot_be_compared(
    reference: mr.Volume, noisy: mr.Volume, restored: mr.Volume, says: str
) -> None:
    with pytest.raises(mr.InputError, match=says):
        mr.evaluate(reference, noisy, restored)


def test_nobody_says_ct_or_mr() -> None:
    scans = [replace(volume(a), modality=None) for a in (REFERENCE, NOISY, RESTORED)]
    with pytest.raises(mr.ModalityError, match="--modality"):
        mr.evaluate(*scans)
    assert mr.evaluate(scans[0], volume(NOISY), scans[2]).modality == "MR"
