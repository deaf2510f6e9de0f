"""Where one is signed in: on the account page, ended one by one, all others, or all of a person by an admin."""

from datetime import timedelta

import pytest
from time_machine import travel

from selfserve.clock import now
from selfserve.minting import fingerprint, mint_token
from selfserve.models import AuditEvent, Session
from tests.clients import Browser, InProcess
from tests.factories import change, make_key, make_user, rows, save, save_all
from tests.integration.pages.parts import found, fragment, toast, words, writes
from tests.integration.security.actions import token_of
from tests.integration.security.replays import replay, steal

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"
both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
ROLES = ["proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer"]


def session(user, agent=IPHONE, **columns):
    """Sign somebody in on another device."""
    defaults = {"user_agent": agent, "address": "10.0.12.4", "expires_at": now() + timedelta(days=7)}
    return Session(id_hash=fingerprint(mint_token()), user_pk=user.id, **(defaults | columns))


def sessions_of(user):
    return [one for one in rows(Session) if one.user_pk == user.id]


def shown(answer):
    """The sessions of the page, each in words."""
    return [words(item).removesuffix(" Sign out") for item in found(answer, "my-sessions").iter("li")]


def ended():
    return [event.after for event in rows(AuditEvent) if event.action == "session.ended"]


@pytest.fixture
def at(app):
    """Open a browser with a User-Agent: `at(FIREFOX, mia)`."""

    def open_browser(agent, user):
        transport = InProcess(app)
        transport.client.environ_base["HTTP_USER_AGENT"] = agent
        return Browser(transport).sign_in(user)

    return open_browser


def test_it_says_which_device_from_where_since_when_and_until_when(at, mia):
    moment = now()
    save_all([
        session(mia, created_at=moment - timedelta(days=2), last_seen_at=moment - timedelta(hours=3),
                expires_at=moment + timedelta(days=5)),
        session(mia, "curl/8.5", address=None, created_at=moment - timedelta(days=6, hours=20),
                last_seen_at=moment - timedelta(minutes=5), expires_at=moment + timedelta(hours=4)),
    ])  # fmt: skip
    said = shown(at(FIREFOX, mia).get("/ui/account"))
    assert said == [
        "Firefox on Linux This device 127.0.0.1, last seen just now Signed in just now , ends in 24 hours unless used",
        "curl Unknown address, last seen 5 minutes ago Signed in 6 days ago , ends in 4 hours",
        "Safari on iPhone 10.0.12.4, last seen 3 hours ago Signed in 2 days ago , ends in 21 hours unless used",
    ]


def test_what_is_over_is_not_listed(browser, mia, otto):
    save(session(mia, expires_at=now() - timedelta(seconds=1)))
    save(session(mia, last_seen_at=now() - timedelta(hours=25)))
    save(session(otto))
    assert len(shown(browser(mia).get("/ui/account"))) == 1


def test_the_list_is_bounded_and_this_device_is_always_in_it(browser, mia):
    page = browser(mia)
    save_all([session(mia, last_seen_at=now() + timedelta(minutes=1)) for _ in range(60)])
    said = shown(page.get("/ui/account"))
    assert (len(said), "This device" in said[0], said[20]) == (21, True, "And 41 more, last seen before these.")


def test_an_admin_is_told_how_many_sessions_of_a_person_are_not_listed(browser, ada, mia):
    save_all([session(mia) for _ in range(23)])
    assert "And 3 more, last seen before these." in browser(ada).get(f"/ui/users/{mia.id}").html.words()


def test_one_of_very_many_sessions_is_found_without_reading_them_all(browser, queries, mia):
    page = browser(mia)
    save_all([session(mia, last_seen_at=now() - timedelta(hours=1)) for _ in range(300)])
    page.get("/ui/account")
    last = [
        form.action
        for form in page.page.forms
        if form.action.startswith("/ui/account/sessions/") and "/end" in form.action
    ]
    with queries() as sent:
        page.post(last[10], page.form(last[10]).fields)
    assert [one for one in sent if "FROM sessions" in one and "LIMIT" in one]
    assert len(sessions_of(mia)) == 300


@pytest.mark.parametrize("role", ROLES)
@both_ways
def test_everybody_signs_another_device_of_theirs_out(browser, role, htmx):
    """S-7e, S-10: viewers too; the other device is out on its next click."""
    nora = make_user("Nora", role=role)
    here, there = browser(nora), browser(nora)
    other = next(
        one
        for one in sessions_of(nora)
        if one.id_hash == fingerprint(steal(there.transport.client.application, there).session_id)
    )
    here.get("/ui/account")
    answer = here.submit(f"/ui/account/sessions/{other.handle}/end", htmx=htmx)
    if htmx:
        assert (answer.status, fragment(answer).id) == (200, "my-sessions")
    else:
        assert (answer.status, answer.location) == (303, "/ui/account#sessions")
        answer = here.get("/ui/account")
    assert toast(answer) == "That device is signed out."
    assert len(shown(answer)) == 1
    assert (there.get("/ui/account").status, here.get("/ui/account").status) == (303, 200)
    assert len(ended()) == 1


@both_ways
def test_who_signs_this_device_out_is_at_the_sign_in_page(browser, mia, htmx):
    page = browser(mia)
    (mine,) = sessions_of(mia)
    page.get("/ui/account")
    answer = page.submit(f"/ui/account/sessions/{mine.handle}/end", htmx=htmx)
    assert (answer.headers.get("hx-redirect") if htmx else answer.location) == "/ui/login?bye=1"
    assert sessions_of(mia) == []
    assert page.get("/ui/account").location.startswith("/ui/login")


@both_ways
def test_all_others_at_once_and_this_one_stays(browser, mia, otto, htmx):
    here, there, stranger = browser(mia), browser(mia), browser(otto)
    save(session(mia))
    here.get("/ui/account")
    answer = here.submit("/ui/account/sessions/end", htmx=htmx)
    assert toast(answer if htmx else here.follow(answer)) == "2 other sessions signed out."
    assert [page.get("/ui/account").status for page in (here, there, stranger)] == [200, 303, 200]
    assert ended() == [{"others": 2}]


def test_without_others_there_is_no_button_and_nothing_happens(browser, mia):
    page = browser(mia)
    assert "/ui/account/sessions/end" not in writes(page.get("/ui/account"))
    answer = page.post("/ui/account/sessions/end", {})
    assert toast(page.follow(answer)) == "There was no other session."
    assert page.get("/ui/account").status == 200


def test_otto_cannot_end_mias_session_and_cannot_tell_it_from_none(browser, mia, otto):
    """S-6: her session's name is as unknown to him as one that was made up."""
    theirs, page = browser(mia), browser(otto)
    (hers,), token = sessions_of(mia), token_of(page)
    answers = [
        page.post(f"/ui/account/sessions/{handle}/end", token) for handle in (hers.handle, "0" * 24, hers.id_hash, "x")
    ]
    assert [answer.status for answer in answers] == [404] * 4
    assert {"There is no such session, or it has ended already." in answer.text for answer in answers} == {True}
    assert (theirs.get("/ui/account").status, ended()) == (200, [])


def test_an_admins_rights_end_no_single_session_of_others(browser, ada, mia):
    """The address is about the own account, whoever asks."""
    browser(mia)
    page = browser(ada)
    (hers,) = sessions_of(mia)
    page.get("/ui/account")
    assert page.post(f"/ui/account/sessions/{hers.handle}/end", {}).status == 404


def test_a_sessions_name_opens_nothing(app, browser, mia):
    """S-9: what stands in the form is neither the cookie nor the hash in the table."""
    page = browser(mia)
    (mine,) = sessions_of(mia)
    loot = steal(app, page)
    text = page.get("/ui/account").text
    assert mine.handle in text
    assert mine.handle not in mine.id_hash
    assert mine.id_hash not in text
    assert loot.session_id not in text
    assert replay(app, f"selfserve_session={mine.handle}").get("/ui/account").status == 303


def test_what_ended_is_over_for_the_api_too(browser, mia):
    """S-10: the one call of the API that reads the cookie finds nothing behind it."""
    here, there = browser(mia), browser(mia)
    here.get("/ui/account")
    here.post("/ui/account/sessions/end", {})
    sent = {"Sec-Fetch-Site": "same-origin"}
    assert there.transport.send("POST", "/session/logout", sent, None).json["message"] == "Session already revoked."
    assert here.transport.send("POST", "/session/logout", sent, None).json["message"] == "Session revoked."


def test_a_session_that_ended_twice_ends_once(browser, mia):
    page = browser(mia)
    other = save(session(mia))
    page.get("/ui/account")
    assert page.post(f"/ui/account/sessions/{other.handle}/end", {}).status == 303
    assert page.post(f"/ui/account/sessions/{other.handle}/end", {}).status == 404
    assert len(ended()) == 1


def test_a_session_ends_by_idleness_and_after_seven_days_in_any_case(browser, mia):
    """S-9: what the page says is what happens."""
    page = browser(mia)
    (mine,) = sessions_of(mia)
    moment = now()
    with travel(moment + timedelta(hours=23), tick=False):
        assert page.get("/ui/account").status == 200
    change(mine, last_seen_at=moment + timedelta(days=6, hours=21))
    with travel(moment + timedelta(days=6, hours=22), tick=False):
        assert "ends in 2 hours" in shown(page.get("/ui/account"))[0]
    with travel(moment + timedelta(days=7, seconds=1), tick=False):
        assert page.get("/ui/account").status == 303


# -- by an admin ------------------------------------------------------------------------------------------------


@both_ways
def test_ada_signs_mia_out_everywhere_and_her_keys_keep_working(browser, curl, ada, mia, otto, htmx):
    """S-10: on both devices at once; the keys are another matter."""
    one, two, stranger, secret = browser(mia), browser(mia), browser(otto), make_key(mia).secret
    boss = browser(ada)
    boss.get("/ui/users")
    answer = boss.post(f"/ui/users/{mia.id}/sessions/end", {}, htmx=htmx)
    assert toast(answer if htmx else boss.follow(answer)) == "Mia is signed out everywhere. Their keys keep working."
    assert [page.get("/ui/account").status for page in (one, two, stranger, boss)] == [303, 303, 200, 200]
    assert curl(secret).get("/key/info").status == 200
    (event,) = [event for event in rows(AuditEvent) if event.action == "session.ended"]
    assert (event.actor_user_id, event.owner_user_id, event.after) == ("ada", "mia", {"all": 2})


@pytest.mark.parametrize("role", ["proxy_admin_viewer", "internal_user", "internal_user_viewer"])
def test_nobody_else_signs_others_out(browser, mia, role):
    """S-4: vera reads sessions and ends none but her own; for others nobody else is there at all."""
    theirs, page = browser(mia), browser(make_user("Nora", role=role))
    page.get("/ui/account")
    assert page.post(f"/ui/users/{mia.id}/sessions/end", {}).status == 404
    assert theirs.get("/ui/account").status == 200


def test_signing_out_somebody_who_is_not_there(browser, ada, mia):
    change(mia, deleted_at=now())
    page = browser(ada)
    token = token_of(page)
    for user_id in (mia.id, "00000000-0000-4000-8000-000000000000"):
        assert page.post(f"/ui/users/{user_id}/sessions/end", token).status == 404
