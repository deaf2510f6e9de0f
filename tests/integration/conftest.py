"""The house with other settings, and as a process of its own on a database of its own."""

import itertools

import pytest

from selfserve import create_app
from selfserve.extensions import db
from tests.application import the_database, the_settings
from tests.servers import running

numbers = itertools.count(1)


@pytest.fixture
def app_with(app):
    """Build the application once more, with other settings, on the same database: `app_with(proxy_base_url="")`."""
    made = []

    def build(**changes):
        made.append(create_app(the_settings(**changes)))
        return made[-1]

    yield build
    for each in made:
        with each.app_context():
            db.engine.dispose()


@pytest.fixture
def house(app_with, tmp_path):
    """Open a portal that passes some models on, without asking anybody which there are: `house(["gpt-5-mini"])`."""

    def build(models=("gpt-5-mini", "claude-sonnet-4-5", "text-embedding-3-small", "house-model")):
        file = tmp_path / "upstreams.toml"
        head = '[[upstream]]\nname = "big"\nbase_url = "https://llm.example.com/v1"\n'
        file.write_text(head + "".join(f'[[upstream.model]]\nname = "{model}"\n' for model in models))
        return app_with(selfserve_upstreams=file, upstream_base_url="", upstream_api_key="")

    return build


@pytest.fixture
def a_database(app):
    """Make one more migrated database and give its address."""
    return the_database().another(f"server{next(numbers)}")


@pytest.fixture
def serve(a_database, tmp_path):
    """Start servers on that database: `serve("waitress")`."""

    def start(kind="gunicorn", **environment):
        return running(kind, **{"database_url": a_database, "folder": tmp_path, **environment})

    return start
