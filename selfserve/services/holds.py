"""What calls that run right now hold of a budget: read beside a key or a person, in the same query."""

from typing import Any, TypeVar

from sqlalchemy import func, select

from selfserve.clock import now
from selfserve.errors import NotFound
from selfserve.extensions import db
from selfserve.models import ApiKey, OpenCall, User
from selfserve.permissions import Actor, Permission, allows
from selfserve.services.actors import require
from selfserve.services.key_names import are_within_reach
from selfserve.services.keys import living_keys, within_reach
from selfserve.services.open_calls import are_of
from selfserve.services.spend_sums import sees_all_spend

Thing = TypeVar("Thing", ApiKey, User)


def holds(subject: type[ApiKey | User]) -> list[Any]:
    """Select what is held and by how many calls, to stand beside a key or a person; `holding` takes it."""
    running = select(OpenCall).where(are_of(subject), OpenCall.lapses_at > now()).correlate(subject)
    held = running.with_only_columns(func.coalesce(func.sum(OpenCall.reserved), 0))
    return [held.scalar_subquery(), running.with_only_columns(func.count()).scalar_subquery()]


def holding(thing: Thing, held: int, running: int) -> Thing:
    """Note on a key or a person what was read beside them."""
    thing.held, thing.running = int(held), running
    return thing


def get_key(actor: Actor, key_id: str) -> ApiKey:
    """Get a key with what its calls hold. Raises NotFound out of reach or unknown."""
    require(actor, Permission.KEY_READ)
    found = db.session.execute(living_keys().where(ApiKey.id == key_id).add_columns(*holds(ApiKey))).one_or_none()
    return within_reach(actor, Permission.KEY_READ, holding(*found) if found else None)


def find_keys(actor: Actor, key_ids: list[str]) -> list[ApiKey]:
    """Find keys with what their calls hold, as far as they are still there and within reach."""
    require(actor, Permission.KEY_READ)
    rows = living_keys().where(ApiKey.id.in_(key_ids), are_within_reach(actor, Permission.KEY_READ))
    return [holding(*row) for row in db.session.execute(rows.order_by(ApiKey.id).add_columns(*holds(ApiKey)))]


def find_person(row_id: str) -> User | None:
    """Find somebody with what calls of all their keys hold, also after they were deleted."""
    found = db.session.execute(select(User, *holds(User)).where(User.id == row_id)).one_or_none()
    return holding(*found) if found else None


def get_spender(actor: Actor, row_id: str) -> User:
    """Get whose spend is looked at. Raises NotFound out of reach or unknown."""
    person = find_person(row_id) if sees_all_spend(actor) or allows(actor, Permission.SPEND_READ, row_id) else None
    if person is None:
        raise NotFound("There is no such user.", param="user")
    return person
