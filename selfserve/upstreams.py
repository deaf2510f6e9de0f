"""The OpenAI-compatible upstreams that keys open, and which of them serves a model.

One comes from UPSTREAM_BASE_URL and UPSTREAM_API_KEY; several from a TOML file, whose keys stay in the environment.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from selfserve.config import Settings, SettingsError, given
from selfserve.config.urls import is_plain_address
from selfserve.prices import Price, find_price, rate_of

_PER = Decimal(1_000_000)


class ModelEntry(BaseModel):
    """A model in the file; prices are dollars per million tokens, the public list's where none is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=255)]
    upstream_name: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    prompt: Annotated[Decimal, Field(ge=0, le=1_000_000)] | None = None
    completion: Annotated[Decimal, Field(ge=0, le=1_000_000)] = Decimal(0)
    cached: Annotated[Decimal, Field(ge=0, le=1_000_000)] | None = None

    @property
    def price(self) -> Price | None:
        """What it costs: as the file says, else as the public list does, else unknown."""
        if self.prompt is None:
            return find_price(self.upstream_name or self.name) or find_price(self.name)
        cached = None if self.cached is None else self.cached / _PER
        return Price("", "chat", rate_of(self.prompt / _PER, self.completion / _PER, cached))


class UpstreamEntry(BaseModel):
    """An upstream in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w .-]+$")]
    base_url: str
    api_key_env: str | None = None
    auth: Literal["bearer", "x-api-key"] | None = None
    model: list[ModelEntry] = []


class UpstreamFile(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    upstream: Annotated[list[UpstreamEntry], Field(min_length=1, max_length=100)]


@dataclass(frozen=True)
class Upstream:
    """Where calls go. Its key is sent to it and shown nowhere."""

    name: str
    base_url: str
    api_key: str = field(repr=False)
    auth: str = "bearer"
    """How it wants its key: as `Authorization: Bearer`, or in `x-api-key` as Anthropic does."""


@dataclass(frozen=True)
class Route:
    """Who serves a model, under which name, and at which price; None is unknown."""

    model: str
    upstream: Upstream
    upstream_model: str
    price: Price | None


@dataclass(frozen=True)
class Upstreams:
    """All that is configured."""

    routes: Mapping[str, Route] = field(default_factory=dict)
    rest: Upstream | None = None
    refuses_unpriced: bool = False
    """Whether a budget pays for no call of which nobody knows what it costs."""

    @property
    def is_configured(self) -> bool:
        """Whether keys open anything."""
        return bool(self.routes) or self.rest is not None

    @property
    def by_name(self) -> dict[str, Upstream]:
        """Every upstream by its name; the one that takes what no other one names comes first."""
        found = [*([self.rest] if self.rest else []), *(route.upstream for route in self.routes.values())]
        return {upstream.name: upstream for upstream in found}

    def route(self, model: str) -> Route | None:
        """Tell who serves a model; the upstream without a list takes what no other one names."""
        if model in self.routes:
            return self.routes[model]
        return Route(model, self.rest, model, find_price(model)) if self.rest else None


def load_upstreams(settings: Settings, environment: Mapping[str, str] | None = None) -> Upstreams:
    """Read what is configured. Raises SettingsError with the mend for a file that cannot be used."""
    entries = _read(settings.selfserve_upstreams).upstream if settings.selfserve_upstreams else []
    names = given(environment)
    routes: dict[str, Route] = {}
    rest = _from_settings(settings)
    if doubled := {entry.name for entry in entries if [each.name for each in entries].count(entry.name) > 1}:
        raise SettingsError(f"SELFSERVE_UPSTREAMS names the upstream {min(doubled)} twice.")
    for entry in entries:
        upstream = _upstream(entry, names)
        for model in entry.model:
            if model.name in routes:
                raise SettingsError(f"SELFSERVE_UPSTREAMS names the model {model.name} twice.")
            routes[model.name] = Route(model.name, upstream, model.upstream_name or model.name, model.price)
        if not entry.model:
            if rest:
                raise SettingsError(
                    "SELFSERVE_UPSTREAMS: only one upstream may go without a list of models; UPSTREAM_BASE_URL is one."
                )
            rest = upstream
    return Upstreams(routes, rest, settings.selfserve_unpriced == "refuse")


def _from_settings(settings: Settings) -> Upstream | None:
    """Make the one upstream of the two variables."""
    if not settings.upstream_base_url:
        return None
    address = settings.upstream_base_url.rstrip("/")
    api_key = _checked_key("UPSTREAM_API_KEY", settings.upstream_api_key.get_secret_value())
    return Upstream("default", address, api_key, _usual_auth(address))


def _upstream(entry: UpstreamEntry, names: Mapping[str, str]) -> Upstream:
    """Make one upstream of the file, with its key from the environment."""
    if not is_plain_address(entry.base_url):
        raise SettingsError(
            f"SELFSERVE_UPSTREAMS: base_url of {entry.name} must be an address such as `https://api.openai.com/v1`."
        )
    api_key = names.get(entry.api_key_env.upper(), "") if entry.api_key_env else ""
    if entry.api_key_env and not api_key:
        raise SettingsError(f"{entry.api_key_env} is not set; SELFSERVE_UPSTREAMS names it as the key of {entry.name}.")
    address = entry.base_url.rstrip("/")
    return Upstream(
        entry.name, address, _checked_key(entry.api_key_env or "", api_key), entry.auth or _usual_auth(address)
    )


def _checked_key(name: str, api_key: str) -> str:
    """Accept what a header can hold: a line break would be told by whoever refuses it, with the key around it."""
    if not (api_key.isascii() and api_key.isprintable()):
        raise SettingsError(f"{name} must be plain text in one line.")
    return api_key


def _usual_auth(address: str) -> str:
    """Guess how an upstream wants its key."""
    return "x-api-key" if (urlsplit(address).hostname or "").endswith("anthropic.com") else "bearer"


def _read(path: Path) -> UpstreamFile:
    """Read the file."""
    try:
        return UpstreamFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"SELFSERVE_UPSTREAMS: {path} cannot be read.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"SELFSERVE_UPSTREAMS is not TOML: {error}.") from None
    except ValidationError as error:
        raise SettingsError(f"SELFSERVE_UPSTREAMS: {_complaint(error.errors()[0])}") from None


def _complaint(problem: Any) -> str:
    """Say what is wrong in the file, and where, without the value."""
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where}: {problem['msg'][0].lower()}{problem['msg'][1:]}."
