"""Our programs have OpenMP's threads sleep while they wait, before torch is loaded."""

import os
import subprocess
import sys
from threading import Event

import pytest

from medrestore.engine.threads import WAIT_POLICY, wait_asleep

PROGRAM = """
import os, sys
from medrestore.cli import main
assert "torch" not in sys.modules
main(["models"])
print(os.environ["OMP_WAIT_POLICY"])
"""


@pytest.mark.parametrize(("before", "after"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_the_users_own_choice_stays(monkeypatch, before, after) -> None:
    monkeypatch.setenv(WAIT_POLICY, before or "")
    if before is None:
        monkeypatch.delenv(WAIT_POLICY)
    wait_asleep()
    assert os.environ[WAIT_POLICY] == after


def test_the_command_sets_it_before_torch_is_loaded(tiny_models) -> None:
    environment = {name: value for name, value in os.environ.items() if name != WAIT_POLICY}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.rstrip().endswith("PASSIVE")


def test_the_plugin_sets_it_in_whatever_loads_torch(monkeypatch) -> None:
    from medrestore.plugin.worker import TaskWorker

    monkeypatch.setenv(WAIT_POLICY, "")
    monkeypatch.delenv(WAIT_POLICY)
    worker = TaskWorker(lambda _: os.environ[WAIT_POLICY], Event())
    assert worker.work() == "PASSIVE"
