"""The same deed through both doors: the same people may do it, and the same is so afterwards."""

from dataclasses import dataclass
from typing import Any

import pytest

from selfserve.models import ApiKey, User
from tests.application import the_database
from tests.factories import make_invitation, make_key, make_user, reload, rows
from tests.html import SECRET


@dataclass(frozen=True)
class Deed:
    """One deed, as a form of the pages and as a call of the API."""

    name: str
    form: str
    fields: dict[str, Any]
    call: str
    body: dict[str, Any]


KEY, USER = "<key>", "<user>"
DEEDS = [
    Deed("make a key", "/ui/keys", {"key_alias": "new"}, "/key/generate", {"key_alias": "new", "duration": "30d"}),
    Deed("block a key", "/ui/keys/<key>/block", {}, "/key/block", {"key": KEY}),
    Deed("unblock a key", "/ui/keys/<key>/unblock", {}, "/key/unblock", {"key": KEY}),
    Deed("delete a key", "/ui/keys/<key>/delete", {}, "/key/delete", {"keys": [KEY]}),
    Deed(
        "make a user",
        "/ui/users",
        {"emails": "new@example.com", "role": "internal_user"},
        "/user/new",
        {"user_email": "new@example.com", "auto_create_key": False},
    ),
    Deed(
        "change a role",
        "/ui/users/<user>/role",
        {"role": "internal_user_viewer"},
        "/user/update",
        {"user_id": USER, "user_role": "internal_user_viewer"},
    ),
    Deed("block a user", "/ui/users/<user>/block", {}, "/user/update", {"user_id": USER, "blocked": True}),
    Deed("unblock a user", "/ui/users/<user>/unblock", {}, "/user/update", {"user_id": USER, "blocked": False}),
    Deed("delete a user", "/ui/users/<user>/delete", {}, "/user/delete", {"user_ids": [USER]}),
    Deed("invite", "/ui/users/<user>/invitation", {}, "/invitation/new", {"user_id": USER}),
]
CAST = {
    "Ada": "proxy_admin",
    "Vera": "proxy_admin_viewer",
    "Mia": "internal_user",
    "Otto": "internal_user",
    "Ivo": "internal_user_viewer",
}


def filled(text, names):
    """Put the real names into a path or a body."""
    if isinstance(text, dict):
        return {name: filled(value, names) for name, value in text.items()}
    if isinstance(text, list):
        return [filled(value, names) for value in text]
    for name, value in names.items():
        text = text.replace(name, value) if isinstance(text, str) else text
    return text


def outcome(key, user, before):
    """Describe what is so now: Mia's key, the user, and how many there are."""
    stored_key, stored_user = reload(key), reload(user)
    return {
        "key": (stored_key.is_blocked, stored_key.deleted_at is not None, stored_key.blocked_by),
        "user": (stored_user.role, stored_user.is_blocked, stored_user.deleted_at is not None),
        "made": (len(rows(ApiKey)) - before[0], len(rows(User)) - before[1]),
    }


@pytest.mark.parametrize("name", list(CAST))
@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)
def test_both_doors_agree(app, browser, curl, deed, name):

    seen = []
    for door in ("page", "call"):
        the_database().reset()
        people = {person: make_user(person, role=role) for person, role in CAST.items()}
        key = make_key(people["Mia"], "laptop", is_blocked=deed.name == "unblock a key")
        user = make_user("Target", is_blocked=deed.name == "unblock a user")
        make_invitation(user)
        secret = make_key(people[name], "door").secret
        before = len(rows(ApiKey)), len(rows(User))
        names = {KEY: key.row.id, USER: user.id if door == "page" else user.user_id}
        if door == "page":
            page = browser(people[name])
            page.get("/ui/account")
            answer = page.post(filled(deed.form, names), filled(deed.fields, names), reveals=True)
        else:
            answer = curl(secret).post(deed.call, filled(deed.body, names), reveals=True)
        is_done = answer.status < 400
        made_secret = bool(SECRET.search(answer.text)) if is_done else False
        seen.append((is_done, None if is_done else answer.status, made_secret, outcome(key.row, user, before)))
    assert seen[0] == seen[1]
