"""The audit log in a real browser: rows that unfold, a search while typing, in every look and without script."""

import re

import pytest

from selfserve.models import AuditEvent
from tests.browser.conftest import LOOKS
from tests.factories import change, make_key, save, save_all

LONG = "a-very-long-name-" * 8


@pytest.fixture
def log(app, ada, mia, otto):
    """A change of a role, a key with a long name, a refused sign-in, and many that signed out."""
    key = make_key(mia, LONG).row
    save_all([deed("logout", "user", "mia", by="mia") for _ in range(55)])
    save(deed("key.updated", "key", key.id, before={"alias": LONG, "tags": ["x"] * 30}, after={"alias": "n" * 120}))
    save(deed("login.failed", "user", "otto", by=None, is_refused=True, address="2001:db8:85a3:8d3:1319:8a2e:370:7348"))
    save(deed("user.updated", "user", "otto", is_role_change=True, before={"role": "internal_user", "max_budget": 5},
              after={"role": "proxy_admin", "max_budget": 5}))  # fmt: skip
    change(mia, alias="A Person Of Many Names " * 5)


def deed(action, noun, object_id, by="ada", **columns):
    """Write one event."""
    owner = "otto" if object_id == "otto" else "mia"
    said = {"action": action, "object_type": noun, "object_id": object_id, "owner_user_id": owner, "actor_user_id": by}
    return AuditEvent(**said, source="web", **{"address": "10.0.8.21", "actor_role": "proxy_admin"} | columns)


def row_of(page, words):
    """Find an event by what it says."""
    return page.locator("tbody[id^=event-]").filter(has_text=words).first


@pytest.mark.parametrize("look", list(LOOKS))
def test_axe_finds_nothing_while_rows_unfold_and_nothing_sticks_out(tab, log, ada, look):
    opened = tab(ada, look=look)
    page = opened.open("/ui/audit")
    for words in ("from Internal user to Proxy admin", "was refused", "changed key"):
        row_of(page, words).get_by_role("link", name="Details of event").click()
        row_of(page, words).locator("td.inset").wait_for()
    page.get_by_role("button", name="Any time").click()
    page.get_by_label("To", exact=True).wait_for()
    assert opened.violations() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    opened.open("/ui/audit?q=nothing+like+it")
    assert opened.violations() == []


def test_ada_unfolds_folds_searches_and_pages(tab, log, ada):
    opened = tab(ada)
    page = opened.open("/ui/audit")
    row_of(page, "to Proxy admin").get_by_role("link", name="Details of event").click()
    page.locator("tr.open").wait_for()
    assert page.locator("ins").first.inner_text() == "Proxy admin"
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Details of event")
    page.keyboard.press("Enter")
    page.locator("tr.open").wait_for(state="detached")
    page.get_by_role("searchbox").press_sequentially("otto")
    page.get_by_text("2 events").wait_for()
    assert page.url.endswith("/ui/audit?q=otto")
    page.get_by_role("link", name="Failed sign-ins").click()
    page.get_by_text("1 event").first.wait_for()
    assert page.get_by_text("Refused", exact=True).last.is_visible()
    page.get_by_role("link", name="All events").click()
    page.get_by_role("link", name="Show all").click()
    page.get_by_role("link", name="Older").click()
    page.get_by_role("link", name="Newer").click()
    page.get_by_label("Action").select_option("key.updated")
    page.get_by_text("1 event.").wait_for()
    with page.expect_download() as file:
        page.get_by_role("link", name="Export as CSV").click()
    assert file.value.suggested_filename == "audit.csv"
    assert opened.complaints == []


def test_without_javascript_a_row_opens_as_a_page_and_the_filter_has_a_button(tab, log, ada):
    opened = tab(ada, javascript=False)
    page = opened.open("/ui/audit")
    row_of(page, "to Proxy admin").get_by_role("link", name="Details of event").click()
    assert page.get_by_role("heading", name=re.compile(r"^Event \d+")).is_visible()
    assert page.locator("ins").first.inner_text() == "Proxy admin"
    page.get_by_role("link", name="Audit log").first.click()
    page.get_by_label("Result").select_option("refused")
    page.get_by_role("button", name="Filter").click()
    assert "result=refused" in page.url
    assert page.get_by_text("1 event").first.is_visible()
