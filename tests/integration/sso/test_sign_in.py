"""People sign in through the identity provider: there, back and in, each step real, with the provider on a socket."""

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from selfserve.models import AuditEvent, Invitation, Session, SsoLogin, User
from selfserve.permissions import Role
from selfserve.services import sso
from tests.application import MASTER_KEY
from tests.clients import Curl
from tests.factories import change, make_invitation, make_user, reload, rows
from tests.integration.pages.parts import link
from tests.integration.security.replays import Thief
from tests.integration.sso.journeys import query_of
from tests.provider import CLIENT_ID, CLIENT_SECRET, MIA


@pytest.fixture
def bound(door, idp):
    """Mia, as she signed in through the provider before."""
    return make_user("Mia", sso_issuer=idp.url, sso_subject=MIA["sub"])


def test_mia_signs_in_through_the_provider_and_lands_where_she_was_going(door, bound):
    page = door.browser()
    answer = door.sign_in(page, next="/ui/spend?range=30d")
    assert (answer.status, answer.location) == (303, "/ui/spend?range=30d")
    assert page.get("/ui/account").html.words().count("mia@example.com")
    assert [(session.user_pk, session.method) for session in rows(Session)] == [(bound.id, "sso")]
    assert rows(SsoLogin) == []
    event = rows(AuditEvent)[-1]
    assert (event.action, event.actor_user_id, event.after["method"], event.after["provider"]) == (
        "login.succeeded", "mia", "sso", "Acme SSO")  # fmt: skip


@pytest.mark.parametrize("entrance", ["/ui/sso", "/sso/key/generate"])
def test_what_the_provider_is_asked(door, idp, entrance):
    """S-23: state, nonce and a hashed verifier, new each time, and the code as the only answer."""
    page = door.browser()
    asked = [query_of(page.get(entrance).location) for _ in range(2)]
    assert {name: asked[0][name] for name in ("response_type", "client_id", "redirect_uri", "scope")} == {
        "response_type": "code", "client_id": CLIENT_ID, "redirect_uri": "http://localhost/sso/callback",
        "scope": "openid email profile"}  # fmt: skip
    assert asked[0]["code_challenge_method"] == "S256"
    assert not {asked[0][name] for name in ("state", "nonce", "code_challenge")} & set(asked[1].values())
    for row in rows(SsoLogin):
        assert asked[0]["state"] not in str(vars(row))


def test_the_word_of_the_browser_is_kept_from_scripts_and_for_ten_minutes(door):
    """S-23, S-9."""
    answer = door.browser().get("/ui/sso")
    (cookie,) = [cookie for cookie in answer.cookies if cookie.startswith("selfserve_sso=")]
    assert {"HttpOnly", "SameSite=Lax", "Max-Age=600", "Path=/"} <= set(cookie.split("; "))


def test_who_is_signed_in_already_goes_on(door, browser, mia):
    answer = browser(mia).get("/ui/sso?next=/ui/spend")
    assert (answer.status, answer.location) == (303, "/ui/spend")


def test_who_opens_an_old_way_back_while_signed_in_goes_on_to_their_keys(door, browser, mia):
    answer = browser(mia).get("/sso/callback?state=of-long-ago&code=used")
    assert answer.status == 400
    assert (link(answer, "Go to your keys"), link(answer, "Try again")) == ("/ui/keys", None)


def test_two_tabs_that_left_for_the_provider_both_come_back_to_where_they_were_going(door, bound):
    """The second finds somebody signed in and asks the provider nothing."""
    page = door.browser()
    first, second = (door.way_back(page, next=f"/ui/{where}") for where in ("spend", "account"))
    assert page.get(first).location == "/ui/spend"
    answer = page.get(second)
    assert (answer.status, answer.location) == (303, "/ui/account")
    assert (len(rows(Session)), door.idp.seen.count("/token"), rows(SsoLogin)) == (1, 1, [])


def test_without_a_provider_the_documented_entrance_is_the_sign_in_page(browser):
    answer = browser().get("/sso/key/generate")
    assert (answer.status, answer.location) == (303, "/ui/login")


def test_no_forged_host_gets_into_what_is_sent_out(door):
    """S-2: where people are sent back to comes from the settings."""
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    for path in ("/ui/sso", "/sso/key/generate", "/ui/sso/logout", "/sso/callback?state=x"):
        answer = door.browser().get(path, headers=forged)
        assert "evil.example" not in answer.location + answer.text
    asked = query_of(door.browser().get("/ui/sso", headers=forged).location)
    assert asked["redirect_uri"] == "http://localhost/sso/callback"


# -- the first time -------------------------------------------------------------------------------------------


def test_who_was_invited_takes_the_provider_instead_of_a_password(door, idp):
    """S-21: by the address that the provider vouches for, whatever its case; one row, and the link is used up."""
    mia = make_user("Mia", password=None, alias=None)
    link = make_invitation(mia)
    page = door.browser()
    page.follow(page.get(f"/ui/onboarding?id={link.secret}"))
    assert "Continue with Acme SSO instead" in page.page.words()
    idp.know(email="MIA@Example.com", name="Mia Maier")
    assert door.sign_in(page).location == "/ui/keys"
    mia = reload(mia)
    assert (mia.sso_issuer, mia.sso_subject, mia.alias, mia.status) == (idp.url, MIA["sub"], "Mia Maier", "active")
    assert reload(link.row).is_accepted
    assert [event.action for event in rows(AuditEvent)][-2:] == ["sso.linked", "login.succeeded"]
    assert door.browser().get(f"/ui/onboarding?id={link.secret}").status == 410


def test_who_has_a_password_is_linked_when_an_admin_sends_a_new_link(door, idp):
    mia = make_user("Mia")
    assert door.sign_in().status == 403
    make_invitation(mia)
    assert door.sign_in().status == 303
    assert reload(mia).is_bound


def test_strangers_get_an_account_where_that_is_set_and_the_default_role(portal, idp):
    door = portal(selfserve_sso_create_users=True, generic_role_mappings_default_role="internal_user_viewer")
    assert door.sign_in().status == 303
    (mia,) = [user for user in rows(User) if not user.is_reserved]
    assert (mia.email, mia.alias, mia.role, mia.has_password) == (
        "mia@example.com",
        "Mia",
        "internal_user_viewer",
        False,
    )
    assert mia.created_by == mia.user_id
    assert door.sign_in().status == 303
    assert len([user for user in rows(User) if not user.is_reserved]) == 1


def test_a_name_from_the_provider_is_shown_as_it_is_and_does_nothing(portal, idp):
    """S-27: it is text, cut to a length, without what is not printable."""
    door = portal(selfserve_sso_create_users=True)
    idp.know(name="<script>alert(1)</script>\u202e\0" + "x" * 300)
    page = door.browser()
    door.sign_in(page)
    (mia,) = [user for user in rows(User) if not user.is_reserved]
    assert mia.alias == ("<script>alert(1)</script>" + "x" * 300)[:100]
    assert "<script>alert(1)" not in page.get("/ui/account").text


# -- other providers ------------------------------------------------------------------------------------------


def test_a_provider_by_its_endpoints_is_asked_who_signed_in(portal, idp):
    """The documented way of the GENERIC_ settings: nothing is discovered, userinfo tells."""
    ends = {f"generic_{name}_endpoint": f"{idp.url}/{path}" for name, path in
            [("authorization", "authorize"), ("token", "token"), ("userinfo", "userinfo")]}  # fmt: skip
    door = portal(selfserve_sso_issuer="", **ends)
    idp.manner.iss = f"{idp.url}/realms/acme"  # which it adds to the answer, and which nobody told us
    mia = make_user("Mia", password=None)
    make_invitation(mia)
    assert door.sign_in().status == 303
    assert "/.well-known/openid-configuration" not in idp.seen
    assert reload(mia).sso_issuer == f"{idp.url}/authorize"


def test_two_providers_on_one_host_are_two(portal, idp):
    """S-22: the same name at another realm is somebody else, also where nothing is discovered."""
    ends = {f"generic_{name}_endpoint": f"{idp.url}/{path}" for name, path in
            [("authorization", "authorize?realm=acme"), ("token", "token"), ("userinfo", "userinfo")]}  # fmt: skip
    make_user("Mia", sso_issuer=f"{idp.url}/realms/other/authorize", sso_subject=MIA["sub"])
    door = portal(selfserve_sso_issuer="", **ends)
    assert door.sign_in().status == 403
    assert door.app.config["PROVIDERS"]["generic"].issuer == f"{idp.url}/authorize"


def test_github_tells_the_address_by_its_api(app, portal, idp, monkeypatch):
    """Without an ID token: the primary address, if GitHub verified it, and the number that never changes."""
    door = portal(github_client_id=CLIENT_ID, github_client_secret=CLIENT_SECRET)
    known = app.config["PROVIDERS"]["github"]
    moved = {f"{name}_endpoint": f"{idp.url}/{path}" for name, path in
             [("authorization", "authorize"), ("token", "token"), ("userinfo", "userinfo")]}  # fmt: skip
    monkeypatch.setitem(app.config["PROVIDERS"], "github", replace(known, **moved))
    mia = make_user("Mia", password=None)
    make_invitation(mia)
    others = [{"email": "old@example.com", "primary": False, "verified": True}]
    for is_verified, status in ((False, 403), (True, 303)):
        primary = {"email": "mia@example.com", "primary": True, "verified": is_verified}
        idp.know(id=583231, login="mia", addresses=[*others, primary])
        assert door.sign_in(provider="github").status == status
    assert (reload(mia).sso_issuer, reload(mia).sso_subject) == ("https://github.com", "583231")


def test_several_providers_have_a_button_each(portal):
    tenant = "8f1c2a34-0000-4000-8000-000000000000"
    door = portal(
        google_client_id="g", google_client_secret="g",
        microsoft_client_id="m", microsoft_client_secret="m", microsoft_tenant=tenant,
    )  # fmt: skip
    page = door.browser()
    page.get("/ui/login?next=/ui/spend")
    said = page.page.words()
    for label in ("Acme SSO", "Google", "Microsoft"):
        assert f"Continue with {label}" in said
    assert page.get("/ui/sso?provider=github").status == 404
    assert door.app.config["PROVIDERS"]["microsoft"].issuer == f"https://login.microsoftonline.com/{tenant}/v2.0"


# -- the way out ----------------------------------------------------------------------------------------------


def test_who_signs_out_is_offered_to_sign_out_there_too(door, bound, idp):
    page = door.browser()
    door.sign_in(page)
    page.get("/ui/logout")
    answer = page.follow(page.submit("/ui/logout"))
    assert "You stay signed in at Acme SSO: sign out there too" in answer.html.words()
    gone = page.get("/ui/sso/logout?provider=generic")
    assert (gone.status, urlsplit(gone.location).path) == (303, "/logout")
    assert query_of(gone.location) == {
        "client_id": CLIENT_ID, "post_logout_redirect_uri": "http://localhost/ui/login?bye=1"}  # fmt: skip


def test_where_a_logout_address_is_set_it_wins(portal, idp):
    door = portal(proxy_logout_url="https://www.example.com/bye")
    make_user("Mia", sso_issuer=idp.url, sso_subject=MIA["sub"])
    page = door.browser()
    door.sign_in(page)
    page.get("/ui/logout")
    assert page.submit("/ui/logout").location == "https://www.example.com/bye"


def test_a_block_ends_what_the_provider_began(door, bound):
    """S-10."""
    page = door.browser()
    door.sign_in(page)
    change(bound, is_blocked=True)
    assert page.get("/ui/keys").location.startswith("/ui/login")
    assert door.sign_in().status == 403
    assert Role(reload(bound).role) is Role.INTERNAL_USER
    assert rows(Invitation) == []


def test_who_is_just_being_linked_is_not_uninvited_meanwhile(door, app, monkeypatch):
    """S-20: the link is ended or it opens the account, never both: who revokes waits and is told that it was used."""
    secret, accept = make_invitation(make_user("Mia", password=None)).secret, sso._accept_invitation
    with ThreadPoolExecutor(1) as threads:

        def revoke():
            ending = {"invitation_id": secret, "is_accepted": True}
            return Curl(Thief(app), MASTER_KEY).post("/invitation/update", ending).status

        def accept_meanwhile(user):
            revoked.append(threads.submit(revoke))
            wait(revoked, 0.3)
            accept(user)

        revoked = []
        monkeypatch.setattr(sso, "_accept_invitation", accept_meanwhile)
        assert (door.sign_in().status, revoked[0].result(10)) == (303, 409)
