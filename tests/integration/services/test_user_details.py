"""What the page of a person reads, without the page: by the law of its own, whatever stands before it (S-3)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.errors import Forbidden
from selfserve.schemas.users import UserFilter
from selfserve.services import user_details, user_export, user_lists
from tests.factories import change, make_key, make_user

READS = {
    "the person": lambda actor, user: user_details.get_detail(actor, user.id),
    "their keys": user_details.list_newest_keys,
    "their links": user_details.list_links,
    "the list": lambda actor, _user: user_lists.list_user_page(actor, UserFilter()).items,
    "the file": lambda actor, _user: [*user_export.export_users(actor, UserFilter())],
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("role", ["internal_user", "internal_user_viewer"])
def test_users_read_none_of_it_not_even_about_themselves(as_actor, mia, role, read):
    nora = make_user("Nora", role=role)
    make_key(nora)
    for user in (mia, nora):
        with pytest.raises(Forbidden):
            read(as_actor(nora), user)


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_both_admins_read_all_of_it(as_actor, ada, vera, mia, read):
    assert read(as_actor(ada), mia) == read(as_actor(vera), mia)


def test_the_file_is_of_one_moment(as_actor, ada, monkeypatch):
    """Who is renamed while it is written stands in it as they were."""
    monkeypatch.setattr(user_export, "AT_ONCE", 1)
    otto = make_user("Otto", created_at=now() + timedelta(minutes=1))
    rows = user_export.export_users(as_actor(ada), UserFilter())
    first = next(rows)
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(change, otto, alias="Otto the Great").result()
    assert [row[2] for row in (first, *rows)] == ["Ada", "Otto"]
