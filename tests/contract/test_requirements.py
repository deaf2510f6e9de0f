"""The locks: exact, hashed, without an index address, and each line in the .in files has its reason."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_database

ROOT = Path(__file__).parents[2]
NAMES = ("requirements", "requirements-dev", "requirements-provider")


def pins(name):
    """Read name and version of everything a file pins."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+(?:\[[a-z,]+\])?)==([^\s;\\]+)", text, re.MULTILINE))


def without_extra(name):
    return name.partition("[")[0]


@pytest.mark.parametrize("name", NAMES)
def test_every_line_pins_a_version_and_says_why(name):
    lines = [
        line
        for line in (ROOT / f"{name}.in").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith(("#", "-r"))
    ]
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9\[\],-]+==[0-9a-z.]+ +# .{4,}", line)] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_locked_package_has_hashes_and_no_address(name):
    text = (ROOT / f"{name}.txt").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    assert all("--hash=sha256:" in block for block in blocks if re.match(r"[a-z0-9]", block))
    assert "://" not in text
    assert "--index" not in text


@pytest.mark.parametrize("name", NAMES)
def test_the_lock_was_made_from_its_source(name):
    source, locked = pins(f"{name}.in"), pins(f"{name}.txt")
    assert {without_extra(named): version for named, version in source.items()}.items() <= locked.items()


def test_the_tests_run_on_what_the_server_runs_on():
    assert pins("requirements.txt").items() <= pins("requirements-dev.txt").items()


def imports_of(folder):
    """Name every package that a folder imports and that is not our own or Python's."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / folder).rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {"selfserve", "tests", "bench"}


@pytest.mark.parametrize(
    ("folder", "sources"),
    [
        ("selfserve", ["requirements.in"]),
        ("tests", ["requirements.in", "requirements-dev.in"]),
        ("bench", ["requirements.in", "requirements-dev.in"]),
    ],
)
def test_what_is_imported_is_pinned_by_name_not_by_chance(folder, sources):
    pinned = {without_extra(name) for source in sources for name in pins(source)} | {
        "pydantic-core"
    }  # pinned by pydantic
    known = packages_distributions()
    imported = {distribution.lower().replace("_", "-") for name in imports_of(folder) for distribution in known[name]}
    assert imported <= pinned
