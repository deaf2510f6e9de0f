"""All keys, for admins: whose they are, found by name or owner, blocked and deleted from the list they stand in."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from tests.factories import make_key, make_keys, make_user, reload
from tests.integration.pages.parts import count, fragment, link, query, table, toast, walk, words, writes

both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])


@pytest.fixture
def boss(browser, ada):
    """Ada, on the list of all keys."""
    page = browser(ada)
    page.get("/ui/all-keys")
    return page


def test_without_any_key_it_says_when_there_will_be_some(boss):
    answer = boss.get("/ui/all-keys")
    assert "As soon as somebody creates a key" in answer.html.words()
    assert (count(answer), link(answer, "Create key")) == ("0 keys", None)


def test_each_row_says_whose_key_it_is(boss, mia, ada):
    make_key(mia, "laptop")
    make_key(ada, "ops")
    make_key(make_user("Nora", email=None), "nameless")
    listed = table(boss.get("/ui/all-keys"))
    assert [*listed] == ["nameless", "ops", "laptop"]
    assert "Mia" in words(listed["laptop"])
    assert "Nora" in words(listed["nameless"])


def test_a_key_of_somebody_blocked_says_so(boss, rex):
    make_key(rex, "still here")
    assert "Owner blocked" in words(table(boss.get("/ui/all-keys"))["still here"])


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("lap", ["laptop"]),
        ("LAPTOP", ["laptop"]),
        ("top", []),
        ("mia@", ["ci_nightly", "laptop"]),
        ("Mia", ["ci_nightly", "laptop"]),
        ("otto@example.com", ["phone"]),
        ("ci_", ["ci_nightly"]),
        ("%", []),
        ("_", []),
        ("{hash}", ["laptop"]),
        ("{id}", ["laptop"]),
    ],
)
@both_ways
def test_a_search_finds_by_the_beginning_of_a_name_or_of_the_owners(boss, mia, otto, asked, listed, htmx):
    key = make_key(mia, "laptop").row
    make_key(mia, "ci_nightly")
    make_key(otto, "phone")
    asked = asked.format(hash=key.token, id=key.id).replace("%", "%25")
    answer = boss.get(f"/ui/all-keys?q={asked}", htmx=htmx)
    assert [*table(answer)] == listed
    assert count(answer).startswith(f"{len(listed)} key")
    assert link(answer, "Show all") == "/ui/all-keys"
    if htmx:
        assert answer.headers["hx-push-url"].startswith("/ui/all-keys?q=")
        assert fragment(answer).id == "results"


@both_ways
def test_walking_through_all_pages_meets_every_key_once(boss, mia, htmx):
    make_keys(mia, 120)
    pages = walk(boss, "/ui/all-keys", htmx=htmx)
    assert [len(page) for page in pages] == [50, 50, 20]
    assert len({name for page in pages for name in page}) == 120


@pytest.mark.parametrize("path", ["/ui/all-keys", "/ui/keys"])
def test_what_is_made_meanwhile_shifts_nothing(boss, ada, path):
    start = now() - timedelta(hours=1)
    for number in range(60):
        make_key(ada, f"old {number}", created_at=start + timedelta(seconds=number))
    first = boss.get(path)
    for number in range(30):
        make_key(ada, f"new {number}")
    second = boss.get(link(first, "Next"))
    assert [*table(first), *table(second)] == [f"old {number}" for number in reversed(range(60))]
    assert (count(first), count(second)) == ("60 keys", "90 keys")
    assert link(second, "First page") == path
    assert link(second, "Next") is None


def test_next_keeps_the_filter(boss, mia):
    make_keys(mia, 60)
    make_key(mia, "blocked", is_blocked=True)
    first = boss.get("/ui/all-keys?status=active&q=mia")
    assert query(link(first, "Next")).keys() == {"status", "q", "after"}
    second = boss.get(link(first, "Next"))
    assert len(table(second)) == 10
    assert query(link(second, "First page")) == {"status": "active", "q": "mia"}


@pytest.mark.parametrize("deed", ["block", "unblock", "delete"])
@both_ways
def test_a_deed_leads_back_to_the_list_it_was_done_from(boss, mia, deed, htmx):
    key = make_key(mia, "laptop", is_blocked=deed == "unblock").row
    make_key(mia, "another")
    place = "/ui/all-keys?q=mia"
    opened = boss.get(place if deed != "delete" else f"/ui/keys/{key.id}/delete?q=mia&list=all")
    action = next(action for action in writes(opened) if f"{key.id}/{deed}" in action)
    answer = boss.post(action, {}, htmx=htmx)
    if htmx:
        assert (answer.status, fragment(answer).id) == (200, "results")
    else:
        assert (answer.status, answer.location) == (303, place)
        answer = boss.follow(answer)
    assert "laptop" in toast(answer)
    assert set(table(answer)) == ({"another"} if deed == "delete" else {"laptop", "another"})
    assert "Mia" in words(table(answer)["another"])


def test_the_question_says_whose_key_it_is(boss, mia, ada):
    for owner, is_told in ((mia, True), (ada, False)):
        key = make_key(owner).row
        answer = boss.get(f"/ui/keys/{key.id}/delete?list=all")
        assert (f"Owner {owner.alias}" in answer.html.words()) is is_told
        assert link(answer, "Cancel") == "/ui/all-keys"


def test_what_ada_blocks_says_her_name_to_mia(boss, browser, mia):
    key = make_key(mia, "laptop").row
    boss.post(f"/ui/keys/{key.id}/block", {})
    assert (reload(key).blocked_by, reload(key).is_blocked_by_admin) == ("Ada", True)
    assert "Blocked by Ada" in words(table(browser(mia).get("/ui/keys"))["laptop"])


@both_ways
def test_vera_sees_all_keys_and_no_control(browser, vera, mia, htmx):
    key = make_key(mia, "laptop").row
    page = browser(vera)
    answer = page.get("/ui/all-keys", htmx=htmx)
    assert ([*table(answer)], writes(answer)) == (["laptop"], [])
    assert page.get(f"/ui/keys/{key.id}/delete?list=all", htmx=htmx).status == 403


@pytest.mark.parametrize("role", ["internal_user", "internal_user_viewer"])
@both_ways
def test_users_are_refused_and_find_no_way_in(browser, mia, role, htmx):
    make_key(mia, "laptop")
    page = browser(make_user("Nora", role=role))
    assert link(page.get("/ui/keys"), "All keys") is None
    answer = page.get("/ui/all-keys", htmx=htmx)
    assert answer.status == 403
    assert "laptop" not in answer.text


def test_keys_of_somebody_deleted_are_not_listed(boss, mia):
    key = make_key(mia, "laptop").row
    boss.get("/ui/users")
    boss.submit(f"/ui/users/{mia.id}/block")
    assert [*table(boss.get("/ui/all-keys"))] == ["laptop"]
    boss.get(f"/ui/users/{mia.id}/delete")
    boss.submit(f"/ui/users/{mia.id}/delete")
    assert table(boss.get("/ui/all-keys")) == {}
    assert reload(key).deleted_at
