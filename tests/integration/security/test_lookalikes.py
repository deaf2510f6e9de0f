"""One person, one address: however it is written, and never two that look the same (S-48)."""

import pytest

from selfserve.models import User
from tests.factories import PASSWORD, make_user, rows
from tests.integration.security.actions import token_of

SAME = [
    "mia@example.com",
    "MIA@EXAMPLE.COM",
    " mia@example.com ",
    "mia@example.com.",
    "\uff4d\uff49\uff41@example.com",
    "mia@\uff25\uff38\uff21\uff2d\uff30\uff2c\uff25.com",
    "mia\uff20example.com",
    "mia@example\uff0ecom",
    "\xa0mia@example.com\u3000",
]
REFUSED = [
    "m\u0456a@example.com",
    "mi\u0430@example.com",
    "mia\u200b@example.com",
    "mia@exam\u200bple.com",
    "mi\xada@example.com",
    "mia\x00@example.com",
    "mia @example.com",
    "\u202emia@example.com",
    "mia@@example.com",
    "m\u0131a@example.com",
    '"mia"@example.com ',
    "mia@[127.0.0.1]",
    "mia@exa mple.com",
    "mia@example.com\nbcc:x@y.z",
    "<mia@example.com>",
]


def people():
    return [user.email for user in rows(User) if not user.is_reserved]


@pytest.mark.parametrize("written", SAME)
def test_mia_is_mia_however_her_address_is_written(browser, curl, master, ada, mia, written):
    """S-48: taken by both doors, and it signs her in."""
    assert master.post("/user/new", {"user_email": written}).status == 409
    page = browser(ada)
    fields = {"emails": written.strip().replace("\u00a0", "").replace("\u3000", ""), "role": "internal_user"}
    assert page.post("/ui/users", fields | token_of(page)).status == 422
    assert curl().post("/v2/login", {"username": written, "password": PASSWORD}).status == 200
    assert sorted(people()) == ["ada@example.com", "mia@example.com"]


@pytest.mark.parametrize("written", REFUSED)
def test_an_address_that_only_looks_like_hers_is_none(browser, curl, master, ada, mia, written):
    """S-48: homoglyphs, invisible characters, routes: refused, in plain words, on each door."""
    assert master.post("/user/new", {"user_email": written, "auto_create_key": False}).status == 422
    assert master.post("/user/update", {"user_id": "ada", "user_email": written}).status == 422
    page = browser(ada)
    assert (
        page.post("/ui/users", {"emails": written.replace(" ", ""), "role": "internal_user"} | token_of(page)).status
        == 422
    )
    assert curl().post("/v2/login", {"username": written, "password": PASSWORD}).status in (401, 422)
    assert sorted(people()) == ["ada@example.com", "mia@example.com"]


def test_two_of_one_form_that_are_the_same_are_one(browser, ada):
    """S-48: in one form, too."""
    page = browser(ada)
    emails = "new@example.com, NEW@example.com\nｎｅｗ@example.com"
    assert page.post("/ui/users", {"emails": emails, "role": "internal_user"} | token_of(page)).status == 201
    assert len(people()) == 2


@pytest.mark.parametrize("user_id", ["default_user_id", " default_user_id ", "default_user_id\u0000"])
def test_nobody_takes_the_name_of_the_master_key(master, user_id):
    """S-48: the reserved row stays the only one of its name."""
    assert master.post("/user/new", {"user_id": user_id}).status in (409, 422)
    assert [user.user_id for user in rows(User) if user.user_id.strip() == "default_user_id"] == ["default_user_id"]


def test_an_address_that_was_freed_is_free(master):
    """S-47: uniqueness is among the living."""
    gone = make_user("Gone")
    master.post("/user/delete", {"user_ids": [gone.user_id]})
    assert master.post("/user/new", {"user_email": "GONE@example.com", "auto_create_key": False}).status == 200
