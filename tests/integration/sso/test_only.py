"""Without passwords: they are hidden and refused, and the operator's link is the way back in; what admins see of it."""

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest

from tests.factories import PASSWORD, change, make_invitation, make_reset, make_user, reload
from tests.integration.security.actions import token_of
from tests.integration.security.replays import replay, steal
from tests.integration.security.snapshots import unchanged
from tests.integration.sso.journeys import query_of
from tests.provider import MIA

NEW_PASSWORD = "seven quiet foxes at noon"


@pytest.fixture
def only(portal):
    """The portal without passwords."""
    return portal(selfserve_sso_only=True)


def test_the_sign_in_page_has_the_provider_and_no_password(only):
    page = only.browser()
    answer = page.get("/ui/login")
    assert "Continue with Acme SSO" in answer.html.words()
    assert "password" not in [field for form in page.page.forms for field in form.fields]


def test_every_door_refuses_passwords_also_right_ones(only, idp, curl):
    """S-4: what is hidden is refused."""
    mia = make_user("Mia", sso_issuer=idp.url, sso_subject=MIA["sub"])
    page, given = only.browser(), {"username": mia.email, "password": PASSWORD}
    only.sign_in(page)
    page.get("/ui/account")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with unchanged():
        assert page.post("/ui/login", given).status == 403
        for answer in (
            curl().post("/v2/login", given),
            curl().send("POST", "/login", urlencode(given).encode(), headers=form),
        ):
            assert (answer.status, "Sign in with Acme SSO." in answer.text) == (403, True)


def test_nobody_sets_a_password_by_a_link_or_on_the_account_page(only, idp, curl):
    ina = make_user("Ina", password=None)
    link = make_invitation(ina, by=make_user("Ada", role="proxy_admin")).secret
    page = only.browser()
    welcome = page.follow(page.get(f"/ui/onboarding?id={link}"))
    assert "Continue with Acme SSO" in welcome.html.words()
    assert "Set password" not in welcome.text
    token = curl().get("/onboarding/get_token", invite_link=link).json["token"]
    assert page.post("/ui/onboarding", {"password": NEW_PASSWORD}).status in (400, 403)
    claim = curl(token).post("/onboarding/claim_token", {"invitation_link": link, "password": NEW_PASSWORD})
    assert (claim.status, reload(ina).has_password) == (403, False)
    change(ina, sso_issuer=idp.url, sso_subject=MIA["sub"])
    page = only.browser()
    only.sign_in(page)
    page.get("/ui/account")
    assert "current_password" not in page.page.words()
    changed = page.post("/ui/account/password", {"current_password": PASSWORD, "new_password": NEW_PASSWORD})
    assert changed.status == 403


def test_the_link_of_the_operator_lets_an_admin_in_when_the_provider_is_away(only, idp, app):
    """The way back in: `flask reset-password` prints a link that sets a password and signs in."""
    idp.be(status=503)
    ada, mia = make_user("Ada", role="proxy_admin", password=None), make_user("Mia", password=None)
    refused = app.test_cli_runner().invoke(args=["reset-password", mia.email])
    assert (refused.exit_code, "Passwords are switched off here" in refused.output) == (1, True)
    printed = app.test_cli_runner().invoke(args=["reset-password", ada.email]).output
    page = only.browser()
    page.follow(page.get("/ui/reset?id=" + printed.rpartition("id=")[2].split()[0]))
    assert page.submit("/ui/reset", password=NEW_PASSWORD).status == 303
    assert page.get("/ui/users").status == 200


def test_where_no_passwords_are_used_none_is_forgotten_reset_or_asked_for(only, idp, master, ada):
    """An older link, an admin's, a flag: nothing leads to a form that would take one."""
    mia = make_user("Mia", must_change_password=True, sso_issuer=idp.url, sso_subject=MIA["sub"])
    page = only.browser()
    only.sign_in(page)
    assert page.get("/ui/password/forgot").status == 403
    assert page.post("/ui/password/forgot", {"email": mia.email, **token_of(page)}).status == 403
    page.follow(page.get(f"/ui/reset?id={make_reset(mia)[0]}"))
    assert page.post("/ui/reset", {"password": NEW_PASSWORD, **token_of(page)}).status == 403
    refused = master.post("/user/reset_password", {"user_id": "mia"})
    assert (refused.status, "switched off" in refused.error["message"]) == (409, True)
    assert master.post("/user/reset_password", {"user_id": "ada"}).status == 200
    assert reload(mia).password_hash == mia.password_hash


def test_what_a_password_opened_before_they_were_switched_off_opens_nothing(portal, browser, idp, ada, mia, otto):
    """S-10: neither does a link that set one; what the provider or the operator let in stays."""
    door = portal()
    make_user("Ina", sso_issuer=idp.url, sso_subject=MIA["sub"])
    pages = {"password": browser(mia), "sso": door.browser()}
    door.sign_in(pages["sso"])
    for word, link in (("link", make_reset(otto)), ("operator", make_reset(ada, created_by="default_user_id"))):
        pages[word] = browser()
        pages[word].follow(pages[word].get(f"/ui/reset?id={link[0]}"))
        assert pages[word].submit("/ui/reset", password=NEW_PASSWORD).status == 303
    assert {word: page.get("/ui/account").status for word, page in pages.items()} == dict.fromkeys(pages, 200)
    portal(selfserve_sso_only=True)
    assert {word: page.get("/ui/account").status for word, page in pages.items()} == {
        "password": 303, "link": 303, "sso": 200, "operator": 200}  # fmt: skip
    assert "Not signed in anywhere." in pages["operator"].get(f"/ui/users/{mia.id}").html.words()


# -- parting somebody from the provider -----------------------------------------------------------------------


def test_an_admin_parts_somebody_from_their_account_there(door, idp, browser, ada):
    """S-10, S-22: they are signed out at once, and may be linked anew when they are invited."""
    mia = make_user("Mia", password=None, sso_issuer=idp.url, sso_subject="an-old-account")
    page = browser(ada)
    page.get(f"/ui/users/{mia.id}")
    assert "Acme SSO" in page.page.words()
    assert door.sign_in().status == 403
    answer = page.submit(f"/ui/users/{mia.id}/sso/unlink")
    assert (answer.status, reload(mia).status) == (303, "invited")
    assert door.sign_in().status == 403
    make_invitation(mia)
    assert door.sign_in().status == 303
    signed_in = door.browser()
    door.sign_in(signed_in)
    page.get(f"/ui/users/{mia.id}")
    page.submit(f"/ui/users/{mia.id}/sso/unlink")
    assert signed_in.get("/ui/keys").status == 303


def test_the_last_admin_keeps_their_way_in(door, idp, browser):
    """S-43."""
    ada = make_user("Mia", role="proxy_admin", password=None, sso_issuer=idp.url, sso_subject=MIA["sub"])
    idp.know(auth_time=int(time.time()))
    page = door.browser()
    door.sign_in(page)
    page.get(f"/ui/users/{ada.id}")
    assert page.submit(f"/ui/users/{ada.id}/sso/unlink").status == 409
    assert reload(ada).is_bound


@pytest.mark.parametrize("deed", ["sso/unlink", "role", "block", "delete"])
def test_where_no_passwords_are_used_an_admin_with_one_does_not_stand_in_for_the_last(only, idp, master, deed):
    """S-43: Ada alone came through the provider. Bea's password opens nothing, until she comes that way too."""
    ada = make_user("Ada", role="proxy_admin", sso_issuer=idp.url, sso_subject=MIA["sub"])
    bea = make_user("Bea", role="proxy_admin")
    idp.know(auth_time=int(time.time()))
    page = only.browser()
    only.sign_in(page)
    fields = {"role": "internal_user"} | token_of(page)
    assert page.post(f"/ui/users/{ada.id}/{deed}", fields).status == 409
    assert master.post("/user/delete", {"user_ids": ["ada"]}).status == 409
    assert page.get(f"/ui/users/{bea.id}").html.words().count("No open link") == 1
    change(bea, sso_issuer=idp.url, sso_subject="bea-at-work")
    assert page.post(f"/ui/users/{ada.id}/{deed}", fields).status == 303


def test_a_claim_does_not_take_the_last_admin_who_comes_through_the_provider(portal, idp):
    """S-25, S-43."""
    door = portal(selfserve_sso_only=True, generic_user_role_attribute="role")
    ada = make_user("Ada", role="proxy_admin", sso_issuer=idp.url, sso_subject=MIA["sub"])
    make_user("Bea", role="proxy_admin")
    assert (door.sign_in().status, door.refusal()["reason"], reload(ada).role) == (403, "last_admin", "proxy_admin")


def test_of_two_admins_who_part_each_other_at_once_one_stays(app, only, idp):
    """S-43."""
    pages = []
    circle = [make_user(word, role="proxy_admin", sso_issuer=idp.url, sso_subject=word) for word in ("ada", "bea")]
    for person, other in zip(circle, circle[::-1], strict=True):
        idp.know(sub=person.sso_subject, auth_time=int(time.time()))
        page = only.browser()
        only.sign_in(page)
        token = token_of(page)
        pages.append((steal(app, page).header, f"/ui/users/{other.id}/sso/unlink", token))
    with ThreadPoolExecutor(2) as threads:
        statuses = threads.map(lambda one: replay(app, one[0]).post(one[1], one[2]).status, pages)
    assert set(statuses) <= {303, 403, 409}
    assert [reload(person).is_bound for person in circle].count(True) == 1


# -- what is told about it ------------------------------------------------------------------------------------


def test_ada_tests_the_sign_in_and_is_told_what_came_back(door, idp, browser, ada):
    page = browser(ada)
    answer = page.get("/ui/settings")
    assert "secret of our client" not in answer.text
    assert f"OpenID Connect, {idp.url}" in answer.html.words()
    told = page.submit("/ui/settings/sign-in/test", htmx=True).html.words()
    assert "Working" in told
    assert "with 1 key." in told
    for manner, sentence in (
        ({"status": 503}, "It answered 503."),
        ({"document": {"issuer": "https://evil.example"}}, "names another issuer"),
        ({"document": {"jwks_uri": idp.url + "/nothing"}}, "It answered 404."),
        ({"published": ()}, "has no key to check signatures with"),
    ):
        idp.be(**manner)
        told = page.submit("/ui/settings/sign-in/test", htmx=True).html.words()
        assert "Not working" in told
        assert sentence in told
    page.get("/ui/settings")
    assert "names another issuer" not in page.follow(page.submit("/ui/settings/sign-in/test")).text
    assert page.post("/ui/settings/sign-in/test", {"provider": "https://evil.example"}).status == 404


def test_the_documented_questions_are_answered_in_the_documented_words(door, curl, mia, vera):
    assert curl(vera).get("/sso/readiness").json == {
        "status": "healthy", "sso_configured": True, "provider": "generic",
        "message": "Acme SSO is properly configured"}  # fmt: skip
    assert curl(mia).get("/sso/readiness").status == 403
    settings = curl(mia).get("/sso/get/ui_settings").json
    assert (settings["SSO_ENABLED"], settings["PROXY_LOGOUT_URL"], settings["NUM_SPEND_LOGS_ROWS"]) == (True, None, -1)
    told = curl().get("/.well-known/litellm-ui-config").json
    assert (told["sso_configured"], told["server_root_path"], told["workers"]) == (True, "", [])
    assert len(told) == 9
    assert curl().get("/litellm/.well-known/litellm-ui-config").json == told


def test_behind_a_prefix_people_come_back_behind_it_and_consoles_join_it_once(portal, curl):
    door = portal(proxy_base_url="https://example.com/llm/keys", server_root_path="/llm/keys")
    asked = query_of(door.browser().get("/ui/sso").location)
    assert asked["redirect_uri"] == "https://example.com/llm/keys/sso/callback"
    told = curl().get("/.well-known/litellm-ui-config").json
    assert (told["proxy_base_url"], told["server_root_path"]) == ("https://example.com", "/llm/keys")


def test_without_a_provider_the_same_questions_say_so(curl, ada):
    told = curl(ada).get("/sso/readiness").json
    assert (told["status"], told["sso_configured"], told["message"]) == ("healthy", False, "No SSO provider configured")
    assert curl(ada).get("/sso/get/ui_settings").json["SSO_ENABLED"] is False
    assert curl().get("/.well-known/litellm-ui-config").json["sso_configured"] is False
