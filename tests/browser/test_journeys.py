"""What people do, in a real browser: with JavaScript, and word for word the same without it."""

import re

import pytest
from playwright.sync_api import Error, expect

from tests.factories import PASSWORD, make_invitation, make_key, make_reset, make_user, reload
from tests.html import SECRET

NEW_PASSWORD = "seven quiet foxes at noon"
both_ways = pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])


def open_menu(page, whose):
    """Open the menu of a row."""
    page.get_by_role("button", name=f"Actions for {whose}").click()


@both_ways
def test_ina_comes_by_her_link_makes_a_key_deletes_it_and_leaves(tab, ina, javascript):
    opened = tab(javascript=javascript)
    page = opened.open(f"/ui/onboarding?id={make_invitation(ina).secret}")
    expect(page).to_have_url(f"{opened.base}/ui/onboarding")
    page.get_by_label("Password", exact=True).fill(NEW_PASSWORD)
    page.get_by_role("button", name="Set password and continue").click()

    expect(page).to_have_url(f"{opened.base}/ui/keys/new")
    page.get_by_label("Name", exact=True).fill("laptop")
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("heading", name=re.compile("laptop.*is ready"))).to_be_visible()
    secret = page.locator("#secret").inner_text()
    assert SECRET.fullmatch(secret)

    page.get_by_role("link", name="I saved it, close").click()
    expect(page.get_by_role("row").filter(has_text="laptop")).to_be_visible()
    assert secret not in page.content()

    open_menu(page, "laptop")
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_role("heading", name="Delete “laptop”?")).to_be_visible()
    page.get_by_role("button", name="Delete key").click()
    expect(page.get_by_role("row").filter(has_text="laptop")).to_have_count(0)

    page.get_by_role("button", name="Ina").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(f"{opened.base}/ui/keys")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@both_ways
def test_ina_signs_in_through_the_provider_instead_of_choosing_a_password(tab, ina, idp, javascript):
    """There, through its own page, back, in, and out at both."""
    idp.manner.claims |= {"sub": "ina-at-work", "email": "INA@example.com"}
    opened = tab(javascript=javascript)
    page = opened.open(f"/ui/onboarding?id={make_invitation(ina).secret}")
    page.get_by_role("link", name="Continue with Acme SSO instead").click()
    expect(page.get_by_role("heading", name="Acme accounts")).to_be_visible()
    page.get_by_role("link", name="Continue as Mia").click()
    expect(page).to_have_url(f"{opened.base}/ui/keys")
    assert reload(ina).sso_subject == "ina-at-work"

    page.get_by_role("button", name="Ina").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="sign out there too").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.get_by_role("link", name="Continue with Acme SSO").click()
    page.get_by_role("link", name="Continue as Mia").click()
    expect(page).to_have_url(f"{opened.base}/ui/keys")


@both_ways
def test_mia_signs_in_by_her_password(tab, mia, javascript):
    opened = tab(javascript=javascript)
    page = opened.open("/ui/spend")
    page.get_by_label("Email").fill("mia@example.com")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Email or password is wrong.")).to_be_visible()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{opened.base}/ui/spend")


@both_ways
def test_ada_invites_somebody_and_the_link_opens(tab, ada, javascript):
    opened = tab(ada, javascript=javascript)
    page = opened.open("/ui/users")
    page.get_by_role("link", name="New user").click()
    page.get_by_label("Email addresses").fill("dana@example.com")
    page.get_by_label("Role", exact=True).first.select_option("internal_user_viewer")
    page.get_by_role("button", name="Create users").click()
    link = page.locator("code.link").inner_text()
    assert re.fullmatch(rf"{opened.base}/ui/onboarding\?id=[0-9a-f-]{{36}}", link)

    guest = tab(javascript=javascript)
    guest.page.goto(link)
    expect(guest.page.get_by_text("dana@example.com")).to_be_visible()
    expect(guest.page.get_by_text(re.compile("Ada invited you"))).to_be_visible()


@both_ways
def test_ada_changes_a_role_blocks_unblocks_and_deletes(tab, ada, mia, javascript):
    make_key(mia, "laptop")
    page = tab(ada, javascript=javascript).open("/ui/users")
    row = page.get_by_role("row").filter(has_text="mia@example.com")
    row.get_by_label("Role of").select_option("internal_user_viewer")
    if not javascript:
        row.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Mia is now internal viewer.")).to_be_visible()

    open_menu(page, "mia@example.com")
    page.get_by_role("button", name="Block", exact=True).click()
    expect(row.get_by_text("Blocked")).to_be_visible()
    open_menu(page, "mia@example.com")
    page.get_by_role("button", name="Unblock").click()
    expect(row.get_by_text("Active")).to_be_visible()

    open_menu(page, "mia@example.com")
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_text("1 active key stops working at once")).to_be_visible()
    page.get_by_role("button", name="Delete user").click()
    expect(row).to_have_count(0)
    assert reload(mia).deleted_at is not None


@both_ways
def test_mia_blocks_and_unblocks_her_key(tab, mia, javascript):
    make_key(mia, "laptop")
    page = tab(mia, javascript=javascript).open("/ui/keys")
    row = page.get_by_role("row").filter(has_text="laptop")
    open_menu(page, "laptop")
    page.get_by_role("button", name="Block", exact=True).click()
    expect(row.get_by_text("Blocked")).to_be_visible()
    open_menu(page, "laptop")
    page.get_by_role("button", name="Unblock").click()
    expect(row.get_by_text("Active")).to_be_visible()


@both_ways
def test_mia_signs_her_other_device_out(tab, mia, javascript):
    elsewhere = tab(mia, javascript=javascript)
    elsewhere.open("/ui/keys")
    opened = tab(mia, javascript=javascript)
    page = opened.open("/ui/account")
    sessions = page.locator("#my-sessions li")
    expect(sessions).to_have_count(2)
    sessions.nth(1).get_by_role("button", name="Sign out").click()
    expect(sessions).to_have_count(1)
    expect(page.get_by_text("That device is signed out.")).to_be_visible()
    expect(page.get_by_text("This device", exact=True)).to_be_visible()
    elsewhere.page.reload()
    expect(elsewhere.page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("button", name=re.compile("this device")).click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@both_ways
def test_mia_chooses_the_dark_and_keeps_it_signed_out(tab, mia, javascript):
    opened = tab(mia, javascript=javascript)
    page = opened.open("/ui/account")
    page.locator("#appearance").get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("main")).not_to_have_css("background-color", "rgb(255, 255, 255)")
    if javascript:
        assert opened.violations() == []
    page.get_by_role("button", name="Mia").click()
    page.get_by_role("button", name="Sign out", exact=True).last.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@both_ways
def test_ada_changes_a_person_on_their_page(tab, ada, mia, javascript):
    make_invitation(mia)
    page = tab(ada, javascript=javascript).open("/ui/users")
    page.get_by_role("link", name="Mia", exact=True).click()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Name", exact=False).first.fill("Mia Chen")
    page.get_by_label("Email address").fill("nonsense")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Email address")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Name", exact=False).first).to_have_value("Mia Chen")
    page.get_by_label("Email address").fill("mia@example.com")
    page.get_by_label("Budget", exact=False).first.fill("20")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Mia Chen is saved.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Mia Chen")
    expect(page.get_by_text("budget from no limit to $20.00")).to_be_visible()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The link of Mia Chen opens nothing any more.")).to_be_visible()
    page.get_by_role("button", name="Password reset link").click()
    expect(page.locator("code.link")).to_be_visible()
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Block", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Blocked")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete user").click()
    expect(page.get_by_text("Mia Chen is deleted.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Internal users")


@both_ways
def test_a_wrong_field_is_told_in_place_and_nothing_is_lost(tab, mia, javascript):
    make_key(mia, "laptop")
    page = tab(mia, javascript=javascript).open("/ui/keys")
    page.get_by_role("link", name=re.compile("Create (key|your first key)")).click()
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Name", exact=True).fill("laptop")
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_text("You already have a key called “laptop”.")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("laptop")


@both_ways
def test_a_search_narrows_the_list_and_stands_in_the_address(tab, mia, javascript):
    for name in ("laptop", "phone"):
        make_key(mia, name)
    page = tab(mia, javascript=javascript).open("/ui/keys")
    page.get_by_role("searchbox").fill("lap")
    if not javascript:
        page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("row").filter(has_text="phone")).to_have_count(0)
    expect(page.get_by_role("row").filter(has_text="laptop")).to_be_visible()
    expect(page).to_have_url(re.compile(r"[?&]q=lap"))


@both_ways
def test_mia_resets_her_password_and_hears_how_hard_it_is_to_guess(tab, mia, javascript):
    secret, _ = make_reset(mia)
    opened = tab(javascript=javascript)
    page = opened.open(f"/ui/reset?id={secret}")
    assert secret not in page.url
    field, hint = page.get_by_label("New password", exact=True), page.locator("#password-strength")
    if javascript:
        field.press_sequentially("mia@example.com")
        expect(hint).to_contain_text("easy to guess")
        field.fill(NEW_PASSWORD)
        expect(hint).to_contain_text("strong", ignore_case=True)
        assert opened.violations() == []
    field.fill(NEW_PASSWORD)
    page.get_by_role("button", name="Save password and continue").click()
    expect(page.get_by_text("Your new password is set.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("My keys")


@both_ways
def test_mia_changes_her_password_and_stays(tab, mia, javascript):
    page = tab(mia, javascript=javascript).open("/ui/account")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("password", exact=False).first).to_be_visible()
    page.goto(page.url)
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Account"))
    assert reload(mia).password_hash != mia.password_hash


KEPT = """async () => JSON.stringify([
    {...localStorage}, {...sessionStorage}, document.cookie, history.state, location.href, window.name,
    await indexedDB.databases(), await caches.keys(), performance.getEntries().map(entry => entry.name),
    document.documentElement.outerHTML])"""
"""All that a browser keeps of a page, and the page itself."""


def kept_by(page):
    """Ask what is kept; going back, htmx may load the page anew in between."""
    for _ in range(50):
        try:
            return page.evaluate(KEPT)
        except Error:
            page.wait_for_timeout(100)
    raise AssertionError("the page does not come to rest")


def test_the_secret_is_nowhere_once_the_panel_is_closed(tab, mia):
    """S-14: neither of a new key nor of a rotated one; not in the browser's storage, its history or its addresses."""
    opened = tab(mia)
    page = opened.open("/ui/keys")
    page.get_by_role("link", name=re.compile("Create (key|your first key)")).click()
    page.get_by_label("Name", exact=True).fill("laptop")
    page.get_by_role("button", name="Create key").click()
    secret = page.locator("#secret").inner_text()
    page.get_by_role("link", name="I saved it, close").click()
    page.get_by_role("link", name="My spend").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My spend")
    assert secret not in kept_by(page)
    page.go_back()
    expect(page.get_by_role("row").filter(has_text="laptop")).to_be_visible()
    assert secret not in kept_by(page)
    page.get_by_role("row").get_by_role("link", name="laptop").click()
    page.get_by_role("link", name="Rotate secret").click()
    page.get_by_role("button", name="Rotate secret").click()
    expect(page.get_by_role("heading", name="has a new secret")).to_be_visible()
    new = page.locator("#secret").inner_text()
    page.get_by_role("link", name="I saved it, close").click()
    expect(page.locator("#secret")).to_have_count(0)
    page.get_by_role("link", name="My spend").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My spend")
    assert new not in kept_by(page)
    page.go_back()
    assert new not in kept_by(page)


def test_the_copy_button_copies_the_key(tab, mia):
    opened = tab(mia)
    opened.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = opened.open("/ui/keys")
    page.get_by_role("link", name=re.compile("Create (key|your first key)")).click()
    page.get_by_label("Name", exact=True).fill("laptop")
    page.get_by_role("button", name="Create key").click()
    page.get_by_role("button", name="Copy key").click()
    expect(page.get_by_text("Copied").first).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#secret").inner_text()


def test_escape_closes_the_dialog_and_gives_the_focus_back(tab, mia):
    make_key(mia, "laptop")
    page = tab(mia).open("/ui/keys")
    open_menu(page, "laptop")
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Actions for laptop")).to_be_focused()


def test_an_ended_session_sends_the_next_click_to_the_sign_in_page(tab, mia, ada):
    page = tab(mia).open("/ui/keys")
    opened = tab(ada)
    admin = opened.open("/ui/users")
    open_menu(admin, "mia@example.com")
    admin.get_by_role("button", name="Block", exact=True).click()
    expect(admin.get_by_role("row").filter(has_text="mia@example.com").get_by_text("Blocked")).to_be_visible()
    page.get_by_role("link", name=re.compile("Create (key|your first key)")).click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize(
    "payload", ["<img src=x onerror=alert(1)>", '"><script>alert(1)</script>', "{{7*7}}", "' hx-get='/ui/users' x='"]
)
def test_what_people_call_things_stays_text(tab, ada, payload):
    somebody = make_user("Evil", alias=payload)
    make_key(somebody, payload)
    make_key(ada, payload)
    opened = tab(ada)
    for path in ("/ui/users", "/ui/all-keys", "/ui/keys"):
        page = opened.open(path)
        expect(page.get_by_text(payload, exact=True).first).to_be_attached()
        assert "49" not in page.locator("table").inner_text()
