"""What stands of an earlier batch: the last word on each scan, and no failure of the machine."""

import errno
from pathlib import Path

import pytest

from medrestore.batch.log import Log, is_final
from medrestore.errors import InputError, OutputError, UnreadableError


def restored(log: Log, out: Path, key: str) -> None:
    (out / "a_run.json").write_text(key)
    log.begun("a.nii", "a")
    log.restored("a.nii", {"key": key, "outputs": ["a_run.json"]})


def test_the_last_result_at_a_place_is_the_one_that_stands(tmp_path: Path) -> None:
    """Restored with settings A, then with B over it, then killed: A is to be done again."""
    log = Log(tmp_path, resume=False)
    restored(log, tmp_path, "A")
    restored(log, tmp_path, "B")
    killed(log)
    again = Log(tmp_path, resume=True)
    assert again.earlier("A") is None
    assert again.earlier("B")["outputs"] == ["a_run.json"]
    again.close()


def test_a_result_that_was_being_replaced_does_not_stand(tmp_path: Path) -> None:
    log = Log(tmp_path, resume=False)
    restored(log, tmp_path, "A")
    log.begun("a.nii", "a")
    killed(log)
    again = Log(tmp_path, resume=True)
    assert again.earlier("A") is None
    assert again.unfinished == ["a"]
    again.close()


def killed(log: Log) -> None:
    """Ends it as a kill does: nothing is put in order."""
    with log._file:
        pass


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "final"),
    [
        (InputError("two volumes"), True),
        (caused(UnreadableError("cut"), EOFError("ended too early")), True),
        (caused(UnreadableError("cut"), OSError("Expected 10 bytes, got 3")), True),
        (caused(UnreadableError("gone"), OSError(errno.ESTALE, "Stale file handle")), False),
        (caused(UnreadableError("gone"), FileNotFoundError(errno.ENOENT, "No such file")), False),
        (OutputError("full"), False),
        (MemoryError(), False),
    ],
)
def test_what_the_system_refused_is_tried_again(error: Exception, final: bool) -> None:
    assert is_final(error) is final
