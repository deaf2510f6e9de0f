"""The house with other settings."""

import pytest

from selfserve import create_app
from selfserve.extensions import db
from tests.application import the_settings


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
