"""A mark of its own in every column of a person's rows: whatever is seen somewhere says where it came from."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, String, and_, false, select, update

from selfserve.clock import now
from selfserve.database import transaction
from selfserve.extensions import db
from selfserve.minting import fingerprint, mint_token
from selfserve.models import ApiKey, AuditEvent, Call, DailySpend, OpenCall, Session, User
from tests.application import the_app
from tests.factories import make_user, reload, save
from tests.integration.security.actions import Scene, scene_of

Column = tuple[str, str]
MEANINGFUL = {
    "role", "key_type", "budget_duration", "allowed_routes", "user_id", "actor_role", "source", "action", "object_type",
    "object_id", "owner_user_id", "actor_user_id", "created_by", "updated_by", "deleted_by", "actor_key_id",
    "exception",
}  # fmt: skip
"""Columns whose words mean something to the code: what really stands there is the mark, if it is long enough."""
WORDS = {"role", "actor_role", "key_type", "source", "action", "object_type", "noun", "exception"}
"""Columns with words of ours: they say nothing of anybody."""
IN_JSON = {
    "models": lambda mark: [mark],
    "tags": lambda mark: [mark],
    "admin_limits": lambda mark: {"models": [mark]},
    "before": lambda mark: {"alias": mark},
    "after": lambda mark: {"alias": mark},
}
SPEND = 7_777_777_777
SHORTEST = 16


def marked_scene(name: str = "Mia", **columns: Any) -> tuple[Any, Scene, dict[Column, set[str]]]:
    """Make a person with one of everything, each text in it a mark; give the person, the scene, the marks."""
    user = make_user(name, user_id=f"{name.lower()}-who-lives-by-the-sea", **columns)
    return user_and_marks(user, lambda table, column, number: f"{name.lower()}-{table}-{column}-{number}")


def user_and_marks(user: User, text_of: Callable[[str, str, int], str]) -> tuple[User, Scene, dict[Column, set[str]]]:
    """Give somebody one of everything and write a text of its own into each text of it."""
    scene = furnished(user, text_of("daily_spend", "model", 0))
    marks = mark_rows_of(user, text_of)
    marks |= mark_event(user, scene.key.row, text_of)
    user = reload(user)
    return user, replace(scene, user=user), marks


def furnished(user: User, model: str) -> Scene:
    """Give somebody a key in its grace, a deleted one, a link, a call, one that runs, a day of spend and a session."""
    scene, moment = scene_of(user, user), now()
    of_key = {"user_pk": user.id, "key_id": scene.key.row.id}
    said = {"request_id": f"request-of-{user.id}", "started_at": moment, "cost": SPEND}
    save(Call(**of_key, model="x", address="x", user_agent="x", **said))
    runs = {"started_at": moment, "lapses_at": moment + timedelta(minutes=9), "reserved": SPEND}
    save(OpenCall(**of_key, request_id=f"open-call-of-{user.id}", model="x", provider="x", **runs))
    save(DailySpend(**of_key, day=datetime.now(UTC).date(), model=model, spend=SPEND, requests=1))
    lasts = {"expires_at": moment.replace(year=moment.year + 1)}
    save(Session(id_hash=fingerprint(mint_token()), user_pk=user.id, address="x", user_agent="x", **lasts))
    return scene


def mark_event(user: User, key: ApiKey, text_of: Callable[[str, str, int], str]) -> dict[Column, set[str]]:
    """Add an audit event full of marks; those that are there cannot be changed."""
    columns = ("address", "request_id", "before", "after")
    marks = {column: text_of("audit_events", column, 0)[:64] for column in columns}
    about = {"actor_user_id": user.user_id, "owner_user_id": user.user_id, "object_id": key.id, "object_type": "key"}
    texts = {"address": marks["address"], "request_id": marks["request_id"]}
    told = {column: {"alias": marks[column]} for column in ("before", "after")}
    save(AuditEvent(actor_role=user.role, source="api", action="key.updated", **about, **texts, **told))
    return {("audit_events", column): {mark} for column, mark in marks.items()}


def mark_rows_of(user: User, text_of: Callable[[str, str, int], str]) -> dict[Column, set[str]]:
    """Write a mark into each text of each row that is somebody's; where none may be written, take what is there."""
    marks: dict[Column, set[str]] = {}
    with the_app().app_context(), transaction():
        for table in db.metadata.sorted_tables:
            condition = belongs_to(table, user)
            for number, row in enumerate(db.session.execute(select(table).where(condition)).mappings().all()):
                values = {text.name: _marked(text, text_of(table.name, text.name, number)) for text in table.c
                          if _is_markable(text)}  # fmt: skip
                at_row = and_(*(column == row[column] for column in table.primary_key))
                if values:
                    db.session.execute(update(table).where(at_row).values(values))
                kept = {column.name: row[column] for column in table.c
                        if not column.foreign_keys and column.name not in WORDS}  # fmt: skip
                for column, found in _marks_in(table, kept | values):
                    if found not in set().union(*marks.values()):  # one that stands twice is of the first column
                        marks.setdefault(column, set()).add(found)
    return marks


def belongs_to(table: Any, user: User) -> Any:
    """Say which rows of a table are somebody's."""
    for column in table.columns:
        targets = {key.column.table.name for key in column.foreign_keys}
        if "users" in targets:
            return column == user.id
    for column in table.columns:
        if {key.column.table.name for key in column.foreign_keys} == {"api_keys"}:
            return column.in_(select(ApiKey.id).where(ApiKey.owner_id == user.id))
    return table.c.id == user.id if table.name == "users" else false()


def _is_markable(column: Any) -> bool:
    """Tell whether a mark may stand in a column: a text that is no key, no hash, no word of the code and not short."""
    is_free = not column.primary_key and not column.foreign_keys and column.name not in MEANINGFUL
    is_hash = column.name in ("token", "secret_hash")
    is_text = isinstance(column.type, JSON) or (
        isinstance(column.type, String) and (column.type.length or 0) > SHORTEST
    )
    return is_free and is_text and not is_hash


def _marked(column: Any, mark: str) -> Any:
    """Write a mark in the shape of its column."""
    if isinstance(column.type, JSON):
        return IN_JSON.get(column.name, lambda text: {text: text})(mark)
    return mark[: column.type.length]


def _marks_in(table: Any, row: dict[str, Any]) -> Iterable[tuple[Column, str]]:
    """Give every long text of a row with its column."""
    for name, value in row.items():
        for text in _texts_in(value):
            if len(text) >= SHORTEST:
                yield (table.name, name), text


def _texts_in(value: Any) -> list[str]:
    """Give every text in a value, however deep."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value] if isinstance(value, str) else [text for each in inside for text in _texts_in(each)]


def seen(told: str, marks: dict[Column, set[str]]) -> set[Column]:
    """Tell the columns whose marks are in a text."""
    return {column for column, found in marks.items() if any(mark in told for mark in found)}
