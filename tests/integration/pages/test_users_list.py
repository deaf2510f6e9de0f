"""Internal users as a list: tabs, search, role, pages, badges; what Vera sees and what is not for users."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from tests.factories import change, make_company, make_invitation, make_key, make_user
from tests.integration.pages.parts import count, found, fragment, link, query, table, walk, words, writes

both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])


@pytest.fixture
def boss(browser, ada):
    """Ada, on the list."""
    page = browser(ada)
    page.get("/ui/users")
    return page


def tabs(answer):
    """The tabs with their counts."""
    return words(found(answer, "tabs"))


def row_of(answer, user):
    """What the row of somebody says."""
    return words(found(answer, f"user-{user.id}"))


def test_a_row_says_who_what_how_many_keys_and_how_much(boss):
    pia = make_user(
        "Pia", window_spend=25 * 10**8, max_budget=10**10, last_login_at=now() - timedelta(hours=3, minutes=1)
    )
    make_key(pia)
    make_key(pia, is_blocked=True)
    make_key(pia, expires_at=now() - timedelta(days=1))
    for part in ("Pia", "pia@example.com", "Active", "Internal user", " 1 ", "$2.50 of $10.00", "3 hours ago"):
        assert part in row_of(boss.get("/ui/users"), pia)


def test_no_key_of_somebody_blocked_counts_as_active_wherever_they_are_counted(boss, rex):
    make_key(rex)
    (row,) = boss.get("/ui/users.csv?status=blocked").sheet
    assert row["active_keys"] == "0"
    cells = found(boss.get("/ui/users"), f"user-{rex.id}")
    assert [words(cell) for cell in cells if cell.get("data-label") == "Keys"] == ["0"]
    assert "Active keys 0 of 1" in boss.get(f"/ui/users/{rex.id}").html.words()
    assert "Rex has no active key" in boss.get(f"/ui/users/{rex.id}/delete").html.words()


@pytest.mark.parametrize(
    ("link_of", "badge"),
    [
        ({}, "Invited, 7 days left"),
        ({"lasts": timedelta(hours=5, minutes=1)}, "Invited, 5 hours left"),
        ({"lasts": timedelta(seconds=-1)}, "Link expired"),
        ({"ended_at": now()}, "No open link"),
        (None, "No open link"),
    ],
)
def test_who_is_invited_has_the_state_of_their_link(boss, ina, link_of, badge):
    if link_of is not None:
        make_invitation(ina, **link_of)
    assert badge in row_of(boss.get("/ui/users"), ina)


def test_the_tabs_count_and_keep_the_search(boss, mia, ina, rex):
    answer = boss.get("/ui/users?q=example&role=internal_user")
    assert tabs(boss.get("/ui/users")) == "All 4 Active 2 Invited 1 Blocked 1"
    targets = {words(a).rstrip("0123456789 "): a.get("href") for a in found(answer, "tabs").iter("a")}
    assert query(targets["Blocked"]) == {"status": "blocked", "q": "example", "role": "internal_user"}
    assert query(targets["All"]) == {"q": "example", "role": "internal_user"}
    blocked = boss.get("/ui/users?status=blocked")
    assert [words(a) for a in found(blocked, "tabs").iter("a") if a.get("aria-current")] == ["Blocked 1"]


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        ("q=zzz", "Nobody matches"),
        ("role=proxy_admin_viewer", "Nobody matches"),
        ("status=invited", "No open invitations"),
        ("status=blocked", "Nobody is blocked"),
        ("status=blocked&q=ada", "Nobody matches"),
    ],
)
@both_ways
def test_nobody_to_show_says_why_and_leads_back(boss, asked, title, htmx):
    answer = boss.get(f"/ui/users?{asked}", htmx=htmx)
    assert (table(answer), title in answer.html.words()) == ({}, True)
    assert link(answer, "Show all users") == "/ui/users"


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("Noor", ["noor"]),
        ("noor.q", ["noor"]),
        ("NOOR.QAZI@EXAMPLE", ["noor"]),
        ("Qazi", []),
        ("noor-id", ["noor"]),
        ("NOOR-ID", []),
        ("100%25", ["100% Sam"]),
        ("under_", ["under_score"]),
        ("ÉMILE", ["Émile Œuvre"]),
    ],
)
def test_a_search_is_by_the_beginning_of_name_address_or_id(boss, asked, names):
    make_user("noor", user_id="noor-id", email="noor.qazi@example.com")
    make_user("100% Sam", email="s@example.com", user_id="s")
    make_user("100 Sams", email="ss@example.com", user_id="ss")
    make_user("under_score", email="u@example.com", user_id="u")
    make_user("underXscore", email="x@example.com", user_id="x")
    make_user("Émile Œuvre", email="e@example.com", user_id="e")
    listed = table(boss.get(f"/ui/users?q={asked}")).values()
    assert [words(next(person for person in row.iter("a") if person.get("title"))) for row in listed] == names


def test_filters_stand_in_the_form_and_the_status_is_kept_by_it(boss):
    answer = boss.get("/ui/users?q=%22a&role=proxy_admin&status=active")
    form = next(form for form in answer.html.forms if form.method == "get")
    assert form.fields == {"status": "active", "q": '"a', "role": "proxy_admin"}


@pytest.mark.parametrize("wrong", ["status=all", "role=boss", "q=a&q=b", "after=x", "q=%00", "role=proxy_admin%20"])
@both_ways
def test_a_wrong_filter_is_told_and_widens_nothing(boss, mia, wrong, htmx):
    answer = boss.get(f"/ui/users?{wrong}", htmx=htmx)
    assert answer.status in (400, 422)
    assert "mia@example.com" not in answer.text
    assert answer.html.is_fragment is htmx


@both_ways
def test_walking_through_all_pages_meets_everybody_once(boss, htmx):
    make_company(120)
    pages = walk(boss, "/ui/users", htmx=htmx)
    assert [len(page) for page in pages] == [50, 50, 21]
    assert len({name for page in pages for name in page}) == 121


def test_who_comes_or_goes_meanwhile_shifts_nobody(boss):
    start = now() - timedelta(hours=1)
    made = [make_user(f"old-{number}", created_at=start + timedelta(seconds=number)) for number in range(60)]
    first = boss.get("/ui/users")
    for number in range(5):
        make_user(f"new-{number}")
        change(made[59 - number], deleted_at=now())
    second = boss.get(link(first, "Next"))
    met = [row.get("id") for answer in (first, second) for row in table(answer).values()]
    assert [user.id for user in reversed(made)] == [name.removeprefix("user-") for name in met][1:]
    assert len(met) == 61


def test_next_keeps_every_filter(boss):
    make_company(120)
    first = boss.get("/ui/users?status=active&role=internal_user&q=employee")
    assert query(link(first, "Next")).keys() == {"status", "role", "q", "after"}
    assert len(table(boss.get(link(first, "Next")))) == 10
    assert count(first).startswith("60 people found")


def test_long_and_odd_names_stay_text(boss):
    for number, name in enumerate(["x" * 255, "<b onclick=alert(1)>", "日本 \u202edrawkcab", "a & b \" ' c"]):
        make_user(name, email=f"{'y' * 50}{number}@{'z' * 60}.example", user_id=f"odd-{number}")
    answer = boss.get("/ui/users")
    assert len(table(answer)) == 5
    assert "<b onclick" not in answer.text


@both_ways
def test_a_search_by_htmx_is_the_list_with_tabs_and_count_beside_it(boss, mia, htmx):
    answer = boss.get("/ui/users?q=mia&role=&status=", htmx=htmx)
    if htmx:
        assert (fragment(answer).id, {*fragment(answer).beside}) == ("results", {"tabs", "count", "export"})
        assert answer.headers["hx-push-url"] == "/ui/users?q=mia"
    assert (len(table(answer)), count(answer)) == (1, "1 person found. Show all")


@both_ways
def test_vera_sees_everybody_and_no_control(browser, vera, mia, ina, htmx):
    make_invitation(ina)
    page = browser(vera)
    answer = page.get("/ui/users", htmx=htmx)
    assert (len(table(answer)), writes(answer), link(answer, "New user")) == (3, [], None)
    assert "Admin viewer" in row_of(answer, vera)
    for path in ("/ui/users/new", f"/ui/users/{mia.id}/delete"):
        assert page.get(path, htmx=htmx).status == 403


@pytest.mark.parametrize("role", ["internal_user", "internal_user_viewer"])
@both_ways
def test_users_are_refused_with_their_role_and_find_no_way_in(browser, mia, role, htmx):
    page = browser(make_user("Nora", role=role))
    assert link(page.get("/ui/keys"), "Internal users") is None
    answer = page.get("/ui/users", htmx=htmx)
    assert (answer.status, role in answer.html.words()) == (403, True)
    assert "mia@example.com" not in answer.text


# -- other orders ------------------------------------------------------------------------------------------------


def orders(answer):
    """Which order each heading leads to, and which is in force."""
    heads = [head for head in answer.html.all("th") if head.find("a") is not None and head.get("scope") == "col"]
    return {words(head): (query(head.find("a").get("href")), head.get("aria-sort")) for head in heads}


def test_the_headings_sort_there_back_and_not_at_all(boss):
    assert orders(boss.get("/ui/users?q=a")) == {
        "User": ({"q": "a", "sort": "name", "dir": "asc"}, None),
        "Last sign-in": ({"q": "a", "sort": "seen", "dir": "desc"}, None),
        "Created": ({"q": "a", "sort": "created", "dir": "desc"}, None),
    }
    assert orders(boss.get("/ui/users?sort=name&dir=asc"))["User"] == ({"sort": "name", "dir": "desc"}, "ascending")
    assert orders(boss.get("/ui/users?sort=name&dir=desc"))["User"] == ({}, "descending")


@pytest.mark.parametrize(("sort", "value"), [("name", "alias"), ("seen", "last_login_at"), ("created", "created_at")])
@pytest.mark.parametrize("dir", ["asc", "desc"])
def test_each_order_is_walked_to_the_end_without_a_gap_or_a_repeat(boss, sort, value, dir):
    """Those who never signed in, or have no name, come last either way."""
    people = make_company(120)
    moment = now() - timedelta(days=30)
    for number, person in enumerate(people):
        columns = {"alias": f"Name {number // 2:03}" if number % 3 else None,
                   "last_login_at": moment + timedelta(minutes=number // 2) if number % 5 else None,
                   "created_at": moment + timedelta(seconds=number)}  # fmt: skip
        people[number] = change(person, **{value: columns[value]})
    walked = [name for page in walk(boss, f"/ui/users?q=employee&sort={sort}&dir={dir}") for name in page]
    filled = [one for one in people if getattr(one, value) is not None]
    empty = [one for one in people if getattr(one, value) is None]
    expected = sorted(filled, key=lambda one: (getattr(one, value), one.id), reverse=dir == "desc")
    expected += sorted(empty, key=lambda one: one.id, reverse=dir == "desc")
    assert [name.split(" employee-")[-1].removeprefix("employee-") for name in map(last_word, walked)] == [
        last_word(one.email).removeprefix("employee-") for one in expected
    ]


def last_word(name):
    return name.split()[-1]


@pytest.mark.parametrize("asked", ["sort=spend", "sort=password_hash", "dir=up", "sort=", "sort=name&after=x.y.z"])
def test_no_other_order_is_known(boss, asked):
    """S-31: columns are named by a short list."""
    assert boss.get(f"/ui/users?{asked}").status == (200 if asked in ("sort=", "sort=name&after=x.y.z") else 422)


def test_the_order_stays_while_one_searches_and_changes_tabs(boss, mia):
    answer = boss.get("/ui/users?sort=name&dir=asc&status=active")
    hidden = {one.get("name"): one.get("value") for one in answer.html.all("input") if one.get("form") == "filters"}
    assert hidden == {"sort": "name", "dir": "asc"}
    assert query(link(answer, "Blocked 0")) == {"sort": "name", "dir": "asc", "status": "blocked"}


# -- who is invited ----------------------------------------------------------------------------------------------


def test_the_invited_tab_says_when_by_whom_until_when_and_offers_what_can_be_done(boss, ada, ina):
    made = make_invitation(ina, by=ada)
    answer = boss.get("/ui/users?status=invited")
    said, expires = row_of(answer, ina), made.row.expires_at
    assert f"{now().day} {now():%b %Y} by Ada" in said
    assert f"{expires.day} {expires:%b %Y}" in said
    assert {"New link", "Revoke"} <= {words(button) for button in answer.html.all("button")}
    deeds = [action.partition("?") for action in writes(answer) if "invitation" in action]
    assert {place for _, _, place in deeds} == {"status=invited"}


def test_an_invitation_without_an_open_link_can_only_get_a_new_one(boss, ina):
    answer = boss.get("/ui/users?status=invited")
    assert row_of(answer, ina).count("No link") == 2
    assert {words(button) for button in answer.html.all("button")} >= {"New link"}
    assert "Revoke" not in row_of(answer, ina)


@both_ways
def test_a_link_is_revoked_from_the_tab_and_one_stays_there(boss, ina, htmx):
    make_invitation(ina)
    boss.get("/ui/users?status=invited")
    answer = boss.post(f"/ui/users/{ina.id}/invitation/revoke?status=invited", {}, htmx=htmx)
    answer = answer if htmx else boss.follow(answer)
    assert "No open link" in row_of(answer, ina)


def test_vera_sees_the_invitations_and_no_button(browser, vera, ada, ina):
    make_invitation(ina, by=ada)
    answer = browser(vera).get("/ui/users?status=invited")
    assert ("by Ada" in row_of(answer, ina), writes(answer)) == (True, [])


def test_a_name_leads_to_the_person(boss, mia):
    assert link(boss.get("/ui/users"), "Mia") == f"/ui/users/{mia.id}"
