"""Which models there are, who may call them by which key, and at what price."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from sqlalchemy import select

from selfserve.errors import NotFound
from selfserve.extensions import db
from selfserve.models import ApiKey, User
from selfserve.permissions import MASTER_USER_ID, Actor, Permission, covers
from selfserve.prices import Price, find_price
from selfserve.routes import CHAT, opens
from selfserve.schemas.models import ModelFilter
from selfserve.services.actors import require
from selfserve.services.keys import living_keys, works_now
from selfserve.services.model_prices import find_prices
from selfserve.services.paging import ROWS_PER_PAGE, Slice
from selfserve.upstreams import Upstreams

MOST_KEYS = 200
MOST_ALIKE = 3
CHAT_MODES = ("chat", "responses", "completion")


class Access(StrEnum):
    """Whether somebody may call a model; a list shows them in this order."""

    AVAILABLE = "available"
    NO_KEY = "no_key"
    NOT_ALLOWED = "not_allowed"


class Lack(StrEnum):
    """What keeps somebody from calling a model."""

    NO_UPSTREAM = "no_upstream"
    NO_ANSWER = "no_answer"
    NOT_SERVED = "not_served"
    NOT_ALLOWED = "not_allowed"
    NO_KEYS = "no_keys"
    NO_KEY = "no_key"


@dataclass(frozen=True)
class HeldKey:
    """A key that works now and calls models: its list of them, and its row where a page shows it."""

    models: Collection[str]
    row: ApiKey | None = None


@dataclass(frozen=True)
class Holder:
    """Who asks: their own list of models, and their keys."""

    models: Collection[str]
    keys: Sequence[HeldKey]

    def keys_for(self, model: str) -> list[HeldKey]:
        """Give the keys that may call a model."""
        return [key for key in self.keys if covers(self.models, model) and covers(key.models, model)]

    def access(self, model: str) -> Access:
        """Tell whether they may call it."""
        if not covers(self.models, model):
            return Access.NOT_ALLOWED
        return Access.AVAILABLE if any(covers(key.models, model) for key in self.keys) else Access.NO_KEY


@dataclass(frozen=True)
class Model:
    """A model as the one who asks sees it; without a price what it costs is unknown."""

    name: str
    owner: str
    price: Price | None
    access: Access

    @property
    def kind(self) -> str:
        """What it is for: `chat`, `embedding`, or nothing where the price list does not know it."""
        mode = self.price.mode if self.price else ""
        return "chat" if mode in CHAT_MODES else mode


@dataclass(frozen=True)
class Catalogue:
    """The models that are served, and what somebody may do with them."""

    holder: Holder
    models: Sequence[Model]
    is_told: bool
    """Whether every upstream says what it serves; else the models that limits name stand in for it."""

    @property
    def callable(self) -> list[Model]:
        """Those that may be called now; models to chat with come first."""
        return sorted(self.matching(ModelFilter(show="mine")), key=lambda model: model.kind != "chat")

    def matching(self, wanted: ModelFilter) -> list[Model]:
        """Give those that a filter asks for."""
        words, kind = (wanted.q or "").casefold(), wanted.kind
        return [
            model
            for model in self.models
            if (kind is None or model.kind == kind)
            and (wanted.show is None or (model.access is Access.AVAILABLE) == (wanted.show == "mine"))
            and (words in model.name.casefold() or words in model.owner.casefold())
        ]

    def get(self, name: str) -> Model:
        """Get one that may be called. Raises NotFound, the same for an unknown one and for one that may not."""
        for model in self.models:
            if model.name == name and model.access is Access.AVAILABLE:
                return model
        raise NotFound("This key may call no such model. GET /v1/models lists those it may.", param="model")

    def like(self, name: str) -> list[str]:
        """Name the few that are spelt nearly so."""
        return get_close_matches(name, [model.name for model in self.models], MOST_ALIKE, 0.6)

    def slice(self, wanted: ModelFilter) -> Slice[Model]:
        """Take one page of them, beginning after the one that is named."""
        found = self.matching(wanted)
        names = [model.name for model in found]
        start = names.index(wanted.after) + 1 if wanted.after in names else 0
        items = found[start : start + ROWS_PER_PAGE]
        is_more = len(found) > start + ROWS_PER_PAGE
        return Slice(items, len(found), False, items[-1].name if is_more else None)


def list_models(actor: Actor, upstreams: Upstreams, told: Collection[str] | None) -> Catalogue:
    """List the models that the upstreams serve, with what the actor may do with each; those they may call come first.

    `told` is what the upstream without a list of models says that it serves, None if it did not say.
    """
    require(actor, Permission.MODEL_LIST)
    holder = _holder(actor)
    prices = find_prices(_names(upstreams, told, holder), upstreams)
    models = [Model(name, _owner(name, price, upstreams), price, holder.access(name)) for name, price in prices.items()]
    ranks = list(Access)
    models.sort(key=lambda model: (ranks.index(model.access), model.name))
    return Catalogue(holder, models, told is not None)


def list_models_of(key: ApiKey, upstreams: Upstreams, told: Collection[str] | None) -> list[str]:
    """Name the models that a key may call, those to chat with first, else what its limits name; none is unknown."""
    holder = Holder(key.owner.models, [HeldKey(key.models)])
    named = [name for name in dict.fromkeys([*key.models, *key.owner.models]) if not name.endswith("*")]
    served = _names(upstreams, told, holder)
    found = [name for name in [*named, *sorted(served.difference(named))] if name in served and holder.keys_for(name)]
    return sorted(found, key=_is_embedding) or named


def explain_lack(listed: Catalogue, upstreams: Upstreams, name: str) -> list[Lack]:
    """Tell all that keeps somebody from calling a model, nothing if they may call it."""
    if not upstreams.is_configured:
        return [Lack.NO_UPSTREAM]
    holder, lacks = listed.holder, []
    if name not in upstreams.routes and name not in {model.name for model in listed.models}:
        lacks.append(Lack.NOT_SERVED if listed.is_told else Lack.NO_ANSWER)
    access = holder.access(name)
    if access is Access.NOT_ALLOWED:
        lacks.append(Lack.NOT_ALLOWED)
    elif access is Access.NO_KEY:
        lacks.append(Lack.NO_KEY if holder.keys else Lack.NO_KEYS)
    return lacks


def _holder(actor: Actor) -> Holder:
    """Read the lists of models that bind the actor: their own, and that of the key they came with or of all theirs."""
    models = db.session.scalar(select(User.models).where(User.id == actor.id)) or []
    if actor.key:
        return Holder(models, [HeldKey(actor.key.limits.models)])
    if actor.user_id == MASTER_USER_ID:
        return Holder(models, [HeldKey(())])
    own = living_keys().where(ApiKey.owner_id == actor.id, works_now()).order_by(ApiKey.created_at.desc(), ApiKey.id)
    rows = db.session.scalars(own.limit(MOST_KEYS)).all()
    return Holder(models, [HeldKey(key.models, key) for key in rows if opens(key.allowed_routes, CHAT)])


def _names(upstreams: Upstreams, told: Collection[str] | None, holder: Holder) -> set[str]:
    """Name every model that is served, as far as anybody knows."""
    if told is None:
        lists = [holder.models, *(key.models for key in holder.keys)]
        told = {name for names in lists for name in names if not name.endswith("*")}
    return {*upstreams.routes, *told}


def _owner(name: str, price: Price | None, upstreams: Upstreams) -> str:
    """Tell who makes a model, else which upstream serves it."""
    route = upstreams.route(name)
    return (price.provider if price else "") or (route.upstream.name if route else "")


def _is_embedding(name: str) -> bool:
    """Tell whether the price list knows a model as one that turns text into vectors."""
    price = find_price(name)
    return price is not None and price.mode == "embedding"
