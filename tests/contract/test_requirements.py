"""The locks: exact, hashed, without an index address, and each line in the .in files has its reason."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.txt", "requirements-dev.txt")


def pins(name):
    """Read name and version of everything a file pins."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+(?:\[[a-z,]+\])?)==([^\s;\\]+)", text, re.MULTILINE))


def without_extra(name):
    return name.partition("[")[0]


@pytest.mark.parametrize("name", ["requirements.in", "requirements-dev.in"])
def test_every_line_pins_a_version_and_says_why(name):
    lines = [
        line
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
        if line and not line.startswith(("#", "-r"))
    ]
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9\[\]-]+==[0-9a-z.]+ +# .{4,}", line)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes_and_no_address(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    assert all("--hash=sha256:" in block for block in blocks if re.match(r"[a-z0-9]", block))
    assert "://" not in text
    assert "--index" not in text


@pytest.mark.parametrize(
    ("source", "lock"),
    [("requirements.in", "requirements.txt"), ("requirements-dev.in", "requirements-dev.txt")],
)
def test_the_lock_was_made_from_its_source(source, lock):
    locked = pins(lock)
    assert {without_extra(name): version for name, version in pins(source).items()}.items() <= locked.items()


def test_the_tests_run_on_what_the_server_runs_on():
    assert pins("requirements.txt").items() <= pins("requirements-dev.txt").items()
