"""axe finds nothing on any page, in light, in dark and at the width of a phone; and no page scrolls sideways."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from tests.browser.conftest import LOOKS
from tests.factories import make_invitation, make_key, make_user

PAGES = {
    "sign in": (None, "/ui/login"),
    "onboarding": (None, "/ui/onboarding?id={link}"),
    "spent link": (None, "/ui/onboarding?id=00000000-0000-4000-8000-000000000000"),
    "my keys": ("mia", "/ui/keys"),
    "no keys": ("otto", "/ui/keys"),
    "no key matches": ("mia", "/ui/keys?q=zzz"),
    "new key": ("mia", "/ui/keys/new"),
    "delete key": ("mia", "/ui/keys/{key}/delete"),
    "my spend": ("mia", "/ui/spend"),
    "account": ("mia", "/ui/account"),
    "sign out": ("mia", "/ui/logout"),
    "forbidden": ("mia", "/ui/users"),
    "not found": ("mia", "/ui/nothing"),
    "viewer's keys": ("ivo", "/ui/keys"),
    "users": ("ada", "/ui/users"),
    "invited users": ("ada", "/ui/users?status=invited"),
    "new user": ("ada", "/ui/users/new"),
    "delete user": ("ada", "/ui/users/{user}/delete"),
    "all keys": ("ada", "/ui/all-keys"),
    "users as a viewer": ("vera", "/ui/users"),
    "all keys as a viewer": ("vera", "/ui/all-keys"),
}


@pytest.fixture
def company(ada, vera, mia, otto, ivo, ina, rex):
    """Keys in every state and people of every kind, some with long names."""
    key = make_key(mia, "laptop")
    make_key(mia, "a-very-long-name-" * 8, models=["gpt-x", "claude-y"])
    make_key(mia, "blocked", is_blocked=True, blocked_by="Ada")
    make_key(mia, "expired", expires_at=now() - timedelta(days=1))
    make_key(mia, "expiring", expires_at=now() + timedelta(days=3))
    make_key(mia, "spent", max_budget=1_000_000_000, window_spend=2_000_000_000)
    make_key(ivo, "given")
    make_user("Long", email=f"{'long' * 12}@example.com", alias="A Person Of Many Names " * 5)
    cast = {"ada": ada, "vera": vera, "mia": mia, "otto": otto, "ivo": ivo}
    return cast, {"link": make_invitation(ina, by=ada).secret, "key": key.row.id, "user": mia.id}


@pytest.mark.parametrize("look", list(LOOKS))
@pytest.mark.parametrize("name", list(PAGES))
def test_axe_finds_nothing(tab, company, name, look):
    cast, ids = company
    who, path = PAGES[name]
    opened = tab(cast.get(who), look=look)
    page = opened.open(path.format(**ids))
    assert opened.violations() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"


@pytest.mark.parametrize("look", list(LOOKS))
def test_axe_finds_nothing_in_what_only_javascript_opens(tab, company, look):
    cast, _ids = company
    opened = tab(cast["mia"], look=look)
    page = opened.open("/ui/keys")
    page.get_by_role("button", name="Actions for laptop").click()
    assert opened.violations() == []
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("dialog").wait_for()
    assert opened.violations() == []
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Create key").click()
    page.get_by_label("Name", exact=True).fill("new one")
    page.get_by_role("button", name="Create key").click()
    page.locator("#secret").wait_for()
    assert opened.violations() == []
