"""Mia, who has a password, links her account to the provider: only hers, only to hers, and only once."""

import pytest

from selfserve.models import AuditEvent, Mail, Session
from tests.factories import change, make_user, reload, rows
from tests.integration.security.actions import token_of
from tests.integration.sso.journeys import path_of, visit
from tests.provider import MIA


@pytest.fixture
def mia(door):
    """With her password."""
    return make_user("Mia")


@pytest.fixture
def page(mia, browser):
    """Her browser."""
    return browser(mia)


def come_back(page):
    """Press the button, go to the provider; give where it sends back to."""
    page.get("/ui/account")
    leaving = page.submit("/ui/account/link")
    assert leaving.status == 200
    address = leaving.headers["refresh"].removeprefix("0; url=")
    assert address in [link.get("href") for link in page.page.all("a")]
    return path_of(visit(address))


def test_mia_links_her_account_and_has_two_ways_in(door, idp, mia, page, mail):
    """S-22: what opened the account before still does."""
    answer = page.get(come_back(page))
    assert (answer.status, answer.location) == (303, "/ui/account")
    told = page.follow(answer).html.words()
    assert "From now on you can sign in with Acme SSO too" in told
    assert "Acme SSO Linked" in told
    mia = reload(mia)
    assert (mia.sso_issuer, mia.sso_subject, mia.has_password) == (idp.url, MIA["sub"], True)
    assert [(event.actor_user_id, event.after) for event in rows(AuditEvent) if event.action == "sso.linked"] == [
        ("mia", {"provider": "Acme SSO"})]  # fmt: skip
    assert [(mail.kind, mail.facts["provider"]) for mail in rows(Mail) if mail.kind == "sign_in_changed"] == [
        ("sign_in_changed", "Acme SSO")]  # fmt: skip
    assert door.sign_in().location == "/ui/keys"
    assert page.get("/ui/keys").status == 200
    assert page.post("/ui/account/link?provider=generic", token_of(page)).status == 200


@pytest.mark.parametrize(
    ("claims", "reason"),
    [({"email": "otto@example.com"}, "other_address"), ({"email_verified": False}, "unverified"),
     ({"email_verified": None}, "unverified"), ({"email": None}, "no_address")],
)  # fmt: skip
def test_the_provider_must_vouch_for_the_very_address_of_the_account(door, idp, mia, page, claims, reason):
    """S-21: whoever holds a session of hers for a minute does not keep it for ever."""
    make_user("Otto")
    idp.know(**claims)
    answer = page.get(come_back(page))
    assert (answer.status, door.refusal()["reason"]) == (403, reason)
    assert answer.headers["x-request-id"] in answer.text
    assert not reload(mia).is_bound


def test_an_account_there_opens_one_account_here_and_none_is_bound_anew(door, idp, mia, page):
    """S-22."""
    otto = make_user("Otto", sso_issuer=idp.url, sso_subject=MIA["sub"])
    assert (page.get(come_back(page)).status, door.refusal()["reason"]) == (403, "taken")
    assert (reload(otto).sso_subject, reload(mia).is_bound) == (MIA["sub"], False)
    back = come_back(page)
    change(otto, sso_subject="otto-at-work")
    change(mia, sso_issuer=idp.url, sso_subject="mia-before")
    assert (page.get(back).status, door.refusal()["reason"]) == (403, "bound")
    assert reload(mia).sso_subject == "mia-before"


def test_who_began_it_must_be_who_comes_back(door, mia, page, browser):
    """S-23: not a stranger's browser, not somebody else who signed in meanwhile, and by no link alone (S-28)."""
    back = come_back(page)
    assert browser(make_user("Otto")).get(back).status == 400
    page.get("/ui/account")
    page.submit("/ui/logout")
    page.sign_in(mia)
    assert page.get(back).status == 400, "another session of hers"
    back = come_back(page)
    (hers,) = [session for session in rows(Session) if session.user_pk == mia.id]
    change(hers, user_pk=make_user("Ivo").id)
    assert page.get(back).status == 400
    assert not reload(mia).is_bound
    assert page.get("/ui/account/link?provider=generic").status == 405


def test_where_no_provider_is_set_up_nothing_is_offered(browser, ada):
    page = browser(ada)
    assert "sign-in-heading" not in page.get("/ui/account").text
    assert page.post("/ui/account/link", token_of(page)).status == 404
