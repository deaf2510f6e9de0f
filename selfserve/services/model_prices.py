"""What models cost: the price that an admin set, else the one in the file of upstreams, else the public list's."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, literal_column, select

from selfserve import prices
from selfserve.clock import now
from selfserve.database import conflicts, transaction
from selfserve.errors import Conflict, NotFound, Stale
from selfserve.extensions import db
from selfserve.models import DailySpend, ModelPrice, User
from selfserve.permissions import MASTER_USER_ID, Actor, Permission
from selfserve.prices import Price, Rate, price_of, with_sizes
from selfserve.schemas.prices import PriceListQuery, PriceUpdate
from selfserve.services.actors import confirm, require
from selfserve.services.audit import record_event
from selfserve.services.paging import pages
from selfserve.upstreams import Upstreams

MOST_SET = 1_000
"""Prices that admins may set; so many can be looked through at once."""
MOST_FOUND = 50
MOST_UNPRICED = 50
DAYS_BACK = 30


@dataclass(frozen=True)
class SetPrice:
    """A price that an admin set, and what they are called where that was read."""

    row: ModelPrice
    who: str = ""


@dataclass(frozen=True)
class KnownPrice:
    """What a model costs and who says so: `admin`, `file` or `list`."""

    model: str
    source: str
    price: Price
    updated_at: datetime | None = None
    updated_by: str | None = None
    who: str = ""
    """What the person who set it is called."""

    @property
    def rate(self) -> Rate:
        """What its tokens usually cost."""
        return self.price.usual


@dataclass(frozen=True)
class PriceInQuestion:
    """What a model costs now and what it would cost if no admin had set it; `edition` is of what an admin set."""

    edition: str
    now: KnownPrice | None
    otherwise: KnownPrice | None


@dataclass(frozen=True)
class Unpriced:
    """A model that was called while nobody knew what it costs."""

    model: str
    calls: int
    last_day: date


@dataclass(frozen=True)
class PricePage:
    """Some of the prices that were asked for, and how many there are."""

    prices: list[KnownPrice]
    total: int
    page: int
    total_pages: int


@dataclass(frozen=True)
class PublicList:
    """The public list in force; one that came with this version was never refreshed."""

    models: int
    refreshed_at: datetime | None


@dataclass(frozen=True)
class PriceOverview:
    """What the settings page shows of prices."""

    unpriced: list[Unpriced]
    found: PricePage


def find_prices(models: Collection[str], upstreams: Upstreams) -> dict[str, Price | None]:
    """Tell what models cost, in one query; None is unknown."""
    found = db.session.scalars(select(ModelPrice).where(ModelPrice.model.in_(models)))
    rows = {row.model: SetPrice(row) for row in found}
    known = {model: _known(model, rows, upstreams) for model in models}
    return {model: each.price if each else None for model, each in known.items()}


def tell_list() -> PublicList:
    """Tell how many models the public list has, and when it was fetched anew."""
    file = prices.list_in_force()
    refreshed_at = None if file == prices.FILE else datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return PublicList(len(prices.listed()), refreshed_at)


def list_prices(actor: Actor, query: PriceListQuery, upstreams: Upstreams) -> PricePage:
    """List prices by model, of one source or of all."""
    require(actor, Permission.SETTINGS_READ)
    return _find(_read_set(), upstreams, query)


def give_overview(actor: Actor, words: str | None, upstreams: Upstreams) -> PriceOverview:
    """Gather what the settings page shows: models without a price, and the prices that are searched for.

    Without words it shows the prices that admins set.
    """
    require(actor, Permission.SETTINGS_READ)
    rows = _read_set()
    query = PriceListQuery(search=words, source=None if words else "admin", size=MOST_FOUND)
    return PriceOverview(_unpriced(rows, upstreams), _find(rows, upstreams, query))


def get_price(actor: Actor, model: str, upstreams: Upstreams) -> PriceInQuestion:
    """Give what a model costs as an admin set it, and what it would cost otherwise."""
    require(actor, Permission.SETTINGS_UPDATE)
    row = db.session.get(ModelPrice, model)
    rows = {model: SetPrice(row)} if row else {}
    return PriceInQuestion(_edition(row), _known(model, rows, upstreams), _known(model, {}, upstreams))


def set_price(actor: Actor, command: PriceUpdate, upstreams: Upstreams, *, shown: str | None = None) -> KnownPrice:
    """Set what a model costs in calls from now on.

    Raises Stale when it is not what was shown any more, Conflict when there are too many.
    """
    require(actor, Permission.SETTINGS_UPDATE)
    cached = command.cache_read_input_token_cost
    with conflicts({"pk_model_prices": Stale()}), transaction():
        row = _lock(actor, command.model, shown)
        before = _tell(row) if row else {}
        if row is None:
            row = _add(command.model)
        row.prompt = _written(command.input_cost_per_token)
        row.completion = _written(command.output_cost_per_token)
        row.cached = None if cached is None else _written(cached)
        row.updated_by = actor.user_id
        record_event(actor, "price.updated", "price", row.model, before=before, after=_tell(row))
    return _as_set(SetPrice(row), _known(row.model, {}, upstreams))


def delete_price(actor: Actor, model: str, upstreams: Upstreams, *, shown: str | None = None) -> KnownPrice | None:
    """Delete a price that an admin set; give what the model costs without it, None where nobody knows.

    Raises NotFound when there is none, Stale when it is not what was shown any more.
    """
    require(actor, Permission.SETTINGS_UPDATE)
    with transaction():
        row = _lock(actor, model, shown)
        if row is None:
            raise NotFound("No admin set a price for this model.", param="model")
        db.session.delete(row)
        record_event(actor, "price.deleted", "price", model, before=_tell(row), after={"model": model})
    return _known(model, {}, upstreams)


def _edition(row: ModelPrice | None) -> str:
    """Give the edition that a form is filled in from, also where no price is set yet."""
    return row.edition if row else "none"


def _as_set(set_price: SetPrice, otherwise: KnownPrice | None) -> KnownPrice:
    """Tell what a model costs as an admin set it."""
    row = set_price.row
    own = price_of(row.prompt, row.completion, row.cached)
    price = with_sizes(own, otherwise.price if otherwise else None) or own
    return KnownPrice(row.model, "admin", price, row.updated_at, row.updated_by, set_price.who)


def _known(model: str, rows: dict[str, SetPrice], upstreams: Upstreams) -> KnownPrice | None:
    """Find what a model costs and who says so."""
    route = upstreams.routes.get(model)
    otherwise = route.price if route else prices.find_price(model)
    known = KnownPrice(model, _source(model, {}, upstreams), otherwise) if otherwise else None
    return _as_set(rows[model], known) if model in rows else known


def _source(model: str, rows: dict[str, SetPrice], upstreams: Upstreams) -> str:
    """Tell who says what a model costs."""
    if model in rows:
        return "admin"
    route = upstreams.routes.get(model)
    return "file" if route and route.price != prices.find_price(model) else "list"


def _read_set() -> dict[str, SetPrice]:
    """Read the prices that admins set."""
    who = func.coalesce(User.alias, User.email, User.user_id)
    rows = select(ModelPrice, who).outerjoin(User, User.user_id == ModelPrice.updated_by)
    found = db.session.execute(rows.order_by(ModelPrice.model).limit(MOST_SET))
    return {row.model: SetPrice(row, _called(row.updated_by, name)) for row, name in found}


def _called(user_id: str | None, name: str | None) -> str:
    """Say what the person who set a price is called."""
    return "the master key" if user_id == MASTER_USER_ID else name or "somebody"


def _find(rows: dict[str, SetPrice], upstreams: Upstreams, query: PriceListQuery) -> PricePage:
    """Search models by a part of their names; those that begin with it come first."""
    words = (query.search or "").casefold()
    found = [model for model in _names(rows, upstreams, query.source) if words in model.casefold()]
    found.sort(key=lambda model: (not model.casefold().startswith(words), model))
    first = (query.page - 1) * query.size
    known = [_known(model, rows, upstreams) for model in found[first : first + query.size]]
    return PricePage([each for each in known if each], len(found), query.page, pages(len(found), query.size))


def _names(rows: dict[str, SetPrice], upstreams: Upstreams, source: str | None) -> Iterable[str]:
    """Name the models whose price comes from a source, or from any."""
    if source == "admin":
        return rows
    named = {model for model, route in upstreams.routes.items() if route.price}
    models = {*prices.listed(), *named, *rows}
    return (model for model in models if source in (None, _source(model, rows, upstreams)))


def _unpriced(rows: dict[str, SetPrice], upstreams: Upstreams) -> list[Unpriced]:
    """Find the models that were called lately at unknown cost and still have no price, the most called first."""
    calls, last = func.sum(DailySpend.unpriced_requests), func.max(DailySpend.day)
    is_unknown = DailySpend.unpriced_requests > literal_column("0")  # in the words of the index that holds them
    first = now().date() - timedelta(days=DAYS_BACK - 1)
    found = (
        select(DailySpend.model, calls, last)
        .where(is_unknown, DailySpend.day >= first)
        .group_by(DailySpend.model)
        .order_by(calls.desc(), DailySpend.model)
    )
    listed = [Unpriced(model, int(count), day) for model, count, day in db.session.execute(found.limit(MOST_SET))]
    return [each for each in listed if _known(each.model, rows, upstreams) is None][:MOST_UNPRICED]


def _lock(actor: Actor, model: str, shown: str | None) -> ModelPrice | None:
    """Lock a price that is set, once the actor is known to be still an admin; refuse what is not as it was shown."""
    confirm(actor, Permission.SETTINGS_UPDATE)
    row = db.session.get(ModelPrice, model, with_for_update=True)
    if shown not in (None, _edition(row)):
        raise Stale
    return row


def _add(model: str) -> ModelPrice:
    """Add the row of a model. Raises Conflict when there are as many as can be looked through."""
    if (db.session.scalar(select(func.count()).select_from(ModelPrice)) or 0) >= MOST_SET:
        raise Conflict(f"There are {MOST_SET:,} prices that admins set. Delete one first.")
    row = ModelPrice(model=model)
    db.session.add(row)
    return row


def _tell(row: ModelPrice) -> dict[str, Any]:
    """Tell a price for the audit: dollars per token."""
    return {"model": row.model, "prompt": row.prompt, "completion": row.completion, "cached": row.cached}


def _written(price: Decimal) -> str:
    """Write dollars per token without an exponent and without empty places."""
    return f"{price.normalize():f}"
