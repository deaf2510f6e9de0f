"""Reset links: asked for without telling who is here, used once, dead in time (S-18, S-19, S-20, S-20b)."""

import re
from datetime import timedelta

import pytest
from time_machine import travel

from selfserve.clock import now
from selfserve.minting import fingerprint, mint_token
from selfserve.models import AuditEvent, Mail, ResetLink, Session, User
from selfserve.services import passwords
from tests.clients import Browser, Curl
from tests.factories import PASSWORD, change, make_key, make_reset, make_user, reload, rows
from tests.integration.security.actions import token_of
from tests.integration.security.replays import Thief
from tests.integration.security.snapshots import dump, unchanged
from tests.integration.security.test_races import AT_ONCE, all_at_once
from tests.integration.security.test_throttles import ATTACKER, VICTIM, at

NEW_PASSWORD = "seven quiet foxes at noon"
NOBODY = "nobody@example.com"


def use(page, secret, password=NEW_PASSWORD):
    """Open a link and set the password, as far as it goes."""
    opened = page.follow(page.get(f"/ui/reset?id={secret}"))
    return page.submit("/ui/reset", password=password) if opened.status == 200 else opened


def ask(page, email):
    """Say that a password is forgotten."""
    page.get("/ui/password/forgot")
    return page.submit("/ui/password/forgot", email=email)


def can_sign_in(app, user, password):
    return Curl(Thief(app)).post("/v2/login", {"username": user.email, "password": password}).status == 200


@pytest.fixture
def people(mail, mia, ina, rex):
    """Everybody who must look the same: known, not yet here, blocked, of the provider, deleted, and no one at all."""
    bound = make_user("Sol", password=None, sso_issuer="https://id.example.com", sso_subject="sol")
    gone = make_user("Gus", deleted_at=now())
    return [mia.email, ina.email, rex.email, bound.email, gone.email, NOBODY, "", "no address", "x" * 900]


# -- asking tells nothing --------------------------------------------------------------------------------------


def test_the_answer_is_the_same_whoever_is_asked_about(browser, people):
    """S-20b: one status, one body, the same headers, on the way and at its end."""
    seen = []
    for email in people:
        page = browser()
        answer = ask(page, email)
        ending = page.follow(answer)
        headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "set-cookie")}
        seen.append((answer.status, answer.location, headers, ending.status, ending.html.words()))
    assert all(one == seen[0] for one in seen)
    assert seen[0][:2] == (303, "/ui/password/sent")


def test_asking_costs_the_same_work_whoever_is_asked_about(browser, people, queries, monkeypatch):
    """S-20b: time tells nothing, because the statements are the same one after the other, and nothing is hashed."""
    hashed = []
    monkeypatch.setattr(passwords, "hasher", hashed)
    page = browser()
    ask(page, "warm@example.com")
    work = set()
    for email in people:
        page.get("/ui/password/forgot")
        with queries() as sent:
            page.submit("/ui/password/forgot", email=email)
        work.add(tuple(re.sub(r"\s+", " ", statement)[:60] for statement in map(str, sent)))
    assert len(work) == 1
    assert hashed == []


def test_only_who_has_a_password_gets_a_link_and_only_by_mail(browser, people, mail, mia, run):
    """S-20b: for all others not one row of a link or a mail is left; that somebody asked is on record for each."""
    for email in people:
        ask(browser(), email)
    assert [link.user_pk for link in rows(ResetLink)] == [mia.id]
    assert [(one.kind, one.recipient) for one in rows(Mail)] == [("password_reset", mia.email)]
    assert [event.action for event in rows(AuditEvent)] == ["reset.asked"] * len(people)
    assert run().sent == 1
    assert [got["To"] for got in mail.got] == [mia.email]


def open_links():
    """Give the links that open something now."""
    return [link for link in rows(ResetLink) if not link.ended_at and not link.used_at and link.expires_at > now()]


def test_who_asks_often_keeps_nobody_elsewhere_from_a_link_and_waits_in_the_end(app, mail, mia):
    """S-18: three a minute from one place without a word; what was sent last still works meanwhile."""
    attacker, victim = at(app, ATTACKER), at(app, VICTIM)
    assert [ask(attacker, mia.email).status for _ in range(31)] == [303] * 30 + [429]
    assert (len(rows(ResetLink)), len(open_links())) == (3, 1)
    assert ask(victim, mia.email).status == 303
    assert (len(rows(ResetLink)), len(open_links())) == (4, 1)
    change(open_links()[0], used_at=now())
    assert ask(victim, mia.email).status == 303
    assert len(open_links()) == 1


def test_a_mailbox_gets_ten_a_day_and_then_one_whenever_none_works(app, mail, mia, run):
    """S-18: from however many places it is asked, nobody floods it, and nobody shuts its owner out."""
    start = now()
    for number in range(15):
        ask(at(app, f"192.0.2.{number}"), mia.email)
    assert (len(rows(ResetLink)), len(open_links()), run().sent) == (10, 1, 1)
    for hour in (1, 2):
        with travel(start + timedelta(hours=hour, minutes=hour)):
            for number in range(3):
                ask(at(app, f"192.0.2.{number}"), mia.email)
            assert (len(rows(ResetLink)), len(open_links())) == (10 + hour, 1)
    with travel(start + timedelta(hours=26)):
        ask(at(app, VICTIM), mia.email)
        ask(at(app, ATTACKER), mia.email)
        assert (len(rows(ResetLink)), len(open_links())) == (14, 1)


def test_who_is_asked_about_too_often_looks_the_same_and_costs_the_same(browser, mail, mia, queries):
    """S-20b."""
    seen = set()
    for email in (mia.email, NOBODY):
        page = browser()
        for _ in range(4):
            page.get("/ui/password/forgot")
            with queries() as sent:
                answer = page.submit("/ui/password/forgot", email=email)
        work = tuple(re.sub(r"\s+", " ", statement)[:60] for statement in map(str, sent))
        seen.add((answer.status, answer.location, page.follow(answer).html.words(), work))
    assert len(seen) == 1


def test_guesses_at_links_are_counted(app):
    """S-18."""
    thief = Browser(Thief(app))
    assert {thief.get(f"/ui/reset?id={mint_token()}").status for _ in range(300)} == {410}
    assert thief.get(f"/ui/reset?id={mint_token()}").status == 429


# -- a link ----------------------------------------------------------------------------------------------------


def test_a_link_is_random_and_only_its_hash_is_kept(master, mia):
    """S-19: 256 bits, found by SHA-256."""
    made = [master.post("/user/reset_password", {"user_id": "mia"}).json["reset_link"] for _ in range(2)]
    secrets = [link.rpartition("id=")[2] for link in made]
    assert {len(secret) for secret in secrets} == {43}
    assert {row.secret_hash for row in rows(ResetLink)} == {fingerprint(secret) for secret in secrets}
    assert not [secret for secret in secrets if secret in str(dump())]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_looking_changes_nothing_and_the_secret_leaves_the_address(app, mia, method):
    """S-20: mail scanners look; the redirect says no-referrer, and neither address nor cookie repeats the secret."""
    secret, _ = make_reset(mia)
    with unchanged():
        for _ in range(3):
            answer = Thief(app).send(method, f"/ui/reset?id={secret}", {}, None)
            assert answer.status in (200, 303)
    assert secret not in str(answer.headers) + answer.text + str(answer.cookies)
    if method == "GET":
        assert (answer.headers["referrer-policy"], answer.location) == ("no-referrer", "/ui/reset")
        (cookie,) = [each for each in answer.cookies if each.startswith("selfserve_reset")]
        assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Path=/ui/reset", "Max-Age=900"))
    assert use(Browser(Thief(app)), secret).status in (303, 410)


def test_of_fifty_at_once_one_sets_the_password(app, browser, mia):
    """S-19: each with a password of its own; one of them is the password."""
    secret, _ = make_reset(mia)

    def claim(word):
        page = browser()
        page.follow(page.get(f"/ui/reset?id={secret}"))
        return lambda: page.submit("/ui/reset", password=word).status == 303

    words = [f"a quiet night by the sea number {number}" for number in range(AT_ONCE)]
    results = all_at_once([claim(word) for word in words])
    assert results.count(True) == 1
    assert can_sign_in(app, mia, words[results.index(True)])
    assert [event.action for event in rows(AuditEvent)].count("password.reset") == 1


def test_it_sets_the_password_ends_every_session_signs_in_and_touches_nothing_else(app, browser, mail, mia, otto, run):
    """S-9, S-10: keys and spend stay, others stay signed in, and the person is told by mail."""
    key, elsewhere, other = make_key(mia, total_spend=5), browser(mia), browser(otto)
    change(mia, must_change_password=True)
    secret, _ = make_reset(mia)
    page = browser()
    answer = use(page, secret)
    assert (answer.status, answer.location) == (303, "/ui/keys")
    assert "Your new password is set." in page.follow(answer).html.words()
    assert (elsewhere.get("/ui/keys").status, other.get("/ui/keys").status) == (303, 200)
    assert [one.method for one in rows(Session) if one.user_pk == mia.id] == ["link"]
    assert (can_sign_in(app, mia, NEW_PASSWORD), can_sign_in(app, mia, PASSWORD)) == (True, False)
    kept = reload(key.row)
    assert (kept.token, kept.total_spend, kept.is_blocked) == (key.row.token, 5, False)
    assert reload(mia).must_change_password is False
    run()
    assert "Your password for Selfserve was changed" in [got["Subject"] for got in mail.to(mia.email)]


CAUSES = ["unknown", "expired", "used", "replaced", "user blocked", "user deleted", "row id", "hash"]


def dead(user, cause):
    """Make a link that ended in one of the ways in which links end."""
    secret, row = make_reset(user)
    match cause:
        case "unknown":
            return mint_token()
        case "expired":
            change(row, expires_at=now())
        case "used":
            change(row, used_at=now())
        case "replaced":
            change(row, ended_at=now())
        case "user blocked":
            change(user, is_blocked=True)
        case "user deleted":
            change(user, deleted_at=now())
        case "row id":
            return row.id
        case "hash":
            return row.secret_hash
    return secret


@pytest.mark.parametrize("cause", CAUSES)
def test_every_dead_link_is_the_same_page_and_names_nobody(app, mia, cause):
    """S-20: no address, no cause."""
    reference = Browser(Thief(app)).get("/ui/reset?id=made-up")
    answer = Browser(Thief(app)).get(f"/ui/reset?id={dead(mia, cause)}")
    assert (answer.status, answer.cookies) == (410, [])
    assert answer.html.words().rpartition("Request")[0] == reference.html.words().rpartition("Request")[0]
    assert "mia@" not in answer.text


@pytest.mark.parametrize("end", ["blocked", "another role", "another address", "deleted", "newer", "password", "asked"])
def test_an_open_form_sets_nothing_when_its_link_ended(app, browser, master, mail, ada, mia, end):
    """S-19, S-20: block, role, address, delete, a newer link, a new password; unblocking does not bring it back."""
    secret, row = make_reset(mia)
    page = browser()
    page.follow(page.get(f"/ui/reset?id={secret}"))
    match end:
        case "blocked":
            master.post("/user/update", {"user_id": "mia", "blocked": True})
            master.post("/user/update", {"user_id": "mia", "blocked": False})
        case "another role":
            master.post("/user/update", {"user_id": "mia", "user_role": "internal_user_viewer"})
        case "another address":
            master.post("/user/update", {"user_id": "mia", "user_email": "mia@example.org"})
        case "deleted":
            master.post("/user/delete", {"user_ids": ["mia"]})
        case "newer":
            boss = browser(ada)
            assert boss.post(f"/ui/users/{mia.id}/reset", token_of(boss)).status == 201
        case "password":
            hers = browser(mia)
            hers.get("/ui/account")
            hers.submit("/ui/account/password", current_password=PASSWORD, new_password="another night by the sea")
        case "asked":
            ask(browser(), mia.email)
    before = reload(mia).password_hash
    assert page.submit("/ui/reset", password=NEW_PASSWORD).status == 410
    assert use(browser(), secret).status == 410
    assert reload(mia).password_hash == before
    assert reload(row).used_at is None


def test_a_link_lasts_an_hour_to_the_second(app, master, mia, otto):
    """S-19: no longer, and not less."""
    start = now()
    with travel(start, tick=False):
        first, second = (
            master.post("/user/reset_password", {"user_id": name}).json["reset_link"].partition("/ui")[2]
            for name in ("mia", "otto")
        )
    with travel(start + timedelta(minutes=60) - timedelta(seconds=1), tick=False):
        page = Browser(Thief(app))
        assert page.get(f"/ui{first}").status == 303
    with travel(start + timedelta(hours=1), tick=False):
        assert Browser(Thief(app)).get(f"/ui{second}").status == 410


@pytest.mark.parametrize("cookie", ["onboarding", "made up"])
def test_the_cookie_of_another_purpose_opens_no_form(app, browser, mia, cookie):
    """S-11: what the onboarding signs, the reset does not accept."""
    made = {"onboarding": "sign_onboarding", "made up": None}[cookie]
    _, row = make_reset(mia)
    with app.app_context():
        from selfserve.web import tokens

        word = getattr(tokens, made)(row.id) if made else "made-up"
    page = Browser(Thief(app, f"selfserve_reset={word}"))
    assert page.get("/ui/reset").status == 410


# -- whoever makes one -----------------------------------------------------------------------------------------


def test_only_proxy_admin_makes_one_and_each_is_on_record(curl, ada, vera, mia):
    for person in (vera, mia):
        assert curl(person).post("/user/reset_password", {"user_id": "mia"}).status == 403
    made = curl(ada).post("/user/reset_password", {"user_id": "mia"})
    assert (made.status, set(made.json)) == (200, {"user_id", "user_email", "reset_link", "expires_at"})
    (event,) = [event for event in rows(AuditEvent) if event.action == "reset.created"]
    assert (event.actor_user_id, event.object_id) == ("ada", "mia")


def test_who_could_not_use_one_gets_none(master, rex, ina):
    nameless = make_user("Nell", email=None)
    for user in (rex, nameless):
        assert master.post("/user/reset_password", {"user_id": user.user_id}).status == 409
    assert master.post("/user/reset_password", {"user_id": "nobody"}).status == 404
    assert master.post("/user/reset_password", {"user_id": "default_user_id"}).status == 404
    assert [user.user_id for user in rows(User) if user.must_change_password] == []
