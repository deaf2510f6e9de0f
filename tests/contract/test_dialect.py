"""A run that was asked for PostgreSQL must not pass on SQLite, nor the other way round."""

import os

from sqlalchemy import text

from selfserve.extensions import db


def test_the_run_is_on_the_database_it_was_asked_for(app):
    wanted = os.environ.get("TEST_DATABASE", "sqlite")
    with app.app_context():
        assert db.engine.dialect.name == wanted
        version = db.session.scalar(text("SELECT version()" if wanted == "postgresql" else "SELECT sqlite_version()"))
    assert version.startswith("PostgreSQL" if wanted == "postgresql" else "3.")
