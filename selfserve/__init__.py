"""Selfserve: a self-serve portal for LLM API keys. `create_app` is the only place where all parts meet."""

from typing import Any

import jinja2
from flask import Flask, g

from selfserve.blueprints import DIRECTORY
from selfserve.cli import register_commands
from selfserve.config import Settings, SettingsError, load_settings
from selfserve.database import engine_options, prepare
from selfserve.extensions import LateMigrate, csrf, db, redis
from selfserve.mail_setup import MailSetup, use_mail_setup
from selfserve.permissions import Permission, Role
from selfserve.prices import FILE, use_folder
from selfserve.sso.providers import load_providers
from selfserve.upstreams import load_upstreams
from selfserve.ways_in import passwords_are_off, switch_passwords
from selfserve.web.appearance import chosen_appearance
from selfserve.web.bodies import guard_input
from selfserve.web.errors import init_errors
from selfserve.web.figures import FIGURES
from selfserve.web.guards import can, check_routes, init_guards
from selfserve.web.headers import init_headers, secured
from selfserve.web.links import providers
from selfserve.web.logs import init_logs
from selfserve.web.rootpath import RootPath
from selfserve.web.statics import init_statics
from selfserve.web.templates import FlatEnvironment
from selfserve.web.tokens import derive, sign_typing
from selfserve.web.words import FILTERS

__all__ = ["SettingsError", "create_app"]


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application. It makes no secret and touches no database: `python -m selfserve.setup` does.

    Raises SettingsError when a setting is missing or makes no sense.
    """
    settings = settings or load_settings()
    _use_refreshed_prices(settings)
    app = Flask(__name__, static_folder=None)
    app.config.from_mapping(_flask_config(settings))
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.jinja_environment = FlatEnvironment
    app.jinja_env.undefined = jinja2.StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    _init_database(app)
    use_mail_setup(mail_setup_of(settings))
    switch_passwords(are_off=settings.selfserve_sso_only)
    redis.connect(settings.redis_url.get_secret_value(), settings.selfserve_threads)
    csrf.init_app(app)
    init_logs(app)
    init_guards(app)
    init_headers(app)
    init_errors(app)
    app.jinja_env.filters.update(FILTERS | FIGURES)
    _init_templates(app, settings)
    for blueprint, prefix in DIRECTORY:
        app.register_blueprint(blueprint, url_prefix=prefix)
    app.add_url_rule("/", "home", app.view_functions["auth.home"])
    register_commands(app)
    check_routes(app)
    app.wsgi_app = guard_input(app.wsgi_app)  # type: ignore[method-assign]
    init_statics(app, settings)
    app.wsgi_app = secured(app.wsgi_app, settings)  # type: ignore[method-assign]
    if settings.server_root_path:
        app.wsgi_app = RootPath(app.wsgi_app, settings.server_root_path)  # type: ignore[method-assign]
    return app


def _use_refreshed_prices(settings: Settings) -> None:
    """Let the list of prices in the data folder win over ours, before anything asks for a price."""
    try:
        use_folder(settings.selfserve_data_dir)
    except (OSError, ValueError):
        file = settings.selfserve_data_dir / FILE.name
        raise SettingsError(f"{file} cannot be read as a list of prices. Delete it, then refresh it again.") from None


def _flask_config(settings: Settings) -> dict[str, Any]:
    """Translate our settings for Flask and its extensions; each purpose has a key of its own."""
    secret = settings.selfserve_secret_key.get_secret_value()
    return {
        "SETTINGS": settings,
        "UPSTREAMS": load_upstreams(settings),
        "PROVIDERS": load_providers(settings),
        "SECRET_KEY": derive(secret, "cookies"),
        "WTF_CSRF_SECRET_KEY": derive(secret, "csrf"),
        "ONBOARDING_KEY": derive(secret, "onboarding"),
        "RESET_KEY": derive(secret, "reset"),
        "TYPING_KEY": derive(secret, "typing"),
        "WTF_CSRF_CHECK_DEFAULT": False,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
        "SESSION_COOKIE_NAME": "selfserve_session",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.is_https,
        "SESSION_COOKIE_PATH": settings.cookie_path,
        "MAX_CONTENT_LENGTH": 1_000_000,
        "SQLALCHEMY_DATABASE_URI": settings.resolved_database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(settings) | {"hide_parameters": True},
    }


def mail_setup_of(settings: Settings) -> MailSetup:
    """Tell those who write messages down whether any are sent, and seal what waits with a key of its own (S-11)."""
    secret = settings.selfserve_secret_key.get_secret_value()
    has_webhook = bool(settings.selfserve_alert_webhook.get_secret_value())
    return MailSetup(settings.is_mail_set, has_webhook, derive(secret, "mail"))


def _init_database(app: Flask) -> None:
    """Bind the database; nothing is connected yet."""
    db.init_app(app)
    LateMigrate(app, f"{app.root_path}/../migrations")
    with app.app_context():
        prepare(db.engine)


def _init_templates(app: Flask, settings: Settings) -> None:
    """Give every template the few things it may use."""
    app.jinja_env.globals.update(
        can=can,
        Permission=Permission,
        Role=Role,
        organization=settings.selfserve_organization,
        portal_name=settings.portal_name,
        support_contact=settings.email_support_contact,
        base_url=settings.public_url,
        portal_url=settings.address,
        gateway_url=settings.gateway_url,
        sign_typing=sign_typing,
    )

    @app.context_processor
    def always() -> dict[str, Any]:
        """Say who is asking, as far as the guard found out; it works with the database away."""
        return {
            "actor": g.get("actor"),
            "request_id": g.get("request_id", ""),
            "appearance": chosen_appearance(),
            "providers": providers(),
            "passwords_are_off": passwords_are_off(),
            "is_mail_set": app.config["SETTINGS"].is_mail_set,
        }
