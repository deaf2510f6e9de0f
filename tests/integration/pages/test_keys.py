"""Keys on the pages: plain forms, and the fragments that htmx gets for the same requests."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.models import ApiKey
from tests.factories import change, make_key, make_keys, reload, rows
from tests.html import SECRET


def keys_of(user):
    return [key for key in rows(ApiKey) if key.owner_id == user.id and not key.deleted_at]


@pytest.fixture
def at_the_form(browser, mia):
    """Mia's browser, with the create panel open."""
    page = browser(mia)
    page.get("/ui/keys/new")
    return page


# -- the list --------------------------------------------------------------------------------------------------


def test_who_has_no_keys_is_told_what_they_are_for(browser, mia, ivo):
    assert "No keys yet" in browser(mia).get("/ui/keys").html.words()
    assert "Ask an admin for a key" in browser(ivo).get("/ui/keys").html.words()


def test_a_row_says_what_the_key_is_and_shows_four_characters_of_it(browser, mia):
    key = make_key(mia, "laptop", models=["gpt-x"])
    answer = browser(mia).get("/ui/keys")
    words = answer.html.words()
    assert "laptop" in words
    assert f"sk-ss_…{key.secret[-4:]}" in words
    assert key.secret[-5:] not in answer.text
    assert key.row.token not in answer.text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({}, "Active"),
        ({"is_blocked": True, "blocked_by": "Ada"}, "Blocked"),
        ({"expires_at": -1}, "Expired"),
        ({"expires_at": 3}, "Expires in"),
        ({"max_budget": 1, "window_spend": 1}, "Budget used up"),
    ],
    ids=["active", "blocked", "expired", "expiring", "over budget"],
)
def test_every_state_has_its_words(browser, mia, state, words):
    if "expires_at" in state:
        state = {"expires_at": now() + timedelta(days=state["expires_at"])}
    make_key(mia, "laptop", **state)
    assert words in browser(mia).get("/ui/keys").html.words()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=lap", "laptop"),
        ("q=LAP", "laptop"),
        ("status=blocked", "phone"),
        ("q=zzz", ""),
        ("q=%25", ""),
    ],
)
def test_the_list_can_be_filtered(browser, mia, query, found):
    make_key(mia, "laptop")
    make_key(mia, "phone", is_blocked=True)
    words = browser(mia).get(f"/ui/keys?{query}").html.words()
    assert [name for name in ("laptop", "phone") if name in words] == found.split()


def test_a_filter_by_htmx_answers_the_list_alone_under_a_clean_address(browser, mia):
    make_key(mia, "laptop")
    answer = browser(mia).get("/ui/keys?q=lap&status=", htmx=True)
    assert answer.html.is_fragment
    assert answer.headers["hx-push-url"] == "/ui/keys?q=lap"
    assert "laptop" in answer.html.words()


def test_fifty_rows_are_a_page_and_the_rest_follow(browser, mia):
    make_keys(mia, 60)
    page = browser(mia)
    first = page.get("/ui/keys").html
    assert len([row for row in first.all("tr") if (row.get("id") or "").startswith("key-")]) == 50
    (following,) = [link.get("href") for link in first.all("a") if "after=" in link.get("href", "")]
    second = page.get(following).html
    assert len([row for row in second.all("tr") if (row.get("id") or "").startswith("key-")]) == 10


def test_a_damaged_cursor_breaks_nothing(browser, mia):
    make_key(mia, "laptop")
    assert browser(mia).get("/ui/keys?after=nonsense").status in (200, 400)


# -- making ----------------------------------------------------------------------------------------------------


def test_the_secret_is_in_the_answer_that_made_it_and_in_no_other(at_the_form, mia):
    answer = at_the_form.submit("/ui/keys", key_alias="laptop", expires="7d", reveals=True)
    assert answer.status == 201
    assert len(SECRET.findall(answer.text)) == 1
    (key,) = keys_of(mia)
    assert key.alias == "laptop"
    assert timedelta(days=6, hours=23) < key.expires_at - now() <= timedelta(days=7)
    for path in ("/ui/keys", "/ui/keys/new", f"/ui/keys/{key.id}/delete", "/ui/spend", "/ui/account"):
        at_the_form.get(path)  # every answer is searched for secrets


def test_by_htmx_the_panel_comes_with_the_new_list(at_the_form):
    answer = at_the_form.submit("/ui/keys", key_alias="laptop", htmx=True, reveals=True)
    assert answer.status == 201
    assert answer.html.is_fragment
    assert answer.html.all("section", "form")[0].get("id") == "key-create"
    assert any(element.get("hx-swap-oob") for element in answer.html.tree.iter())


def test_a_reload_of_the_answer_makes_no_second_key(at_the_form, mia):
    form = at_the_form.form("/ui/keys").fields | {"key_alias": "laptop"}
    assert at_the_form.post("/ui/keys", form, reveals=True).status == 201
    again = at_the_form.post("/ui/keys", form)
    assert (again.status, again.location) == (303, "/ui/keys")
    assert "already made and shown" in at_the_form.follow(again).html.words()
    assert len(keys_of(mia)) == 1


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"key_alias": ""}, "key_alias"),
        ({"key_alias": "taken"}, "key_alias"),
        ({"key_alias": "x" * 256}, "key_alias"),
        ({"key_alias": "a", "max_budget": "ten"}, "max_budget"),
        ({"key_alias": "a", "rpm_limit": "-1"}, "rpm_limit"),
        ({"key_alias": "a", "expires": "custom"}, "expires_on"),
        ({"key_alias": "a", "expires": "custom", "expires_on": "2000-01-01"}, "expires_on"),
        ({"key_alias": "a", "expires": "never"}, "expires"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_field_is_told_in_place_and_the_rest_is_kept(at_the_form, mia, fields, name, htmx):
    make_key(mia, "taken")
    answer = at_the_form.submit("/ui/keys", **fields, htmx=htmx)
    assert (answer.status, answer.html.is_fragment) == (422, htmx)
    marked = {
        field.get("name") for field in answer.html.all("input", "select", "textarea") if field.get("aria-invalid")
    }
    assert name in marked or (name.startswith("expires") and "error" in answer.text)
    (kept,) = [form.fields for form in answer.html.forms if form.action == "/ui/keys" and form.method == "post"]
    assert kept["key_alias"] == fields["key_alias"]
    assert len(keys_of(mia)) == 1


def test_limits_are_kept_as_given(at_the_form, mia):
    limits = {
        "models": "gpt-x, claude-y",
        "max_budget": "12.50",
        "budget_duration": "1mo",
        "rpm_limit": "10",
        "tpm_limit": "20",
    }
    assert at_the_form.submit("/ui/keys", key_alias="laptop", **limits, reveals=True).status == 201
    (key,) = keys_of(mia)
    assert (key.models, key.max_budget, key.rpm_limit, key.tpm_limit) == (["gpt-x", "claude-y"], 12_500_000_000, 10, 20)
    assert key.budget_duration == "1mo"


def test_who_is_limited_to_models_picks_among_them(browser, mia):
    change(mia, models=["gpt-x"])
    page = browser(mia)
    page.get("/ui/keys/new")
    assert page.submit("/ui/keys", key_alias="a", models=["gpt-y"]).status == 422
    assert keys_of(mia) == []


# -- blocking and deleting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("htmx", [False, True])
def test_mia_blocks_and_unblocks_from_her_list(browser, mia, htmx):
    key, page = make_key(mia, "laptop").row, browser(mia)
    page.get("/ui/keys")
    blocked = page.submit(f"/ui/keys/{key.id}/block", htmx=htmx)
    assert blocked.status == (200 if htmx else 303)
    words = (blocked if htmx else page.follow(blocked)).html.words()
    assert "is blocked" in words
    assert reload(key).is_blocked
    page.get("/ui/keys")
    page.submit(f"/ui/keys/{key.id}/unblock", htmx=htmx)
    assert not reload(key).is_blocked


def test_what_ada_blocked_has_no_control_on_mias_page(browser, ada, mia):
    key, boss = make_key(mia, "laptop").row, browser(ada)
    boss.get("/ui/all-keys")
    boss.submit(f"/ui/keys/{key.id}/block")
    page = browser(mia)
    page.get("/ui/keys")
    assert not [form for form in page.page.forms if "unblock" in form.action]


@pytest.mark.parametrize("htmx", [False, True])
def test_the_question_comes_before_the_deletion(browser, mia, htmx):
    key, page = make_key(mia, "laptop").row, browser(mia)
    asked = page.get(f"/ui/keys/{key.id}/delete", htmx=htmx)
    assert asked.html.is_fragment == htmx
    assert "Delete “laptop”?" in asked.html.words()
    assert reload(key).deleted_at is None
    page.get(f"/ui/keys/{key.id}/delete")
    deleted = page.submit(f"/ui/keys/{key.id}/delete", htmx=htmx)
    assert deleted.status == (200 if htmx else 303)
    assert reload(key).deleted_at is not None


def test_ada_sees_all_keys_with_their_owners_and_vera_sees_them_without_controls(browser, ada, vera, mia, otto):
    make_key(mia, "laptop")
    make_key(otto, "phone")
    for boss in (ada, vera):
        page = browser(boss)
        words = page.get("/ui/all-keys").html.words()
        assert all(word in words for word in ("laptop", "phone", "Mia", "Otto"))
        writes = [form.action for form in page.page.forms if form.method == "post" and "logout" not in form.action]
        assert bool(writes) == (boss is ada)


@pytest.mark.parametrize("garbage", ["nonsense", "%00", "..%2f", "0", "00000000-0000-4000-8000-000000000000"])
def test_a_key_that_is_none_is_404(browser, mia, garbage):
    assert browser(mia).get(f"/ui/keys/{garbage}/delete").status == 404
