"""All keys of one person: a filter of the list of all keys, which names one owner and nobody like them."""

import pytest

from tests.factories import make_key, make_keys, make_user
from tests.integration.pages.parts import count, link, query, table, walk, words


@pytest.fixture
def boss(browser, ada):
    """Ada's browser."""
    return browser(ada)


def test_see_all_lists_that_persons_keys_only(boss, mia):
    make_keys(mia, 7)
    make_key(make_user("Mia-Sophie"), "not mias")
    listed = boss.get(link(boss.get(f"/ui/users/{mia.id}"), "See all 7"))
    assert (len(table(listed)), count(listed)) == (7, "7 keys found. Show all")
    assert "not mias" not in listed.text


def test_the_filter_has_a_name_and_a_way_out_and_goes_with_the_others(boss, mia, otto):
    make_key(mia, "laptop")
    make_key(mia, "ci", is_blocked=True)
    make_key(otto, "phone", is_blocked=True)
    page = boss.get(f"/ui/all-keys?owner={mia.id}&status=blocked")
    assert [*table(page)] == ["ci"]
    (out,) = [a for a in page.html.all("a") if a.get("aria-label") == "Show the keys of everybody, not only of Mia"]
    assert ("Mia" in words(out), out.get("href")) == (True, "/ui/all-keys?status=blocked")
    filters = next(form for form in page.html.forms if form.action == "/ui/all-keys")
    assert (filters.fields["owner"], filters.fields["status"]) == (mia.id, "blocked")
    assert [*table(boss.get(out.get("href")))] == ["phone", "ci"]


def test_it_is_kept_while_one_types_and_from_page_to_page(boss, mia, otto):
    make_keys(mia, 60)
    make_keys(otto, 60)
    typing = boss.get(f"/ui/all-keys?owner={mia.id}&q=key", htmx=True)
    assert query(typing.headers["hx-push-url"]) == {"owner": mia.id, "q": "key"}
    assert [len(page) for page in walk(boss, f"/ui/all-keys?owner={mia.id}")] == [50, 10]


@pytest.mark.parametrize("owner", ["00000000-0000-4000-8000-000000000000", "nobody"])
def test_of_somebody_unknown_there_is_none(boss, mia, owner):
    make_key(mia)
    page = boss.get(f"/ui/all-keys?owner={owner}")
    assert (page.status, "No key matches" in page.html.words()) == (200, True)
    assert link(page, "One person") == "/ui/all-keys"


def test_in_ones_own_list_it_opens_nothing(browser, mia, otto):
    make_key(otto, "phone")
    make_key(mia, "laptop")
    assert "phone" not in browser(mia).get(f"/ui/keys?owner={otto.id}").text


def test_the_keys_of_somebody_blocked_do_not_stand_there_as_active(boss, rex):
    make_key(rex, "still here")
    answer = boss.get(f"/ui/users/{rex.id}")
    assert "Owner blocked" in words(table(answer)["still here"])
    assert "Active keys 0 of 1 None works now" in words(answer.html.all("dl")[0])
    assert "You never see the secrets" not in answer.text
