"""Single sign-on from end to end: our server, Chromium, and an identity provider that others wrote."""

import re

import pytest
from playwright.sync_api import expect

from tests.application import the_app, the_database, the_folder
from tests.canaille import CLIENT_ID, CLIENT_SECRET, PASSWORD, canaille_running
from tests.clients import Curl, OverHttp
from tests.factories import make_invitation, reload
from tests.html import SECRET
from tests.servers import running


@pytest.fixture(scope="module")
def provider():
    """The provider, on a port of its own."""
    with canaille_running(the_folder()) as provider:
        yield provider


@pytest.fixture(scope="module")
def server(provider):
    """Our server, set up for it as docs/sso.md says; it says of no address whether it is verified."""
    the_app()
    there = {"SELFSERVE_SSO_ISSUER": provider.url, "SELFSERVE_SSO_NAME": "Acme accounts"}
    there |= {"GENERIC_CLIENT_ID": CLIENT_ID, "GENERIC_CLIENT_SECRET": CLIENT_SECRET}
    there |= {"SELFSERVE_SSO_TRUSTED_EMAILS": "generic"}
    with running(database_url=the_database().url, folder=the_folder(), **there) as server:
        provider.know(server.url, "mia", "ina", "rex")
        yield server


def sign_in_there(page, name):
    """Sign in on the provider's own pages."""
    expect(page.get_by_text("Sign in to Selfserve")).to_be_visible()
    page.get_by_role("textbox").fill(name)
    page.get_by_role("button", name="Continue").click()
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def consent(page):
    """Allow us to know who one is; it asks each person once."""
    expect(page.get_by_text("Your e-mail address.")).to_be_visible()
    page.get_by_role("button", name="Accept").click()


def test_ada_invites_mia_who_comes_through_the_provider_makes_a_key_leaves_both_and_comes_back(tab, ada):
    page = tab(ada).open("/ui/users/new")
    page.get_by_label("Email addresses").fill("mia@example.com")
    page.get_by_role("button", name="Create users").click()
    link = page.locator("code.link").inner_text()

    opened = tab()
    page = opened.page
    page.goto(link)
    page.get_by_role("link", name="Continue with Acme accounts instead").click()
    sign_in_there(page, "mia")
    consent(page)
    expect(page).to_have_url(f"{opened.base}/ui/keys")
    page.goto(f"{opened.base}/ui/keys/new")
    page.get_by_label("Name", exact=True).fill("laptop")
    page.get_by_role("button", name="Create key").click()
    secret = page.locator("#secret").inner_text()
    assert SECRET.fullmatch(secret)
    assert Curl(OverHttp(opened.base), secret).get("/v1/models").status == 200
    page.get_by_role("link", name="I saved it, close").click()

    page.get_by_role("button", name="Mia").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="sign out there too").click()
    page.get_by_role("button", name="Logout").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.get_by_role("link", name="Continue with Acme accounts").click()
    sign_in_there(page, "mia")
    expect(page.get_by_role("row").filter(has_text="laptop")).to_be_visible()


def test_rex_whom_nobody_invited_is_told_so_with_the_number_of_his_request_and_may_choose_another_account(tab):
    page = tab().open("/ui/login")
    page.get_by_role("link", name="Continue with Acme accounts").click()
    sign_in_there(page, "rex")
    consent(page)
    expect(page.get_by_text("rex@example.com")).to_be_visible()
    expect(page.get_by_text("Nobody has invited this address yet.")).to_be_visible()
    assert re.search("Request [0-9a-f]{32}", page.get_by_role("contentinfo").inner_text())
    page.get_by_role("link", name="Use another account").click()
    expect(page.get_by_role("heading", name="Choose an account")).to_be_visible()


def test_ina_signs_her_terminal_in_through_the_provider(tab, ina, server):
    make_invitation(ina)
    program = Curl(OverHttp(server.url))
    begun = program.send("POST", "/sso/cli/start").json
    page = tab().page
    page.goto(begun["verification_uri_complete"])
    page.get_by_role("link", name="Continue with Acme accounts").click()
    sign_in_there(page, "ina")
    consent(page)
    page.get_by_label("Code").fill(begun["user_code"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Go back to your terminal")).to_be_visible()
    headers = {"x-litellm-cli-poll-secret": begun["poll_secret"]}
    ready = program.send("GET", f"/sso/cli/poll/{begun['login_id']}", headers=headers, reveals=True).json
    assert (ready["status"], ready["user_id"]) == ("ready", ina.user_id)
    assert Curl(OverHttp(server.url), ready["key"]).get("/user/info").json["user_id"] == ina.user_id
    assert reload(ina).sso_subject == "ina"
