"""How migrations run: on the application's own database, each in one transaction."""

from alembic import context
from flask import current_app
from sqlalchemy import create_engine, pool

migrate = current_app.extensions["migrate"]


def run() -> None:
    """Run the migrations on a connection of their own."""
    url = current_app.config["SQLALCHEMY_DATABASE_URI"]
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
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
