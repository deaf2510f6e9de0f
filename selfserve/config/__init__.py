"""Every setting: its name, type, default and one line of meaning. Nonsense is refused at the start, with the mend."""

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from selfserve.addresses import normalized
from selfserve.clock import DURATION_FORMS, after, now
from selfserve.config.complaints import complaint
from selfserve.config.gateway import GatewaySettings
from selfserve.config.mail import MailSettings
from selfserve.config.sso import SsoSettings
from selfserve.config.urls import checked_http_address, is_readable, origin_of

ENV_FILE = ".env"
KNOWN_WEAK = ("sk-1234", "sk-12345678", "sk-<your-master-key>", "sk-...", "secret", "changeme")
_POSTGRESQL = ("postgres", "postgresql", "postgresql+psycopg")


class SettingsError(Exception):
    """The settings cannot be used; the message says which and how to mend them."""


class Settings(GatewaySettings, MailSettings, SsoSettings):
    """All that can be set from the environment or from `.env` in the working directory (the environment wins)."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, env_file_encoding="utf-8", extra="ignore", env_ignore_empty=True
    )

    host: str = Field("127.0.0.1", description="Address that `make run` listens on.")
    port: int = Field(4000, ge=1, le=65535, description="Port that `make run` listens on.")
    database_url: str = Field(
        "", description="`postgresql://user:password@host/name`; empty means SQLite in the data folder."
    )
    proxy_base_url: str = Field(
        "", description="The address people use, such as `https://keys.example.com`; every link is made from it."
    )
    server_root_path: str = Field("", description="Path prefix behind a reverse proxy, such as `/llm/keys`.")
    proxy_logout_url: str = Field(
        "", description="Where the browser goes after signing out; empty means the sign-in page."
    )
    litellm_master_key: SecretStr = Field(
        description="The admin key for curl; starts with `sk-`, 20 characters or more."
    )
    litellm_ui_session_duration: str = Field(
        "24h", description="A session without a click ends after this time (7 days at most in any case)."
    )
    cli_jwt_expiration_hours: int = Field(
        24, ge=1, le=8760, description="How many hours the key works that a sign-in on the command line gives."
    )
    selfserve_secret_key: SecretStr = Field(description="Signs cookies; 32 characters or more, never the master key.")
    selfserve_data_dir: Path = Field(
        Path("instance"), description="Folder for the SQLite database and the generated secrets."
    )
    selfserve_organization: str = Field("", max_length=60, description="Your organisation's name, shown beside ours.")
    selfserve_admin_email: str = Field(
        "", description="Address of the first admin; empty means that the first link asks for it."
    )
    selfserve_auto_create_key: bool = Field(
        True, description="Whether `/user/new` makes a key when the call does not say."
    )
    selfserve_password_min_length: int = Field(12, ge=8, le=64, description="Shortest password accepted.")
    selfserve_audit_retention: str = Field(
        "", description="How long the audit log is kept, such as `400d`; 30 days or more, empty means for ever."
    )
    selfserve_trusted_proxies: int = Field(
        0, ge=0, le=10, description="How many reverse proxies stand in front; decides whose address counts."
    )
    selfserve_db_pool: int = Field(20, ge=2, le=500, description="PostgreSQL connections per worker.")
    selfserve_workers: int = Field(2, ge=1, le=64, description="Worker processes of `make run`.")
    selfserve_threads: int = Field(64, ge=1, le=512, description="Threads per worker of `make run`.")

    @field_validator("litellm_master_key")
    @classmethod
    def _master_key_is_strong(cls, key: SecretStr) -> SecretStr:
        """Refuse a published or guessable master key (S-11)."""
        secret = key.get_secret_value()
        if not secret.startswith("sk-") or len(secret) < 20 or len(set(secret)) < 10 or secret.lower() in KNOWN_WEAK:
            raise ValueError(
                "is weak: it must start with `sk-`, have 20 characters or more and not be a published example."
            )
        return key

    @field_validator("selfserve_secret_key")
    @classmethod
    def _secret_key_is_strong(cls, key: SecretStr) -> SecretStr:
        """Refuse a short secret key (S-11)."""
        secret = key.get_secret_value()
        if len(secret) < 32 or len(set(secret)) < 10:
            raise ValueError("is too short or too simple: use 32 random characters or more.")
        return key

    @field_validator("server_root_path")
    @classmethod
    def _root_path_is_a_path(cls, path: str) -> str:
        """Write the root path with one slash in front and none behind."""
        path = path.strip("/")
        if not path:
            return ""
        if not re.fullmatch(r"[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*", path):
            raise ValueError("must be a path such as `/llm/keys`.")
        return "/" + path

    @field_validator("host")
    @classmethod
    def _host_is_a_host(cls, host: str) -> str:
        """Accept an address or a host name to listen on."""
        if not re.fullmatch(r"[A-Za-z0-9._-]+", host):
            try:
                return f"[{IPv6Address(host.strip('[]'))}]"
            except ValueError:
                raise ValueError("must be an address to listen on, such as 127.0.0.1 or 0.0.0.0.") from None
        return host

    @field_validator("proxy_base_url", "proxy_logout_url")
    @classmethod
    def _url_is_http(cls, url: str) -> str:
        """Refuse what is no plain http or https address."""
        return checked_http_address(url)

    @field_validator("database_url")
    @classmethod
    def _database_is_known(cls, url: str) -> str:
        """Accept SQLite and PostgreSQL, the latter under each of its usual names; a file's path becomes absolute."""
        kind, _, rest = url.partition("://")
        if not url:
            return ""
        if kind == "sqlite" and len(rest) > 1:
            return f"sqlite:///{Path(rest.removeprefix('/')).resolve()}"
        if kind not in _POSTGRESQL or not is_readable(url):
            raise ValueError("must be `postgresql://user:password@host:port/name` or `sqlite:///file`.")
        return f"postgresql+psycopg://{rest}"

    @field_validator("selfserve_admin_email")
    @classmethod
    def _admin_has_an_address(cls, address: str) -> str:
        """Refuse what is no e-mail address."""
        try:
            return normalized(address) if address else ""
        except ValueError:
            raise ValueError("must be an e-mail address, such as you@example.com.") from None

    @field_validator("litellm_ui_session_duration")
    @classmethod
    def _duration_is_known(cls, duration: str) -> str:
        """Refuse a malformed duration."""
        try:
            after(duration, now())
        except ValueError as error:
            if str(error) == "too long":
                raise ValueError("must end within 100 years.") from None
            raise ValueError(f"must be a duration such as {DURATION_FORMS}.") from None
        return duration

    @field_validator("selfserve_audit_retention")
    @classmethod
    def _audit_is_kept(cls, duration: str) -> str:
        """Refuse less than what the database keeps in any case (S-45); a month may be February."""
        begin = datetime(2026, 2, 1, tzinfo=UTC)
        try:
            is_long = not duration or after(duration, begin) - begin >= timedelta(days=30)
        except ValueError:
            raise ValueError("must be a duration such as 400d, or empty for ever.") from None
        if not is_long:
            raise ValueError("must be 30 days or more, such as 400d, or empty for ever.")
        return duration

    @model_validator(mode="after")
    def _keys_are_two(self) -> "Settings":
        """Refuse one secret for two purposes (S-11)."""
        if self.litellm_master_key.get_secret_value() == self.selfserve_secret_key.get_secret_value():
            raise ValueError("SELFSERVE_SECRET_KEY must not be the same as LITELLM_MASTER_KEY.")
        return self

    @property
    def portal_name(self) -> str:
        """Name what people are invited to and sign in to, on pages and in mails."""
        return f"{self.selfserve_organization}’s LLM gateway" if self.selfserve_organization else "Selfserve"

    @property
    def public_url(self) -> str:
        """The address and root path that links begin with, the root path once; empty when no base is set."""
        base = self.proxy_base_url.rstrip("/")
        has_root = urlsplit(base).path.endswith(self.server_root_path)
        return base if not base or has_root else base + self.server_root_path

    @property
    def address(self) -> str:
        """The address to open: the public one, else where `make run` listens."""
        return self.public_url or self.local_origin + self.server_root_path

    @property
    def gateway_url(self) -> str:
        """The address that people give their tools: the gateway's, else this portal's."""
        return self.selfserve_gateway_url.rstrip("/") or f"{self.address}/v1"

    @property
    def local_origin(self) -> str:
        """Where `make run` is reached from its own machine."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "[::]") else self.host  # noqa: S104 - compared, not bound
        return f"http://{host}:{self.port}"

    @property
    def public_origin(self) -> str:
        """Scheme, host and port of the public address; empty when no base is set."""
        return origin_of(self.proxy_base_url)

    @property
    def is_https(self) -> bool:
        """Whether people come by https, so that cookies are marked Secure."""
        return self.proxy_base_url.startswith("https://")

    @property
    def session_idle(self) -> timedelta:
        """How long a session may go without a click."""
        moment = now()
        return after(self.litellm_ui_session_duration, moment) - moment

    @property
    def audit_kept(self) -> timedelta | None:
        """How long the audit log is kept; None: for ever."""
        moment = now()
        return after(self.selfserve_audit_retention, moment) - moment if self.selfserve_audit_retention else None

    @property
    def cookie_path(self) -> str:
        """The path that cookies are for."""
        return self.server_root_path or "/"

    @property
    def resolved_database_url(self) -> str:
        """The database in use, the embedded one by default."""
        return self.database_url or f"sqlite:///{self.selfserve_data_dir.resolve() / 'selfserve.db'}"


GENERATED = {"litellm_master_key": "master_key", "selfserve_secret_key": "secret_key"}
"""Secrets that setup makes, and their files in the data folder."""


def load_settings(environment: Mapping[str, str] | None = None, **values: Any) -> Settings:
    """Read the settings, with the generated secrets where the environment has none.

    Raises SettingsError with a sentence for each setting that cannot be used.
    """
    _refuse_unknown_names(environment)
    stored = {name: secret for name in GENERATED if (secret := stored_secret(name, environment))}
    try:
        return Settings(**{**stored, **values})
    except ValidationError as error:
        raise SettingsError("\n".join(complaint(problem) for problem in error.errors())) from None


def stored_secret(name: str, environment: Mapping[str, str] | None = None) -> str | None:
    """Read a generated secret from its file, unless the environment sets it."""
    if given(environment).get(name.upper()):
        return None
    path = data_dir(environment) / GENERATED[name]
    return path.read_text(encoding="ascii").strip() if path.is_file() else None


def data_dir(environment: Mapping[str, str] | None = None) -> Path:
    """Tell the data folder before the rest of the settings can be read."""
    return Path(given(environment).get("SELFSERVE_DATA_DIR") or "instance")


def given(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Collect what is set in `.env` and in the environment, names in upper case."""
    names = {**dotenv_values(ENV_FILE), **(os.environ if environment is None else environment)}
    return {name.upper(): value or "" for name, value in names.items()}


def _refuse_unknown_names(environment: Mapping[str, str] | None) -> None:
    """Stop at a misspelt `SELFSERVE_` name: it would be ignored in silence."""
    known = {name.upper() for name in Settings.model_fields}
    unknown = sorted(name for name in given(environment) if name.startswith("SELFSERVE_") and name not in known)
    if unknown:
        raise SettingsError(
            f"{unknown[0]} is not a setting of Selfserve. `.env.example` lists them all; mend or remove it."
        )
