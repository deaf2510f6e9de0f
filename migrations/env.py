"""How migrations run: on the application's own database, one machine at a time, each wholly or not at all."""

from typing import Any

from alembic import context
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from flask import current_app
from sqlalchemy import Connection, Engine, create_engine, event, func, pool, select

migrate = current_app.extensions["migrate"]


ONE_AT_A_TIME = 7_353_537  # the key of our advisory lock: "selfs" on a telephone


def run() -> None:
    """Run the migrations on a connection of their own."""
    engine = create_engine(current_app.config["SQLALCHEMY_DATABASE_URI"], poolclass=pool.NullPool)
    if engine.dialect.name == "sqlite":
        _take_back_what_breaks(engine)
    with engine.connect() as lock, engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            lock.execute(select(func.pg_advisory_lock(ONE_AT_A_TIME)))
        _refuse_newer(connection)
        context.configure(
            connection=connection,
            target_metadata=migrate.db.metadata,
            transaction_per_migration=True,
            transactional_ddl=True,
            **migrate.configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


def _take_back_what_breaks(engine: Engine) -> None:
    """Begin for the driver of SQLite, which by itself commits after every change of a table."""

    @event.listens_for(engine, "connect")
    def leave_it_to_us(connection: Any, _entry: Any) -> None:
        """Let the driver begin nothing."""
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        """Begin as the one who writes."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _refuse_newer(connection: Connection) -> None:
    """Stop before a database is touched that a later version has changed in ways unknown here."""
    known = [script.revision for script in ScriptDirectory.from_config(context.config).walk_revisions()]
    found = [head for head in MigrationContext.configure(connection).get_current_heads() if head not in known]
    connection.rollback()
    if found:
        raise CommandError(
            f"The database is at revision {found[0]}, and this version knows revisions up to {known[0]}: "
            "a newer Selfserve has used it. Start that one, or let it take the database back first: "
            f"flask --app wsgi db downgrade {known[0]}. Nothing was changed."
        )


run()
