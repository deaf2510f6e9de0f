"""A key's limits and its name are changed on its page, in place or on a page of their own."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.models import AuditEvent
from tests.factories import change, make_key, make_user, reload, rows
from tests.integration.pages.parts import errors, found, fragment, link, table, toast, typed, words

both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])


@pytest.fixture
def page(browser, mia):
    """Mia, signed in."""
    return browser(mia)


def edit(page, key, *, htmx=False, **fields):
    """Open the form as the page of the key offers it, fill it in and send it."""
    page.get(f"/ui/keys/{key.row.id}/edit")
    form = page.form(f"/ui/keys/{key.row.id}/edit")
    return page.post(form.action, form.fields | fields, htmx=htmx)


def rename(page, key, name, *, place="?list=key", htmx=False):
    page.get(f"/ui/keys/{key.row.id}/rename{place}")
    form = page.form(f"/ui/keys/{key.row.id}/rename")
    return page.post(form.action, form.fields | {"key_alias": name}, htmx=htmx)


# -- limits -----------------------------------------------------------------------------------------------------


def test_the_form_holds_what_is_so(page, mia):
    key = make_key(
        mia, "laptop", models=["o4"], max_budget=12_500_000_000, budget_duration="1mo", rpm_limit=60,
        expires_at=now() + timedelta(days=40),
    )  # fmt: skip
    answer = page.get(f"/ui/keys/{key.row.id}/edit")
    held = typed(answer, f"/ui/keys/{key.row.id}/edit")
    shown = {"models": "o4", "max_budget": "12.5", "budget_duration": "1mo", "rpm_limit": "60", "tpm_limit": ""}
    assert shown.items() <= held.items()
    assert held["expires"] == "keep"
    assert link(answer, "Cancel") == f"/ui/keys/{key.row.id}"
    opened = fragment(page.get(f"/ui/keys/{key.row.id}/edit", htmx=True))
    assert (opened.id, opened.root.tag) == ("key-edit", "form")


@both_ways
def test_what_is_changed_is_changed_and_nothing_else(page, mia, htmx):
    expires_at = now() + timedelta(days=40)
    key = make_key(mia, "laptop", models=["o4"], rpm_limit=60, tpm_limit=5, expires_at=expires_at)
    answer = edit(page, key, htmx=htmx, max_budget="20", budget_duration="7d", rpm_limit="30", tpm_limit="")
    if htmx:
        assert (answer.status, fragment(answer).id, answer.headers["hx-retarget"]) == (200, "key", "#key")
        assert "data-focus" in (found(answer, "details-heading").attrib)
    else:
        assert (answer.status, answer.location) == (303, f"/ui/keys/{key.row.id}")
        answer = page.follow(answer)
    assert "Key “laptop” is changed." in toast(answer)
    changed = reload(key.row)
    assert (changed.max_budget, changed.budget_duration, changed.rpm_limit) == (20 * 10**9, "7d", 30)
    assert (changed.tpm_limit, changed.models, changed.expires_at) == (None, ["o4"], expires_at)


def test_a_budget_of_a_rarer_kind_stays_as_it_is(page, mia):
    key = make_key(mia, max_budget=10**9, budget_duration="12h")
    edit(page, key, rpm_limit="5")
    assert (reload(key.row).budget_duration, reload(key.row).rpm_limit) == ("12h", 5)


def test_saved_as_it_was_nothing_is_written(page, mia):
    key = make_key(mia, "laptop", models=["o4"], max_budget=10**9)
    answer = page.follow(edit(page, key))
    assert "Nothing was to be changed." in toast(answer)
    assert [event for event in rows(AuditEvent) if event.action.startswith("key.")] == []


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"max_budget": "much"}, "max_budget", "amount in dollars"),
        ({"budget_duration": "soon"}, "budget_duration", "must be a duration"),
        ({"rpm_limit": "-1"}, "rpm_limit", "0 or more"),
        ({"max_parallel_requests": "many"}, "max_parallel_requests", "whole number"),
        ({"expires": "custom"}, "expires_on", "Pick the day"),
        ({"expires": "custom", "expires_on": "2020-01-01"}, "expires_on", "not over yet"),
        ({"expires": "never"}, "expires", "must be one of"),
    ],
)
@both_ways
def test_a_wrong_field_is_told_in_place_and_keeps_what_was_typed(page, mia, fields, field, sentence, htmx):
    key = make_key(mia, "laptop")
    answer = edit(page, key, htmx=htmx, **fields)
    assert (answer.status, [*errors(answer)]) == (422, [field])
    assert sentence in errors(answer)[field]
    assert "autofocus" in found(answer, field).attrib
    assert not htmx or fragment(answer).id == "key-edit"
    assert reload(key.row).updated_at == key.row.updated_at


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"max_budget": "21"}, "max_budget"),
        ({"max_budget": ""}, "max_budget"),
        ({"rpm_limit": "11"}, "rpm_limit"),
        ({"models": "o4, gpt-5-mini"}, "models"),
        ({"models": ""}, "models"),
        ({"expires": "90d"}, "expires"),
        ({"budget_duration": "1d"}, "budget_duration"),
    ],
)
@both_ways
def test_what_an_admin_set_is_tightened_and_never_lifted(page, mia, fields, field, htmx):
    expires_at = now() + timedelta(days=60)
    set_by_ada = {"max_budget": 20 * 10**9, "rpm_limit": 10, "models": ["o4"], "expires_at": expires_at}
    noted = set_by_ada | {"expires_at": expires_at.isoformat()}
    key = make_key(mia, "laptop", budget_duration="1mo", admin_limits=noted, **set_by_ada)
    answer = edit(page, key, htmx=htmx, **fields)
    assert (answer.status, [*errors(answer)]) == (422, [field])
    assert "an admin set" in errors(answer)[field]
    assert "never wider" in words(found(answer, "key-edit"))
    tighter = edit(page, key, htmx=htmx, max_budget="19", rpm_limit="9", expires="30d")
    assert tighter.status == (200 if htmx else 303)
    assert (reload(key.row).max_budget, reload(key.row).rpm_limit) == (19 * 10**9, 9)


def test_what_ada_sets_on_mias_key_is_noted_and_the_rest_is_not(browser, ada, mia):
    key = make_key(mia, "laptop", rpm_limit=60)
    edit(browser(ada), key, max_budget="5")
    assert reload(key.row).admin_limits == {"max_budget": 5 * 10**9}


def test_mia_with_a_list_of_models_ticks_among_them(browser):
    pia = make_user("Pia", models=["gpt-5-mini", "o4"])
    page, key = browser(pia), make_key(pia, models=["o4"])
    page.get(f"/ui/keys/{key.row.id}/edit")
    boxes = {box.get("value"): box.get("checked") for box in page.page.all("input") if box.get("type") == "checkbox"}
    assert boxes == {"gpt-5-mini": None, "o4": ""}
    edit(page, key, models="gpt-5-mini")
    assert reload(key.row).models == ["gpt-5-mini"]


# -- the name ---------------------------------------------------------------------------------------------------


@both_ways
def test_renamed_on_its_page(page, mia, htmx):
    key = make_key(mia, "laptop")
    opened = page.get(f"/ui/keys/{key.row.id}/rename?list=key", htmx=htmx)
    assert link(opened, "Cancel") == f"/ui/keys/{key.row.id}"
    assert not htmx or fragment(opened).id == f"rename-{key.row.id}"
    answer = rename(page, key, " desk ", htmx=htmx)
    answer = answer if htmx else page.follow(answer)
    assert "The key is called “desk” now." in toast(answer)
    assert (reload(key.row).alias, reload(key.row).alias_key) == ("desk", "desk")


@both_ways
def test_renamed_in_a_list_that_stays_as_it_was_filtered(page, mia, htmx):
    key = make_key(mia, "laptop")
    make_key(mia, "phone")
    answer = rename(page, key, "lapdesk", place="?q=lap&sort=name&dir=asc", htmx=htmx)
    if htmx:
        assert (fragment(answer).id, answer.headers["hx-retarget"]) == ("results", "#results")
    else:
        assert answer.location == "/ui/keys?q=lap&sort=name&dir=asc"
        answer = page.follow(answer)
    assert [*table(answer)] == ["lapdesk"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("", "needed"), ("   ", "must not be empty"), ("phone", "Another key is called “phone” already"),
     ("x" * 256, "at most 255"), ("a\0b", "control characters")],
)  # fmt: skip
@both_ways
def test_a_name_that_cannot_be_is_told_on_the_name(page, mia, name, sentence, htmx):
    key = make_key(mia, "laptop")
    make_key(mia, "phone")
    answer = rename(page, key, name, htmx=htmx)
    assert (answer.status, [*errors(answer)]) == (422, [f"name-{key.row.id}"])
    assert sentence in errors(answer)[f"name-{key.row.id}"]
    assert reload(key.row).alias == "laptop"


def test_a_name_that_a_deleted_key_had_is_free(page, mia):
    change(make_key(mia, "phone").row, deleted_at=now())
    assert rename(page, make_key(mia, "laptop"), "phone").status == 303


# -- whose ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deed", ["edit", "rename"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_somebody_elses_is_404(page, otto, deed, method):
    key = make_key(otto, "not hers")
    page.get("/ui/keys")
    path, fields = f"/ui/keys/{key.row.id}/{deed}", {"key_alias": "mine", "rpm_limit": "1"}
    answer = page.get(path) if method == "get" else page.post(path, fields)
    assert answer.status == 404
    assert reload(key.row).alias == "not hers"
