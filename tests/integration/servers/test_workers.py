"""Two processes on one database: what ends in one has ended in the other on its very next request (S-10, S-37)."""

import itertools

import pytest

from tests.application import MASTER_KEY, the_app, the_database, the_folder
from tests.clients import Browser, Curl, OverHttp
from tests.factories import PASSWORD
from tests.integration.pages.parts import words
from tests.journey import PASSWORD as CLAIMED
from tests.servers import running

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def two():
    """Two servers of one process each, both seen to answer; every test has people of its own."""
    the_app()
    there = {"database_url": the_database().another("workers"), "folder": the_folder(), "workers": 1}
    with running(**there) as one, running(**there) as other:
        assert one.process.pid != other.process.pid
        yield one.url, other.url


def somebody(url, **fields):
    """Make a person with a password and a key; give their id, their key and their e-mail."""
    master = Curl(OverHttp(url), MASTER_KEY)
    email = f"person{next(numbers)}@example.com"
    made = master.post("/user/new", {"user_email": email, **fields}, reveals=True).json
    link = master.post("/invitation/new", {"user_id": made["user_id"]}).json["id"]
    token = Curl(OverHttp(url)).get("/onboarding/get_token", invite_link=link).json["token"]
    claimed = Curl(OverHttp(url), token).post("/onboarding/claim_token", {"invitation_link": link, "password": CLAIMED})
    assert claimed.status == 200
    return made["user_id"], made["key"], email


def signed_in(url, email):
    """Sign in at one server."""
    page = Browser(OverHttp(url))
    page.get("/ui/login")
    assert page.submit("/ui/login", username=email, password=CLAIMED).status == 303
    return page


def at(page, url):
    """The same browser, the same cookies, at the other server."""
    there = Browser(OverHttp(url))
    there.transport.jar = dict(page.transport.jar)
    return there


def test_signing_out_here_is_signed_out_there(two):
    here, there = two
    _user_id, _key, email = somebody(here)
    page = signed_in(here, email)
    elsewhere = at(page, there)
    assert elsewhere.get("/ui/keys").status == 200
    page.get("/ui/logout")
    page.submit("/ui/logout")
    assert elsewhere.get("/ui/keys").status == 303


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/user/update", {"blocked": True}),
        ("/user/update", {"user_role": "internal_user_viewer"}),
        ("/user/delete", {}),
    ],
    ids=["block", "role", "delete"],
)
def test_what_an_admin_does_here_bites_there(two, path, body):
    here, there = two
    user_id, key, email = somebody(here)
    page, door = at(signed_in(here, email), there), Curl(OverHttp(there), key)
    assert page.get("/ui/keys").status == 200
    assert door.get("/key/list").status == 200
    names = {"user_ids": [user_id]} if path == "/user/delete" else {"user_id": user_id, **body}
    assert Curl(OverHttp(here), MASTER_KEY).post(path, names).status == 200
    assert page.get("/ui/keys").status == 303
    assert door.post("/key/generate", {}).status in (401, 403)


def test_a_new_password_here_ends_the_other_sessions_there(two):
    here, there = two
    _user_id, _key, email = somebody(here)
    page, other = signed_in(here, email), signed_in(there, email)
    page.get("/ui/account")
    changed = page.submit("/ui/account/password", current_password=CLAIMED, new_password=PASSWORD)
    assert changed.status == 303
    assert other.get("/ui/keys").status == 303
    assert page.get("/ui/keys").status == 200
    assert at(page, there).get("/ui/keys").status == 200


def test_a_session_ended_on_the_account_page_here_is_over_there(two):
    here, there = two
    _user_id, _key, email = somebody(here)
    page, other = signed_in(here, email), signed_in(there, email)
    ends = [
        form.action for form in page.get("/ui/account").html.forms if form.action.startswith("/ui/account/sessions/")
    ]
    assert len(ends) == 3  # this one, the other one, all others
    assert page.submit(ends[1]).status == 303
    assert other.get("/ui/keys").status == 303
    again = signed_in(there, email)
    page.get("/ui/account")
    assert page.submit("/ui/account/sessions/end").status == 303
    assert again.get("/ui/keys").status == 303
    assert at(page, there).get("/ui/keys").status == 200


def test_who_is_signed_out_everywhere_here_is_out_there(two):
    here, there = two
    _user_id, _key, email = somebody(here)
    _admin_id, _admin_key, admin = somebody(here, user_role="proxy_admin")
    page, boss = signed_in(there, email), signed_in(here, admin)
    link = next(a.get("href") for a in boss.get("/ui/users").html.all("a") if words(a) == email)
    boss.get(link)
    assert boss.submit(f"{link}/sessions/end").status == 303
    assert page.get("/ui/keys").status == 303


def test_a_key_blocked_or_deleted_here_is_dead_there(two):
    here, there = two
    _user_id, key, _email = somebody(here)
    master, door = Curl(OverHttp(here), MASTER_KEY), Curl(OverHttp(there), key)
    assert door.get("/key/info").status == 200
    master.post("/key/block", {"key": key})
    assert door.get("/key/info").status == 401
    master.post("/key/unblock", {"key": key})
    assert door.get("/key/info").status == 200
    master.post("/key/delete", {"keys": [key]})
    assert door.get("/key/info").status == 401


def test_failures_at_both_count_together(two):
    here, there = two
    _user_id, _key, email = somebody(here)
    statuses = [
        Curl(OverHttp(url)).post("/v2/login", {"username": email, "password": "wrong"}).status
        for url in (here, there) * 6
    ]
    assert statuses == [401] * 10 + [429] * 2
