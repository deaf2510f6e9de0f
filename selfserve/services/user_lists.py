"""Lists of users: numbered pages for the API, keyset pages for the browser."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute

from selfserve.database import starts_with
from selfserve.models import ApiKey, Invitation, Mail, User
from selfserve.permissions import Actor, Permission
from selfserve.schemas.users import UserFilter, UserListQuery
from selfserve.services import keys
from selfserve.services.actors import require
from selfserve.services.invitations import are_open
from selfserve.services.keys import works_now
from selfserve.services.paging import Order, Slice, bounded_count, bounded_counts, pages, take_page, take_slice
from selfserve.services.tallies import read_tally
from selfserve.services.user_names import are_like
from selfserve.services.users import can_sign_in, has_no_way_in, living_users

_SORTS: dict[str, Any] = {
    "user_id": User.user_id,
    "user_email": User.email_key,
    "created_at": User.created_at,
    "spend": User.window_spend,
    "user_alias": User.alias,
    "user_role": User.role,
}

_ORDERS: dict[str, Any] = {"created": User.created_at, "name": User.alias_key, "seen": User.last_login_at}


@dataclass(frozen=True)
class UserRow:
    """A user as a list shows them."""

    user: User
    active_keys: int
    invitation_expires_at: datetime | None
    invited_at: datetime | None
    invited_by: str | None
    mail_state: str | None
    """What became of the newest mail with their link; None where none was written."""


@dataclass(frozen=True)
class UserPage:
    """A numbered page of the API."""

    rows: list[tuple[User, int]]
    total: int
    total_pages: int


def list_users(actor: Actor, query: UserListQuery) -> UserPage:
    """List users for the API: filtered, sorted, a numbered page."""
    require(actor, Permission.USER_LIST)
    rows = _filtered(living_users(), query)
    is_filtered = any((query.role, query.user_ids, query.user_email, query.search))
    total = bounded_count(rows)[0] if is_filtered else read_tally("users")
    order = _SORTS[query.sort_by] if query.sort_by else User.created_at
    is_ascending = query.sort_by is not None and query.sort_order == "asc"
    users = take_page(rows, (order, User.id), is_ascending=is_ascending, page=query.page, size=query.page_size)
    counts = keys.count_keys_by_owner([user.id for user in users])
    return UserPage([(user, counts.get(user.id, 0)) for user in users], total, pages(total, query.page_size))


def list_user_page(actor: Actor, wanted: UserFilter) -> Slice[UserRow]:
    """List users for the browser: a keyset page, newest first unless another order is asked for."""
    require(actor, Permission.USER_LIST)
    order = Order(_ORDERS[wanted.sort or "created"], User.id, is_ascending=wanted.dir == "asc")
    return take_slice(select_rows(wanted), order, wanted.after, UserRow)


def select_rows(wanted: UserFilter) -> Select[Any]:
    """Select users as a list shows them, without order, as far as they pass the filters."""
    newest_mail = select(Mail.state).where(Mail.subject_id == Invitation.id).order_by(Mail.id.desc()).limit(1)
    mail_state = newest_mail.correlate(Invitation).scalar_subquery()
    of_link = Invitation.expires_at, Invitation.created_at, Invitation.created_by_name, mail_state
    return select_passing(wanted).add_columns(count_active_keys(), *(_of_open_link(column) for column in of_link))


def select_passing(wanted: UserFilter) -> Select[Any]:
    """Select the users that pass the filters."""
    rows = _searched(living_users(), wanted.q)
    if wanted.role:
        rows = rows.where(User.role == wanted.role.value)
    if wanted.status:
        rows = rows.where(_in_status(wanted.status))
    return rows


def count_by_status(actor: Actor) -> dict[str, tuple[int, bool]]:
    """Count all, active, invited and blocked users, each up to ten thousand."""
    require(actor, Permission.USER_LIST)
    everyone = living_users()
    return bounded_counts(
        {"all": everyone} | {name: everyone.where(_in_status(name)) for name in ("active", "invited", "blocked")}
    )


def _filtered(rows: Select[Any], query: UserListQuery) -> Select[Any]:
    """Apply the documented filters of `/user/list`."""
    if query.role:
        rows = rows.where(User.role == query.role.value)
    if query.user_ids:
        wanted = [part.strip() for part in query.user_ids.split(",")]
        rows = rows.where(User.user_id.in_(wanted) if len(wanted) > 1 else starts_with(User.user_id, wanted[0]))
    if query.user_email:
        rows = rows.where(starts_with(User.email_key, query.user_email.casefold()))
    return _searched(rows, query.search)


def _searched(rows: Select[Any], words: str | None) -> Select[Any]:
    """Search by the beginning of an address, a name or an id."""
    return rows.where(User.id.in_(are_like(words))) if words else rows


def _in_status(status: str) -> Any:
    """Say a status as a condition: blocked, or else invited until there is a way to sign in."""
    if status == "blocked":
        return User.is_blocked.is_(True)
    if status == "active":
        return can_sign_in() & User.is_blocked.is_(False)
    return has_no_way_in() & User.is_blocked.is_(False)


def count_active_keys() -> ScalarSelect[int]:
    """Count, beside each user, the keys that work now: of somebody blocked none does."""
    is_theirs = ApiKey.owner_id == User.id, ApiKey.deleted_at.is_(None)
    active = select(func.count()).select_from(ApiKey).where(*is_theirs, works_now(), User.is_blocked.is_(False))
    return active.correlate(User).scalar_subquery()


def _of_open_link(column: InstrumentedAttribute[Any] | ScalarSelect[Any]) -> ScalarSelect[Any]:
    """Tell something, beside each user, of their open invitation; there is one at most."""
    return select(column).where(Invitation.user_pk == User.id, are_open()).correlate(User).scalar_subquery()
