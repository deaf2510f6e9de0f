"""Lists of keys: numbered pages for the API, keyset pages for the browser."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_, select, union

from selfserve.clock import now
from selfserve.database import starts_with
from selfserve.errors import Forbidden, Invalid
from selfserve.extensions import db
from selfserve.models import ApiKey, KeyStatus, User
from selfserve.models.api_key import EXPIRING_DAYS
from selfserve.permissions import Actor, Permission, Reach, reach
from selfserve.schemas.keys import KeyAliasQuery, KeyFilter, KeyListQuery, KeyNames
from selfserve.services.actors import require
from selfserve.services.holds import holding, holds
from selfserve.services.key_names import are_named, are_within_reach, named
from selfserve.services.key_restores import are_restorable, may_restore
from selfserve.services.keys import every_key, living_keys
from selfserve.services.paging import Order, Slice, bounded_count, pages, take_page, take_slice
from selfserve.services.tallies import read_tally
from selfserve.services.user_names import are_like

MOST_NAMED = 500
_SORTS: dict[str, Any] = {
    "spend": ApiKey.window_spend,
    "max_budget": ApiKey.max_budget,
    "created_at": ApiKey.created_at,
    "updated_at": ApiKey.updated_at,
    "token": ApiKey.token,
    "key_alias": ApiKey.alias,
}
_ALL_ORDERS: dict[str, Any] = {
    "created": ApiKey.created_at,
    "used": ApiKey.last_used_at,
    "expires": ApiKey.expires_at,
}
_OWN_ORDERS: dict[str, Any] = _ALL_ORDERS | {"name": ApiKey.alias_key, "spend": None}
"""Spend depends on the moment: see `_spend_now`."""


@dataclass(frozen=True)
class KeyPage:
    """A numbered page of the API."""

    keys: list[ApiKey]
    total: int
    total_pages: int


def list_keys(actor: Actor, query: KeyListQuery) -> KeyPage:
    """List keys within reach by numbered pages. Raises Forbidden for a filter that names somebody else."""
    require(actor, Permission.KEY_READ)
    sees_all = reach(actor.role, Permission.KEY_READ) is Reach.ANYONES
    if not sees_all and (query.user_id not in (None, actor.user_id) or query.team_id is not None):
        raise Forbidden("You can only list your own keys. Leave user_id and team_id out.", param="user_id")
    rows = _filtered(living_keys().where(are_within_reach(actor, Permission.KEY_READ)), query, sees_all)
    is_filtered = query.model_fields_set - {"page", "size", "return_full_object", "sort_by", "sort_order"}
    total = _total(rows, sees_all, is_filtered=bool(is_filtered))
    order = _SORTS[query.sort_by or "created_at"]
    is_ascending = query.sort_order == "asc"
    keys = take_page(rows, (order, ApiKey.id), is_ascending=is_ascending, page=query.page, size=query.size)
    return KeyPage(keys, total, pages(total, query.size))


def list_aliases(actor: Actor, query: KeyAliasQuery) -> KeyPage:
    """List keys within reach that have an alias, in the order of their aliases."""
    require(actor, Permission.KEY_READ)
    sees_all = reach(actor.role, Permission.KEY_READ) is Reach.ANYONES
    rows = living_keys().where(are_within_reach(actor, Permission.KEY_READ), ApiKey.alias_key.is_not(None))
    if query.search is not None:
        rows = rows.where(_matches(query.search, is_own=not sees_all))
    total = _total(rows, sees_all, is_filtered=True)
    keys = take_page(rows, (ApiKey.alias_key, ApiKey.id), is_ascending=True, page=query.page, size=query.size)
    return KeyPage(keys, total, pages(total, query.size))


def find_keys(actor: Actor, command: KeyNames) -> list[ApiKey]:
    """Find the keys that are named, as far as they are within reach; the others are left out."""
    require(actor, Permission.KEY_READ)
    is_meant = are_named(command.keys or [], command.key_aliases or [])
    rows = living_keys().where(is_meant, are_within_reach(actor, Permission.KEY_READ))
    return list(db.session.scalars(rows.order_by(ApiKey.created_at.desc(), ApiKey.id).limit(MOST_NAMED)))


def list_own_keys(actor: Actor, wanted: KeyFilter) -> Slice[ApiKey]:
    """List the actor's own keys for the browser."""
    require(actor, Permission.KEY_READ)
    return _slice(_meant(actor, wanted).where(ApiKey.owner_id == actor.id), wanted, _OWN_ORDERS, is_own=True)


def list_all_keys(actor: Actor, wanted: KeyFilter) -> Slice[ApiKey]:
    """List everyone's keys for the browser, in an order that an index answers at a million."""
    require(actor, Permission.KEY_OVERSEE)
    return _slice(_meant(actor, wanted), wanted, _ALL_ORDERS, is_own=False)


def _total(rows: Select[Any], sees_all: bool, *, is_filtered: bool) -> int:
    """Count what a list holds: exact within an owner, bounded where a filter crosses them."""
    if not sees_all:
        return db.session.scalar(rows.with_only_columns(func.count(), maintain_column_froms=True)) or 0
    return bounded_count(rows)[0] if is_filtered else read_tally("keys")


def _meant(actor: Actor, wanted: KeyFilter) -> Select[Any]:
    """Select the living keys, or the deleted ones that the actor may still bring back."""
    if wanted.status != "deleted":
        return living_keys()
    may_write = reach(actor.role, Permission.KEY_DELETE) is not None
    return every_key().where(are_restorable(), may_restore(actor) if may_write else false())


def _slice(rows: Select[Any], wanted: KeyFilter, orders: dict[str, Any], *, is_own: bool) -> Slice[ApiKey]:
    """Filter and take one keyset page. Raises Invalid for an order that this list does not have."""
    if wanted.owner:
        rows = rows.where(ApiKey.owner_id == wanted.owner)
    if wanted.q:
        rows = rows.where(_matches(wanted.q, is_own=is_own))
    if wanted.status and wanted.status != "deleted":
        rows = rows.where(_in_status(KeyStatus(wanted.status)))
    sort = wanted.sort or "created"
    if sort not in orders:
        raise Invalid(f"sort: must be one of {', '.join(orders)}.", param="sort")
    known = read_tally("keys") if not (is_own or wanted.owner or wanted.q or wanted.status) else None
    column = _spend_now() if sort == "spend" else orders[sort]
    order = Order(column, ApiKey.id, is_ascending=wanted.dir == "asc")
    return take_slice(rows.add_columns(*holds(ApiKey)), order, wanted.after, holding, known)


def _spend_now() -> ColumnElement[int]:
    """Say what a key has spent in its window; `Budgeted.spend` says it in Python."""
    return case((ApiKey.budget_reset_at <= now(), 0), else_=ApiKey.window_spend)


def _filtered(rows: Select[Any], query: KeyListQuery, sees_all: bool) -> Select[Any]:
    """Apply the documented filters of `/key/list`."""
    if query.user_id is not None:
        rows = rows.where(User.user_id == query.user_id)
    if query.team_id is not None:
        rows = rows.where(ApiKey.id.is_(None))
    if query.key_hash is not None:
        rows = rows.where(named(query.key_hash))
    if query.key_alias is not None:
        rows = rows.where(ApiKey.alias == query.key_alias)
    if query.search is not None:
        rows = rows.where(_matches(query.search, is_own=not sees_all))
    if query.status is not None:
        rows = rows.where(_in_status(KeyStatus(query.status)))
    return rows


def _matches(words: str, *, is_own: bool) -> Any:
    """Search by the beginning of an alias, an owner's address or an id; within one owner anywhere in the alias."""
    folded = words.casefold()
    if is_own:
        return or_(ApiKey.alias_key.contains(folded, autoescape=True), ApiKey.tail == words[-4:], ApiKey.token == words)
    by_alias = select(ApiKey.id).where(starts_with(ApiKey.alias_key, folded))
    by_owner = select(ApiKey.id).where(ApiKey.owner_id.in_(are_like(words)))
    by_name = select(ApiKey.id).where(named(words))
    return ApiKey.id.in_(union(by_alias, by_owner, by_name))


def _in_status(status: KeyStatus) -> Any:
    """Say a status as a condition, in the order in which `ApiKey.status` decides."""
    moment = now()
    is_expired = and_(ApiKey.expires_at.is_not(None), ApiKey.expires_at <= moment)
    is_spent = and_(
        ApiKey.max_budget.is_not(None),
        ApiKey.window_spend >= ApiKey.max_budget,
        or_(ApiKey.budget_reset_at.is_(None), ApiKey.budget_reset_at > moment),
    )
    expires_soon = and_(ApiKey.expires_at > moment, ApiKey.expires_at <= moment + timedelta(days=EXPIRING_DAYS))
    free = ApiKey.is_blocked.is_(False)
    return {
        KeyStatus.BLOCKED: ApiKey.is_blocked.is_(True),
        KeyStatus.EXPIRED: and_(free, is_expired),
        KeyStatus.OVER_BUDGET: and_(free, ~is_expired, is_spent),
        KeyStatus.EXPIRING: and_(free, expires_soon, ~is_spent),
        KeyStatus.ACTIVE: and_(free, ~is_expired, ~is_spent),
    }[status]
