"""The dock in a real viewer."""

import numpy as np
import pytest
from qtpy.QtCore import QThreadPool

import medrestore
from medrestore.plugin.study.controller import StudyPage
from medrestore.plugin.study.pages import QuestionPage
from medrestore.plugin.study.widget import ReaderStudyWidget
from medrestore.plugin.viewer import grid_of

WAIT_MS = 30_000


@pytest.fixture
def viewer(make_napari_viewer_proxy, npe2pm):
    return make_napari_viewer_proxy()


@pytest.fixture
def docked(viewer, folders):
    viewer.add_image(np.random.default_rng(0).random((5, 20, 30)), name="doe before")
    viewer.add_image(np.zeros((5, 20, 30)), name="doe mask", visible=False)
    viewer.dims.set_point(0, 3)
    widget = ReaderStudyWidget(viewer)
    viewer.window.add_dock_widget(widget)
    page = widget.start_page
    for field, name in ((page.first, "noisy"), (page.second, "restored"), (page.out, "answers")):
        field.set_path(str(folders / name))
    page.reader.setText("A")
    return widget


def settled(widget, qtbot):
    qtbot.waitUntil(lambda: not widget.controller.view.busy, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() == 0)


def test_a_study_in_the_viewer(viewer, docked, qtbot):
    page = docked.question_page
    docked.start_page.start_button.click()
    settled(docked, qtbot)
    assert [layer.name for layer in viewer.layers] == ["Left", "Right"]
    left, right = viewer.layers
    grid = grid_of(viewer)
    assert grid.enabled and grid.position(0, viewer.layers) == (0, 0)
    assert grid.position(1, viewer.layers) == (0, 1)
    assert left.contrast_limits == right.contrast_limits
    left.contrast_limits = (0, 123)
    assert right.contrast_limits == [0, 123]
    assert not left.source.path and not left.metadata

    slice_before = viewer.dims.current_step[0]
    page.scrolled.emit(1)
    assert viewer.dims.current_step[0] == slice_before + 1
    assert not page.next_button.isEnabled()
    page.buttons["left"].click()
    assert page.buttons["left"].isChecked() and page.next_button.isEnabled()
    first = left.data
    page.next_button.click()
    settled(docked, qtbot)
    assert viewer.layers[0].data is not first
    assert viewer.layers[0].contrast_limits == viewer.layers[1].contrast_limits != [0, 123]
    while docked.controller.view.page is StudyPage.QUESTION:
        page.buttons["tie"].click()
        page.next_button.click()
        settled(docked, qtbot)
    assert [layer.name for layer in viewer.layers] == ["doe before", "doe mask"]
    assert [layer.visible for layer in viewer.layers] == [True, False]
    assert not grid.enabled and viewer.dims.current_step[0] == 3
    assert "noisy" in docked.summary.text()


@pytest.mark.parametrize("close", ["stop", "dock", "viewer"])
def test_the_viewer_is_put_back(viewer, docked, qtbot, close):
    docked.start_page.start_button.click()
    settled(docked, qtbot)
    viewer.add_image(np.zeros((5, 20, 30)), name="added meanwhile")
    docked.question_page.buttons["left"].click()
    docked.question_page.next_button.click()
    settled(docked, qtbot)
    assert len(viewer.layers) == 2
    if close == "viewer":
        viewer.close()
        return
    if close == "stop":
        docked.question_page.stop_button.click()
        assert "1 of 5 answers are kept" in docked.status.text()
    else:
        viewer.window.remove_dock_widget(docked)
    names = [layer.name for layer in viewer.layers]
    assert names == ["doe before", "doe mask", "added meanwhile"]


def test_problems_are_sentences(viewer, qtbot):
    widget = ReaderStudyWidget(viewer)
    viewer.window.add_dock_widget(widget)
    widget.start_page.start_button.click()
    settled(widget, qtbot)
    assert "under Reader" in widget.status.text()
    assert widget.start_page.isEnabled()


def test_keys_answer_wherever_the_focus_is(qtbot):
    from qtpy.QtCore import Qt

    from medrestore.plugin.study.controller import StudyView

    page = QuestionPage()
    qtbot.addWidget(page)
    page.show_view(StudyView(StudyPage.QUESTION, choices=("left", "tie", "right"), chosen="left"))
    said = []
    page.chose.connect(said.append)
    page.confirmed.connect(lambda: said.append("next"))
    page.scrolled.connect(said.append)
    page.show()
    qtbot.waitExposed(page)
    page.activateWindow()  # there is no window manager under Xvfb
    qtbot.waitUntil(page.isActiveWindow)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_0, Qt.Key.Key_Up, Qt.Key.Key_Return, Qt.Key.Key_3):
        qtbot.keyClick(page, key)
    assert said == ["right", "tie", -1, "next"]


def test_napari_opens_it_by_its_name(viewer, npe2pm):
    with npe2pm.tmp_plugin(manifest=f"{medrestore.__path__[0]}/napari.yaml"):
        _, widget = viewer.window.add_plugin_dock_widget("medrestore", "Blinded reader study")
    assert isinstance(widget, ReaderStudyWidget)
