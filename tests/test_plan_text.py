"""No amount of memory is nothing."""

import pytest

from medrestore.engine.plan_text import memory


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (8.04e9, "8.0 GB"),
        (1.4e8, "0.1 GB"),
        (9.95e7, "0.1 GB"),
        (9.94e7, "99 MB"),
        (2.3e6, "2.3 MB"),
        (1e5, "0.1 MB"),
    ],
)
def test_gigabytes_or_megabytes(size: float, text: str) -> None:
    assert memory(size) == text
