"""Nothing that nobody calls: every function has a caller in the house, in a template or in its own decorator."""

import ast
import re

import pytest

from tests.servers import ROOT

pytestmark = pytest.mark.any_database

HOUSE = [ROOT / "wsgi.py", *(ROOT / "selfserve").rglob("*.py"), *(ROOT / "selfserve" / "templates").rglob("*.html")]
ELSEWHERE = {"downgrade", "main", "post_worker_init", "worker_exit"}  # called by Alembic, by `python -m`, by gunicorn


def functions():
    """Name every function and class at the top of a module, unless a decorator registers it somewhere."""
    for path in (ROOT / "selfserve").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not is_registered(node):
                yield node.name


def is_registered(node):
    """Tell whether a decorator hands the function on: a route, a command, an event."""
    return any(isinstance(decorator, ast.Call) for decorator in node.decorator_list)


def test_every_function_is_called_by_somebody():
    words = re.findall(r"\w+", "\n".join(path.read_text(encoding="utf-8") for path in HOUSE))
    uses = {}
    for word in words:
        uses[word] = uses.get(word, 0) + 1
    assert sorted(name for name in functions() if uses[name] < 2 and name not in ELSEWHERE) == []
