"""Common to all tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def stored_data() -> Path:
    """The folder of real data sets; tests that need it are skipped where there is none."""
    folder = os.environ.get("GRAPHCLUST_DATA")
    if not folder:
        pytest.skip("GRAPHCLUST_DATA is not set")
    return Path(folder)
