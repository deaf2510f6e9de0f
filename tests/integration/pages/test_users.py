"""Internal users on the pages, for admins."""

import re

import pytest

from selfserve.models import Invitation, User
from tests.application import BASE_URL
from tests.factories import make_company, make_invitation, make_key, make_user, reload, rows


def people():
    return {user.email: user for user in rows(User) if not user.is_reserved and not user.deleted_at}


@pytest.fixture
def boss(browser, ada):
    """Ada's browser, on the list."""
    page = browser(ada)
    page.get("/ui/users")
    return page


def test_the_list_says_who_how_and_what(boss, mia, ina, rex):
    make_key(mia)
    make_invitation(ina)
    words = boss.get("/ui/users").html.words()
    for word in ("mia@example.com", "Active", "Invited", "Blocked", "Internal users"):
        assert word in words


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "ada mia ina rex"),
        ("status=active", "ada mia"),
        ("status=invited", "ina"),
        ("status=blocked", "rex"),
        ("q=mia", "mia"),
        ("q=MIA%40", "mia"),
        ("role=proxy_admin", "ada"),
        ("q=zzz", ""),
        ("q=%25", ""),
    ],
)
def test_tabs_search_and_role_narrow_it(boss, mia, ina, rex, query, found):
    rows_shown = boss.get(f"/ui/users?{query}").html.all("tr")
    shown = {
        user.email.split("@")[0]
        for user in people().values()
        if any(row.get("id") == f"user-{user.id}" for row in rows_shown)
    }
    assert shown == set(found.split())


@pytest.mark.parametrize(
    "path", ["/ui/users?status=nonsense", "/ui/users?role=god", "/ui/keys?status=nonsense", "/ui/all-keys?status=x"]
)
def test_a_damaged_filter_is_said_and_never_ignored(boss, path):
    assert boss.get(path).status == 422


def test_a_search_by_htmx_brings_list_tabs_and_count(boss, mia):
    answer = boss.get("/ui/users?q=mia&role=", htmx=True)
    assert answer.html.is_fragment
    assert answer.headers["hx-push-url"] == "/ui/users?q=mia"
    assert {"results", "tabs"} <= {element.get("id") for element in answer.html.tree.iter()}


@pytest.mark.parametrize("htmx", [False, True])
def test_a_new_user_is_a_link_that_is_shown_once_and_opens(boss, browser, htmx):
    boss.get("/ui/users/new")
    answer = boss.submit(
        "/ui/users", emails="dana@example.com", role="internal_user", max_budget="25", budget_duration="1mo", htmx=htmx
    )
    assert answer.status == 201
    (link,) = re.findall(rf"{BASE_URL}(/ui/onboarding\?id=[0-9a-f-]{{36}})", answer.text)
    assert "Expires" in answer.html.words()
    dana = people()["dana@example.com"]
    assert (dana.role, dana.max_budget, dana.budget_duration, dana.has_password) == (
        "internal_user",
        25_000_000_000,
        "1mo",
        False,
    )
    assert link not in boss.get("/ui/users").text
    guest = browser()
    assert guest.follow(guest.get(link)).status == 200


def test_many_at_once_or_none(boss, mia):
    boss.get("/ui/users/new")
    answer = boss.submit("/ui/users", emails="a@example.com\nmia@example.com, b@example.com", role="internal_user")
    assert answer.status == 422
    assert "mia@example.com already exists" in answer.html.words()
    assert set(people()) == {"ada@example.com", "mia@example.com"}
    answer = boss.submit("/ui/users", emails="a@example.com\nb@example.com, A@example.com", role="internal_user")
    assert answer.status == 201
    assert {email.casefold() for email in people()} == {f"{name}@example.com" for name in ("ada", "mia", "a", "b")}


@pytest.mark.parametrize("emails", ["", "nonsense", "a@example.com, nonsense"])
def test_a_wrong_address_is_named(boss, emails):
    boss.get("/ui/users/new")
    answer = boss.submit("/ui/users", emails=emails, role="internal_user")
    assert answer.status == 422
    assert not emails or "nonsense" in answer.html.words()
    assert set(people()) == {"ada@example.com"}


@pytest.mark.parametrize("htmx", [False, True])
def test_a_role_is_changed_in_its_row(boss, mia, htmx):
    boss.get("/ui/users")
    answer = boss.submit(f"/ui/users/{mia.id}/role", role="proxy_admin_viewer", htmx=htmx)
    assert answer.status == (200 if htmx else 303)
    assert reload(mia).role == "proxy_admin_viewer"


def test_the_last_admin_keeps_their_role_and_is_told_why(boss, ada):
    plain = boss.submit(f"/ui/users/{ada.id}/role", role="internal_user")
    assert plain.status == 409
    boss.get("/ui/users")
    by_htmx = boss.submit(f"/ui/users/{ada.id}/role", role="internal_user", htmx=True)
    assert by_htmx.status == 409
    assert "last" in by_htmx.html.words()
    assert reload(ada).role == "proxy_admin"


def test_an_unknown_role_changes_nothing(boss, mia):
    boss.get("/ui/users")
    assert boss.submit(f"/ui/users/{mia.id}/role", role="god").status == 422
    assert reload(mia).role == "internal_user"


def test_blocking_and_unblocking(boss, browser, mia):
    theirs = browser(mia)
    boss.get("/ui/users")
    assert "Mia is blocked" in boss.follow(boss.submit(f"/ui/users/{mia.id}/block")).html.words()
    assert theirs.get("/ui/keys").status == 303
    boss.follow(boss.submit(f"/ui/users/{mia.id}/unblock"))
    assert not reload(mia).is_blocked


@pytest.mark.parametrize(
    ("count", "words"), [(0, "no active key"), (1, "1 active key stops"), (3, "3 active keys stop")]
)
def test_the_question_says_how_many_keys_will_stop(boss, mia, count, words):
    for _ in range(count):
        make_key(mia)
    make_key(mia, is_blocked=True)
    assert words in boss.get(f"/ui/users/{mia.id}/delete").html.words()
    assert boss.submit(f"/ui/users/{mia.id}/delete").status == 303
    assert "mia@example.com" not in people()


@pytest.mark.parametrize("htmx", [False, True])
def test_a_new_link_is_shown_once_and_can_be_revoked(boss, browser, ina, htmx):
    boss.get("/ui/users")
    answer = boss.submit(f"/ui/users/{ina.id}/invitation", htmx=htmx)
    assert answer.status == 201
    link = re.search(r"/ui/onboarding\?id=[0-9a-f-]{36}", answer.text)[0]
    assert browser().get(link).status == 303
    boss.get("/ui/users")
    boss.submit(f"/ui/users/{ina.id}/invitation/revoke", htmx=htmx)
    assert browser().get(link).status == 410
    assert all(row.ended_at for row in rows(Invitation))


def test_many_people_are_pages(boss):
    make_company(60)
    first = boss.get("/ui/users").html
    assert len([row for row in first.all("tr") if (row.get("id") or "").startswith("user-")]) == 50
    (following,) = [link.get("href") for link in first.all("a") if "after=" in link.get("href", "")]
    assert len([row for row in boss.get(following).html.all("tr") if (row.get("id") or "").startswith("user-")]) == 11


def test_vera_sees_the_list_without_a_control(browser, vera, mia):
    page = browser(vera)
    assert "mia@example.com" in page.get("/ui/users").html.words()
    assert [form.action for form in page.page.forms if form.method == "post"] == ["/ui/logout"]
    assert not [link for link in page.page.all("a") if "/new" in link.get("href", "")]


@pytest.mark.parametrize("role", ["internal_user", "internal_user_viewer"])
def test_users_are_told_whom_to_ask(browser, role):
    answer = browser(make_user(role=role)).get("/ui/users")
    assert answer.status == 403
    assert role in answer.html.words() or "admin" in answer.html.words().lower()
