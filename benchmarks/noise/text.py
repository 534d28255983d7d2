"""What the page of benchmarks/noise says between its tables."""

TOP = """# Noise estimates

Written by `python -m benchmarks.noise.run` ({machine}; seeds from the scans' names). Known noise
a is added to {scans} scans of `../shared/data`, ten middle slices of each; an estimate e is right
where its increment is: q = √(e(a)² − e(0)²)/a = 1. `medrestore` is what runs with `noise="auto"`
take.

q tells how well an estimator follows noise that is added to a scan, not whether e(0) is right: a
high-pass filter follows white noise whatever the anatomy. And where a scan's own noise is strong
beside a, q magnifies errors: δe/e becomes about (e/a)² of it, so that at e(0) = 2a an error of 3 %
moves q by 15 %. Few of the MR scans are cleaner than 1 %: white noise on stronger noise that a
scanner filtered has a spectrum much like that of anatomy over white noise.
"""
CELLS = """Cells: percentage of scans with q within 15 % (within 30 %); median of q.
"""
SPLIT = """By halves: every other person, by name, is "tuned", the others "confirmed". For single
CT slices block width, share and reach were chosen on the first and then read once on the others.
For MR settings were compared on the first half, but which blurs the model has, which share of
blocks counts and how block variance bounds the level was decided with both halves in sight, so
that "confirmed" is no untouched test there; neither is it of CT volumes, where only the reach (0,
0.7, 1) was chosen, on all of them. On the made torso of ``sample_data`` a mean within that reach of
the mode gives a map that is 1.02 of the true one in homogeneous tissue, the mode alone .93.
"""
WELL_POSED = """By how strong the scan's own noise is beside what was added (percentage within
15 %, of how many scans):
"""
WHERE_UNSURE = """Ranges: said where witnesses differ by more than 1.5 ×.
"""
PEERS = """Others on the same data: Immerkær's mean absolute second difference, DIPY's
`estimate_sigma` (N = 0: Gaussian, N = 1: Rician) and PIESNO (slices as if they were repeats),
scikit-image's `estimate_sigma` (median of wavelet details, by slice). All of them take noise for
white, or for of one certain correlation: where one is right, read the other kinds of noise beside
it.
"""
REAL = """## Noise that scanners made

`real_noise/`: the diffusion contrasts were scanned twice, and half the variance of the difference
is the noise's (contrast 0, b = 0, is left out: its fluid pulsates). The phantom's noise is that of
the data's README.
"""
