"""My keys: the list with its filters, and block, unblock and delete from it."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from tests.factories import change, make_key, reload
from tests.integration.pages.parts import count, fragment, link, table, toast, words, writes

both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])


@pytest.fixture
def page(browser, mia):
    """Mia, signed in, looks at her keys."""
    page = browser(mia)
    page.get("/ui/keys")
    return page


# -- the list ---------------------------------------------------------------------------------------------------


def test_without_a_key_the_page_says_what_one_is_for_and_offers_to_make_it(page):
    answer = page.get("/ui/keys")
    assert "No keys yet" in answer.html.words()
    assert count(answer) == "0 keys"
    assert link(answer, "Create your first key") == link(answer, "Create key") == "/ui/keys/new"


def test_ivo_without_a_key_is_told_to_ask_and_finds_no_button(browser, ivo):
    answer = browser(ivo).get("/ui/keys")
    assert "Ask an admin for a key" in answer.html.words()
    assert (link(answer, "Create your first key"), link(answer, "Create key"), writes(answer)) == (None, None, [])


def test_mia_sees_her_keys_newest_first_and_nobody_elses(page, mia, otto):
    start = now() - timedelta(days=3)
    for number, alias in enumerate(["first", "second", "third"]):
        make_key(mia, alias, created_at=start + timedelta(hours=number))
    make_key(otto, "not hers")
    change(make_key(mia, "gone").row, deleted_at=now())
    answer = page.get("/ui/keys")
    assert [*table(answer)] == ["third", "second", "first"]
    assert count(answer) == "3 keys"


def test_a_row_says_everything_about_a_key_but_its_secret(page, mia):
    key = make_key(
        mia, "laptop", models=["gpt-5-mini"], last_used_at=now() - timedelta(hours=2, minutes=5),
        expires_at=now() + timedelta(days=40), window_spend=1_250_000_000, max_budget=10**10, budget_duration=None,
    )  # fmt: skip
    answer = page.get("/ui/keys")
    row = words(table(answer)["laptop"])
    for part in (key.row.masked, "Active", "gpt-5-mini", "2 hours ago", "$1.25 of $10.00"):
        assert part in row
    assert key.secret not in answer.text
    assert key.row.token not in answer.text


@pytest.mark.parametrize(
    ("columns", "badge", "status"),
    [
        ({}, "Active", "active"),
        ({"expires_at": timedelta(days=3, minutes=1)}, "Expires in 3 days", "expiring"),
        ({"expires_at": timedelta(days=-1)}, "Expired", "expired"),
        ({"is_blocked": True, "blocked_by": "Ada"}, "Blocked by Ada", "blocked"),
        ({"is_blocked": True}, "Blocked", "blocked"),
        ({"max_budget": 5, "window_spend": 5}, "Budget used up", "over_budget"),
    ],
)
@both_ways
def test_every_state_has_its_badge_and_its_filter(page, mia, columns, badge, status, htmx):
    columns = {name: now() + value if name == "expires_at" else value for name, value in columns.items()}
    make_key(mia, "this one", **columns)
    make_key(mia, "another one", is_blocked=status != "blocked")
    answer = page.get(f"/ui/keys?status={status}", htmx=htmx)
    assert [*table(answer)] == ["this one"]
    assert badge in words(table(answer)["this one"])


@both_ways
def test_a_search_finds_a_part_of_a_name_or_the_last_four(page, mia, htmx):
    laptop = make_key(mia, "My Laptop")
    make_key(mia, "ci_nightly")
    make_key(mia, "ciXnightly")
    for asked, listed in (("lapt", ["My Laptop"]), (laptop.row.tail, ["My Laptop"]), ("ci_", ["ci_nightly"])):
        answer = page.get(f"/ui/keys?q={asked}", htmx=htmx)
        assert [*table(answer)] == listed
        assert count(answer).startswith("1 key found")


@both_ways
def test_filtered_to_nothing_says_so_and_leads_back(page, mia, htmx):
    make_key(mia, "laptop")
    answer = page.get("/ui/keys?q=nothing&status=active", htmx=htmx)
    assert table(answer) == {}
    assert "No key matches" in answer.html.words()
    assert link(answer, "Show all keys") == "/ui/keys"
    assert count(answer).startswith("0 keys found")


def test_the_filter_stands_in_the_form_and_in_a_clean_address(page, mia):
    answer = page.get("/ui/keys?q=%22%3E%3Cb%3E&status=blocked")
    form = next(form for form in answer.html.forms if form.method == "get")
    assert form.fields == {"q": '"><b>', "status": "blocked"}
    fragmentary = page.get("/ui/keys?q=&status=blocked", htmx=True)
    assert fragmentary.headers["hx-push-url"] == "/ui/keys?status=blocked"
    assert fragment(fragmentary).id == "results"


@pytest.mark.parametrize("wrong", ["status=gone", "q=a&q=b", "after=damaged", "status=%00", "q=" + "x" * 256])
@both_ways
def test_a_wrong_filter_is_told_and_widens_nothing(page, mia, wrong, htmx):
    make_key(mia, "laptop")
    answer = page.get(f"/ui/keys?{wrong}", htmx=htmx)
    assert answer.status in (400, 422)
    assert "laptop" not in answer.html.words()
    assert answer.html.is_fragment is htmx


def test_long_and_odd_names_stay_one_text(page, mia):
    names = ["x" * 255, "<script>alert(1)</script>", "𝕌 日本語 \u202eright to left", "a" * 100 + " & 'b' \"c\""]
    for name in names:
        make_key(mia, name, models=["m" * 255] * 3)
    answer = page.get("/ui/keys")
    assert sorted(table(answer)) == sorted(" ".join(name.split()) for name in names)


# -- block, unblock, delete -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deed", "sentence", "badge"), [("block", "is blocked", "Blocked by Mia"), ("unblock", "works again", "Active")]
)
@both_ways
def test_block_and_unblock_answer_with_the_list_they_were_done_from(page, mia, deed, sentence, badge, htmx):
    key = make_key(mia, "laptop", is_blocked=deed == "unblock")
    make_key(mia, "another")
    page.get("/ui/keys?q=lap")
    answer = page.post(f"/ui/keys/{key.row.id}/{deed}?q=lap", {}, htmx=htmx)
    if htmx:
        done = fragment(answer)
        assert (answer.status, done.id, {*done.beside}) == (200, "results", {"count", "flash"})
        assert "data-focus" in answer.text
    else:
        assert (answer.status, answer.location) == (303, "/ui/keys?q=lap")
        answer = page.follow(answer)
    assert sentence in toast(answer)
    assert [*table(answer)] == ["laptop"]
    assert badge in words(table(answer)["laptop"])
    assert reload(key.row).is_blocked is (deed == "block")
    assert toast(page.get("/ui/keys")) == ""


@both_ways
def test_delete_asks_first_and_says_what_it_is_about(page, mia, htmx):
    key = make_key(mia, "laptop", window_spend=10**9)
    answer = page.get(f"/ui/keys/{key.row.id}/delete?q=lap", htmx=htmx)
    assert answer.status == 200
    assert "Delete “laptop”?" in answer.html.words()
    assert key.row.masked in answer.html.words()
    assert writes(answer) == [f"/ui/keys/{key.row.id}/delete?q=lap"]
    assert link(answer, "Cancel") == "/ui/keys?q=lap"
    assert not htmx or fragment(answer).id == "confirm"
    assert reload(key.row).deleted_at is None


@both_ways
def test_delete_takes_the_key_out_of_the_list(page, mia, htmx):
    key = make_key(mia, "laptop")
    make_key(mia, "another")
    page.get(f"/ui/keys/{key.row.id}/delete")
    answer = page.submit(f"/ui/keys/{key.row.id}/delete", htmx=htmx)
    assert answer.status == (200 if htmx else 303)
    answer = answer if htmx else page.follow(answer)
    assert ([*table(answer)], count(answer)) == (["another"], "1 key")
    assert "Key “laptop” is deleted" in toast(answer)
    assert reload(key.row).deleted_at


@pytest.mark.parametrize("deed", ["block", "unblock", "delete"])
@both_ways
def test_what_is_not_there_or_not_hers_is_404_all_the_same(page, otto, deed, htmx):
    said = []
    for key_id in (make_key(otto, "not hers").row.id, "00000000-0000-0000-0000-000000000000"):
        page.get("/ui/keys")
        answer = page.post(f"/ui/keys/{key_id}/{deed}", {}, htmx=htmx)
        assert (answer.status, answer.headers.get("hx-retarget")) == (404, "#flash" if htmx else None)
        said.append(answer.html.words().replace(answer.headers["x-request-id"], ""))
    assert said[0] == said[1]


@pytest.mark.parametrize("garbage", ["nonsense", "%00", "..%2f", "0", "00000000-0000-4000-8000-000000000000"])
def test_a_key_that_is_none_is_404(page, garbage):
    assert page.get(f"/ui/keys/{garbage}/delete").status == 404


def test_what_an_admin_blocked_mia_is_not_offered_to_unblock(page, mia):
    key = make_key(mia, "laptop", is_blocked=True, is_blocked_by_admin=True, blocked_by="Ada")
    answer = page.get("/ui/keys")
    assert f"/ui/keys/{key.row.id}/unblock" not in " ".join(writes(answer))
    assert page.post(f"/ui/keys/{key.row.id}/unblock", {}).status == 403


def test_ivo_sees_his_keys_and_no_control(browser, ivo):
    make_key(ivo, "dashboard")
    answer = browser(ivo).get("/ui/keys")
    assert ([*table(answer)], writes(answer)) == (["dashboard"], [])
    assert "Delete" not in [words(a) for a in answer.html.all("a", "button")]
