"""Two folders of small scans, and a desk that stands for the widget."""

import numpy as np
import pytest

from medrestore.plugin.study.controller import StudyActions, StudyController
from scans import mr_array, write_nifti


@pytest.fixture
def folders(tmp_path):
    """``noisy`` and ``restored`` with four pairs, one scan without partner, files of a run."""
    for number in range(4):
        scan = mr_array((4, 12, 14), noise=0.05 + number / 50)
        write_nifti(tmp_path / "noisy" / f"doe_{number}.nii.gz", scan)
        for kind in ("restored", "std"):
            write_nifti(tmp_path / "restored" / f"doe_{number}_{kind}.nii.gz", 0.9 * scan)
    write_nifti(tmp_path / "noisy" / "lonely.nii.gz", np.ones((4, 12, 14)))
    return tmp_path


class Desk:
    """Stands for the widget; work is done at once, or kept for later."""

    def __init__(self):
        self.shown, self.waiting, self.cleared, self.views = [], [], 0, []
        self.at_once, self.now = True, 0.0
        actions = StudyActions(self.work, self.shown.append, self.clear, self.views.append)
        self.controller = StudyController(actions, clock=lambda: self.now)

    def work(self, task, done, failed):
        self.waiting.append((task, done, failed))
        if self.at_once:
            self.catch_up()

    def catch_up(self):
        while self.waiting:
            task, done, failed = self.waiting.pop(0)
            try:
                found = task()
            except Exception as error:
                failed(error)
            else:
                done(found)

    def clear(self):
        self.cleared += 1

    @property
    def view(self):
        return self.controller.view

    def answer(self, what, seconds=1.0):
        self.now += seconds
        self.controller.choose(what)
        self.controller.confirm()


@pytest.fixture
def desk():
    return Desk()
