"""Whoever changes the way somebody signs in: that person learns of it by mail, at every address that is concerned."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from tests.factories import make_invitation, make_user
from tests.integration.security.actions import token_of
from tests.mail_server import body_of
from tests.provider import MIA

NEW_PASSWORD = "seven quiet foxes at noon"


@pytest.fixture
def told(mail, run):
    """Give the mails that were written since: to whom, about what, and their words on one line."""

    def read():
        run()
        got = [(one["To"], one["Subject"], " ".join(body_of(one).split())) for one in mail.got]
        mail.got.clear()
        return got

    return read


def take(page, user):
    """Set a password by an invitation."""
    page.follow(page.get(f"/ui/onboarding?id={make_invitation(user).secret}"))
    filled = {"password": NEW_PASSWORD} | ({} if user.email else {"email": "dana@example.com"})
    assert page.submit("/ui/onboarding", **filled).status == 303


def test_who_has_no_password_is_not_asked_to_set_another_one(told, mail, portal, idp):
    """Neither by the mail of a new device: they change the one of their provider."""
    long_ago = now() - timedelta(days=90)
    make_user("Mia", password=None, sso_issuer=idp.url, sso_subject=MIA["sub"], last_login_at=long_ago)
    assert portal(**mail.settings()).sign_in().status == 303
    ((_, subject, text),) = told()
    assert subject == "New sign-in to Selfserve"
    assert "sign that device out, change your password at Acme SSO and tell your admin" in text


def test_a_password_that_an_invitation_replaced_is_told_of_and_a_first_one_is_not(told, browser, mia, ina):
    take(browser(), ina)
    assert told() == []
    take(browser(), mia)
    ((whom, subject, text),) = told()
    assert (whom, subject) == (mia.email, "Your password for Selfserve was changed")
    assert "Address: 127.0.0.1" in text


def test_an_account_that_was_linked_or_parted_is_told_of(told, mail, portal, browser, ada, mia):
    door = portal(**mail.settings())
    make_invitation(mia)
    assert door.sign_in().status == 303
    whom, subject, text = told()[0]
    assert (whom, subject) == (mia.email, "You sign in to Selfserve with Acme SSO")
    assert "The password you had opens nothing any more." in text
    assert "Address: 127.0.0.1" in text
    page = browser(ada)
    page.get(f"/ui/users/{mia.id}")
    assert page.submit(f"/ui/users/{mia.id}/sso/unlink").status == 303
    ((whom, subject, text),) = told()
    assert (whom, subject) == (mia.email, "Your account for Selfserve was parted from single sign-on")
    assert ("By: Ada" in text, "when an admin sends you a new link" in text) == (True, True)
    page.get(f"/ui/users/{mia.id}")
    page.post(f"/ui/users/{mia.id}/sso/unlink", token_of(page))
    assert told() == []


def test_who_is_made_by_the_provider_is_told_nothing(told, mail, portal):
    assert portal(**mail.settings(), selfserve_sso_create_users=True).sign_in().status == 303
    assert told() == []


@pytest.mark.parametrize("way", ["page", "curl"])
def test_another_address_is_told_of_at_both_and_neither_learns_the_other(told, browser, master, ada, mia, way):
    def set_address(email):
        if way == "curl":
            return master.post("/user/update", {"user_id": "mia", "user_email": email}).status
        page = browser(ada)
        page.get(f"/ui/users/{mia.id}/edit")
        return page.submit(f"/ui/users/{mia.id}/edit", user_email=email).status

    assert set_address("Mia@example.com") in (200, 303)
    assert told() == []
    assert set_address("mia@moved.example.com") in (200, 303)
    mails = {whom: (subject, text) for whom, subject, text in told()}
    assert set(mails) == {"Mia@example.com", "mia@moved.example.com"}
    assert {subject for subject, _ in mails.values()} == {"Your address for Selfserve was changed"}
    assert "not that of your account any more" in mails["Mia@example.com"][1]
    assert "moved" not in mails["Mia@example.com"][1]
    assert "Mia@example.com" not in mails["mia@moved.example.com"][1]
    assert ("By: Ada" in mails["mia@moved.example.com"][1]) == (way == "page")


def test_an_address_that_was_taken_on_the_onboarding_page_is_told_of(told, browser):
    """Nobody proved it: whose it is learns that an account has it."""
    take(browser(), make_user("Nobody", email=None, password=None))
    assert [(whom, subject) for whom, subject, _ in told()] == [
        ("dana@example.com", "Your address for Selfserve was changed")]  # fmt: skip


@pytest.mark.parametrize("way", ["invitation", "reset"])
def test_a_link_that_nobody_asked_for_does_not_say_that_somebody_did(told, browser, ada, way):
    """Ada mails one to herself, where there is no other name to tell; only the forgotten password was asked for."""
    page = browser(ada)
    page.get(f"/ui/users/{ada.id}")
    assert page.post(f"/ui/users/{ada.id}/{way}", {"send_email": "y"} | token_of(page)).status == 201
    ((_, _, text),) = told()
    assert ("An admin sent you this link." in text, "Somebody asked" in text) == (True, False)
    page = browser()
    page.get("/ui/password/forgot")
    page.submit("/ui/password/forgot", email=ada.email)
    ((_, _, text),) = told()
    assert "Somebody asked for this from 127.0.0.1." in text
