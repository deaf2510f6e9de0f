"""Who signed in through a provider confirms there that it is them: asked anew, the very same account (S-39)."""

import time
from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.models import AuditEvent, Session
from selfserve.proofs import RECENT
from selfserve.services import proofs
from selfserve.sso import metadata
from selfserve.sso.providers import load_providers
from tests.application import the_settings
from tests.factories import PASSWORD, change, make_user, reload, rows
from tests.integration.security.snapshots import unchanged
from tests.integration.security.test_proofs import grow_old
from tests.integration.sso.journeys import path_of, query_of, visit
from tests.provider import MIA

TENANT = "8f1c2a34-0000-4000-8000-000000000000"


@pytest.fixture
def admin(idp):
    """Mia, an admin who signs in through the provider, and has a password of before."""
    return make_user("Mia", role="proxy_admin", sso_issuer=idp.url, sso_subject=MIA["sub"])


@pytest.fixture
def page(door, admin):
    """Mia's browser, in which she signed in a while ago."""
    page = door.browser()
    door.sign_in(page)
    page.get("/ui/account")
    grow_old()
    return page


def promote(page, user):
    """Let Mia make somebody an admin."""
    page.get("/ui/account")
    return page.post(f"/ui/users/{user.id}/role", {"role": "proxy_admin"})


def confirm(page):
    """Go to the provider and back."""
    return page.get(path_of(visit(page.get("/ui/confirm/sso").location)))


def test_she_confirms_there_and_goes_on_here(page, otto):
    """S-39: the page keeps what was typed while she is there; another press sends it."""
    with unchanged():
        asked = promote(page, otto)
        assert (asked.status, "Continue with Acme SSO" in page.page.words()) == (403, True)
    assert "current_password" not in asked.text
    waiting = page.form(f"/ui/users/{otto.id}/role").fields
    assert page.post(f"/ui/users/{otto.id}/role", waiting).status == 403, "pressed before she confirmed"
    (before,) = rows(Session)
    answer = confirm(page)
    assert (answer.status, answer.location) == (303, "/ui/confirm/done")
    assert [session.id_hash for session in rows(Session)] != [before.id_hash], "S-9"
    assert page.follow(answer).status == 200
    assert page.post(f"/ui/users/{otto.id}/role", waiting).status == 303
    assert reload(otto).role == "proxy_admin"
    (event,) = [event for event in rows(AuditEvent) if event.action == "session.proven"]
    assert (event.actor_user_id, event.after) == ("mia", {"method": "sso"})


def test_the_provider_is_asked_to_ask_anew(page):
    """S-39: `prompt` and `max_age`, which a plain sign-in does not send."""
    asked = query_of(page.get("/ui/confirm/sso").location)
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")


@pytest.mark.parametrize("ago", [120, 8 * 3600])
def test_a_provider_that_did_not_ask_is_no_proof(page, idp, otto, ago):
    """S-39: where it says when she proved who she is, that is not before she was sent there."""
    idp.know(auth_time=int(time.time()) - ago)
    with unchanged("audit_events", "sso_logins", "throttles"):
        answer = confirm(page)
        assert (answer.status, "did not ask you again" in answer.html.words()) == (403, True)
        assert promote(page, otto).status == 403
    assert [event.after["reason"] for event in rows(AuditEvent) if event.action == "login.refused"] == ["not_asked"]
    idp.know(auth_time=int(time.time()))
    assert confirm(page).status == 303
    assert promote(page, otto).status == 303


@pytest.mark.parametrize("claims", [{"sub": "somebody-else"}, {"sub": "otto-at-work", "email": "otto@example.com"}])
def test_another_account_there_is_no_proof(page, idp, claims, otto):
    """S-39: also one that signs somebody else in here; nobody's session is another one then."""
    make_user("Olga", role="proxy_admin", sso_issuer=idp.url, sso_subject="otto-at-work")
    idp.know(**claims)
    with unchanged("audit_events", "sso_logins", "throttles"):
        answer = confirm(page)
        assert (answer.status, "another account" in answer.html.words()) == (403, True)
        assert promote(page, otto).status == 403
    assert page.get("/ui/account").html.words().count("mia@example.com")


def test_a_session_that_a_provider_began_takes_no_password(page, otto):
    """S-39: GHSA-hp74: the weaker way is refused, though she has it and it is right."""
    with unchanged():
        assert page.post("/ui/confirm?next=/ui/users", {"current_password": PASSWORD}).status == 403
        assert promote(page, otto).status == 403


def test_a_session_that_a_password_began_takes_no_provider(page, otto):
    """S-39: GHSA-hp74: with the account linked, too; a provider may let in unasked whoever sits there."""
    back = path_of(visit(page.get("/ui/confirm/sso").location))
    session = next(iter(rows(Session)))
    change(session, method="password")
    with unchanged("audit_events", "sso_logins", "throttles"):
        assert page.get("/ui/confirm/sso").status == 409
        answer = page.get(back)
        assert (answer.status, proofs.ASKED_HERE in answer.html.words()) == (403, True)
        assert promote(page, otto).status == 403


def test_where_no_passwords_are_used_none_confirms(portal, idp, admin, otto):
    """S-39: a password of before is none any more."""
    door = portal(selfserve_sso_only=True)
    page = door.browser()
    door.sign_in(page)
    grow_old()
    page.get("/ui/account")
    assert page.post("/ui/confirm?next=/ui/users", {"current_password": PASSWORD}).status == 403
    assert promote(page, otto).status == 403
    assert confirm(page).status == 303
    assert promote(page, otto).status == 303


def test_who_has_neither_signs_in_again(portal, browser, ada, otto):
    """S-39: an admin who came in by the operator's link where no passwords are used."""
    page = browser(ada)
    portal(selfserve_sso_only=True)
    for session in rows(Session):
        change(session, method="operator")
    grow_old()
    page.get("/ui/account")
    asked = promote(page, otto)
    assert (asked.status, "only a new sign-in proves it" in asked.html.words()) == (403, True)
    assert page.get("/ui/confirm/sso").status == 404


def test_silence_is_no_proof_of_a_provider_that_says_when_it_asked(idp, page, otto):
    """S-39: whoever sits there takes `max_age` out of the address, and comes back unasked."""
    idp.be(document={"claims_supported": ["sub", "auth_time"]})
    metadata.forget(next(iter(page.transport.client.application.config["PROVIDERS"].values())))
    with unchanged("audit_events", "sso_logins", "throttles"):
        assert confirm(page).status == 403
        assert promote(page, otto).status == 403
    idp.know(auth_time=int(time.time()))
    assert confirm(page).status == 303


@pytest.mark.any_database
@pytest.mark.parametrize("issuer", [f"https://login.microsoftonline.com/{TENANT}/v2.0", "https://sso.example.com"])
def test_entra_lists_when_it_asked_and_need_not_say_it(monkeypatch, issuer):
    """S-39: there it is an optional claim; its admins would be locked out of what wants proof."""
    ours = {"microsoft_client_id": "m", "microsoft_client_secret": "m", "microsoft_tenant": TENANT}
    ours |= {"generic_client_id": "g", "generic_client_secret": "g", "selfserve_sso_issuer": issuer}
    ends = dict.fromkeys(("authorization_endpoint", "token_endpoint", "jwks_uri"), f"{issuer}/x")
    document = ends | {"issuer": issuer, "claims_supported": ["auth_time"]}
    known = load_providers(the_settings(**ours))
    for provider in known.values():
        monkeypatch.setitem(metadata._kept, provider.issuer, (float("inf"), document))
    says = {name: metadata.endpoints_of(provider).says_when for name, provider in known.items()}
    assert says == {"microsoft": False, "generic": issuer == "https://sso.example.com"}


def test_one_confirmation_is_for_one_session(door, page, admin, otto):
    """S-39: begun in one browser it is not taken up in another, nor by the session that came after it."""
    other = door.browser()
    door.sign_in(other)
    grow_old()
    back = path_of(visit(page.get("/ui/confirm/sso").location))
    other.get("/ui/account")
    assert other.get(back).status == 400
    page.get("/ui/account")
    page.submit("/ui/logout")
    page.sign_in(admin)
    grow_old()
    assert page.get(back).status == 403
    assert all(session.proved_at < now() - RECENT for session in rows(Session))


def test_who_was_let_in_unasked_proved_it_when_they_were_asked(door, idp, admin, otto):
    """S-39: signing out and in again, while the provider still knows somebody, is no way around it."""
    page = door.browser()
    door.sign_in(page)
    assert [session.proved_at for session in rows(Session)] == [None], "it does not say when"
    page.get("/ui/account")
    assert promote(page, otto).status == 403
    assert confirm(page).status == 303
    assert promote(page, otto).status == 303
    idp.know(auth_time=int(time.time()) - int(timedelta(hours=8).total_seconds()))
    page = door.browser()
    door.sign_in(page)
    page.get("/ui/account")
    assert promote(page, make_user("Rex")).status == 403
    idp.know(auth_time="yesterday")
    assert door.sign_in().status == 403
    idp.know(auth_time=int(time.time()) + 3600)
    page = door.browser()
    door.sign_in(page)
    assert max(session.proved_at for session in rows(Session) if session.proved_at) <= now()
