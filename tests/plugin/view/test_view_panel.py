"""The View panel in a real viewer."""

import numpy as np
import pytest
from napari.experimental import link_layers
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QWidget

from medrestore.plugin.layers import KEY
from medrestore.plugin.view.compare_box import FLICKER_KEY
from medrestore.plugin.view.panel import ViewPanel
from medrestore.plugin.view.planes import Plane, plane_shown
from medrestore.plugin.viewer import camera_of, grid_of, overlays_of

SHAPE = (6, 40, 48)


@pytest.fixture
def viewer(make_napari_viewer_proxy, npe2pm):
    return make_napari_viewer_proxy()


@pytest.fixture
def panel(viewer):
    panel = ViewPanel(viewer)
    viewer.window.add_dock_widget(panel)
    return panel


@pytest.fixture
def opened(viewer, panel, add_scan):
    scan = add_scan(viewer, modality="CT", shape=SHAPE)
    restored = add_scan(viewer, "restored", modality="CT", shape=SHAPE, offset=3)
    link_layers([scan, restored], ("contrast_limits",))
    return scan, restored


def pick(combo, text):
    combo.setCurrentIndex(combo.findText(text))
    combo.activated.emit(combo.currentIndex())


def drag(canvas, qtbot):
    """A drag with the right button, 60 pixels to the right."""
    start = QPoint(canvas.width() // 2, canvas.height() // 2)
    QTest.mousePress(canvas, Qt.MouseButton.RightButton, pos=start)
    for step in (20, 40, 60):
        QTest.mouseMove(canvas, start + QPoint(step, 0))
        qtbot.wait(20)
    QTest.mouseRelease(canvas, Qt.MouseButton.RightButton, pos=start + QPoint(60, 0))
    qtbot.wait(20)


def test_planes_windows_and_comparison(viewer, panel, opened, qtbot):
    main = panel.window()
    planes, window, compare = panel.planes, panel.window_, panel.compare
    assert panel.minimumSizeHint().width() <= 300
    assert window.preset.currentText() == "Abdomen"

    planes.buttons[Plane.CORONAL].click()
    assert plane_shown(viewer) is Plane.CORONAL
    assert [button.isChecked() for button in planes.buttons.values()] == [False, True, False, False]
    assert planes.sides.text() == "Left of the picture: patient's right. Top: head."
    viewer.dims.ndisplay = 3
    assert planes.buttons[None].isChecked()
    planes.buttons[Plane.AXIAL].click()

    pick(window.preset, "Lung")
    assert [list(layer.contrast_limits) for layer in viewer.layers] == [[-1350, 150]] * 2
    assert (window.level.value(), window.width_.value()) == (-600, 1500)
    window.width_.setValue(100)
    assert list(viewer.layers[1].contrast_limits) == [-650, -550]
    assert window.preset.currentText() == ""
    viewer.layers[1].contrast_limits = (0, 80)
    assert window.preset.currentText() == "Brain"

    assert (compare.a.currentText(), compare.b.currentText()) == ("scan", "restored · scan")
    compare.side_button.click()
    assert grid_of(viewer).enabled
    assert panel.status.text() == "Left scan, right restored · scan."
    compare.back_button.click()
    assert not grid_of(viewer).enabled
    qtbot.keyClick(main, FLICKER_KEY)
    assert [layer.visible for layer in viewer.layers] == [True, False]
    qtbot.keyClick(main, FLICKER_KEY)
    assert [layer.visible for layer in viewer.layers] == [False, True]
    assert panel.status.text() == "B: restored · scan"

    compare.difference_button.click()
    qtbot.waitUntil(lambda: len(viewer.layers) == 3)
    assert [layer.visible for layer in viewer.layers] == [True] * 3
    difference = viewer.layers[2]
    assert difference.name == "difference · restored · scan − scan"
    assert np.allclose(difference.data, 3)
    assert panel.picker.count() == 1
    assert compare.b.currentText() == "restored · scan"
    assert opened[0].metadata[KEY]["role"] == "scan"

    canvas = next(
        child
        for child in panel.window().findChildren(QWidget)
        if type(child).__name__ == "CanvasBackendDesktop"
    )
    zoom = camera_of(viewer).zoom
    pick(window.preset, "Abdomen")
    drag(canvas, qtbot)
    assert window.width_.value() > 410
    assert camera_of(viewer).zoom == zoom
    assert camera_of(viewer).mouse_pan

    window.drag_box.setChecked(False)
    width = window.width_.value()
    drag(canvas, qtbot)
    assert window.width_.value() == width

    compare.side_button.click()
    viewer.close()  # while it compares
    qtbot.wait(50)


def test_problems_are_sentences(viewer, panel, opened):
    for layer in list(viewer.layers):
        viewer.layers.remove(layer)
    assert not panel.planes.buttons[Plane.AXIAL].isEnabled()
    assert "Open a CT or MR scan first" in panel.status.text()
    assert not panel.window_.preset.isEnabled()
    for button in (panel.compare.side_button, panel.compare.flicker_button):
        assert not button.isEnabled()
    panel.compare.flicker()  # by its key
    assert "Choose two different layers" in panel.status.text()
    viewer.add_image(np.ones(SHAPE, np.float32), name="one")
    viewer.add_image(np.ones((3, 4, 5), np.float32), name="other")
    panel.compare.difference_button.click()
    assert "choose two on one grid" in panel.status.text()
    viewer.add_image(np.ones((9, 9, 3), np.uint8), rgb=True, name="photo")
    panel.planes.buttons[Plane.AXIAL].click()
    assert "The layer photo is a single picture" in panel.status.text()
    assert panel.compare.a.findText("photo") < 0


def letters(viewer):
    return sum(name.startswith("medrestore") for name in overlays_of(viewer) or ())


def test_nothing_is_left_behind(viewer, panel, opened, qtbot):
    main = panel.window()
    callbacks, lettered = len(viewer.mouse_drag_callbacks), overlays_of(viewer) is not None
    viewer.layers[0].visible = False

    def compare():
        assert letters(viewer) == 4 * lettered
        assert len(viewer.mouse_drag_callbacks) == callbacks
        panel.compare.side_by_side()
        assert viewer.layers[0].visible

    def check_as_before():
        assert letters(viewer) == 0
        assert len(viewer.mouse_drag_callbacks) == callbacks - 1
        assert [layer.visible for layer in viewer.layers] == [False, True]
        assert not grid_of(viewer).enabled
        qtbot.keyClick(main, FLICKER_KEY)
        assert [layer.visible for layer in viewer.layers] == [False, True]

    compare()
    viewer.window.remove_dock_widget(panel)
    check_as_before()
    viewer.window.add_dock_widget(panel)
    compare()
    viewer.window.remove_dock_widget(panel)
    panel.deleteLater()
    qtbot.wait(50)
    check_as_before()
    viewer.layers[0].contrast_limits = (0, 1)
    viewer.dims.order = (1, 0, 2)
    viewer.layers.remove("scan")
