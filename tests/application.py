"""The application under test: made once per process, on the database that the run asks for."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import argon2
from flask import Flask

from selfserve import create_app, mail_setup_of
from selfserve.config import Settings
from selfserve.mail_setup import use_mail_setup
from selfserve.services import passwords
from tests.databases import Database, database_of
from tests.upstream import KEY, Upstream, upstream

MASTER_KEY = "sk-the-master-key-of-the-tests-42"
SECRET_KEY = "the secret key of the tests, long enough"
BASE_URL = "http://localhost"

passwords.hasher = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@cache
def the_folder() -> Path:
    """A folder of this process, for its database and whatever else it writes."""
    folder = tempfile.TemporaryDirectory(prefix="selfserve-tests-")
    the_folder.keep = folder  # removed when the process ends
    return Path(folder.name)


@cache
def the_database() -> Database:
    """The database of this process, empty but for what the migrations put there."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    return database_of(os.environ.get("TEST_DATABASE", "sqlite"), the_folder(), worker)


@cache
def the_upstream() -> Upstream:
    """The server that calls to models are passed on to; it runs until the process ends."""
    the_upstream.keep = upstream()
    return the_upstream.keep.__enter__()


@cache
def the_app() -> Flask:
    """The application, with its database migrated."""
    app = create_app(the_settings())
    with app.app_context():
        the_database().migrate()
    return app


def the_settings(**changes: object) -> Settings:
    """Settings that no environment and no `.env` of the machine can change."""
    values = {
        "database_url": the_database().url,
        "litellm_master_key": MASTER_KEY,
        "selfserve_secret_key": SECRET_KEY,
        "selfserve_data_dir": the_folder(),
        "proxy_base_url": BASE_URL,
        "upstream_base_url": the_upstream().url,
        "upstream_api_key": KEY,
    }
    return Settings(_env_file=None, **(values | changes))


@contextmanager
def using(app: Flask, settings: Settings) -> Iterator[Settings]:
    """Let other settings of mail and alerts be in force for the one application of the tests."""
    before = app.config["SETTINGS"]
    app.config["SETTINGS"] = settings
    use_mail_setup(mail_setup_of(settings))
    try:
        yield settings
    finally:
        app.config["SETTINGS"] = before
        use_mail_setup(mail_setup_of(before))
