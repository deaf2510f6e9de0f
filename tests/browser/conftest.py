"""A real Chromium against a real server; every tab reports what the browser complained about."""

import os
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

from tests import chromium
from tests.application import the_app, the_database, the_folder, the_upstream
from tests.clients import Browser, OverHttp
from tests.provider import CLIENT_ID, CLIENT_SECRET, identity_provider
from tests.servers import running
from tests.upstream import KEY

LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 800}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "has_touch": True},
}
EXPECTED = re.compile(
    r"(Failed to load resource: the server responded with a status of|Response Status Error Code) 4\d\d"
)


@pytest.fixture(scope="session")
def chrome():
    """One browser per run."""
    path = os.environ.get("TEST_CHROMIUM") or chromium.find()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=chromium.arguments())
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def idp():
    """An identity provider that shows people a page before it lets them in."""
    with identity_provider() as provider:
        provider.be(asks=True)
        yield provider


@pytest.fixture(scope="session")
def server(idp):
    """One server per run, on the database that each test sets back."""
    the_app()
    there = {"UPSTREAM_BASE_URL": the_upstream().url, "UPSTREAM_API_KEY": KEY}
    there |= {"SELFSERVE_SSO_ISSUER": idp.url, "SELFSERVE_SSO_NAME": "Acme SSO"}
    there |= {"GENERIC_CLIENT_ID": CLIENT_ID, "GENERIC_CLIENT_SECRET": CLIENT_SECRET}
    with running(database_url=the_database().url, folder=the_folder(), **there) as server:
        yield server


@dataclass
class Tab:
    """A page of the browser with what it complained about."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to an address of ours."""
        self.page.goto(self.base + path)
        return self.page

    def violations(self) -> list[str]:
        """What axe finds wrong with the page as it stands."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}" for rule in found for node in rule["nodes"]
        ]


@pytest.fixture
def tab(app, chrome, server):
    """`tab(mia, look="dark")` opens a tab that is signed in, `tab()` one that is not."""
    tabs = []

    def open_tab(who=None, *, look="light", javascript=True):
        context = chrome.new_context(java_script_enabled=javascript, reduced_motion="reduce", **LOOKS[look])
        context.set_default_timeout(10_000)
        if who:
            context.add_cookies(cookies_of(who, server.url))
        opened = Tab(context.new_page(), server.url)
        opened.page.on("console", lambda message: note(opened, message))
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        tabs.append(opened)
        return opened

    yield open_tab
    for opened in tabs:
        opened.page.context.close()
    assert [complaint for opened in tabs for complaint in opened.complaints] == []


def note(tab, message):
    """Keep errors and warnings of our pages, CSP violations among them; a refusal that the page shows is none."""
    where = message.location["url"]
    is_foreign = where.startswith("http") and not where.startswith(f"{tab.base}/")
    if message.type in ("error", "warning") and not is_foreign and not EXPECTED.match(message.text):
        tab.complaints.append(f"{message.type}: {message.text}")


def cookies_of(user, url):
    """Sign in over HTTP and give the cookies to the browser."""
    door = Browser(OverHttp(url)).sign_in(user)
    host = urlsplit(url).hostname
    return [{"name": name, "value": value, "domain": host, "path": "/"} for name, value in door.transport.jar.items()]
