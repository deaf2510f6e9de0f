"""What may be set by whom, field by field: every documented field x every role x every writing route (S-5)."""

import itertools
import json
import re
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import select

from selfserve.extensions import db
from selfserve.permissions import Role
from selfserve.schemas.fields import Command, FormCommand
from tests.application import the_app
from tests.factories import make_key, make_user
from tests.integration.security.actions import CURL_DEEDS, OWN_DEEDS, PAGE_DEEDS, scene_of
from tests.integration.security.walks import GUARDED_WRITES, PAGES_OF, READS, fields_of, schemas_by_name, visitor

pytestmark = pytest.mark.any_database

numbers = itertools.count(1)
SAMPLES = {
    "key_alias": lambda: f"sample {next(numbers)}",
    "duration": lambda: "5d",
    "tags": lambda: ["sample"],
    "blocked": lambda: True,
    "must_change_password": lambda: True,
    "allowed_routes": lambda: ["/key/info"],
    "spend": lambda: 1.5,
    "models": lambda: ["sample"],
    "max_budget": lambda: 3,
    "soft_budget": lambda: 2,
    "budget_duration": lambda: "7d",
    "tpm_limit": lambda: 5,
    "rpm_limit": lambda: 5,
    "max_parallel_requests": lambda: 5,
    "metadata": lambda: {"sample": 1},
    "key_type": lambda: "management",
    "permissions": lambda: {"sample": True},
    "creation_token": lambda: f"token-{next(numbers)}",
    "user_id": lambda: make_user(f"somebody-{next(numbers)}").user_id,
    "key": lambda: f"sk-sample-of-a-chosen-key-{next(numbers):09}",
    "new_key": lambda: f"sk-sample-of-a-chosen-key-{next(numbers):09}",
    "new_master_key": lambda: f"sk-sample-of-a-chosen-key-{next(numbers):09}",
    "grace_period": lambda: "1h",
    "until_use": lambda: True,
    "user_email": lambda: f"sample{next(numbers)}@example.com",
    "user_alias": lambda: "sample",
    "user_role": lambda: "internal_user_viewer",
    "auto_create_key": lambda: False,
    "password": lambda: "seven quiet foxes at noon",
    "teams": lambda: ["sample"],
    "team_id": lambda: "sample",
    "send_invite_email": lambda: True,
    "cache_read_input_token_cost": lambda: 1e-6,
    "key_aliases": lambda: ["nobody has a key of this name"],
    ("users_api.new", "user_id"): lambda: f"a free name {next(numbers)}",
}
"""A value for each field, other than what is so anyway. Who documents a new field says here how it is set."""
LIMITS = {"max_budget", "models", "tpm_limit", "rpm_limit", "max_parallel_requests"}
SETS = {
    "key_alias": {"alias", "alias_key"},
    "duration": {"expires_at", "admin_limits"},
    "blocked": {"is_blocked", "blocked_by", "is_blocked_by_admin", "sessions", "invitations"},
    "spend": {"window_spend", "total_spend"},
    "budget_duration": {"budget_duration", "budget_reset_at"},
    "key_type": {"key_type", "allowed_routes"},
    "permissions": set(),
    "user_id": {"owner_id", "user_id", "admin_limits"},
    "key": {"token", "prefix", "tail"},
    "new_key": {"token", "prefix", "tail"},
    "grace_period": {"grace_ends_at", "ends_at"},
    "until_use": {"grace_ends_at", "ends_at", "is_grace_until_use"},
    "user_email": {"email", "email_key"},
    "user_alias": {"alias", "alias_key"},
    "user_role": {"role"},
    "cache_read_input_token_cost": {"cached"},
    "auto_create_key": {"api_keys", "audit_events", "tallies"},
    **{limit: {limit, "admin_limits"} for limit in LIMITS},
}
"""The columns that a field sets, where it is not the one of its name."""
REFUSED_TO_USERS = {"spend", "allowed_routes", "permissions", "user_id", "key", "new_key", "key_type"}
REFUSED_TO_ALL = {"team_id", "teams", "password", "send_invite_email", "new_master_key"}
NOT_AGAIN = {("keys_api.update", "user_id")}
"""A key is never given to somebody else, not even by an admin."""
CHANCE = {"id", "token", "tail", "prefix", "at", "request_id", "object_id", "after", "before", "key_id", "secret_hash"}
CHANCE |= {"alias", "alias_key", "email", "email_key", "user_id", "owner_user_id", "amount", "creation_token"}
"""Columns that differ from one time to the next."""
SEEN = {"last_used_at", "secret_used_at", "last_address", "last_agent", "last_seen_at", "updated_at"}


# -- what a request does ---------------------------------------------------------------------------------------


def everything():
    """Read every row of every table, by its key."""
    with the_app().app_context():
        return {
            table.name: {
                tuple(row[column] for column in table.primary_key): dict(row)
                for row in db.session.execute(select(table)).mappings()
            }
            for table in db.metadata.sorted_tables
        }


def effect_of(do, people):
    """Tell what a request did: for each table the changed columns of each changed row, and all of each new one."""
    before = everything()
    answer = do()
    found = []
    for table, rows in everything().items():
        found += [(table, "gone", {}) for key in before[table] if key not in rows]
        for key, row in rows.items():
            old = before[table].get(key, {})
            names = [name for name in row if name not in SEEN and (not old or old[name] != row[name])]
            if names:
                found.append(
                    (table, "changed" if old else "new", {name: told(name, row[name], people) for name in names})
                )
    return answer, sorted(found, key=lambda each: (each[0], each[1], sorted(each[2])))


def told(name, value, people):
    """Write a time as a time, since which one is chance, and a person by their part in this."""
    if name in ("owner_id", "user_pk"):
        return people.get(value, "somebody")
    if isinstance(value, dict):
        return re.sub(r"\d{4}-\d\d-\d\dT[\d:.+]+", "a time", json.dumps(value, sort_keys=True))
    return "a time" if isinstance(value, datetime) else value


def difference(plain, laden):
    """Name the columns in which two effects differ, beyond those that are chance; a row too many by its table."""
    found = set()
    for kind in {each[:2] for each in plain + laden}:
        ones, others = ([each[2] for each in effect if each[:2] == kind] for effect in (plain, laden))
        for one, other in itertools.zip_longest(ones, others):
            if one is None or other is None:
                found.add(kind[0])
            else:
                found |= {name for name in one | other if one.get(name, ...) != other.get(name, ...)} - CHANCE
    return found


class Stage:
    """Somebody of a role, and the same deed done again and again to things of the same owner."""

    def __init__(self, browser, curl, route, role):
        self.route = route
        self.someone = make_user("Someone", role=role)
        self.owner = self.someone if role == "internal_user" else make_user("Owner")
        self.people = {self.owner.id: "the owner", self.someone.id: "the caller"}
        self.there = visitor(browser, curl, self.someone)
        self.there.door.get("/key/health")

    def effect(self, **more):
        """Do it to a new scene, with these fields more; give the answer and the effect."""
        scene = self.scene()
        return effect_of(lambda: self.there.do(self.route, scene, more), self.people)

    def scene(self):
        """Make a scene; what is to be rotated is not rotating already."""
        scene = scene_of(self.owner, make_user())
        is_rotation = self.route.rule.endswith(("regenerate", "rotate"))
        return replace(scene, key=make_key(self.owner)) if is_rotation else scene


def reaching(deeds):
    """Pair each deed with the roles that may do it."""
    routes = [route for route in GUARDED_WRITES if route.endpoint in {deed.endpoint for deed in deeds} - OWN_DEEDS]
    return [
        pytest.param(route, role, id=f"{route}-{role}")
        for route in routes
        for role in ("internal_user", "proxy_admin")
        if route.is_open_to(Role(role))
    ]


# -- what is documented ----------------------------------------------------------------------------------------


def expected(route, role, field):
    """Tell how a field is answered, by the rules above."""
    if field in REFUSED_TO_ALL or ((route.endpoint, field) in NOT_AGAIN and role == "proxy_admin"):
        return 422
    return 403 if role == "internal_user" and field in REFUSED_TO_USERS else 200


@pytest.mark.parametrize(("route", "role"), reaching(CURL_DEEDS))
def test_every_documented_field_sets_its_own_columns_or_is_refused_by_its_name(browser, curl, route, role):
    """S-5, S-17: alone in a request that is right; who may not set it is told so, and nothing is done."""
    stage = Stage(browser, curl, route, role)
    _answer, plain = stage.effect()
    fields = set(fields_of(route.command)) - set(route.deed.body) - set(re.findall(r"<(\w+)>", route.rule))
    for field in sorted(fields):
        sample = SAMPLES.get((route.endpoint, field)) or SAMPLES[field]
        answer, laden = stage.effect(**{field: sample()})
        assert (field, answer.status) == (field, expected(route, role, field)), answer.text
        if answer.status == 200:
            assert difference(plain, laden) <= SETS.get(field, {field}), field
        else:
            assert (answer.error["param"], laden) == (field, []), field


# -- what is not -----------------------------------------------------------------------------------------------


def every_word():
    """Name every column of every table and every field of every call and form."""
    columns = {column.name for table in db.metadata.sorted_tables for column in table.columns}
    fields = {name for schema in schemas_by_name().values() if is_command(schema) for name in fields_of(schema)}
    return (
        columns | fields | {"is_admin", "organization_id", "team", "owner", "role", "permissions", "_method", "scope"}
    )


def is_command(schema):
    """Tell whether a name of a schemas' module is something that somebody sends."""
    return isinstance(schema, type) and issubclass(schema, (Command, FormCommand))


TEMPTING = ("proxy_admin", True, None, 1_000_000, ["/*"])


@pytest.mark.parametrize(("route", "role"), reaching(CURL_DEEDS))
def test_what_is_not_documented_is_as_if_it_were_not_sent(browser, curl, route, role):
    """S-5: CVE-2026-47102: every word that any table, call or form knows, except those of this call."""
    stage = Stage(browser, curl, route, role)
    answer, plain = stage.effect()
    words = every_word() - set(fields_of(route.command))
    for value in TEMPTING:
        laden_answer, laden = stage.effect(**dict.fromkeys(sorted(words), value))
        assert (laden_answer.status, difference(plain, laden)) == (answer.status, set()), value


@pytest.mark.parametrize(("route", "role"), reaching(PAGE_DEEDS))
def test_what_a_form_does_not_ask_is_as_if_it_were_not_sent(browser, curl, route, role):
    """S-5: the same by the pages, as form fields: whatever this form does not print does nothing."""
    stage = Stage(browser, curl, route, role)
    answer, plain = stage.effect()
    words = every_word() - words_of_form(stage, route)
    for value in ("proxy_admin", "on", "1000000"):
        laden_answer, laden = stage.effect(**dict.fromkeys(sorted(words), value))
        assert (laden_answer.status, difference(plain, laden)) == (answer.status, set()), value


def words_of_form(stage, route):
    """Name what the form prints that does this deed, wherever it stands; at least what the deed needs."""
    words, scene = {"csrf_token", *route.deed.body}, stage.scene()
    path = route.deed.path(scene)
    for read in [read for read in READS if read.is_page]:
        answer = stage.there.ask(read, scene, PAGES_OF.get(read.endpoint, ""))
        if answer.status == 200 and path in answer.text and "html" in answer.headers["content-type"]:
            words |= {control.get("name") for control in controls_of(answer.html, path)}
    return words


def controls_of(html, path):
    """Find the fields and buttons whose form posts to a path, inside of it or tied to it by its id."""
    for form in html.all("form"):
        inside = [
            *form.iter(),
            *(each for each in html.tree.iter() if form.get("id") and each.get("form") == form.get("id")),
        ]
        targets = [form.get("action", ""), *(each.get("formaction", "") for each in inside)]
        if path in [target.partition("?")[0] for target in targets]:
            yield from (each for each in inside if each.get("name"))
