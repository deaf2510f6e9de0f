"""Who may know whom: one table, and a walk through every import of the application."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "selfserve"

PLAIN = {"addresses", "errors", "permissions", "routes", "config", "money", "clock", "minting", "devices"}
PLAIN |= {"prices", "upstreams", "calls", "mail_kinds", "mail_setup", "identities", "lines", "ways_in", "proofs"}
BELOW_MODELS = PLAIN | {"extensions", "database"}
WEB_FRAMEWORK = {"flask", "werkzeug", "wtforms", "flask_login", "flask_wtf", "jinja2", "markupsafe"}
DATABASE = {"sqlalchemy", "flask_sqlalchemy", "psycopg", "sqlite3"}

MAY_AND_NEVER = {
    # room: (the rooms of the house it may know, what it never touches: packages, or names it calls)
    "plain": (PLAIN, WEB_FRAMEWORK | DATABASE),
    "extensions": (set(), {"flask", "werkzeug"}),
    "database": (PLAIN | {"extensions"}, WEB_FRAMEWORK),
    "models": (BELOW_MODELS | {"models"}, WEB_FRAMEWORK | {"pydantic", "commit"}),
    "schemas": (PLAIN | {"schemas"}, WEB_FRAMEWORK | DATABASE),
    "services": (BELOW_MODELS | {"models", "schemas", "services"}, WEB_FRAMEWORK | {"render_template"}),
    "gateway": (
        PLAIN | {"schemas", "services", "gateway"},
        WEB_FRAMEWORK | DATABASE | {"models", "commit", "transaction"},
    ),
    "post": (
        PLAIN | {"services", "post"},
        (WEB_FRAMEWORK - {"jinja2"}) | DATABASE | {"models", "commit", "transaction"},
    ),
    "sso": (PLAIN | {"sso"}, WEB_FRAMEWORK | DATABASE | {"commit", "transaction"}),
    "web": (BELOW_MODELS | {"models", "schemas", "services", "gateway", "sso", "web"}, {"commit"}),
    "blueprints": (
        PLAIN | {"schemas", "services", "gateway", "post", "sso", "web", "blueprints"},
        DATABASE | {"models", "commit", "abort", "transaction"},
    ),
}


def room_of(path: Path) -> str | None:
    """Name the room a file belongs to; the entrances (create_app, setup, serve, cli) may know everybody."""
    first = path.relative_to(ROOT).parts[0].removesuffix(".py")
    return "plain" if first in PLAIN else first if first in MAY_AND_NEVER else None


def words_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield every module a file imports, every name it imports from one, and every name it calls."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import():
                yield from ((node.lineno, alias.name) for alias in node.names)
            case ast.ImportFrom():
                assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
            case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)):
                yield node.lineno, name


def offences(path: Path) -> Iterator[str]:
    """Yield each line that breaks the table."""
    may, never = MAY_AND_NEVER[room_of(path)]
    for line, word in words_of(path):
        parts = word.split(".")
        stranger = parts[0] == "selfserve" and len(parts) > 1 and parts[1] not in may
        if stranger or never.intersection((parts[0], parts[-1])):
            yield f"{path.relative_to(ROOT.parent)}:{line} knows {word}"


FILES = [path for path in sorted(ROOT.rglob("*.py")) if room_of(path)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_knows_only_the_rooms_below_it(path):
    assert not list(offences(path))


def test_the_walk_sees_what_it_should(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.unit.test_architecture.ROOT", tmp_path / "selfserve")
    view = tmp_path / "selfserve" / "blueprints" / "keys" / "pages.py"
    view.parent.mkdir(parents=True)
    view.write_text(
        "from selfserve.models.user import User\nfrom flask import abort\nimport sqlalchemy as sa\n"
        "def view():\n    abort(404)\n    db.session.commit()\n"
    )
    assert [offence.rpartition(":")[2] for offence in offences(view)] == [
        "1 knows selfserve.models.user.User",
        "2 knows flask.abort",
        "3 knows sqlalchemy",
        "5 knows abort",
        "6 knows commit",
    ]


def test_every_part_of_the_house_has_a_room_in_the_table():
    rooms = {
        path.name.removesuffix(".py")
        for path in ROOT.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    entrances = {"__init__", "setup", "serve", "cli", "demo", "backup", "price_refresh", "runner"}
    assert rooms - entrances - PLAIN == set(MAY_AND_NEVER) - {"plain"}
