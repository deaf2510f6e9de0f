"""The same deed through both doors: the same people may do it, and the same stands in every table afterwards."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from selfserve.models import ApiKey, AuditEvent, Invitation, ModelPrice, Tally, User
from tests.application import the_database
from tests.factories import make_invitation, make_key, make_user, rows
from tests.html import SECRET

pytestmark = pytest.mark.any_database

NOBODYS = "00000000-0000-4000-8000-000000000000"
VOLATILE = {"id", "token", "tail", "secret_hash", "password_hash", "parent_id", "creation_token", "restorable_until"}
VOLATILE |= {"last_used_at", "last_address", "last_agent", "secret_used_at"}
"""What is random in each row, or says through which door it came: only a delete in the browser can be undone."""
OF_THE_DOOR = {"actor_key_id", "source", "address", "request_id"}


@dataclass(frozen=True)
class Deed:
    """One deed, as a form of the pages and as a call of the API, and how Mia's key and the user are beforehand."""

    name: str
    form: str
    fields: dict[str, Any]
    call: str
    body: dict[str, Any]
    key: dict[str, Any] = field(default_factory=dict)
    user: dict[str, Any] = field(default_factory=dict)
    then: str = ""
    """The form of the users page makes the link at once; by curl it is a second call."""


BLOCKED = {"is_blocked": True, "blocked_by": "Ada", "is_blocked_by_admin": True}
DEEDS = [
    Deed("make a key", "/ui/keys", {"key_alias": "new", "expires": "90d", "may_manage": "y"},
         "/key/generate", {"key_alias": "new", "duration": "90d"}),
    Deed("make a key with limits", "/ui/keys",
         {"key_alias": " new ", "expires": "7d", "models": "gpt-5-mini, o4", "max_budget": "12.50",
          "soft_budget": "10",
          "budget_duration": "1mo", "rpm_limit": "60", "tpm_limit": "1000"},
         "/key/generate",
         {"key_alias": "new", "duration": "7d", "models": ["gpt-5-mini", "o4"], "max_budget": 12.5,
          "soft_budget": 10,
          "budget_duration": "1mo", "rpm_limit": 60, "tpm_limit": "1000", "key_type": "llm_api"}),
    Deed("block a key", "/ui/keys/<key>/block", {}, "/key/block", {"key": "<key>"}),
    Deed("unblock a key", "/ui/keys/<key>/unblock", {}, "/key/unblock", {"key": "<key>"}, {"is_blocked": True}),
    Deed("unblock what an admin blocked", "/ui/keys/<key>/unblock", {}, "/key/unblock", {"key": "<key>"}, BLOCKED),
    Deed("delete a key", "/ui/keys/<key>/delete", {}, "/key/delete", {"keys": ["<key>"]}),
    Deed("block a key that is not there", f"/ui/keys/{NOBODYS}/block", {}, "/key/block", {"key": NOBODYS}),
    Deed("delete a key that is not there", f"/ui/keys/{NOBODYS}/delete", {}, "/key/delete", {"keys": [NOBODYS]}),
    Deed("make a user", "/ui/users", {"emails": "New@Example.com", "role": "proxy_admin_viewer", "max_budget": "5",
                                      "budget_duration": "7d"},
         "/user/new", {"user_email": "New@Example.com", "user_role": "proxy_admin_viewer", "max_budget": 5,
                       "budget_duration": "7d", "auto_create_key": False}, then="/invitation/new"),
    Deed("change a role", "/ui/users/<user>/role", {"role": "internal_user_viewer"},
         "/user/update", {"user_id": "<user>", "user_role": "internal_user_viewer"}),
    Deed("change to a role that is none", "/ui/users/<user>/role", {"role": "god"},
         "/user/update", {"user_id": "<user>", "user_role": "god"}),
    Deed("take the last admin's role", "/ui/users/<ada>/role", {"role": "internal_user"},
         "/user/update", {"user_id": "<ada>", "user_role": "internal_user"}),
    Deed("block a user", "/ui/users/<user>/block", {}, "/user/update", {"user_id": "<user>", "blocked": True}),
    Deed("block the last admin", "/ui/users/<ada>/block", {}, "/user/update", {"user_id": "<ada>", "blocked": True}),
    Deed("unblock a user", "/ui/users/<user>/unblock", {}, "/user/update", {"user_id": "<user>", "blocked": False},
         user={"is_blocked": True}),
    Deed("delete a user", "/ui/users/<user>/delete", {}, "/user/delete", {"user_ids": ["<user>"]}),
    Deed("delete the last admin", "/ui/users/<ada>/delete", {}, "/user/delete", {"user_ids": ["<ada>"]}),
    Deed("delete a user who is not there", f"/ui/users/{NOBODYS}/delete", {}, "/user/delete", {"user_ids": [NOBODYS]}),
    Deed("invite", "/ui/users/<user>/invitation", {}, "/invitation/new", {"user_id": "<user>"}),
    Deed("invite somebody blocked", "/ui/users/<user>/invitation", {}, "/invitation/new", {"user_id": "<user>"},
         user={"is_blocked": True}),
    Deed("invite nobody", f"/ui/users/{NOBODYS}/invitation", {}, "/invitation/new", {"user_id": NOBODYS}),
    Deed("set a price", "/ui/settings/prices",
         {"model": "house", "input_price": "2.50", "output_price": "10", "cached_price": "0.25"},
         "/price/update", {"model": "house", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05,
                           "cache_read_input_token_cost": "0.00000025"}),
    Deed("set what is no price", "/ui/settings/prices", {"model": "house", "input_price": "-1", "output_price": "10"},
         "/price/update", {"model": "house", "input_cost_per_token": -1e-06, "output_cost_per_token": 1e-05}),
    Deed("delete a price that nobody set", "/ui/settings/prices/delete", {"model": "house"},
         "/price/delete", {"model": "house"}),
    Deed("revoke a link", "/ui/users/<user>/invitation/revoke", {},
         "/invitation/update", {"invitation_id": "<link>", "is_accepted": True}),
]  # fmt: skip
CAST = {
    "Ada": "proxy_admin",
    "Vera": "proxy_admin_viewer",
    "Mia": "internal_user",
    "Otto": "internal_user",
    "Ivo": "internal_user_viewer",
}


def filled(text: Any, names: dict[str, str]) -> Any:
    """Put the real names into a path or a body."""
    if isinstance(text, dict):
        return {name: filled(value, names) for name, value in text.items()}
    if isinstance(text, list):
        return [filled(value, names) for value in text]
    for name, value in names.items():
        text = text.replace(name, value) if isinstance(text, str) else text
    return text


def standing() -> dict[str, list[dict[str, Any]]]:
    """Write out every table, with names for ids and spans for times, so that two houses can be compared."""
    people = rows(User)
    names = {user.id: user.email or user.user_id for user in people}
    names |= {user.user_id: names[user.id] for user in people}
    names |= {key.id: f"the key {key.alias}" for key in rows(ApiKey)}
    names |= {link.id: f"a link of {names[link.user_pk]}" for link in rows(Invitation)}

    def told(row: Any) -> dict[str, Any]:
        born = getattr(row, "created_at", None) or row.at
        left_out = VOLATILE | (OF_THE_DOOR if isinstance(row, AuditEvent) else set())
        columns = {name: value for name, value in vars(row).items() if name[0] != "_" and name not in left_out}
        return {name: said(name, value, born) for name, value in sorted(columns.items())}

    def said(name: str, value: Any, born: Any) -> Any:
        if name in ("before", "after"):
            return {word: inner is not None if word.endswith("_at") else inner for word, inner in value.items()}
        if name == "expires_at" and value:
            return round((value - born).total_seconds() / 60)
        if name.endswith("_at") or name == "at":
            return value is not None
        return names.get(value, value) if isinstance(value, str) else value

    written = {model.__name__: [told(row) for row in rows(model)] for model in (User, ApiKey, Invitation, AuditEvent)}
    written["ModelPrice"] = [
        {"model": row.model, "said": [row.prompt, row.completion, row.cached, row.updated_by]}
        for row in rows(ModelPrice)
    ]
    written["Tally"] = [{row.noun: row.amount} for row in rows(Tally)]
    return {table: sorted(lines, key=repr) for table, lines in written.items()}


def set_the_scene(deed: Deed, name: str) -> tuple[User, str, dict[str, str]]:
    """Give everybody their part; tell who acts, with which key, and what the names in the table stand for."""
    the_database().reset()
    people = {person: make_user(person, role=role) for person, role in CAST.items()}
    key = make_key(people["Mia"], "laptop", **deed.key)
    user = make_user("Target", **deed.user)
    link = make_invitation(user)
    doors = {person: make_key(who, "door").secret for person, who in people.items()}
    return (
        people[name],
        doors[name],
        {"<key>": key.row.id, "<link>": link.secret, "<user>": user.id, "<ada>": people["Ada"].id},
    )


def by_page(browser: Any, deed: Deed, name: str) -> tuple[int, bool, Any]:
    """Do it in the browser."""
    who, _, names = set_the_scene(deed, name)
    page = browser(who)
    page.get("/ui/account")
    answer = page.post(filled(deed.form, names), filled(deed.fields, names), reveals=True)
    return answer.status, bool(SECRET.search(answer.text)), standing()


def by_curl(browser: Any, curl: Any, deed: Deed, name: str) -> tuple[int, bool, Any]:
    """Do it by curl, with a key of one's own; the browser signs in, too, and looks on."""
    who, secret, names = set_the_scene(deed, name)
    browser(who).get("/ui/account")
    names |= {"<user>": "target", "<ada>": "ada"}
    answer = curl(secret).post(deed.call, filled(deed.body, names), reveals=True)
    if deed.then and answer.status == 200:
        assert curl(secret).post(deed.then, {"user_id": answer.json["user_id"]}).status == 200
    return answer.status, bool(SECRET.search(answer.text)), standing()


@pytest.mark.parametrize("name", list(CAST))
@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)
def test_both_doors_agree(app, browser, curl, deed, name):
    page_status, page_shows_a_key, page_left = by_page(browser, deed, name)
    call_status, call_shows_a_key, call_left = by_curl(browser, curl, deed, name)
    assert (page_status < 400) == (call_status < 400), (page_status, call_status)
    assert page_status == call_status or page_status < 400
    assert page_shows_a_key == call_shows_a_key
    assert page_left == call_left
