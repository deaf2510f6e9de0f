"""axe finds nothing on any page, in light, in dark and at the width of a phone; and no page scrolls sideways."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from tests.browser.conftest import LOOKS
from tests.factories import (
    make_calls,
    make_invitation,
    make_key,
    make_open_call,
    make_reset,
    make_rotating_key,
    make_user,
)

PAGES = {
    "sign in": (None, "/ui/login"),
    "refused sign-in": (None, "/sso/callback?state=nobody-went"),
    "onboarding": (None, "/ui/onboarding?id={link}"),
    "spent link": (None, "/ui/onboarding?id=00000000-0000-4000-8000-000000000000"),
    "forgotten password": (None, "/ui/password/forgot"),
    "check your mail": (None, "/ui/password/sent"),
    "reset": (None, "/ui/reset?id={reset}"),
    "new password": ("mia", "/ui/password/new"),
    "my keys": ("mia", "/ui/keys"),
    "no keys": ("otto", "/ui/keys"),
    "no key matches": ("mia", "/ui/keys?q=zzz"),
    "new key": ("mia", "/ui/keys/new"),
    "delete key": ("mia", "/ui/keys/{key}/delete"),
    "delete keys": ("mia", "/ui/keys/bulk/delete?key_id={key}&key_id={rotating}"),
    "deleted keys": ("mia", "/ui/keys?status=deleted"),
    "keys in order": ("mia", "/ui/keys?sort=used&dir=desc"),
    "key": ("mia", "/ui/keys/{key}"),
    "rotating key": ("mia", "/ui/keys/{rotating}"),
    "long key": ("mia", "/ui/keys/{long}"),
    "spent key": ("mia", "/ui/keys/{spent}"),
    "busy key": ("mia", "/ui/keys/{busy}"),
    "calls": ("mia", "/ui/keys/{busy}/calls?show=failed"),
    "rename key": ("mia", "/ui/keys/{key}/rename"),
    "change key": ("mia", "/ui/keys/{long}/edit"),
    "rotate key": ("mia", "/ui/keys/{key}/rotate"),
    "rotate rotating key": ("mia", "/ui/keys/{rotating}/rotate"),
    "viewer's key": ("ivo", "/ui/keys/{given}"),
    "somebody's key": ("ada", "/ui/keys/{rotating}"),
    "somebody's key as a viewer": ("vera", "/ui/keys/{key}"),
    "my spend": ("mia", "/ui/spend"),
    "models": ("mia", "/ui/models"),
    "a missing model": ("mia", "/ui/models?missing=gpt-9"),
    "no model matches": ("ivo", "/ui/models?q=zzz"),
    "quickstart": ("mia", "/ui/quickstart"),
    "refused": ("mia", "/ui/refused"),
    "account": ("mia", "/ui/account"),
    "sign out": ("mia", "/ui/logout"),
    "forbidden": ("mia", "/ui/users"),
    "not found": ("mia", "/ui/nothing"),
    "viewer's keys": ("ivo", "/ui/keys"),
    "users": ("ada", "/ui/users"),
    "invited users": ("ada", "/ui/users?status=invited"),
    "new user": ("ada", "/ui/users/new"),
    "sorted users": ("ada", "/ui/users?sort=name&dir=asc"),
    "a person": ("ada", "/ui/users/{user}"),
    "an invited person": ("ada", "/ui/users/{invited}"),
    "edit a person": ("ada", "/ui/users/{user}/edit"),
    "a person as a viewer": ("vera", "/ui/users/{user}"),
    "delete user": ("ada", "/ui/users/{user}/delete"),
    "all keys": ("ada", "/ui/all-keys"),
    "users as a viewer": ("vera", "/ui/users"),
    "all keys as a viewer": ("vera", "/ui/all-keys"),
}


@pytest.fixture
def company(ada, vera, mia, otto, ivo, ina, rex):
    """Keys in every state and people of every kind, some with long names."""
    key = make_key(mia, "laptop")
    long = make_key(
        mia, "a-very-long-name-" * 8, models=["gpt-x", "claude-y" * 20], last_used_at=now(), last_agent="agent" * 50,
        last_address="2001:db8:85a3:8d3:1319:8a2e:370:7348", max_budget=10**15, admin_limits={"max_budget": 10**15},
    )  # fmt: skip
    rotating = make_rotating_key(mia, "rotating")
    make_key(mia, "gone", deleted_at=now(), deleted_by="mia", restorable_until=now() + timedelta(minutes=9))
    make_key(mia, "blocked", is_blocked=True, blocked_by="Ada")
    make_key(mia, "expired", expires_at=now() - timedelta(days=1))
    make_key(mia, "expiring", expires_at=now() + timedelta(days=3))
    spent = make_key(mia, "spent", max_budget=1_000_000_000, window_spend=2_000_000_000)
    given = make_key(ivo, "given")
    busy = make_key(mia, "busy", max_budget=10**10, soft_budget=2 * 10**9, window_spend=3 * 10**9)
    make_open_call(busy.row, reserved=10**9)
    make_calls(busy.row, {"model": "m" * 80}, {"is_failed": True, "status": 502, "exception": "uncounted"},
               {"status": 499, "exception": "usage_estimated", "provider": None, "latency_ms": None})  # fmt: skip
    make_user("Long", email=f"{'long' * 12}@example.com", alias="A Person Of Many Names " * 5)
    cast = {"ada": ada, "vera": vera, "mia": mia, "otto": otto, "ivo": ivo}
    keys = {"key": key, "long": long, "rotating": rotating, "spent": spent, "given": given, "busy": busy}
    ids = {name: made.row.id for name, made in keys.items()}
    return cast, ids | {
        "link": make_invitation(ina, by=ada).secret,
        "reset": make_reset(otto)[0],
        "user": mia.id,
        "invited": ina.id,
    }


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
    page.get_by_role("button", name="Actions for laptop").click()
    page.get_by_role("link", name="Rename").click()
    page.get_by_role("form", name="Rename laptop").wait_for()
    assert opened.violations() == []
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Create key").click()
    page.get_by_label("Name", exact=True).fill("new one")
    page.get_by_role("button", name="Create key").click()
    page.locator("#secret").wait_for()
    assert opened.violations() == []


@pytest.mark.parametrize("look", list(LOOKS))
def test_axe_finds_nothing_on_the_page_of_a_key_while_it_is_changed(tab, company, look):
    cast, ids = company
    opened = tab(cast["mia"], look=look)
    page = opened.open(f"/ui/keys/{ids['key']}")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Expires").select_option("custom")
    page.get_by_label("Budget (optional)", exact=True).fill("much")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("must be an amount in dollars").wait_for()
    assert opened.violations() == []
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Rotate secret").click()
    page.get_by_role("dialog").wait_for()
    assert opened.violations() == []
    page.get_by_role("button", name="Rotate secret").click()
    page.locator("#secret").wait_for()
    assert opened.violations() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"


@pytest.mark.parametrize("look", ["light", "dark"])
def test_axe_finds_nothing_in_the_bar_and_the_toast(tab, company, look):
    cast, _ids = company
    opened = tab(cast["mia"], look=look)
    page = opened.open("/ui/keys")
    for name in ("laptop", "spent"):
        page.get_by_label(f"Select {name}", exact=True).check()
    assert opened.violations() == []
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").wait_for()
    assert opened.violations() == []
    page.get_by_role("button", name="Delete 2 keys").click()
    page.get_by_role("button", name="Undo").wait_for()
    assert opened.violations() == []
