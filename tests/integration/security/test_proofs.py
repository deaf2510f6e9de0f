"""What a session that is left open does not do: its person confirms first that it is them, where they sit (S-39).

Through a provider: sso/test_proofs.py.
"""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from selfserve.clock import now
from selfserve.models import ApiKey, AuditEvent, Session, Throttle, User
from selfserve.permissions import Role
from selfserve.proofs import RECENT, Sensitive
from selfserve.services import proofs
from selfserve.sso.providers import load_providers
from tests.application import the_settings
from tests.clients import Curl
from tests.factories import PASSWORD, change, make_key, make_user, reload, rows
from tests.integration.security.actions import deeds, scene_of, token_of
from tests.integration.security.replays import replay, steal
from tests.integration.security.snapshots import unchanged
from tests.integration.sso.test_command_line import Program

SENSITIVE = {
    # deed: (endpoint, what is sent where it differs from the usual)
    "make an admin by the list": ("users.change_role", {}, Sensitive.PROMOTE),
    "make an admin by the form": ("users.save", {"user_email": "otto@example.com"}, Sensitive.PROMOTE),
    "invite an admin": ("users.create", {}, Sensitive.PROMOTE),
    "make an admin who only sees": ("users.change_role", {"role": "proxy_admin_viewer"}, Sensitive.PROMOTE),
    "invite an admin who only sees": ("users.create", {"role": "proxy_admin_viewer"}, Sensitive.PROMOTE),
    "change an address": ("users.save", {"user_role": "internal_user"}, Sensitive.ADDRESS),
    "take an address away": ("users.save", {"user_role": "internal_user", "user_email": ""}, Sensitive.ADDRESS),
    "make a reset link": ("users.reset", {}, Sensitive.RESET_LINK),
    "make an invitation link": ("users.invite", {}, Sensitive.INVITATION_LINK),
    "let an admin in again": ("users.unblock", {}, Sensitive.PROMOTE),
    "part from a provider": ("users.unlink", {}, Sensitive.UNLINK),
    "link to a provider": ("sso.link", {}, Sensitive.LINK),
    "make a key that may all": ("keys.create", {"may_manage": "y"}, Sensitive.ADMIN_KEY),
    "rotate a key that may all": ("keys.rotate", {}, Sensitive.ADMIN_KEY),
    "sign a program in": ("command_line.confirm", {}, Sensitive.COMMAND_LINE),
}
ASKED = "Confirm it is you"
DEEDS = {deed.endpoint: deed for deed in deeds(pages=True)}


def grow_old(user=None, by=RECENT):
    """Let the sessions of somebody, or all, be of people who proved some time ago who they are."""
    for session in rows(Session):
        if user is None or session.user_pk == user.id:
            change(session, proved_at=now() - by)


@pytest.fixture(autouse=True)
def provider(app, monkeypatch):
    """One that is asked nothing before somebody comes back from it."""
    known = load_providers(the_settings(github_client_id="g", github_client_secret="g"))
    monkeypatch.setitem(app.config, "PROVIDERS", known)


@pytest.fixture
def scene(ada):
    """A key of Ada's that may do what she may; Otto, who is parted, promoted, sent links."""
    otto = make_user("Otto", password=None)
    return scene_of(ada, otto)


@pytest.fixture
def sent(app, scene):
    """Give the address and the fields of a deed."""

    def of(name):
        endpoint, differs, _deed = SENSITIVE[name]
        if name == "make a reset link":
            change(scene.user, password_hash="x")
        if endpoint == "users.unblock":
            change(scene.user, role="proxy_admin", is_blocked=True)
        if endpoint == "command_line.confirm":
            begun = Program(app).begun
            return "/ui/cli/confirm", {"login": begun["login_id"], "user_code": begun["user_code"]}
        deed = DEEDS[endpoint]
        return deed.path(scene), deed.fields(scene) | differs

    return of


def test_the_table_names_every_sensitive_deed():
    """S-39: what is sensitive is tried below, each."""
    assert {deed for _endpoint, _differs, deed in SENSITIVE.values()} == set(Sensitive)


@pytest.mark.parametrize("name", SENSITIVE)
def test_a_session_left_open_does_it_only_after_its_person_confirmed(browser, ada, scene, sent, name):
    """S-39: refused, and nothing is changed; what was typed waits; done with the password; another session is not."""
    _left_open, page = browser(ada), browser(ada)
    path, fields = sent(name)
    page.get("/ui/account")
    grow_old(by=RECENT + timedelta(seconds=1))
    with unchanged():
        asked = page.post(path, fields)
        assert (asked.status, ASKED in asked.text, SENSITIVE[name][2] in asked.html.words()) == (403, True, True)
    waiting = page.form("/ui/confirm").fields
    assert {word: waiting[word] for word in fields} == fields
    action = next(form.action for form in page.page.forms if form.action.startswith("/ui/confirm"))
    with unchanged("audit_events", "throttles"):
        wrong = page.post(action, waiting | {"current_password": "not the password"})
        assert (wrong.status, proofs.WRONG in wrong.html.words(), wrong.text.count("not the password")) == (
            422,
            True,
            0,
        )
    waiting = page.form("/ui/confirm").fields | {"current_password": PASSWORD}
    confirmed = page.post(action, waiting)
    assert (confirmed.status, confirmed.location) == (307, path)
    done = page.post(confirmed.location, waiting, reveals=True)
    assert done.status in (200, 201, 303)
    assert [session.proved_at > now() - RECENT for session in rows(Session)].count(True) == 1, "not the other session"


@pytest.mark.parametrize("name", SENSITIVE)
def test_who_signed_in_lately_is_not_asked(browser, ada, scene, sent, name):
    """S-39: a quarter of an hour, to the second."""
    page = browser(ada)
    path, fields = sent(name)
    page.get("/ui/account")
    grow_old(by=RECENT - timedelta(seconds=20))
    assert page.post(path, fields, reveals=True).status in (200, 201, 303)


def test_no_other_deed_asks_and_each_of_the_table_does(app, browser, ada, scene):
    """S-39: a walk over every write of the pages by a session that is old: what asks is what the table names."""
    asking = set()
    for endpoint, deed in DEEDS.items():
        if endpoint in ("users.delete", "keys.delete", "keys.bulk_delete", "confirm.by_password"):
            continue  # later, because nothing is left then to do the others to; or what asks itself
        page = browser(ada)
        grow_old()
        fields = deed.fields(scene) | ({"may_manage": "y"} if endpoint == "keys.create" else {})
        if endpoint == "command_line.confirm":
            begun = Program(app).begun
            fields = {"login": begun["login_id"], "user_code": begun["user_code"]}
        if endpoint == "users.reset":
            change(scene.user, password_hash="x", is_blocked=False)
        if endpoint == "users.invite":
            change(scene.user, is_blocked=False)
        if endpoint in ("users.unblock", "users.change_role"):
            is_shut_out = endpoint == "users.unblock"
            change(scene.user, role="proxy_admin" if is_shut_out else "internal_user", is_blocked=is_shut_out)
        answer = page.post(deed.path(scene), fields | token_of(page), reveals=True)
        if ASKED in answer.text:
            asking.add(endpoint)
    assert asking == {endpoint for endpoint, _differs, _deed in SENSITIVE.values()}
    for endpoint in ("keys.bulk_delete", "users.delete"):
        deed, page = DEEDS[endpoint], browser(ada)
        grow_old()
        assert ASKED not in page.post(deed.path(scene), deed.fields(scene) | token_of(page)).text


def test_what_opens_nothing_new_is_not_asked_about(browser, ada, mia):
    """S-39: a lower role, the same address, a key that only calls models, somebody who is an admin already."""
    page, vera = browser(ada), make_user("Vera", role="proxy_admin_viewer")
    other = make_user("Other", role="proxy_admin")
    grow_old()
    page.get("/ui/account")
    assert page.post(f"/ui/users/{vera.id}/role", {"role": "internal_user"}).status == 303
    assert page.post(f"/ui/users/{other.id}/role", {"role": "proxy_admin"}).status == 303
    same = {"user_email": mia.email, "user_role": mia.role, "user_alias": "Another name"}
    assert page.post(f"/ui/users/{mia.id}/edit", same).status == 303
    assert page.post("/ui/users", {"emails": "n@example.com", "role": "internal_user"}, reveals=True).status == 201
    assert page.post("/ui/keys", {"key_alias": "calls models"}, reveals=True).status == 201


def test_mia_makes_her_own_keys_without_being_asked(browser, app, mia):
    """S-39: her keys do no more than she may, and none of it is sensitive."""
    page, begun = browser(mia), Program(app).begun
    grow_old()
    page.get("/ui/account")
    assert page.post("/ui/keys", {"key_alias": "mine", "may_manage": "y"}, reveals=True).status == 201
    fields = {"login": begun["login_id"], "user_code": begun["user_code"]}
    assert page.post("/ui/cli/confirm", fields).status == 303


def test_a_session_of_before_counts_as_old(browser, ada, mia):
    """S-39: after an upgrade nobody knows when they proved who they are."""
    page = browser(ada)
    page.get("/ui/account")
    for session in rows(Session):
        change(session, proved_at=None)
    assert page.post(f"/ui/users/{mia.id}/role", {"role": "proxy_admin"}).status == 403
    assert reload(mia).role == "internal_user"


def test_htmx_asks_in_the_dialog_and_its_answer_lands_where_the_deed_would_have(browser, ada, mia):
    """S-39: the form that waits names the part of the page that the deed replaces, and nothing that is no name."""
    page = browser(ada)
    page.get("/ui/account")
    grow_old()
    for target, swaps in (("person", True), ('x" hx-on:click="alert(1)', False)):
        headers = {"HX-Target": target}
        asked = page.post(f"/ui/users/{mia.id}/role?at=person", {"role": "proxy_admin"}, htmx=True, headers=headers)
        assert (asked.status, asked.headers["hx-retarget"], asked.headers["hx-reswap"]) == (
            403, "#dialog-body", "innerHTML")  # fmt: skip
        assert ('hx-target="#person"' in asked.text, "alert" in asked.text) == (swaps, False)


def test_wrong_passwords_are_counted_written_down_and_lock_nobody_out(browser, ada, mia):
    """S-39, S-18, S-45: the bucket of current passwords; she stays signed in, and elsewhere signs in as before."""
    page = browser(ada)
    page.get("/ui/account")
    answers = [page.post("/ui/confirm?next=/ui/users", {"current_password": f"wrong {n}"}) for n in range(11)]
    assert [answer.status for answer in answers] == [422] * 10 + [429]
    assert page.post("/ui/confirm?next=/ui/users", {"current_password": PASSWORD}).status == 429
    failed = [event for event in rows(AuditEvent) if event.action == "password.failed"]
    assert ({event.actor_user_id for event in failed}, len(failed)) == ({"ada"}, 10)
    assert page.get("/ui/users").status == 200
    assert browser(ada).get("/ui/users").status == 200


def test_a_cookie_that_was_copied_before_is_dead_when_its_person_confirms(app, browser, ada, otto):
    """S-39, S-9: the session goes on under another id."""
    page = browser(ada)
    grow_old()
    page.get("/ui/account")
    loot = steal(app, page)
    assert page.post("/ui/confirm?next=/ui/users", {"current_password": PASSWORD}).status == 307
    assert replay(app, loot.header).get("/ui/users").status == 303
    assert page.post(f"/ui/users/{otto.id}/role", {"role": "proxy_admin"} | token_of(page)).status == 303
    assert len(rows(Session)) == 1


def test_confirming_is_written_down_and_gives_the_tries_back(browser, ada):
    page = browser(ada)
    page.get("/ui/account")
    for password in ("wrong", PASSWORD):
        page.post("/ui/confirm?next=/ui/users", {"current_password": password})
    (event,) = [event for event in rows(AuditEvent) if event.action == "session.proven"]
    assert (event.actor_user_id, event.after) == ("ada", {"method": "password"})
    assert 1 not in [throttle.failures for throttle in rows(Throttle)][:1]


@pytest.mark.parametrize(
    "target",
    ["", "https://evil.example/ui/x", "//evil.example/ui", "/ui//evil.example", "/user/new", "/ui\\x", "/login"],
)
def test_what_was_typed_is_sent_on_to_pages_of_ours_only(browser, ada, target):
    """S-39, S-23: a forged `next` gets neither the form nor the password in it."""
    page = browser(ada)
    page.get("/ui/account")
    answer = page.post(f"/ui/confirm?next={target}", {"current_password": PASSWORD})
    assert (answer.status, answer.location) == (303, "/ui/keys")


def test_nobody_confirms_for_somebody_else(browser, ada, mia):
    """S-39: the password of who is signed in, and no link that shows the form beside a deed that was never sent."""
    make_user("Eve", role="proxy_admin", password="quite another password")
    page = browser(ada)
    grow_old()
    page.get("/ui/account")
    assert page.post("/ui/confirm?next=/ui/users", {"current_password": "quite another password"}).status == 422
    assert page.get(f"/ui/confirm?next=/ui/users/{mia.id}/reset").status == 405
    page.get("/ui/account")
    assert page.post(f"/ui/users/{mia.id}/role", {"role": "proxy_admin"}).status == 403


def test_the_json_face_reads_no_cookie_and_a_key_proves_itself(app, browser, ada, mia, curl):
    """S-39: no way around it: a session opens none of the calls; a key is the proof, and is not asked."""
    loot, page = steal(app, browser(ada)), browser(ada)
    page.get("/ui/account")
    promotion = {"user_id": "mia", "user_role": "proxy_admin"}
    with unchanged():
        for call in ("/user/update", "/user/new", "/user/reset_password", "/invitation/new", "/key/generate"):
            assert Curl(page.transport).post(call, promotion, headers={"Cookie": loot.header}).status == 401
    assert curl(ada).post("/user/update", promotion).status == 200
    assert reload(mia).role == Role.PROXY_ADMIN


def test_the_key_that_somebody_else_has_is_an_admins_if_its_owner_is(browser, ada):
    """S-39: a secret of another admin, and one that only calls models."""
    other, page = make_user("Other", role="proxy_admin"), browser(ada)
    theirs = make_key(other), make_key(other, allowed_routes=["llm_api_routes"], key_type="llm_api")
    grow_old()
    page.get("/ui/account")
    answers = [page.post(f"/ui/keys/{key.row.id}/rotate", {"grace": "none"}, reveals=True).status for key in theirs]
    assert answers == [403, 201]
    assert reload(theirs[0].row).token == theirs[0].row.token
    assert len(rows(ApiKey)) == 2


def test_the_page_says_what_it_is_about_and_keeps_every_field(browser, ada):
    """S-39: also those that are sent several times, and none of the form that asked before."""
    page = browser(ada)
    grow_old()
    page.get("/ui/account")
    page.post("/ui/users", {"emails": ["a@example.com", "b@example.com"], "role": "proxy_admin", "\0": "\x1b"})
    assert not re.search("[\0\x1b]", page.page.text)
    assert "You are about to give somebody the rights of an admin." in page.page.words()
    names = re.findall(r'<input type="hidden" name="(\w+)"', page.get("/ui/account").text)
    assert "current_password" not in names
    page.post("/ui/users", {"emails": ["a@example.com", "b@example.com"], "role": "proxy_admin"})
    again = page.post(
        "/ui/confirm?next=/ui/users", {"emails": ["a@example.com", "b@example.com"], "current_password": "x"}
    )
    assert re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', again.text)[1:] == [
        ("emails", "a@example.com"), ("emails", "b@example.com")]  # fmt: skip
    assert urlsplit(page.form("/ui/confirm").action).query == "next=/ui/users"
    assert {user.role for user in rows(User) if user.user_id != "ada" and not user.is_reserved} == set()
