"""The life of a key in a real browser: rotated, changed, deleted by mistake, several at once, in any order."""

import re

import pytest
from playwright.sync_api import expect

from tests.factories import make_key, make_rotating_key, reload
from tests.html import SECRET

both_ways = pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])


def focused(page):
    """Name what has the focus, as a screen reader would read it out."""
    return page.evaluate(
        "(document.activeElement.getAttribute('aria-label') || document.activeElement.innerText).trim()"
    )


def row_of(page, name):
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=re.compile(rf"^{name}\b")))


@both_ways
def test_mia_rotates_a_secret_ends_the_grace_and_rotates_again(tab, curl, mia, javascript):
    key = make_key(mia, "laptop")
    opened = tab(mia, javascript=javascript)
    page = opened.open("/ui/keys")
    page.get_by_role("button", name="Actions for laptop").click()
    page.get_by_role("link", name="Rotate secret").click()
    page.get_by_label(re.compile("^Until the new one is used")).check()
    page.get_by_role("button", name="Rotate secret").click()
    expect(page.get_by_role("heading", name="“laptop” has a new secret")).to_be_visible()
    secret = page.locator("#secret").inner_text()
    assert SECRET.fullmatch(secret)
    expect(page.get_by_role("region", name="Both secrets")).to_contain_text("Not used yet")
    if javascript:
        expect(page.get_by_role("heading", name="has a new secret")).to_be_focused()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page).to_have_url(f"{opened.base}/ui/keys/{key.row.id}")

    page.get_by_role("link", name="I saved it, close").click()
    expect(page.get_by_text("Rotating, 7 d left")).to_be_visible()
    assert secret not in page.content()
    assert curl(key.secret).get("/key/info").status == curl(secret).get("/key/info").status == 200
    page.reload()
    expect(page.get_by_text("Rotating, 1 h left")).to_be_visible()

    page.get_by_role("link", name="Rotate secret").click()
    expect(page.get_by_role("heading", name="“laptop” is rotating already")).to_be_visible()
    (page.get_by_role("dialog") if javascript else page.get_by_role("main")).get_by_role(
        "button", name="End it now"
    ).click()
    page.get_by_label(re.compile("^Not at all")).check()
    assert curl(key.secret).get("/key/info").status == 401
    page.get_by_role("button", name="Rotate secret").click()
    expect(page.get_by_text("The old secret does not work any more.")).to_be_visible()
    assert curl(secret).get("/key/info").status == 401


@both_ways
def test_mia_changes_limits_is_told_what_is_wrong_and_renames(tab, mia, javascript):
    key = make_key(mia, "laptop")
    page = tab(mia, javascript=javascript).open(f"/ui/keys/{key.row.id}")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Budget (optional)", exact=True).fill("much")
    page.get_by_label("Requests (optional)", exact=True).fill("60")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("must be an amount in dollars")).to_be_visible()
    expect(page.get_by_label("Budget (optional)", exact=True)).to_be_focused()
    expect(page.get_by_label("Requests (optional)", exact=True)).to_have_value("60")
    page.get_by_label("Budget (optional)", exact=True).fill("12.50")
    page.get_by_label("Budget starts again").select_option("Every month")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Key “laptop” is changed.")).to_be_visible()
    expect(page.get_by_role("region", name="Details")).to_contain_text("$12.50 a month")
    if javascript:
        assert focused(page) == "Details"

    page.get_by_role("button", name="More actions").click()
    page.get_by_role("link", name="Rename").click()
    page.get_by_label("Name", exact=True).fill("desk")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^desk"))
    expect(page.get_by_text("The key is called “desk” now.")).to_be_visible()


def test_escape_and_cancel_close_what_is_open_and_give_the_focus_back(tab, mia):
    key = make_key(mia, "laptop")
    page = tab(mia).open("/ui/keys")
    page.get_by_role("button", name="Actions for laptop").click()
    page.get_by_role("link", name="Rename").click()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Name", exact=True)).to_have_count(0)
    assert focused(page) == "Actions for laptop"
    page.goto(page.url + f"/{key.row.id}")
    page.get_by_role("link", name="Edit").click()
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_label("Budget (optional)", exact=True)).to_have_count(0)
    assert focused(page) == "Edit"
    page.get_by_role("link", name="Rotate secret").click()
    expect(page.get_by_role("link", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    assert focused(page) == "Rotate secret"


@both_ways
def test_a_key_deleted_by_mistake_comes_back(tab, curl, mia, javascript):
    key = make_key(mia, "laptop")
    make_key(mia, "phone")
    page = tab(mia, javascript=javascript).open("/ui/keys")
    page.get_by_role("button", name="Actions for laptop").click()
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_text("Nobody used it in the last 24 hours")).to_be_visible()
    page.get_by_role("button", name="Delete key").click()
    expect(row_of(page, "laptop")).to_have_count(0)
    assert curl(key.secret).get("/key/info").status == 401
    page.get_by_role("button", name="Undo").click()
    expect(row_of(page, "laptop")).to_be_visible()
    expect(page.get_by_text("Key “laptop” is back, as before.")).to_be_visible()
    assert curl(key.secret).get("/key/info").status == 200
    if javascript:
        assert focused(page) == "Actions for laptop"


@both_ways
def test_what_was_deleted_is_found_again_in_its_filter(tab, mia, javascript):
    key = make_key(mia, "laptop")
    page = tab(mia, javascript=javascript).open(f"/ui/keys/{key.row.id}")
    page.get_by_role("link", name="Delete key").click()
    page.get_by_role("button", name="Delete key").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My keys")
    page.goto(page.url.partition("?")[0] + "?status=deleted")
    expect(row_of(page, "laptop")).to_contain_text("10 min to undo")
    page.get_by_role("button", name="Restore laptop").click()
    expect(page.get_by_role("heading", name="Nothing to undo")).to_be_visible()
    assert reload(key.row).deleted_at is None


@both_ways
def test_several_are_blocked_unblocked_and_deleted_at_once(tab, mia, javascript):
    for name in ("laptop", "phone", "desk"):
        make_key(mia, name)
    page = tab(mia, javascript=javascript).open("/ui/keys?sort=name&dir=asc")
    bar = page.get_by_role("form", name="Selected keys")
    expect(bar).to_be_hidden()

    def tick(*names):
        for name in names:
            page.get_by_label(f"Select {name}", exact=True).check()
        expect(bar).to_be_visible()

    tick("laptop", "phone")
    bar.get_by_role("button", name="Block", exact=True).click()
    expect(page.get_by_text("2 keys are blocked.")).to_be_visible()
    expect(row_of(page, "phone")).to_contain_text("Blocked by Mia")
    expect(row_of(page, "desk")).to_contain_text("Active")
    tick("laptop", "phone")
    bar.get_by_role("button", name="Unblock").click()
    expect(row_of(page, "phone")).to_contain_text("Active")

    tick("laptop", "desk")
    bar.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Delete 2 keys?")).to_be_visible()
    page.get_by_role("button", name="Delete 2 keys").click()
    expect(page.get_by_text("2 keys are deleted.")).to_be_visible()
    expect(row_of(page, "phone")).to_be_visible()
    expect(row_of(page, "laptop")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(row_of(page, "laptop")).to_be_visible()
    expect(row_of(page, "desk")).to_be_visible()
    assert "sort=name" in page.url


def test_all_are_ticked_and_let_go_by_one_click(tab, mia):
    for name in ("laptop", "phone"):
        make_key(mia, name)
    page = tab(mia).open("/ui/keys")
    page.get_by_label("Select all keys on this page").check()
    expect(page.get_by_label("Select laptop")).to_be_checked()
    expect(page.get_by_label("Select phone")).to_be_checked()
    page.get_by_role("button", name="Clear selection").click()
    expect(page.get_by_label("Select phone")).not_to_be_checked()
    expect(page.get_by_role("form", name="Selected keys")).to_be_hidden()


@both_ways
def test_a_heading_orders_the_list_and_a_search_keeps_the_order(tab, mia, javascript):
    for name in ("beta", "alpha", "gamma"):
        make_key(mia, name)
    page = tab(mia, javascript=javascript).open("/ui/keys")
    page.get_by_role("columnheader", name="Key").get_by_role("link").click()
    expect(page).to_have_url(re.compile("sort=name&dir=asc"))
    expect(page.get_by_role("rowheader")).to_contain_text(["alpha", "beta", "gamma"])
    page.get_by_role("searchbox").fill("ta")
    if not javascript:
        page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("rowheader")).to_have_count(1)
    expect(page.get_by_role("rowheader")).to_contain_text("beta")
    expect(page).to_have_url(re.compile(r"q=ta.*sort=name|sort=name.*q=ta"))
    if javascript:
        heading = page.get_by_role("columnheader", name="Key").get_by_role("link")
        expect(heading).to_have_attribute("href", re.compile("q=ta.*dir=desc"))
        heading.click()
        expect(page).to_have_url(re.compile("dir=desc"))
        assert focused(page) == "Key"


def test_the_examples_open_without_script_and_their_javascript_is_javascript(tab, mia):
    page = tab(mia, javascript=False).open(f"/ui/keys/{make_key(mia, 'laptop').row.id}")
    expect(page.locator("#snippet-curl")).to_be_visible()
    page.get_by_label("JavaScript", exact=True).check()
    expect(page.locator("#snippet-curl")).to_be_hidden()
    code = page.locator("#snippet-javascript").inner_text()
    lines = code.splitlines()
    assert 'import OpenAI from "openai";' in lines
    body = "\n".join(line for line in lines if not line.startswith("import "))
    bare = tab().page
    bare.evaluate("code => { new (async () => {}).constructor(code); }", body)


def test_somebody_who_leaves_before_copying_is_asked(tab, mia):
    page = tab(mia).open(f"/ui/keys/{make_key(mia, 'laptop').row.id}")
    page.get_by_role("link", name="Rotate secret").click()
    page.get_by_role("button", name="Rotate secret").click()
    page.locator("#secret").wait_for()
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.get_by_role("link", name="My spend").click()
    assert asked == ["beforeunload"]
    page.get_by_role("link", name="I saved it, close").click()
    expect(page.get_by_role("region", name="Both secrets")).to_be_visible()
    expect(page.locator("#secret")).to_have_count(0)
    assert asked == ["beforeunload"]


def test_vera_reads_the_page_of_a_key_and_changes_nothing(tab, vera, mia):
    key = make_rotating_key(mia, "laptop")
    page = tab(vera).open(f"/ui/keys/{key.row.id}")
    expect(page.get_by_role("region", name="Both secrets")).to_be_visible()
    for name in ("Edit", "Rotate secret", "End it now", "Delete key", "Block key", "More actions"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
        expect(page.get_by_role("link", name=name)).to_have_count(0)
