"""The benchmark's own arithmetic, on toys with known answers."""

import numpy as np
import pytest
from benchmarks.quality import table
from benchmarks.quality.acceptance import Figures, verdicts
from benchmarks.quality.cases import Case
from benchmarks.quality.peers import restored, spectrum, without_bias
from benchmarks.quality.real_noise import edge_gain, std_within, uniform_inserts
from benchmarks.quality.run import card_rows


def case(noise, modality="CT", kind="simulated", sigma=2.0) -> Case:
    truth = np.full(noise.shape, 100, np.float32)
    noisy = (truth + noise).astype(np.float32)
    mask = np.zeros(noise.shape, dtype=bool)
    mask[:, 40:60, 50:80] = True
    return Case("toy", modality, kind, sigma, noisy, truth, mask, sigma, (1.0, 1.0, 1.0))


def test_the_spectrum_of_white_noise_is_flat_and_holds_its_variance() -> None:
    rng = np.random.default_rng(0)
    toy = case(2 * rng.standard_normal((4, 128, 128)))
    toy.mask[:] = True
    power = spectrum(toy) / toy.noisy.size
    assert power.mean() == pytest.approx(4, rel=1e-5)
    assert power[0, 8:-8, 8:-8].std() < 0.6  # 676 overlapping windows

    row = np.fft.fftfreq(128)
    kernel = np.exp(-((row[:, None] ** 2 + row**2) / (2 * 0.1**2)))
    smooth = np.fft.ifft2(np.fft.fft2(toy.noisy - toy.truth) * kernel).real
    coloured = case(smooth, sigma=float(smooth.std()))
    coloured.mask[:] = True
    power = spectrum(coloured)
    expected = kernel[16, 0] ** 2 / kernel[8, 0] ** 2
    assert power[0, 16, 0] / power[0, 8, 0] == pytest.approx(expected, rel=0.25)


def test_peers_see_the_box_around_what_is_scored() -> None:
    toy = case(np.zeros((4, 128, 128)))
    assert toy.box == (slice(None), slice(24, 76), slice(34, 96))
    whole = case(np.zeros((4, 128, 128)), "MR")
    assert whole.box == (slice(None), slice(None), slice(None))
    image, _ = restored("noisy", toy)
    np.testing.assert_array_equal(image, toy.noisy)


def test_the_bias_of_magnitudes_is_taken_out_of_mr_only() -> None:
    toy = case(np.zeros((1, 128, 128)), "MR", sigma=0.5)
    image = np.array([1.0, 0.3], np.float32)
    np.testing.assert_allclose(without_bias(image, toy), [np.sqrt(0.75), 0], rtol=1e-6)
    ct = case(np.zeros((1, 128, 128)))
    np.testing.assert_array_equal(without_bias(image, ct), image)


def discs(blur: float) -> np.ndarray:
    """Two inserts of 100 HU in air, edges blurred by an error function of this width."""
    from scipy.special import erf

    y, x = np.mgrid[:96, :96]
    distance = np.minimum(np.hypot(y - 30, x - 30), np.hypot(y - 66, x - 66))
    one = -1000 + 1100 * 0.5 * (1 - erf((distance - 18) / (np.sqrt(2) * blur)))
    return np.repeat(one[None], 4, axis=0).astype(np.float32)


def test_uniform_inserts_stay_away_from_edges() -> None:
    mask = uniform_inserts(discs(1.0))[1]
    y, x = np.nonzero(mask)
    distance = np.minimum(np.hypot(y - 30, x - 30), np.hypot(y - 66, x - 66))
    assert 9 < distance.max() <= 12


def test_edge_gain_tells_blur_and_not_noise() -> None:
    sharp, smooth = discs(1.0), discs(2.0)
    assert edge_gain(sharp, sharp, smooth) == 1
    assert edge_gain(smooth, sharp, smooth) < 0.9
    noisy = sharp + np.random.default_rng(0).normal(0, 16, sharp.shape).astype(np.float32)
    assert edge_gain(noisy, sharp, smooth) == pytest.approx(1, abs=0.01)


def test_the_std_within_inserts_leaves_their_means_out() -> None:
    mask = uniform_inserts(discs(1.0))
    levels = np.where(np.arange(96)[:, None] < 48, 0, 50) + np.zeros(mask.shape)
    noise = np.random.default_rng(0).normal(0, 3, mask.shape)
    assert std_within((levels + noise).astype(np.float32), mask) == pytest.approx(3, rel=0.03)


def test_a_table_keeps_what_is_not_replaced(tmp_path) -> None:
    def row(scan, value):
        key = {"kind": "simulated", "modality": "MR", "scan": scan, "level": 0.03}
        return key | {"method": "nlm", "sigma": "true", "psnr": value}

    old, new = [row("a", 1.0), row("b", 2.0)], [row("b", 3.25)]
    table.write(tmp_path / "t.csv", table.merge(old, new))
    assert [r["psnr"] for r in table.read(tmp_path / "t.csv")] == [1.0, 3.25]
    assert table.read(tmp_path / "missing.csv") == []


def mr_row(scan, method, psnr, level=0.03):
    key = {"kind": "simulated", "modality": "MR", "scan": scan, "level": level}
    return key | {"method": method, "sigma": "true", "psnr": psnr}


def test_a_verdict_says_by_how_much_it_is_short() -> None:
    rows = [mr_row("mr_niivue_t2w", "bm4d", 30.0), mr_row("mr_niivue_t2w", "net", 30.1)]
    (line,) = verdicts(Figures(rows), {"net": "MR"})
    assert (line.found, line.short) == ("+0.10 dB", "short by 0.2 dB")
    rows = [mr_row("mr_niivue_t2w", "bm4d", 30.0), mr_row("mr_niivue_t2w", "net", 30.4)]
    assert verdicts(Figures(rows), {"net": "MR"})[0].short is None
    (line,) = verdicts(Figures(rows[1:]), {"net": "MR"})  # BM4D as tabled: 34.64
    assert (line.found, line.short) == ("-4.24 dB", "short by 4.5 dB")
    assert "0 run here" in line.figure


def test_ct_is_reached_by_either_road() -> None:
    def row(method, rmse):
        key = {"kind": "simulated", "modality": "CT", "scan": "ct_totalseg_abdomen", "level": 20.0}
        return key | {"method": method, "sigma": "true", "rmse": rmse, "floor": 9.0}

    for ours, short in ((8.4, None), (9.1, None), (9.5, "short by 10 points")):
        (line,) = verdicts(
            Figures([row("nlm", 12), row("bm4d", 10), row("net", ours)]), {"net": "CT"}
        )
        assert line.short == short


def row(method: str, psnr: float, through: float) -> table.Row:
    return {
        "kind": "simulated",
        "modality": "MR",
        "scan": "toy",
        "level": 0.03,
        "method": method,
        "sigma": "true",
        "psnr": psnr,
        "through_plane": through,
        "cpu_s_per_mvoxel": 4.0,
        "std_ratio": 1.0,
        "cover90": 0.9,
        "gauss90": 0.9,
    }


def test_a_stack_models_card_stands_beside_its_slice_model() -> None:
    stack, plain = row("mr_patch3d", 33.0, 0.6), row("mr_slice", 32.9, 0.9)
    (line,) = card_rows([stack], [plain], "mr_patch3d", "psnr")
    assert line["slice_model"] == 32.9
    assert (line["through_plane"], line["slice_through_plane"]) == (0.6, 0.9)
    (alone,) = card_rows([plain], [stack], "mr_slice", "psnr")
    assert "slice_model" not in alone


def test_a_row_read_back_is_replaced_by_its_successor(tmp_path) -> None:
    first = row("mr_slice", 32.0, 0.9) | {"level": 15.97568}
    table.write(tmp_path / "rows.csv", [first])
    merged = table.merge(table.read(tmp_path / "rows.csv"), [first | {"psnr": 33.0}])
    assert [one["psnr"] for one in merged] == [33.0]
