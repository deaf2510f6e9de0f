"""What a session is: an opaque cookie, a row behind it, and nothing that outlives its end (S-8, S-9, S-10)."""

from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from time_machine import travel

from selfserve.clock import now
from selfserve.minting import fingerprint
from selfserve.models import ApiKey, Session
from tests.clients import Browser, InProcess
from tests.factories import PASSWORD, change, make_invitation, make_key, make_user, rows
from tests.integration.security.actions import token_of
from tests.integration.security.replays import COOKIE, Thief, forge, replay, steal
from tests.integration.security.snapshots import dump

NEW_PASSWORD = "seven quiet foxes at noon"
READS = ["/ui/keys", "/ui/keys/new", "/ui/account", "/ui/spend", "/ui/logout"]


def cookie_of(answer):
    """Read the session cookie that an answer sets."""
    return next(SimpleCookie(each)[COOKIE] for each in answer.cookies if each.startswith(f"{COOKIE}="))


def log_in(page, user):
    """Sign in, and give the answer that sets the cookie."""
    page.get("/ui/login")
    return page.submit("/ui/login", username=user.email, password=PASSWORD)


@pytest.mark.parametrize("way", ["page", "/login", "/v2/login"])
def test_signing_in_makes_no_key(browser, curl, ada, way):
    """S-8: CVE-2026-12772 made one at each login."""
    if way == "page":
        log_in(browser(), ada)
    elif way == "/v2/login":
        curl().post(way, {"username": ada.email, "password": PASSWORD})
    else:
        body = f"username={ada.email}&password={PASSWORD}".encode()
        curl().send("POST", way, body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (len(rows(Session)), rows(ApiKey)) == (1, [])


def test_a_session_id_is_no_key(app, browser, curl, ada):
    """S-8: raw, with the prefix of a key, hashed, and the cookie as a whole."""
    loot = steal(app, browser(ada))
    for token in (loot.session_id, f"sk-{loot.session_id}", f"sk-ss_{loot.session_id}", fingerprint(loot.session_id)):
        for headers in ({"Authorization": f"Bearer {token}"}, {"x-litellm-api-key": token}):
            assert curl().get("/user/list", headers=headers).status == 401
    assert curl().get("/user/list", headers={"Authorization": f"Bearer {loot.header}"}).status == 401


def test_no_key_and_no_name_is_a_session_id(app, ada):
    """S-8: even signed by the house itself, a cookie holds the id of a session or nothing."""
    key = make_key(ada)
    for content in (key.secret, key.row.token, key.row.id, ada.id, ada.user_id, ada.email, "", "\x00", None):
        assert replay(app, forge(app, _user_id=content)).get("/ui/keys").status == 303


def test_the_hash_of_a_session_id_is_no_session_id(app, browser, ada):
    """S-9: who reads the table can sign in as nobody."""
    loot = steal(app, browser(ada))
    (row,) = rows(Session)
    assert row.id_hash == fingerprint(loot.session_id)
    assert replay(app, forge(app, _user_id=loot.session_id)).get("/ui/users").status == 200
    assert replay(app, forge(app, _user_id=row.id_hash)).get("/ui/users").status == 303


@pytest.mark.parametrize(("base", "is_secure"), [("http://localhost", False), ("https://keys.example.com", True)])
def test_the_cookie_is_kept_from_scripts_from_other_sites_and_from_plain_http(app_with, mia, base, is_secure):
    """S-9: HttpOnly, SameSite=Lax, Path, no Domain; Secure where people come by https; ends with the browser."""
    page = Browser(InProcess(app_with(proxy_base_url=base)))
    page.transport.client.environ_base["wsgi.url_scheme"] = base.partition(":")[0]
    for answer in (page.get("/ui/login"), log_in(page, mia)):
        cookie = cookie_of(answer)
        assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", "/", "")
        assert bool(cookie["secure"]) == is_secure
        assert not cookie["expires"]


def test_under_a_path_prefix_the_cookie_is_for_that_path_only(app_with, mia):
    """S-9: a neighbour on the same host does not get it."""
    page = Browser(InProcess(app_with(server_root_path="/a/b")))
    page.get("/a/b/ui/login")
    answer = page.post("/a/b/ui/login", {"username": mia.email, "password": PASSWORD})
    assert (answer.status, cookie_of(answer)["path"]) == (303, "/a/b")


def test_the_cookie_holds_a_random_id_and_no_more(app, browser, ada):
    """S-9: 256 bits; nothing about the person, though it is readable by design."""
    first, second = steal(app, browser(ada)), steal(app, browser(ada))
    assert len(first.session_id) >= 43
    assert first.session_id != second.session_id
    for loot in (first, second):
        content = app.session_interface.get_signing_serializer(app).loads(SimpleCookie(loot.header)[COOKIE].value)
        assert set(content) <= {"_user_id", "csrf_token"}


def test_no_page_and_no_table_holds_the_id(app, browser, curl, ada):
    """S-9: not in the HTML, the JSON, an address, a header or a column."""
    page = browser(ada)
    session_id = steal(app, page).session_id
    for path in (*READS, "/ui/users", "/ui/all-keys", "/ui/users/new", "/ui/nothing"):
        answer = page.get(path)
        assert session_id not in answer.text + str(answer.headers)
    assert session_id not in str(dump())


def test_the_id_is_new_at_each_login_whatever_the_browser_brought(app, browser, mia, otto):
    """S-9: no fixation: neither a planted cookie nor one's own older one is kept."""
    planted = forge(app, _user_id="planted by Otto", csrf_token="planted")
    victim = Browser(Thief(app, planted))
    victim.get("/ui/login")
    answer = victim.submit("/ui/login", username=mia.email, password=PASSWORD)
    if answer.status == 303:
        assert "planted" not in str(app.session_interface.get_signing_serializer(app).loads(cookie_of(answer).value))
    assert replay(app, planted).get("/ui/keys").status == 303
    page = browser()
    page.get("/ui/login")
    before = steal(app, page)
    page.submit("/ui/login", username=mia.email, password=PASSWORD)
    page.get("/ui/keys")
    after = steal(app, page)
    assert (before.session_id, after.session_id is not None) == (None, True)
    assert before.csrf != after.csrf


def test_the_id_is_new_when_ina_claims_her_link(app, browser, ina):
    """S-9: what the browser held before is gone."""
    page = browser()
    page.follow(page.get(f"/ui/onboarding?id={make_invitation(ina).secret}"))
    before = steal(app, page)
    page.follow(page.submit("/ui/onboarding", password=NEW_PASSWORD))
    after = steal(app, page)
    assert (before.session_id, after.session_id is not None) == (None, True)
    assert before.csrf != after.csrf


def test_a_session_ends_when_nobody_clicks_for_a_day_and_after_a_week_in_any_case(app, browser, mia):
    """S-9: idle 24 hours, at most 7 days, counted on the server."""
    page, start = browser(mia), now()
    for clicks in range(1, 8):
        with travel(start + timedelta(hours=23) * clicks):
            assert page.get("/ui/keys").status == 200
    with travel(start + timedelta(days=6, hours=23, minutes=59)):
        assert page.get("/ui/keys").status == 200
    with travel(start + timedelta(days=7, seconds=1)):
        assert page.get("/ui/keys").status == 303
    with travel(start + timedelta(days=40)):
        idle = browser(mia)
    with travel(start + timedelta(days=41, seconds=1)):
        assert idle.get("/ui/keys").status == 303


# -- ended is ended --------------------------------------------------------------------------------------------


def end_by_logout(page, **_):
    page.get("/ui/logout")
    page.submit("/ui/logout")


def end_by_curl_logout(page, curl, **_):
    door = curl()
    door.transport = page.transport
    assert door.post("/session/logout").json["message"] == "Session revoked."


def end_by_password(page, **_):
    page.get("/ui/account")
    assert page.submit("/ui/account/password", current_password=PASSWORD, new_password=NEW_PASSWORD).status == 303


def end_by_reset(user, curl, **_):
    secret = make_invitation(user).secret
    token = curl().get("/onboarding/get_token", invite_link=secret).json["token"]
    body = {"invitation_link": secret, "password": NEW_PASSWORD}
    assert curl(token).post("/onboarding/claim_token", body).status == 200


def by_page(deed, **fields):
    def end(admin, user, **_):
        token = token_of(admin)
        assert admin.post(f"/ui/users/{user.id}/{deed}", fields | token).status == 303

    return end


def by_curl(path, **fields):
    def end(master, user, **_):
        names = {"user_ids": [user.user_id]} if path == "/user/delete" else {"user_id": user.user_id}
        assert master.post(path, names | fields).status == 200

    return end


def end_behind_our_back(user, **_):
    change(user, is_blocked=True)


ENDS = {
    "logout": end_by_logout,
    "logout by curl": end_by_curl_logout,
    "password": end_by_password,
    "reset link": end_by_reset,
    "role on the page": by_page("role", role="internal_user_viewer"),
    "block on the page": by_page("block"),
    "delete on the page": by_page("delete"),
    "role by curl": by_curl("/user/update", user_role="internal_user_viewer"),
    "block by curl": by_curl("/user/update", blocked=True),
    "delete by curl": by_curl("/user/delete"),
    "block in the table": end_behind_our_back,
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_stolen_cookie_is_dead_on_the_next_request(app, browser, curl, master, ada, end):
    """S-10: every copy, for every page and every write, however the session ended."""
    user = make_user("Nora")
    page, admin = browser(user), browser(ada)
    loot = steal(app, page)
    assert replay(app, loot.header).get("/ui/account").status == 200
    end(page=page, user=user, admin=admin, curl=curl, master=master)
    for path in READS[:4]:
        assert replay(app, loot.header).get(path).location.startswith("/ui/login")
    posted = replay(app, loot.header).post("/ui/keys", {"key_alias": "mine", "csrf_token": loot.csrf})
    assert (posted.status, posted.location) == (303, "/ui/login")
    assert not [key for key in rows(ApiKey) if key.alias == "mine"]


@pytest.mark.parametrize("end", ["block", "role"])
def test_unblocking_or_giving_the_role_back_does_not_revive_it(app, browser, master, end):
    """S-10: an ended session is a deleted row."""
    user = make_user("Nora")
    loot = steal(app, browser(user))
    there, back = {"block": ({"blocked": True}, {"blocked": False}), "role": (
        {"user_role": "internal_user_viewer"}, {"user_role": "internal_user"})}[end]  # fmt: skip
    for change_of in (there, back):
        assert master.post("/user/update", {"user_id": user.user_id, **change_of}).status == 200
    assert replay(app, loot.header).get("/ui/keys").status == 303


def test_the_own_password_ends_the_other_sessions_and_renews_this_one(app, browser, mia):
    """S-9: the browser that changed it stays signed in, under a new id."""
    page, other = browser(mia), browser(mia)
    before = steal(app, page)
    end_by_password(page)
    assert page.get("/ui/keys").status == 200
    assert steal(app, page).session_id != before.session_id
    assert other.get("/ui/keys").status == 303
    assert len(rows(Session)) == 1
