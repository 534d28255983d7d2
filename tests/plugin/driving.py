"""Clicks on the dock, and the wait for what they set off."""

from qtpy.QtCore import QThreadPool

from medrestore.plugin.jobs import State
from medrestore.plugin.widget import DenoiseWidget

RUN_MS = 60_000


def idle(widget):
    return lambda: widget.controller.jobs.view.state is State.IDLE


def run(widget, qtbot):
    widget.denoise_button.click()
    assert not widget.denoise_button.isEnabled()
    assert widget.cancel_button.isEnabled()
    finish(widget, qtbot)


def finish(widget, qtbot):
    qtbot.waitUntil(idle(widget), timeout=RUN_MS)
    qtbot.waitUntil(no_threads_left)


def no_threads_left():
    return QThreadPool.globalInstance().activeThreadCount() == 0


def widget_on(viewer, qtbot, noise):
    """The widget on a viewer without a window, with two samples and a noise level in percent."""
    widget = DenoiseWidget(viewer)
    qtbot.addWidget(widget)
    widget.form.fields["samples"].setValue(2)
    widget.form.noise_entry.number.setValue(noise)
    return widget
