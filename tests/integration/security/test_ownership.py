"""What belongs to somebody else looks like nothing at all, by whatever name it is asked for (S-6, S-7c)."""

import re

import pytest

from tests.factories import change, make_key, make_user
from tests.integration.security.actions import token_of
from tests.integration.security.snapshots import unchanged

NOBODY = "00000000-0000-4000-8000-000000000000"
PAGE_DEEDS = ["block", "unblock", "delete"]
CALLS = ["/key/update", "/key/block", "/key/unblock", "/key/delete", "/key/regenerate", "/key/grace/end"]
NAMES = {
    "id": lambda key: key.row.id,
    "hash": lambda key: key.row.token,
    "secret": lambda key: key.secret,
    "upper case hash": lambda key: key.row.token.upper(),
    "tail": lambda key: key.secret[-4:],
}


def without_request_number(answer):
    """A page names the request in its foot; all else must be the same."""
    return re.sub(rb"<code>[0-9a-f]{32}</code>", b"", answer.body)


@pytest.fixture
def hers(mia):
    """Mia's key, with a name of its own."""
    return make_key(mia, "hers alone")


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "htmx"])
@pytest.mark.parametrize("deed", PAGE_DEEDS)
def test_otto_cannot_tell_mias_key_from_none_on_a_page(browser, otto, hers, deed, htmx):
    """S-6: raw posts to the address of her key and to that of no key get one and the same 404."""
    page = browser(otto)
    token = token_of(page)
    with unchanged():
        for query in ("", "?list=all", "?q=hers"):
            answers = [
                page.post(f"/ui/keys/{key_id}/{deed}{query}", token, htmx=htmx) for key_id in (hers.row.id, NOBODY)
            ]
            assert [answer.status for answer in answers] == [404, 404]
            assert without_request_number(answers[0]) == without_request_number(answers[1])


def test_otto_cannot_open_the_question_whether_to_delete_mias_key(browser, otto, hers):
    """S-6: the confirmation would show its name, its tail and its spend."""
    page = browser(otto)
    hers_is, none_is = (page.get(f"/ui/keys/{key_id}/delete") for key_id in (hers.row.id, NOBODY))
    assert (hers_is.status, none_is.status) == (404, 404)
    assert without_request_number(hers_is) == without_request_number(none_is)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("path", [*CALLS, "/key/info"])
def test_otto_cannot_tell_mias_key_from_none_by_curl(curl, otto, hers, path, name):
    """S-6: single, by every name a key has."""
    door, asked = curl(otto), NAMES[name](hers)
    with unchanged():
        answers = [
            door.get(path, key=each)
            if path == "/key/info"
            else door.post(path, {"key": each, "keys": [each], "key_alias": "mine"})
            for each in (asked, NOBODY)
        ]
    assert [answer.status for answer in answers] == [404, 404]
    assert answers[0].json == answers[1].json


@pytest.mark.parametrize("name", NAMES)
def test_in_a_batch_mias_key_counts_as_not_found_and_lives(curl, otto, hers, name):
    """S-6: one own key in the batch does not carry the others along."""
    own, asked = make_key(otto), NAMES[name](hers)
    answer = curl(otto).post("/key/delete", {"keys": [asked, own.row.id, NOBODY], "key_aliases": ["hers alone"]})
    assert answer.json["deleted_keys"] == [own.row.id]
    assert len(answer.json["not_found"]) == 3
    assert curl(hers.secret).get("/key/info").status == 200


def test_an_alias_means_ones_own_key_only(curl, otto, hers):
    """S-6: Otto has a key of the same name; deleting by name deletes his."""
    own = make_key(otto, "hers alone")
    assert curl(otto).post("/key/delete", {"key_aliases": ["hers alone"]}).status == 200
    assert curl(own.secret).get("/key/info").status == 401
    assert curl(hers.secret).get("/key/info").status == 200


@pytest.mark.parametrize("path", ["/user/info", "/v2/user/info"])
@pytest.mark.parametrize("asked", ["mia", "MIA", "default_user_id", "ada", "<row id>", "<email>"])
def test_otto_cannot_tell_anybody_from_nobody(curl, ada, mia, otto, path, asked):
    """S-6: by user id, row id and address."""
    named = {"<row id>": mia.id, "<email>": mia.email}.get(asked, asked)
    door = curl(otto)
    assert door.get(path, user_id=named).status == 404
    assert door.get(path, user_id=named).json == door.get(path, user_id=NOBODY).json


WIDENING = [
    "user_id=mia", "user_id=", "user_id[]=mia", "owner=mia", "q=", "q=%25", "q=_", "q=%00", "status=", "list=all",
    "everyones=1", "q=hers&q=", "after=", "team_id=", "return_full_object=true", "key_alias=", "search=", "key_hash=",
    "q=hers+alone", "search=hers+alone", "key_alias=hers+alone", "search=mia@example.com", "q=mia@example.com",
]  # fmt: skip


def test_no_filter_however_empty_or_doubled_shows_otto_more_than_his_own(browser, curl, otto, hers):
    """S-7c: an empty, blank, doubled or made-up filter narrows or is refused; it never widens."""
    page, door = browser(otto), curl(otto)
    for query in WIDENING:
        for answer in (page.get(f"/ui/keys?{query}"), page.get(f"/ui/keys?{query}", htmx=True)):
            assert answer.status in (200, 400, 422), query
            assert hers.row.id not in answer.text, query
            assert hers.row.masked not in answer.text, query
        answer = door.get(f"/key/list?{query}&size=100")
        assert answer.status in (200, 400, 403, 422), query
        assert hers.row.token not in answer.text, query


@pytest.mark.parametrize("field", ["user_id", "key", "keys", "key_aliases", "user_ids", "user_email"])
def test_no_value_however_shaped_means_everybody(curl, mia, otto, hers, field):
    """S-7c: blank, null, list and object where a name belongs touch nobody else's things."""
    door = curl(otto)
    for given in ("", [], {}, None, 0, False, ["mia"], {"eq": "mia"}, "  ", "%", "*"):
        for path in ("/key/update", "/key/block", "/key/delete"):
            door.post(path, {field: given})
        for path in ("/user/update", "/user/delete"):
            assert door.post(path, {field: given}).status == 403
    assert curl(hers.secret).get("/key/info").json["info"]["blocked"] is False


@pytest.mark.parametrize("given", ["", [], {}, None, 0, False, {"eq": "mia"}, "  ", "%", "*", [""], [None]])
def test_an_admins_blank_names_nobody_either(curl, ada, mia, given):
    """S-7c: what deletes or changes wants a name that somebody has."""
    door = curl(ada)
    with unchanged():
        assert door.post("/user/delete", {"user_ids": given}).status in (404, 422)
        assert door.post("/user/update", {"user_id": given, "max_budget": 1}).status in (404, 422)
        assert door.post("/key/delete", {"keys": given, "key_aliases": given}).status in (404, 422)
        assert door.post("/key/block", {"key": given}).status in (404, 422)
        assert door.post("/invitation/new", {"user_id": given}).status in (404, 422)


def test_a_key_of_somebody_who_shares_a_name_is_not_shared(curl, otto):
    """S-6: user ids are compared whole and with regard to case."""
    other = make_user("Other", user_id="OTTO", email="other@example.com")
    theirs = make_key(other, "theirs")
    assert curl(otto).get("/key/info", key=theirs.row.id).status == 404
    change(other, user_id="otto ")
    assert curl(otto).get("/key/info", key=theirs.row.id).status == 404
