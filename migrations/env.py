"""How migrations run: on the application's own database, each in one transaction."""

from alembic import context
from flask import current_app
from sqlalchemy import create_engine, func, pool, select

migrate = current_app.extensions["migrate"]


ONE_AT_A_TIME = 7_353_537  # the key of our advisory lock: "selfs" on a telephone


def run() -> None:
    """Run the migrations on a connection of their own, one machine at a time."""
    url = current_app.config["SQLALCHEMY_DATABASE_URI"]
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as lock, engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            lock.execute(select(func.pg_advisory_lock(ONE_AT_A_TIME)))
        context.configure(
            connection=connection,
            target_metadata=migrate.db.metadata,
            transaction_per_migration=True,
            **migrate.configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
