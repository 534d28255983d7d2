"""The Batch panel: driven as a person does, and quick with many scans."""

import time
from pathlib import Path

import pytest
from qtpy.QtCore import QThreadPool
from qtpy.QtGui import QDesktopServices

from medrestore.io import Scan
from medrestore.plugin.batch.panel import BatchPanel
from medrestore.plugin.batch.rows import RowState, ScanRow
from medrestore.plugin.dock import Dock
from medrestore.plugin.layers import KEY
from medrestore.plugin.requests import Choices
from medrestore.settings.settings import Settings

RUN_MS = 60_000
LONG = Choices(Settings(samples=1000, steps=100))


@pytest.fixture
def panel(qtbot, tiny_models):
    panel = BatchPanel()
    qtbot.addWidget(panel)
    return panel


def finish(panel, qtbot):
    qtbot.waitUntil(lambda: panel.find_button.isEnabled(), timeout=RUN_MS)
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() == 0)


def test_from_a_folder_to_layers(
    make_napari_viewer_proxy, npe2pm, tiny_models, archive, qtbot, monkeypatch
):
    viewer = make_napari_viewer_proxy()
    dock = Dock(viewer)
    viewer.window.add_dock_widget(dock)
    panel = dock.batch
    dock.denoise.form.fields["samples"].setValue(1)
    dock.setCurrentIndex(3)
    assert not panel.start_button.isEnabled() and not panel.open_button.isEnabled()

    panel.source.set_path(str(archive))
    panel.find_button.click()
    finish(panel, qtbot)
    assert panel.destination.path() == f"{archive}_restored"
    assert panel.skipped_files.button.text() == "▸ 1 file left alone"
    assert "Not restored" in panel.details.text()  # points at the file that cannot be read
    panel.modality.setCurrentText("MR if not said")
    panel.start_button.click()
    assert not panel.source.isEnabled() and panel.cancel_button.isEnabled()
    finish(panel, qtbot)
    assert "2 scans restored, 2 failed" in panel.job.text.text()
    assert panel.settings.text().startswith("As set under Denoise: 1 sample,")
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    panel.report_button.click()
    assert opened[0].toLocalFile() == f"{archive}_restored/report.html"

    panel.table.selectRow(2)
    panel.table.doubleClicked.emit(panel.table.currentIndex())
    assert dock.currentIndex() == 0
    qtbot.waitUntil(lambda: dock.denoise.denoise_button.isEnabled(), timeout=RUN_MS)
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() == 0)
    roles = [layer.metadata[KEY]["role"] for layer in viewer.layers]
    assert roles[0] == "scan" and "restored" in roles


@pytest.mark.parametrize("end", ["button", "deleted"])
def test_a_batch_ends_when_nobody_wants_it(tiny_models, archive, qtbot, end):
    panel = BatchPanel(lambda: LONG)
    if end == "button":
        qtbot.addWidget(panel)
    panel.source.set_path(str(archive))
    panel.find()
    finish(panel, qtbot)
    panel.modality.setCurrentText("MR if not said")
    panel.start()
    qtbot.waitUntil(lambda: "Restoring 1 of 3" in panel.job.text.text(), timeout=RUN_MS)
    jobs = panel.jobs
    if end == "deleted":
        panel.deleteLater()
        qtbot.waitUntil(lambda: jobs.cancelled)
    else:
        panel.cancel_button.click()
        finish(panel, qtbot)
        assert panel.job.text.text().startswith("Cancelled: 0 of 4 scans restored, 1 failed.")
        assert panel.table.rows.rows[0].state is RowState.WAITING
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() == 0, timeout=10_000)
    qtbot.wait(50)


def test_a_thousand_scans_are_shown_quickly(panel, qtbot):
    scan = Scan(Path("x"), "nifti", "MR", (9, 9, 9), (1, 1, 1), "SPL", warnings=("uneven",))
    rows = [ScanRow(f"folder/scan_{i}.nii.gz", scan) for i in range(1000)]
    with qtbot.waitExposed(panel):
        panel.show()
    began = time.process_time()
    panel._show_rows(rows, {f"{i}.txt": "not a scan" for i in range(1000)})
    panel.repaint()
    for i in range(100):
        panel._show_row(i, ScanRow(rows[i].name, scan, RowState.RUNNING, percent=50))
    panel.repaint()
    assert time.process_time() - began < 1
    assert panel.table.rows.rowCount() == 1000
