"""Importing the package, asking for help and offering to read a file load nothing heavy."""

import resource
import subprocess
import sys

HEAVY = {"torch", "monai", "napari", "qtpy"}
FILES = {"nibabel", "pydicom", "SimpleITK", "matplotlib", "skimage", "scipy"}

HELP = """
import sys
from medrestore.cli import main
for asked in (["--help"], ["denoise", "--help"]):
    try:
        main(asked)
    except SystemExit as stop:
        assert not stop.code, stop.code
"""


def loaded_by(code: str) -> set[str]:
    """Top-level packages that are loaded once ``code`` has run in a fresh interpreter."""
    report = "\nimport sys; print('LOADED', *{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("LOADED")[2].split())


def test_the_package() -> None:
    assert not loaded_by("import medrestore; dir(medrestore)") & (HEAVY | FILES)


def test_its_errors_and_nouns() -> None:
    code = "from medrestore import Geometry, MedrestoreError, Volume"
    assert not loaded_by(code) & (HEAVY | FILES)


def test_the_registries() -> None:
    code = "from medrestore.settings.settings import Settings\n"
    code += "from medrestore.core.method import passes; passes('heun', 2, 1)\n"
    code += "from medrestore.core.families import FAMILIES; FAMILIES['image'].samplers"
    assert not loaded_by(code) & (HEAVY | FILES)


def test_help() -> None:
    assert not loaded_by(HELP) & (HEAVY | FILES)


def test_help_takes_under_half_a_second() -> None:
    spent = []
    for _ in range(3):  # processor time, the best of three: other work on the machine counts less
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", HELP], stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spent) < 0.5


def test_image_and_map_load_no_monai() -> None:
    """Nor the refiner's weights: MONAI's two seconds are for runs that draw samples."""
    code = "import numpy as np, medrestore as mr\n"
    code += "array = np.random.default_rng(0).normal(100, 9, (3, 64, 64)).astype('f4')\n"
    code += "scan = mr.Volume(array, mr.Geometry(array.shape, np.eye(4)), 'MR')\n"
    code += "mr.denoise(scan, samples=0, noise='9 a.u.')"
    loaded = loaded_by(code)
    assert "torch" in loaded
    assert "monai" not in loaded


def test_the_panels_of_the_viewer() -> None:
    assert not loaded_by("import medrestore.plugin.dock") & {"torch", "monai"}


def test_the_reader_of_the_viewer() -> None:
    assert not loaded_by("import medrestore.plugin.files") & HEAVY
