"""A key's own page: all about it but its secret, and the deeds that are done from there."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from tests.factories import make_key, make_rotating_key, make_user, reload
from tests.integration.pages.parts import found, fragment, link, toast, words, writes

both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])


@pytest.fixture
def page(browser, mia):
    """Mia, signed in."""
    return browser(mia)


def facts(answer):
    """The details, line by line."""
    return {words(line[0]): words(line[1]) for line in found(answer, "details").iter("div") if len(line) == 2}


def open_key(page, key, **how):
    return page.get(f"/ui/keys/{key.row.id}", **how)


# -- what it tells ----------------------------------------------------------------------------------------------


@both_ways
def test_it_tells_everything_but_the_secret(page, mia, htmx):
    key = make_key(
        mia, "laptop", models=["gpt-5-mini", "o4"], max_budget=20 * 10**9, budget_duration="1mo", rpm_limit=1200,
        max_parallel_requests=4, key_type="llm_api", last_used_at=now() - timedelta(hours=2, minutes=1),
        last_address="10.0.3.7", last_agent="python-requests/2.31.0", expires_at=now() + timedelta(days=90),
    )  # fmt: skip
    answer = open_key(page, key, htmx=htmx)
    assert answer.status == 200
    told = facts(answer)
    assert told["It may"] == "call models"
    assert told["Models"] == "gpt-5-mini, o4"
    assert told["Budget"] == "$20.00 a month"
    assert (told["Requests"], told["Tokens"]) == ("1,200 a minute", "No limit")
    assert told["Parallel requests"] == "4 at once"
    assert told["Last used"] == "2 hours ago by python-requests from 10.0.3.7"
    assert key.row.masked in answer.html.words()
    assert key.secret not in answer.text
    assert key.row.token not in answer.text
    assert not htmx or fragment(answer).id == "key"


@pytest.mark.parametrize(
    ("key_type", "sentence"),
    [
        ("default", "call models, and also manage keys"),
        ("llm_api", "call models"),
        ("management", "manage keys, not call models"),
        ("read_only", "look, and change nothing"),
    ],
)
def test_what_a_key_may_is_said_in_words(page, mia, key_type, sentence):
    assert facts(open_key(page, make_key(mia, key_type=key_type)))["It may"] == sentence


@pytest.mark.parametrize(
    ("columns", "warning"),
    [
        ({"is_blocked": True, "blocked_by": "Mia"}, "Blocked by Mia. Nothing can use this key until it is unblocked."),
        ({"is_blocked": True, "blocked_by": "Ada", "is_blocked_by_admin": True}, "until it is unblocked; ask an admin"),
        ({"expires_at": timedelta(days=-1)}, "This key expired on"),
        ({"expires_at": timedelta(days=3)}, "This key stops working on"),
        ({"max_budget": 5, "window_spend": 5}, "The budget of this key is used up."),
        ({}, ""),
    ],
)
def test_what_stops_it_now_or_soon_is_told_first(page, mia, columns, warning):
    columns = {name: now() + value if name == "expires_at" else value for name, value in columns.items()}
    answer = open_key(page, make_key(mia, **columns))
    banners = " ".join(words(div) for div in answer.html.all("div") if "banner" in (div.get("class") or ""))
    assert warning in banners
    assert bool(warning) == bool(banners)


def test_a_key_that_expires_soon_is_extended_by_one_click(page, mia):
    key = make_key(mia, "laptop", expires_at=now() + timedelta(days=3), models=["o4"], rpm_limit=5)
    open_key(page, key)
    answer = page.post(f"/ui/keys/{key.row.id}/edit?list=key", {"expires": "90d"})
    assert (answer.status, answer.location) == (303, f"/ui/keys/{key.row.id}")
    changed = reload(key.row)
    assert timedelta(days=89) < changed.expires_at - now() < timedelta(days=91)
    assert (changed.models, changed.rpm_limit) == (["o4"], 5)


def test_what_an_admin_set_is_marked(page, mia):
    key = make_key(mia, max_budget=10**9, rpm_limit=5, admin_limits={"max_budget": 10**9})
    told = facts(open_key(page, key))
    assert told["Budget"] == "$1.00 in total set by an admin"
    assert told["Requests"] == "5 a minute"


@both_ways
def test_both_secrets_say_who_uses_them_and_how_long_the_old_one_works(page, mia, htmx):
    key = make_rotating_key(mia, "laptop")
    answer = open_key(page, key, htmx=htmx)
    said = words(found(answer, "secrets"))
    assert f"…{key.row.tail} Not used yet New" in said
    assert f"…{key.former[-4:]} Never used 24 h left" in said
    assert f"/ui/keys/{key.row.id}/grace/end?list=key" in writes(answer)
    assert "Rotating, 24 h left" in answer.html.words()
    assert key.former not in answer.text


def test_what_happened_to_it_is_told(page, mia):
    key = make_key(mia, "laptop")
    open_key(page, key)
    page.post(f"/ui/keys/{key.row.id}/block?list=key", {})
    assert "You blocked this key" in open_key(page, key).html.words()


def test_who_made_it_is_said_where_that_was_not_the_owner(browser, page, ada, mia):
    own, given = make_key(mia), make_key(mia, created_by="ada")
    assert "by" not in facts(open_key(page, own))["Created"]
    assert facts(open_key(page, given))["Created"].endswith("by an admin")
    assert facts(open_key(browser(ada), given))["Created"].endswith("by you")


def test_long_and_odd_words_stay_text(page, mia):
    name = "<b>x</b> & 𝕌 日本語 " + "y" * 200
    key = make_key(mia, name, models=["m" * 255], last_agent="<i>agent</i>" * 20, last_used_at=now(), tags=["<u>"])
    answer = open_key(page, key)
    assert " ".join(name.split()) in answer.html.words()
    assert "<b>x</b>" not in answer.text


# -- whose it is ------------------------------------------------------------------------------------------------


@both_ways
def test_somebody_elses_is_404_like_one_that_is_none(page, otto, htmx):
    said = []
    for key_id in (make_key(otto, "not hers").row.id, "00000000-0000-0000-0000-000000000000"):
        answer = page.get(f"/ui/keys/{key_id}", htmx=htmx)
        assert answer.status == 404
        said.append(answer.html.words().replace(answer.headers["x-request-id"], ""))
    assert said[0] == said[1]


@pytest.mark.parametrize("path", ["", "/edit", "/rename", "/rotate"])
def test_a_deleted_key_has_no_page(page, mia, path):
    key = make_key(mia, deleted_at=now(), deleted_by="mia", restorable_until=now() + timedelta(minutes=9))
    assert page.get(f"/ui/keys/{key.row.id}{path}").status == 404


def test_ada_sees_whose_it_is_and_no_example_with_a_key_that_is_not_hers(browser, ada, mia):
    boss = browser(ada)
    answer = open_key(boss, make_key(mia, "laptop"))
    assert facts(answer)["Owner"] == "Mia mia@example.com"
    assert link(answer, "All keys") == "/ui/all-keys"
    assert found(answer, "snippets") is None
    assert found(open_key(boss, make_key(ada, "ops")), "snippets") is not None


@pytest.mark.parametrize("role", ["proxy_admin_viewer", "internal_user_viewer"])
def test_viewers_see_the_same_and_can_only_test_it(browser, role):
    viewer = make_user("Viewer", role=role)
    key = make_rotating_key(viewer, "dashboard")
    answer = open_key(browser(viewer), key)
    assert (answer.status, writes(answer)) == (200, [f"/ui/keys/{key.row.id}/test"])
    assert facts(answer)["Models"] == "All models"
    shown = {words(element) for element in answer.html.all("a", "button")}
    assert not shown & {"Edit", "Rename", "Delete", "Delete key", "Block", "Rotate secret", "End it now", "Unblock"}


# -- what is done from there -------------------------------------------------------------------------------------


@pytest.mark.parametrize("deed", ["block", "unblock", "grace/end"])
@both_ways
def test_a_deed_done_there_leads_back_there(page, mia, deed, htmx):
    key = make_rotating_key(mia, "laptop")
    if deed == "unblock":
        page.get("/ui/keys")
        page.post(f"/ui/keys/{key.row.id}/block", {})
    opened = open_key(page, key)
    action = next(action for action in writes(opened) if f"/{deed}" in action)
    answer = page.post(action, {}, htmx=htmx)
    if htmx:
        done = fragment(answer)
        assert (answer.status, done.id, [*done.beside]) == (200, "key", ["flash"])
        assert (answer.headers["hx-retarget"], answer.headers["hx-reswap"]) == ("#key", "outerHTML")
    else:
        assert (answer.status, answer.location) == (303, f"/ui/keys/{key.row.id}")
        answer = page.follow(answer)
    assert "laptop" in toast(answer)


@both_ways
def test_deleted_from_there_it_leads_to_the_list_with_the_way_back(page, mia, htmx):
    key = make_key(mia, "laptop")
    asked = page.get(f"/ui/keys/{key.row.id}/delete?list=key")
    assert link(asked, "Cancel") == f"/ui/keys/{key.row.id}"
    (action,) = writes(asked)
    answer = page.post(action, {}, htmx=htmx)
    where = answer.headers["hx-redirect"] if htmx else answer.location
    assert (answer.status, where) == (204 if htmx else 303, "/ui/keys")
    listed = page.get(where)
    assert "Key “laptop” is deleted. Undo works for 10 minutes." in toast(listed)
    assert "/ui/keys/restore" in writes(listed)


def test_ada_deletes_mias_from_there_and_lands_on_all_keys(browser, ada, mia):
    boss, key = browser(ada), make_key(mia, "laptop")
    (action,) = writes(boss.get(f"/ui/keys/{key.row.id}/delete?list=key"))
    answer = boss.post(action, {})
    assert answer.location == "/ui/all-keys"
    assert "/ui/keys/restore?list=all" in writes(boss.follow(answer))
