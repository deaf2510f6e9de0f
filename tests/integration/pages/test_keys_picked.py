"""Keys in any order, and several at once: ticked, then blocked, unblocked or deleted together."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from selfserve.clock import now
from tests.factories import make_key, make_user, reload
from tests.integration.pages.parts import found, fragment, link, query, table, toast, words, writes

both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])


@pytest.fixture
def page(browser, mia):
    """Mia, on her keys."""
    page = browser(mia)
    page.get("/ui/keys")
    return page


def order(answer):
    """The column that the list is ordered by, as a screen reader hears it."""
    ordered = {words(th): th.get("aria-sort") for th in answer.html.all("th") if th.get("aria-sort")}
    return next(iter(ordered.items()), None)


def heading(answer, text):
    """Where the heading of a column leads."""
    return next(a.get("href") for th in answer.html.all("th") for a in th.iter("a") if words(a) == text)


# -- order ------------------------------------------------------------------------------------------------------


@both_ways
def test_a_heading_orders_the_list_turns_it_round_and_lets_go(page, mia, htmx):
    for number, name in enumerate(["beta", "alpha", "gamma"]):
        make_key(mia, name, created_at=now() - timedelta(hours=number))
    answer = page.get("/ui/keys", htmx=htmx)
    assert (order(answer), [*table(answer)]) == (None, ["beta", "alpha", "gamma"])
    answer = page.get(heading(answer, "Key"), htmx=htmx)
    assert (order(answer), [*table(answer)]) == (("Key", "ascending"), ["alpha", "beta", "gamma"])
    answer = page.get(heading(answer, "Key"), htmx=htmx)
    assert (order(answer), [*table(answer)]) == (("Key", "descending"), ["gamma", "beta", "alpha"])
    assert heading(answer, "Key") == "/ui/keys"


@pytest.mark.parametrize(
    ("text", "first", "listed"),
    [
        ("Last used", "descending", ["b", "a", "c"]),
        ("Expires", "ascending", ["a", "c", "b"]),
        ("Spend", "descending", ["c", "a", "b"]),
    ],
)
def test_each_column_begins_with_what_people_look_for(page, mia, text, first, listed):
    moment = now()
    make_key(mia, "a", last_used_at=moment - timedelta(days=2), expires_at=moment + timedelta(days=1), window_spend=2)
    make_key(mia, "b", last_used_at=moment - timedelta(days=1), window_spend=1)
    make_key(mia, "c", expires_at=moment + timedelta(days=2), window_spend=3)
    answer = page.get(heading(page.get("/ui/keys"), text))
    assert (order(answer), [*table(answer)]) == ((text, first), listed)


def test_filter_and_paging_keep_the_order_and_the_order_keeps_the_filter(page, mia):
    for number in range(60):
        make_key(mia, f"key {number:02}")
    answer = page.get("/ui/keys?q=key&sort=name&dir=asc")
    names = [*table(answer), *table(page.get(link(answer, "Next")))]
    assert names == sorted(names)
    assert len(names) == 60
    kept = {"q": "key", "sort": "name", "dir": "asc"}
    assert query(link(answer, "Next")).items() >= kept.items()
    assert query(heading(answer, "Key")) == {"q": "key", "sort": "name", "dir": "desc"}
    assert "after" not in query(heading(page.get(link(answer, "Next")), "Expires"))
    hidden = {i.get("name"): i.get("value") for i in answer.html.all("input") if i.get("form") == "filters"}
    assert hidden == {"sort": "name", "dir": "asc"}
    shown = page.get("/ui/keys?q=key&sort=name&dir=asc", htmx=True)
    assert query(shown.headers["hx-push-url"]) == kept


def test_all_keys_are_ordered_only_where_a_million_can_be(browser, ada):
    make_key(ada, "ops")
    boss = browser(ada)
    answer = boss.get("/ui/all-keys")
    assert [words(a) for th in answer.html.all("th") for a in th.iter("a") if th.get("scope") == "col"] == [
        "Last used", "Expires"
    ]  # fmt: skip
    assert boss.get("/ui/all-keys?sort=spend").status == 422


# -- several at once --------------------------------------------------------------------------------------------


def bar(answer):
    """The bar of what can be done to the ticked keys."""
    return found(answer, "bulk")


def boxes(answer):
    """The boxes of the rows: what each is called and which key it ticks."""
    return {i.get("aria-label"): i.get("value") for i in answer.html.all("input") if i.get("name") == "key_id"}


def test_each_row_has_a_box_and_the_bar_says_what_can_be_done(page, mia):
    keys = [make_key(mia, name) for name in ("a", "b")]
    answer = page.get("/ui/keys?q=&sort=name")
    assert boxes(answer) == {f"Select {key.row.alias}": key.row.id for key in keys}
    assert {i.get("form") for i in answer.html.all("input") if i.get("name") == "key_id"} == {"bulk"}
    buttons = {words(b): b for b in bar(answer).iter("button")}
    assert {"Block", "Unblock", "Delete"} <= buttons.keys()
    for name in ("Block", "Unblock"):
        assert (buttons[name].get("formmethod"), buttons[name].get("name")) == ("post", "csrf_token")
        assert buttons[name].get("formaction") == f"/ui/keys/bulk/{name.lower()}?sort=name"
    assert bar(answer).get("method") == "get"
    assert "csrf_token" not in {i.get("name") for i in bar(answer).iter("input")}


@pytest.mark.parametrize(("deed", "badge"), [("block", "Blocked by Mia"), ("unblock", "Active")])
@both_ways
def test_several_are_blocked_and_unblocked_together(page, mia, deed, badge, htmx):
    keys = [make_key(mia, name, is_blocked=deed == "unblock") for name in ("a", "b", "c")]
    picked = [key.row.id for key in keys[:2]]
    answer = page.post(f"/ui/keys/bulk/{deed}?sort=name&dir=asc", {"key_id": picked}, htmx=htmx)
    if htmx:
        assert (answer.status, fragment(answer).id) == (200, "results")
    else:
        assert (answer.status, answer.location) == (303, "/ui/keys?sort=name&dir=asc")
        answer = page.follow(answer)
    assert "2 keys are" in toast(answer)
    assert [badge in words(row) for row in table(answer).values()] == [True, True, False]


@both_ways
def test_before_several_are_deleted_the_page_lists_what_will_stop(page, mia, htmx):
    used = make_key(mia, "used", last_used_at=now(), last_agent="curl/8.5.0", last_address="10.0.0.9")
    idle = make_key(mia, "idle")
    asked = urlencode({"key_id": [used.row.id, idle.row.id], "q": "", "sort": "name"}, doseq=True)
    answer = page.get(f"/ui/keys/bulk/delete?{asked}", htmx=htmx)
    assert answer.status == 200
    said = answer.html.words()
    assert "Delete 2 keys?" in said
    assert f"used {used.row.masked} Used Just now by curl from 10.0.0.9" in said
    assert f"idle {idle.row.masked} Never used" in said
    assert link(answer, "Cancel") == "/ui/keys?sort=name"
    assert not htmx or fragment(answer).id == "confirm"
    assert reload(used.row).deleted_at is None


@both_ways
def test_several_are_deleted_together_and_come_back_together(page, mia, htmx):
    keys = [make_key(mia, name) for name in ("a", "b")]
    make_key(mia, "c")
    page.get("/ui/keys/bulk/delete?" + urlencode({"key_id": [key.row.id for key in keys]}, doseq=True))
    picked = [i.get("value") for i in page.page.all("input") if i.get("name") == "key_id"]
    assert sorted(picked) == sorted(key.row.id for key in keys)
    answer = page.post("/ui/keys/bulk/delete", {"key_id": picked}, htmx=htmx)
    answer = answer if htmx else page.follow(answer)
    assert ([*table(answer)], "2 keys are deleted." in toast(answer)) == (["c"], True)
    undo = next(form for form in answer.html.all("form") if "/restore" in form.get("action"))
    ids = [i.get("value") for i in undo.iter("input") if i.get("name") == "key_id"]
    done = page.post(undo.get("action"), {"key_id": ids}, htmx=htmx)
    done = done if htmx else page.follow(done)
    assert "2 keys are back" in toast(done)
    assert sorted(table(done)) == ["a", "b", "c"]


def test_a_whole_page_and_more_of_them_fits_into_the_toast(page, mia):
    ids = [make_key(mia).row.id for _ in range(100)]
    answer = page.post("/ui/keys/bulk/delete", {"key_id": ids})
    assert max(len(cookie) for cookie in answer.cookies) < 4096
    listed = page.follow(answer)
    assert "100 keys are deleted." in toast(listed)
    undo = next(form for form in listed.html.all("form") if "/restore" in form.get("action"))
    assert {i.get("value") for i in undo.iter("input") if i.get("name") == "key_id"} == set(ids)
    assert page.post("/ui/keys/bulk/block", {"key_id": [*ids, "one more"]}).status == 422


@pytest.mark.parametrize("deed", ["bulk/block", "bulk/unblock", "bulk/delete", "restore"])
@both_ways
def test_with_nothing_ticked_it_says_so(page, deed, htmx):
    answer = page.post(f"/ui/keys/{deed}", {}, htmx=htmx)
    assert (answer.status, "Tick at least one key first." in answer.html.words()) == (422, True)
    assert page.get("/ui/keys/bulk/delete", htmx=htmx).status == 422


@pytest.mark.parametrize("deed", ["bulk/block", "bulk/unblock", "bulk/delete"])
def test_what_is_not_hers_is_left_out_and_nothing_else_is_404(page, mia, otto, deed):
    mine, his = make_key(mia, "mine"), make_key(otto, "his")
    before = reload(his.row).updated_at
    assert page.post(f"/ui/keys/{deed}", {"key_id": [mine.row.id, his.row.id]}).status == 303
    assert reload(his.row).updated_at == before
    assert page.post(f"/ui/keys/{deed}", {"key_id": [his.row.id]}).status == 404
    assert page.get(f"/ui/keys/bulk/delete?key_id={his.row.id}").status == 404


def test_an_admins_block_among_them_is_told_and_none_is_unblocked(page, mia):
    mine = make_key(mia, "mine", is_blocked=True)
    by_ada = make_key(mia, "hers", is_blocked=True, is_blocked_by_admin=True)
    answer = page.post("/ui/keys/bulk/unblock", {"key_id": [mine.row.id, by_ada.row.id]})
    assert (answer.status, "An admin blocked hers" in answer.html.words()) == (403, True)
    assert reload(mine.row).is_blocked


@both_ways
def test_mia_who_claims_to_stand_on_all_keys_stands_on_hers(page, mia, otto, htmx):
    key = make_key(mia, "laptop")
    make_key(otto, "his")
    answer = page.post(f"/ui/keys/{key.row.id}/block?list=all", {}, htmx=htmx)
    assert htmx or answer.location == "/ui/keys"
    assert [*table(answer if htmx else page.follow(answer))] == ["laptop"]


def test_ada_picks_from_all_keys_and_stays_there(browser, ada, mia, otto):
    keys = [make_key(mia, "a"), make_key(otto, "b")]
    boss = browser(ada)
    answer = boss.get("/ui/all-keys?status=active")
    assert boxes(answer) == {"Select a of Mia": keys[0].row.id, "Select b of Otto": keys[1].row.id}
    block = next(b.get("formaction") for b in bar(answer).iter("button") if words(b) == "Block")
    done = boss.post(block, {"key_id": [key.row.id for key in keys]})
    assert (done.status, done.location) == (303, "/ui/all-keys?status=active")
    assert all(reload(key.row).is_blocked_by_admin for key in keys)


@pytest.mark.parametrize("role", ["proxy_admin_viewer", "internal_user_viewer"])
def test_viewers_see_neither_boxes_nor_bar(browser, mia, role):
    viewer = make_user("Viewer", role=role)
    make_key(viewer, "given")
    page = browser(viewer)
    for path in ("/ui/keys", "/ui/all-keys"):
        answer = page.get(path)
        if answer.status == 200:
            assert (boxes(answer), bar(answer), writes(answer)) == ({}, None, [])
