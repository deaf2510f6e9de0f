"""The migrations make what the models say, and take it back, on the database of this run."""

import shutil

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError

from selfserve import create_app
from selfserve.extensions import db
from tests.application import the_database, the_settings
from tests.databases import MIGRATIONS


def an_app_on(name, *, migrated):
    return create_app(the_settings(database_url=the_database().another(name, migrated=migrated)))


def revisions():
    return [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()][::-1]


def shape():
    """Describe the database as it stands."""
    found = inspect(db.engine)
    return {
        table: (
            sorted((column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(table)),
            sorted(
                (index["name"], tuple(index["column_names"]), index["unique"]) for index in found.get_indexes(table)
            ),
            sorted((key["name"] or "", tuple(key["constrained_columns"])) for key in found.get_foreign_keys(table)),
        )
        for table in found.get_table_names()
        if table != "alembic_version"
    }


def test_the_models_equal_the_migrations(app):
    with an_app_on("equal", migrated=True).app_context():
        with db.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, db.metadata) == []
        db.engine.dispose()


def test_every_step_goes_up_and_down_and_up_again(app):
    with an_app_on("steps", migrated=False).app_context():
        shapes = {}
        for revision in revisions():
            flask_migrate.upgrade(directory=str(MIGRATIONS), revision=revision)
            shapes[revision] = shape()
        for revision in revisions()[::-1]:
            assert shape() == shapes[revision]
            flask_migrate.downgrade(directory=str(MIGRATIONS), revision="-1")
        assert shape() == {}
        flask_migrate.upgrade(directory=str(MIGRATIONS))
        assert shape() == shapes[revisions()[-1]]
        db.session.remove()
        db.engine.dispose()


BREAKS = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "broken", "{head}"


def upgrade():
    op.add_column("users", sa.Column("half", sa.Integer()))
    op.execute("UPDATE users SET half = 1")
    op.execute("INSERT INTO no_such_table VALUES (1)")
"""


def test_a_step_that_breaks_half_way_leaves_nothing_of_itself(app, tmp_path):
    shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    (tmp_path / "migrations" / "versions" / "broken.py").write_text(BREAKS.format(head=revisions()[-1]))
    with an_app_on("broken", migrated=True).app_context():
        before = shape()
        for _again in range(2):
            with pytest.raises(DBAPIError, match="no_such_table"):
                flask_migrate.upgrade(directory=str(tmp_path / "migrations"))
            assert shape() == before
        flask_migrate.upgrade(directory=str(MIGRATIONS))
        db.session.remove()
        db.engine.dispose()


def test_revisions_are_numbered_in_order():
    assert revisions() == [f"{number:04d}" for number in range(1, len(revisions()) + 1)]
