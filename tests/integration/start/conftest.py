"""A database of its own that nobody has prepared, and the commands that do."""

import itertools
import os
import subprocess
import sys

import pytest

from tests.application import the_database
from tests.servers import ROOT

numbers = itertools.count(1)


@pytest.fixture
def database(app):
    """An empty database of its own."""
    return the_database().another(f"start{next(numbers)}", migrated=False)


@pytest.fixture
def setup(database, tmp_path):
    """Run the set-up in an empty folder."""

    def run(*arguments, module="selfserve.setup", **environment):
        plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            env=plain | {"PYTHONPATH": str(ROOT), "DATABASE_URL": database} | environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run
