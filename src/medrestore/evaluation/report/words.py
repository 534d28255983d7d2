"""What each figure is, in the words that stand above its table on the page."""

from __future__ import annotations

__all__ = [
    "AGREEMENT",
    "CHANGE",
    "FIDELITY",
    "FLOOR",
    "FOOT",
    "MEANS",
    "PAIRED",
    "PERCEPTION",
    "PICTURES",
    "REGIONS",
    "RELIABILITY",
    "SCORES",
    "STRATA",
    "UNCERTAINTY",
]

MEANS = """\
Mean over {people} {persons}{several} with its 95 % interval (percentile bootstrap over people,
5000 draws, seed {seed}). Higher {higher} are better, lower {lower} are; absolute bias is
the size of a case’s mean error. Of an uncertainty, the interval should cover what it states and
std ratio be 1; of two that do, the one with less width and CRPS is better."""
PAIRED = """\
Differences case by case, averaged over each person’s cases and then over people, with their 95 %
interval (percentile bootstrap over {people} {persons}, 5000 draws, seed {seed}) and the two-sided
p of Wilcoxon’s signed-rank test. With n people p cannot be below 2/2ⁿ. The last column is adjusted
for all {tests} tests of this table (Holm)."""
CHANGE = """\
Foreground of each case.{title} Higher PSNR and SSIM are better, lower RMSE is better."""
FIDELITY = """\
Every row states its window and data range. Voxels count by what the reference shows: in a
window, those of the foreground whose reference lies in it. PSNR and SSIM are relative to the
data range, the width of the window; SSIM compares images cut to the window, slice by slice,
with a Gaussian window of 1.5 pixels. RMSE, bias, limits of agreement (mean ± 1.96 standard
deviations of the differences) and slope (of the difference on the mean of both images) are of
the uncut images. The reference’s own noise counts as error."""
AGREEMENT = """\
Voxels of the foreground, drawn at random, as many from each case. Colour is the number of
voxels, on a logarithmic scale. An image with more noise than the reference slopes upwards
without any bias."""
UNCERTAINTY = """\
Over the foreground; every voxel counts the same. Interval: <i>result</i> is the result’s own
lower and upper bound, <i>calibrated</i> what the model’s factors give at another level, a
dash where the model is not at hand. Beside it restored ± a Gaussian’s factor times std. The
reference’s own noise counts as error, so the noise-free image may be covered more often than
is shown."""
SCORES = """\
CRPS: continuous ranked probability score of a Gaussian, less is better. ENCE: expected
normalised calibration error, 0 is perfect. AUSE: area under the sparsification error, 0 where
the largest std sits at the largest error. std ratio: √(mean std² / mean error²), 1 is honest
and below 1 overconfident."""
RELIABILITY = """\
On the dashed line the uncertainty is right. Coverage above it means intervals that are too
wide, below it too narrow. Errors below the line in the second panel are smaller than
predicted. PIT is flat where the errors are Gaussian with the predicted std; a hump in the
middle means std too large.{thin}"""
STRATA = """\
The foreground, divided by what the reference shows: tissue (CT: windows of HU; MR: thirds of
the intensity) and in-plane gradient (thirds). Covered: by the result’s own interval."""
REGIONS = """\
Means over boxes of tissue, with the interval that <i>result.region</i> gives: the share of boxes
whose interval holds the reference’s mean. With n boxes the share is known to within ±100/√n %."""
FLOOR = """\
A reference has noise of its own, which counts as error. If noise was added to the reference itself,
even perfect knowledge of the anatomy would keep the floor, √mean(σ_own²σ²/(σ_own² + σ²)). Excess:
√(RMSE² − floor²). To noise-free: RMSE against the anatomy without noise, estimated from how the
error goes with the noise that was added. σ_own is estimated from the reference, rather too high
than too low, and so are the floors; σ is what the result was told."""
PERCEPTION = """\
Distances between the sets of restored and of reference slices, on {width} features of the frozen
encoder of {encoder} (SHA-256 of its weights {sha256}…), averaged over the voxels that count; 0 is
equal, smaller is better. They cannot be compared with FID on other features. KID (kernel
(a·b/d + 1)³) is unbiased; pairs of slices of one person are left out, and it may be negative. FID
is too large for few slices, and larger still in a bootstrap’s draws; FID∞ is extrapolated to sets
without end, where there are four slices per feature. Intervals: bootstrap over people."""
PICTURES = """\
The slice with most tissue, cut to it, as radiologists see it; lossy pictures, for the eye only.
Differences are image − reference: red is too bright, blue too dark. In a good restoration they show
noise and no edges."""
FOOT = """\
The same figures are in figures.csv and figures.json; every plot lies beside this page as SVG and
PDF."""
