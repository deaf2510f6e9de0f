"""Guessing is slow for the one who guesses, and for nobody else (S-18)."""

from datetime import timedelta

import pytest
from time_machine import travel

from selfserve.clock import now
from selfserve.minting import fingerprint, mint_invitation
from selfserve.models import Throttle
from tests.clients import Browser, Curl, InProcess
from tests.factories import PASSWORD, make_invitation, make_key, rows, save
from tests.integration.security.replays import Thief

VICTIM, ATTACKER = "192.0.2.1", "203.0.113.66"


def at(app, address, **headers):
    """A browser at an address; what it says of itself in headers is sent along."""
    page = Browser(InProcess(app))
    page.transport.client.environ_base["REMOTE_ADDR"] = address
    for name, value in headers.items():
        page.transport.client.environ_base[f"HTTP_{name}"] = value
    return page


def try_to_sign_in(page, email, password="wrong"):
    page.get("/ui/login")
    return page.submit("/ui/login", username=email, password=password)


def test_on_the_page_the_eleventh_try_is_refused_also_with_the_right_password(app, mia):
    """S-18: 429 with a time to wait, as a page that renders."""
    page = at(app, ATTACKER)
    assert [try_to_sign_in(page, mia.email).status for _ in range(11)] == [422] * 10 + [429]
    refused = try_to_sign_in(page, mia.email, PASSWORD)
    assert (refused.status, 0 < int(refused.headers["retry-after"]) <= 301) == (429, True)


def test_the_victim_signs_in_elsewhere_meanwhile_and_the_pause_ends(app, mia):
    """S-18: two hundred failures at the attacker's address lock nobody out at another."""
    attacker, victim = at(app, ATTACKER), at(app, VICTIM)
    for _ in range(200):
        Curl(attacker.transport).post("/v2/login", {"username": mia.email, "password": "wrong"})
    assert try_to_sign_in(victim, mia.email, PASSWORD).status == 303
    assert try_to_sign_in(attacker, mia.email, PASSWORD).status == 429
    with travel(now() + timedelta(minutes=6)):
        assert try_to_sign_in(attacker, mia.email, PASSWORD).status == 303


@pytest.mark.parametrize("header", ["X_FORWARDED_FOR", "X_REAL_IP", "FORWARDED", "CLIENT_IP", "TRUE_CLIENT_IP"])
def test_no_header_makes_a_new_address_of_the_same_one(app, mia, header):
    """S-18: without trusted proxies no header is read at all."""
    pages = [at(app, ATTACKER, **{header: f"10.0.0.{number}"}) for number in range(12)]
    assert [try_to_sign_in(page, mia.email).status for page in pages] == [422] * 10 + [429] * 2


def test_behind_one_proxy_the_address_is_the_one_that_the_proxy_saw(app_with, mia):
    """S-18: what stands further left was written by whoever asked."""
    app = app_with(selfserve_trusted_proxies=1)
    forged = [at(app, "10.0.0.1", X_FORWARDED_FOR=f"10.1.1.{number}, {ATTACKER}") for number in range(12)]
    assert [try_to_sign_in(page, mia.email).status for page in forged] == [422] * 10 + [429] * 2
    others = at(app, "10.0.0.1", X_FORWARDED_FOR=f"{ATTACKER}, {VICTIM}")
    assert try_to_sign_in(others, mia.email, PASSWORD).status == 303


@pytest.mark.parametrize("port", ["{}:{}", "[{}]:{}", "[{}]"])
def test_a_proxy_that_writes_the_port_too_is_understood(app_with, mia, port):
    """S-18: else everybody behind it would be one address; each port is the same one."""
    app, six = app_with(selfserve_trusted_proxies=1), port.startswith("[")
    attacker, victim = ("2001:db8:1::1", "2001:db8:2::1") if six else (ATTACKER, VICTIM)
    pages = [at(app, "10.0.0.1", X_FORWARDED_FOR=port.format(attacker, 40_000 + number)) for number in range(11)]
    assert [try_to_sign_in(page, mia.email).status for page in pages] == [422] * 10 + [429]
    other = at(app, "10.0.0.1", X_FORWARDED_FOR=port.format(victim, 40_000))
    assert try_to_sign_in(other, mia.email, PASSWORD).status == 303


@pytest.mark.parametrize("given", ["nonsense", "1.2.3.4.5", ",,,", "x" * 5000])
def test_a_forwarded_address_that_is_none_falls_back_to_the_real_one(app_with, mia, given):
    """S-18: also behind a proxy; it neither breaks anything nor makes a bucket of its own."""
    app = app_with(selfserve_trusted_proxies=1)
    pages = [at(app, ATTACKER, X_FORWARDED_FOR=given) for _ in range(11)]
    assert [try_to_sign_in(page, mia.email).status for page in pages] == [422] * 10 + [429]


def test_many_names_from_one_address_are_paused_too(app):
    """S-18: spraying one password over all addresses."""
    door = Curl(at(app, ATTACKER).transport)
    statuses = [door.post("/v2/login", {"username": f"p{n}@example.com"}).status for n in range(102)]
    assert statuses == [401] * 100 + [429] * 2
    assert Curl(at(app, VICTIM).transport).post("/v2/login", {"username": "p1@example.com"}).status == 401


def test_the_count_is_in_the_database_so_every_worker_shares_it(app, app_with, mia):
    """S-18: two applications, one database."""
    other = app_with()
    statuses = [try_to_sign_in(at(each, ATTACKER), mia.email).status for each in (app, other) * 6]
    assert statuses == [422] * 10 + [429] * 2
    assert len(rows(Throttle)) == 2
    assert "example.com" not in str([vars(row) for row in rows(Throttle)])


def test_guessing_the_current_password_of_an_open_session_is_paused(app, browser, mia):
    """S-18: whoever finds a browser open does not get to try the whole dictionary."""
    page = browser(mia)
    page.get("/ui/account")
    token = {"csrf_token": page.csrf_token()}
    fields = {"current_password": "wrong", "new_password": "seven quiet foxes at noon"} | token
    statuses = [page.post("/ui/account/password", fields).status for _ in range(12)]
    assert statuses == [422] * 10 + [429] * 2
    assert page.post("/ui/account/password", fields | {"current_password": PASSWORD}).status == 429


def full(address):
    """Let an address have used up its guesses but one."""
    moment = now() + timedelta(seconds=60)
    save(Throttle(bucket=fingerprint(f"guess {address}"), failures=299, window_ends_at=moment))


@pytest.mark.parametrize("what", ["key", "link by curl", "link on the page"])
def test_guessing_keys_and_links_is_paused_by_address(app, mia, ina, what):
    """S-18: three hundred unknown ones in a minute; known ones go on working everywhere."""
    full(ATTACKER)
    attacker, victim = at(app, ATTACKER), at(app, VICTIM)

    def guess(page):
        if what == "key":
            return Curl(page.transport, "sk-an-unknown-key-0123456789").get("/key/info").status
        if what == "link by curl":
            return Curl(page.transport).get("/onboarding/get_token", invite_link=mint_invitation()).status
        return page.get(f"/ui/onboarding?id={mint_invitation()}").status

    missed = 401 if what == "key" else 410
    assert [guess(attacker) for _ in range(3)] == [missed, 429, 429]
    assert guess(victim) == missed
    assert Curl(attacker.transport, make_key(mia).secret).get("/key/info").status == 200
    assert attacker.get(f"/ui/onboarding?id={make_invitation(ina).secret}").status == 303


def test_a_login_that_succeeds_forgives_the_pair_only(app, mia, otto):
    """S-18: an attacker with an account of their own does not wipe the count of another's."""
    page = at(app, ATTACKER)
    for _ in range(10):
        assert try_to_sign_in(page, mia.email).status == 422
    own = Browser(Thief(app))
    own.transport.client.environ_base["REMOTE_ADDR"] = ATTACKER
    assert Curl(own.transport).post("/v2/login", {"username": otto.email, "password": PASSWORD}).status == 200
    assert try_to_sign_in(page, mia.email).status == 429
