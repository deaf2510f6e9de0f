"""Who was let in and who was not leaves a row, without secrets; what was refused is no deed (S-45).

That every management write leaves one is walked in tests/integration/test_audit.py.
"""

import pytest

from selfserve.minting import fingerprint
from selfserve.models import AuditEvent
from selfserve.services import throttles
from tests.application import MASTER_KEY
from tests.factories import PASSWORD, hash_of, make_invitation, make_key, make_user, rows
from tests.html import SECRET
from tests.integration.security.actions import CURL_DEEDS, scene_of, token_of
from tests.integration.security.snapshots import unchanged

NEW_PASSWORD = "seven quiet foxes at noon"


def new_events(before):
    return [event for event in rows(AuditEvent) if event.id not in before]


def seen():
    return {event.id for event in rows(AuditEvent)}


def test_logins_good_and_bad_logouts_claims_and_passwords_are_written_down(browser, curl, mia, ina, rex):
    """S-45: with the person where there is one, without what was typed."""
    before = seen()
    for username, password in ((mia.email, "my dog's name"), ("typo@example.com", PASSWORD), (rex.email, PASSWORD)):
        curl().post("/v2/login", {"username": username, "password": password})
    events = new_events(before)
    assert [(event.action, event.object_id, event.actor_user_id) for event in events] == [
        ("login.failed", "mia", None), ("login.failed", None, None), ("login.failed", "rex", None)]  # fmt: skip
    before, page = seen(), browser(mia)
    page.get("/ui/account")
    page.submit("/ui/account/password", current_password=PASSWORD, new_password=NEW_PASSWORD)
    page.get("/ui/logout")
    page.submit("/ui/logout")
    guest = browser()
    guest.follow(guest.get(f"/ui/onboarding?id={make_invitation(ina).secret}"))
    guest.submit("/ui/onboarding", password=NEW_PASSWORD)
    assert [event.action for event in new_events(before)] == [
        "login.succeeded", "password.changed", "logout", "invitation.accepted", "login.succeeded"]  # fmt: skip


def test_no_row_holds_a_secret_or_a_hash(browser, curl, ada, mia):
    """S-45: litellm#31620 wrote raw keys into the audit log."""
    key, custom = make_key(mia), "sk-Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2Ji1Hg0Fe9Dc8"
    door, page = curl(ada), browser(ada)
    link = door.post("/invitation/new", {"user_id": "mia"}).json["id"]
    door.post("/key/generate", {"user_id": "mia", "key": custom})
    for path in ("/key/block", "/key/unblock", "/key/update"):
        door.post(path, {"key": key.secret, "key_alias": "renamed"})
    door.post("/key/delete", {"keys": [key.secret, custom]})
    door.post("/invitation/delete", {"invitation_id": link})
    page.post("/ui/users", {"emails": "new@example.com", "role": "internal_user"} | token_of(page))
    curl().post("/v2/login", {"username": mia.email, "password": key.secret})
    written = str([vars(event) for event in rows(AuditEvent)])
    assert len(rows(AuditEvent)) >= 10
    assert not SECRET.search(written)
    for secret in (custom, link, key.row.token, PASSWORD, hash_of(PASSWORD), MASTER_KEY, "password_hash"):
        assert secret not in written


def test_a_key_that_somebody_wrote_where_a_name_belongs_stays_out_of_the_log(curl, master, mia):
    """S-45: rows are never removed again, so a pasted secret would stand there for ever."""
    key = make_key(mia, "laptop")
    named = {"key_alias": f"use {key.secret}", "tags": [key.secret, "work"]}
    curl(mia).post("/key/update", {"key": key.row.id} | named, reveals=True)
    master.post(
        "/user/update", {"user_id": "mia", "user_alias": key.row.token, "metadata": {key.secret: 1}}, reveals=True
    )
    told = [one.after for one in rows(AuditEvent)]
    assert (told[0]["alias"], told[0]["tags"], told[1]["alias"]) == ("use (hidden)", ["(hidden)", "work"], "(hidden)")
    written = str([vars(event) for event in rows(AuditEvent)])
    assert (key.secret in written, key.row.token in written) == (False, False)


def test_no_way_in_leaves_its_secret_in_the_log(browser, curl, ada, mia):
    """S-45: neither what opens a link, nor what a program on a command line asks with, nor what it gets."""
    link = curl(ada).post("/user/reset_password", {"user_id": "mia"}).json["reset_link"]
    guest = browser()
    guest.follow(guest.get(link[link.index("/ui/") :]))
    guest.submit("/ui/reset", password=NEW_PASSWORD)
    begun = curl().send("POST", "/sso/cli/start").json
    page = browser().sign_in(mia, NEW_PASSWORD)
    page.follow(page.get(f"/sso/key/generate?source=litellm-cli&key={begun['login_id']}"))
    page.submit("/ui/cli/confirm", user_code="BBBB-BBBB")
    page.submit("/ui/cli/confirm", user_code=begun["user_code"])
    asked = {"x-litellm-cli-poll-secret": begun["poll_secret"]}
    key = curl().send("GET", f"/sso/cli/poll/{begun['login_id']}", headers=asked, reveals=True).json["key"]
    secrets = [link.partition("=")[2], begun["login_id"], begun["poll_secret"], begun["user_code"], key, NEW_PASSWORD]
    written = str([vars(event) for event in rows(AuditEvent)])
    assert {"reset.created", "password.reset", "login.refused", "cli.confirmed", "key.created"} <= {
        event.action for event in rows(AuditEvent)}  # fmt: skip
    assert [one for one in secrets if one in written or fingerprint(one) in written] == []


def test_what_was_refused_is_not_written_down_as_done(browser, curl, ada, mia):
    """S-45: the row is in the transaction of the deed: no deed, no row."""
    make_key(mia, "laptop")
    door, page = curl(mia), browser(ada)
    token = token_of(page)
    with unchanged():
        assert door.post("/key/generate", {"key_alias": "laptop"}).status == 409
        assert door.post("/key/delete", {"keys": ["sk-nobody"]}).status == 404
        assert page.post("/ui/users", {"emails": "x@example.com mia@example.com"} | token).status == 422
        assert page.post(f"/ui/users/{ada.id}/delete", token).status == 409


def test_no_route_changes_or_removes_a_row(queries, master):
    """S-45: rows are only ever added."""
    with queries() as sent:
        for deed in CURL_DEEDS:
            scene = scene_of(make_user(), make_user())
            master.post(deed.path(scene), deed.fields(scene), reveals=True)
    about = [statement for statement in sent if "audit_events" in statement]
    assert about
    assert all(statement.startswith("INSERT") for statement in about)


def refusals():
    """What was written down as refused: the action, what it was about, who, from where."""
    return [(one.action, one.object_id, one.actor_user_id, one.address) for one in rows(AuditEvent) if one.is_refused]


def test_each_kind_of_refusal_is_written_down_and_found_as_one(browser, curl, mia, vera):
    """S-45: a wrong password, an unknown address, a wrong current password, too many tries at each door."""
    for username in ("mia@example.com", "nobody@example.com"):
        curl().post("/v2/login", {"username": username, "password": "my dog's name"})
    page = browser(mia)
    page.get("/ui/account")
    page.submit("/ui/account/password", current_password="my dog's name", new_password=NEW_PASSWORD)
    assert refusals() == [
        ("login.failed", "mia", None, "127.0.0.1"),
        ("login.failed", None, None, "127.0.0.1"),
        ("password.failed", "mia", "mia", "127.0.0.1"),
    ]
    assert {one["event"] for one in curl(vera).get("/audit", action="failed").json["audit_logs"]} == {
        "login.failed", "password.failed"}  # fmt: skip


@pytest.mark.parametrize("door", ["sign-in", "a key", "a link"])
def test_too_many_tries_are_written_down_once_without_what_was_tried(curl, monkeypatch, door):
    """S-45, S-18: however long somebody goes on."""
    monkeypatch.setattr(throttles, "PER_PAIR", 2)
    monkeypatch.setattr(throttles, "PER_GUESSER", 2)
    tries = {
        "sign-in": lambda: curl().post("/v2/login", {"username": "mia@example.com", "password": "x y z"}),
        "a key": lambda: curl("sk-nobody-has-such-a-key-0123456789").get("/key/info"),
        "a link": lambda: curl().get("/onboarding/get_token", invite_link="no-such-link"),
    }
    assert [tries[door]().status for _ in range(6)][2:] == [429] * 4
    told = [one for one in rows(AuditEvent) if one.action == "tries.refused"]
    assert [(one.object_id, one.address, one.after) for one in told] == [
        ("login" if door == "sign-in" else "guess", "127.0.0.1", {})]  # fmt: skip


def test_what_an_admin_has_the_portal_ask_is_written_down(browser, ada, upstream):
    """S-45: it changes nothing and yet goes out in the house's name."""
    page = browser(ada)
    page.get("/ui/settings")
    for status in (200, 500):
        upstream.be(status=status)
        page.submit("/ui/settings/upstreams/test")
    told = [one for one in rows(AuditEvent) if one.action == "settings.tried"]
    assert [(one.actor_user_id, one.object_id, one.source) for one in told] == [("ada", "upstream default", "web")] * 2
    assert all("worked" in one.after for one in told)
