"""The list of what must never happen, and for each line the test that proves it or the reason why it comes later."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_database

TESTS = Path(__file__).parents[1]
NUMBERS = [*(f"S-{number}" for number in range(1, 49)), *(f"S-7{letter}" for letter in "bcdef"), "S-20b"]
LATER = {
    "S-7d": "there are no teams yet",
    "S-46": "pinned hashes are proven in contract/test_requirements.py; release and container come later",
}


@cache
def proofs(folder=TESTS):
    """Find the numbers in the docstrings of tests, and of files with tests, by the name of the test."""
    found = {}
    for path in sorted(folder.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))]:
            if isinstance(node, ast.Module) or node.name.startswith("test_"):
                for number in re.findall(r"\bS-\d+[a-z]?\b", ast.get_docstring(node) or ""):
                    found.setdefault(number, []).append(f"{path.name}::{getattr(node, 'name', '')}")
    return found


def named_by(number):
    """Give the tests that name a number themselves, not only in the heading of their file."""
    return [name for name in proofs().get(number, []) if not name.endswith("::")]


def test_every_line_is_proven_by_a_test_or_has_a_reason_to_wait():
    missing = [number for number in NUMBERS if number not in LATER and not proofs().get(number)]
    assert missing == []


def test_every_line_is_named_by_a_test_of_its_own():
    """A heading alone proves nothing, but for the matrix of roles and routes, which is a file of its own."""
    assert [number for number in NUMBERS if number not in LATER and not named_by(number)] == ["S-3"]


def test_what_waits_is_not_proven_yet_and_nothing_else_is_numbered():
    """When a test for it comes, its reason goes; a number that the list does not have is a slip of the pen."""
    assert sorted(number for number in LATER if named_by(number)) == []
    assert sorted(set(proofs()) - set(NUMBERS)) == []


def test_the_index_would_miss_a_line(tmp_path):
    (tmp_path / "test_x.py").write_text(
        'def test_a():\n    """S-1: here."""\n\ndef helper():\n    """S-2: not a test."""\n'
    )
    assert proofs(tmp_path) == {"S-1": ["test_x.py::test_a"]}
