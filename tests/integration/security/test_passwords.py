"""Passwords at rest, and that nobody learns from a refusal who has an account (S-13, S-20b)."""

import importlib.util
import re

import argon2
import pytest

from selfserve.models import User
from selfserve.services import passwords
from tests.clients import Curl
from tests.factories import PASSWORD, make_user, rows
from tests.integration.security.replays import Thief

STRANGERS = ["nobody@example.com", "ina@example.com", "rex@example.com", "default_user_id", "", "x" * 300, "mia"]


class CountingHasher(argon2.PasswordHasher):
    """The real hasher, which also counts how often it ran."""

    runs = 0

    def hash(self, *arguments, **options):
        CountingHasher.runs += 1
        return super().hash(*arguments, **options)

    def verify(self, *arguments, **options):
        CountingHasher.runs += 1
        return super().verify(*arguments, **options)


@pytest.fixture
def counted(monkeypatch):
    """Count the runs of argon2; the first stranger of a process pays for the dummy's own hash."""
    monkeypatch.setattr(passwords, "hasher", CountingHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords.verify_password(None, "warm up")
    CountingHasher.runs = 0
    return lambda: CountingHasher.runs


@pytest.fixture
def strangers(mia, ina, rex):
    """Everybody who must look the same at the door."""
    return [(mia.email, "wrong"), *((name, PASSWORD) for name in STRANGERS)]


def sign_in_by_page(browser, username, password):
    page = browser()
    page.get("/ui/login")
    return page.submit("/ui/login", username=username, password=password)


def plain(answer, username):
    """Leave out what differs by design: the token, and the address that was typed."""
    body = re.sub(r'name="csrf_token" value="[^"]*"', "", answer.text)
    body = body.replace(username, "") if username else body
    headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "set-cookie")}
    return answer.status, body, {**headers, "content-length": ""}


def test_a_refusal_costs_one_run_of_argon2_whoever_is_refused(curl, browser, strangers, counted):
    """S-20b: time tells nothing, because the work is the same; counted, not timed."""
    for username, password in strangers:
        for sign_in in (
            lambda name, word: curl().post("/v2/login", {"username": name, "password": word}),
            lambda name, word: sign_in_by_page(browser, name, word),
        ):
            before = counted()
            assert sign_in(username, password).status in (401, 422)
            assert counted() - before == 1, username


def test_a_refusal_looks_the_same_whoever_is_refused(curl, browser, strangers):
    """S-20b: unknown, invited, blocked or a wrong password: one status, one body, the same headers."""
    by_page = [plain(sign_in_by_page(browser, name, word), name) for name, word in strangers if name]
    assert all(seen == by_page[0] for seen in by_page)
    by_curl = [plain(curl().post("/v2/login", {"username": name, "password": word}), "") for name, word in strangers]
    assert all(seen == by_curl[0] for seen in by_curl)


def test_a_refusal_asks_the_database_as_much_whoever_is_refused(curl, strangers, queries):
    """S-20b: nor does the database know more of those who exist."""
    curl().post("/v2/login", {"username": "warm@example.com", "password": "x"})
    asked = set()
    for username, password in strangers:
        with queries() as sent:
            curl().post("/v2/login", {"username": username, "password": password})
        asked.add(len(sent))
    assert len(asked) == 1


@pytest.mark.parametrize("way", ["page", "curl"])
def test_the_stored_hash_is_no_password(browser, curl, mia, way):
    """S-13: GHSA-69x8, pass the hash."""
    stored = next(user.password_hash for user in rows(User) if user.user_id == "mia")
    for word in (stored, stored.rpartition("$")[2], stored.partition("$")[2]):
        if way == "page":
            assert sign_in_by_page(browser, mia.email, word).status == 422
        else:
            assert curl().post("/v2/login", {"username": mia.email, "password": word}).status == 401


def test_two_people_with_one_password_have_two_hashes(curl, master):
    """S-13: a salt for each."""
    for name in ("one", "two"):
        master.post("/user/new", {"user_id": name, "user_email": f"{name}@example.com", "auto_create_key": False})
        link = master.post("/invitation/new", {"user_id": name}).json["id"]
        token = curl().get("/onboarding/get_token", invite_link=link).json["token"]
        curl(token).post("/onboarding/claim_token", {"invitation_link": link, "password": PASSWORD})
    stored = [user.password_hash for user in rows(User) if user.password_hash]
    assert len(set(stored)) == 2
    assert all(each.startswith("$argon2id$v=19$") and PASSWORD not in each for each in stored)


def test_the_parameters_that_ship_are_owasps():
    """S-13: read from a fresh copy of the module, since the tests run with a cheap hasher."""
    spec = importlib.util.find_spec("selfserve.services.passwords")
    fresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    assert fresh.hasher.type is argon2.Type.ID
    assert (fresh.hasher.memory_cost, fresh.hasher.time_cost, fresh.hasher.parallelism) == (19_456, 2, 1)
    assert (fresh.hasher.salt_len >= 16, fresh.hasher.hash_len >= 32) == (True, True)


@pytest.mark.parametrize("stored", ["", "x", "plain text", PASSWORD, "$argon2id$broken"])
def test_a_broken_hash_is_a_wrong_password(app, stored):
    """S-13: whatever stands in the column, only a matching argon2 hash opens."""
    someone = make_user("Someone", password_hash=stored)
    for word in (stored or "x", PASSWORD):
        assert Curl(Thief(app)).post("/v2/login", {"username": someone.email, "password": word}).status == 401
