"""A delete says who breaks, and can be taken back for ten minutes."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.models import Call
from tests.factories import change, make_key, make_user, reload, save_all
from tests.integration.pages.parts import count, found, fragment, link, table, toast, words, writes

both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])


@pytest.fixture
def page(browser, mia):
    """Mia, signed in."""
    return browser(mia)


def make_calls(key, *calls):
    """Make calls of a key in the last hour: model, program and address of each."""
    save_all(
        [
            Call(
                request_id=f"{key.row.id}-{number}", user_pk=key.row.owner_id, key_id=key.row.id, model=model,
                started_at=now() - timedelta(minutes=number + 1), cost=5, user_agent=agent, address=address,
            )
            for number, (model, agent, address) in enumerate(calls)
        ]
    )  # fmt: skip


def delete(page, key, *, place="", htmx=False):
    (action,) = writes(page.get(f"/ui/keys/{key.row.id}/delete{place}"))
    return page.post(action, {}, htmx=htmx)


def facts(answer):
    """What the question tells, line by line."""
    (told,) = found(answer, "confirm").iter("dl")
    return {words(line[0]): words(line[1]) for line in told}


# -- who breaks -------------------------------------------------------------------------------------------------


@both_ways
def test_the_question_says_who_uses_it(page, mia, htmx):
    key = make_key(
        mia, "ci", last_used_at=now() - timedelta(hours=2, minutes=1), last_address="10.0.3.7",
        last_agent="python-requests/2.31.0",
    )  # fmt: skip
    make_calls(
        key, ("o4", "python-requests/2.31.0", "10.0.3.7"), ("gpt-5-mini", "node-fetch", "10.0.3.9"),
        ("o4", "python-requests/2.31.0", "10.0.3.7"),
    )  # fmt: skip
    answer = page.get(f"/ui/keys/{key.row.id}/delete", htmx=htmx)
    told = facts(answer)
    assert told["Last used"] == "2 hours ago by python-requests from 10.0.3.7"
    assert told["Calls"] == "3 in the last 24 hours"
    assert told["By"] == "python-requests from 10.0.3.7 node-fetch from 10.0.3.9"
    assert told["Models"] == "gpt-5-mini, o4"
    assert "You can undo this for 10 minutes." in answer.html.words()
    assert next(a for a in answer.html.all("a") if words(a) == "Cancel").get("autofocus") is not None


def test_what_nobody_used_is_said_so(page, mia):
    key = make_key(mia, "ci")
    assert facts(page.get(f"/ui/keys/{key.row.id}/delete")) == {
        "Key": key.row.masked, "Last used": "Never", "Calls": "Nobody used it in the last 24 hours"
    }  # fmt: skip


# -- the way back -----------------------------------------------------------------------------------------------


@both_ways
def test_the_toast_brings_it_back_as_it_was(page, curl, mia, htmx):
    key = make_key(mia, "laptop", is_blocked=True, blocked_by="Ada", is_blocked_by_admin=True, rpm_limit=5)
    make_key(mia, "another")
    answer = delete(page, key, place="?sort=name&dir=asc", htmx=htmx)
    answer = answer if htmx else page.follow(answer)
    assert ([*table(answer)], count(answer)) == (["another"], "1 key")
    assert "Key “laptop” is deleted. Undo works for 10 minutes." in toast(answer)
    undo = next(form for form in answer.html.forms if "/restore" in form.action)
    assert undo.fields["key_id"] == key.row.id
    done = page.post(undo.action, undo.fields, htmx=htmx)
    if htmx:
        assert fragment(done).id == "results"
    else:
        assert done.location == "/ui/keys?sort=name&dir=asc"
        done = page.follow(done)
    assert [*table(done)] == ["another", "laptop"]
    assert "Key “laptop” is back, as before." in toast(done)
    back = reload(key.row)
    assert (back.deleted_at, back.is_blocked_by_admin, back.rpm_limit) == (None, True, 5)


def test_the_way_back_is_offered_once_and_on_whatever_page_comes_next(page, mia):
    delete(page, make_key(mia, "laptop"))
    assert "/ui/keys/restore" in writes(page.get("/ui/spend"))
    assert "/ui/keys/restore" not in writes(page.get("/ui/spend"))


@both_ways
def test_what_can_be_undone_is_a_filter_of_the_list(page, mia, htmx):
    key = make_key(mia, "laptop")
    make_key(mia, "another")
    change(make_key(mia, "for good").row, deleted_at=now())
    delete(page, key)
    answer = page.get("/ui/keys?status=deleted", htmx=htmx)
    assert [*table(answer)] == ["laptop"]
    assert "Deleted, 10 min to undo" in words(table(answer)["laptop"])
    assert link(answer, "laptop") is None
    restore = next(action for action in writes(page.get("/ui/keys?status=deleted")) if "restore" in action)
    done = page.post(restore, {"key_id": key.row.id}, htmx=htmx)
    done = done if htmx else page.follow(done)
    assert "Nothing to undo" in done.html.words()
    assert reload(key.row).deleted_at is None


@both_ways
def test_after_ten_minutes_it_is_too_late(page, mia, htmx):
    key = make_key(mia, "laptop")
    delete(page, key)
    change(key.row, restorable_until=now() - timedelta(seconds=1))
    answer = page.post("/ui/keys/restore", {"key_id": key.row.id}, htmx=htmx)
    assert (answer.status, answer.headers.get("hx-retarget")) == (404, "#flash" if htmx else None)
    assert "ten minutes are over" in answer.html.words()
    assert htmx or "Too late to undo" in answer.html.words()
    assert table(page.get("/ui/keys?status=deleted")) == {}


@both_ways
def test_a_name_that_was_taken_meanwhile_is_said_plainly(page, mia, htmx):
    key = make_key(mia, "laptop")
    delete(page, key)
    make_key(mia, "laptop")
    answer = page.post("/ui/keys/restore", {"key_id": key.row.id}, htmx=htmx)
    assert answer.status == (409 if htmx else 303)
    answer = answer if htmx else page.follow(answer)
    assert "Another key is called “laptop” by now. Give that one another name, then undo the delete." in toast(answer)
    assert reload(key.row).deleted_at


@both_ways
def test_nobody_brings_back_what_is_not_theirs(page, otto, htmx):
    gone = {"deleted_at": now(), "deleted_by": "otto", "restorable_until": now() + timedelta(minutes=9)}
    key = make_key(otto, "his", **gone)
    page.get("/ui/keys")
    assert page.post("/ui/keys/restore", {"key_id": key.row.id}, htmx=htmx).status == 404
    assert reload(key.row).deleted_at


@pytest.mark.parametrize("role", ["proxy_admin_viewer", "internal_user_viewer"])
def test_viewers_find_no_such_filter(browser, role):
    viewer = make_user("Viewer", role=role)
    make_key(viewer, "gone", deleted_at=now(), deleted_by="ada", restorable_until=now() + timedelta(minutes=9))
    page = browser(viewer)
    assert "Deleted" not in page.get("/ui/keys").html.words()
    assert table(page.get("/ui/keys?status=deleted")) == {}
