"""The extensions, bare and unbound; `create_app` introduces them to the application."""

from typing import Any

from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """The root of all models; every constraint has a name, so that migrations can speak of it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
login_manager = LoginManager()
csrf = CSRFProtect()


class LateMigrate:
    """Flask-Migrate, met when somebody migrates: a server never does, and Alembic is a tenth of a worker's memory."""

    def __init__(self, app: Any, directory: str) -> None:
        """Stand in its place in an application."""
        self.app, self.directory = app, directory
        app.extensions["migrate"] = self

    @property
    def migrate(self) -> Any:
        """Give the real one, which takes this one's place and adds `flask db`."""
        from flask_migrate import Migrate

        return Migrate(self.app, db, self.directory, render_as_batch=True, compare_type=True)


class LateRedis:
    """Redis, met by who names one in REDIS_URL: nobody else loads its client."""

    client: Any = None

    def connect(self, url: str, connections: int) -> None:
        """Use the server at this address, or none: two seconds without an answer mean that it is away."""
        self.client = None
        if url:
            from redis import Redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry

            patience = {"socket_connect_timeout": 2, "socket_timeout": 2, "retry": Retry(NoBackoff(), 0)}
            self.client = Redis.from_url(url, max_connections=connections, **patience)


redis = LateRedis()
