"""Internal users, changed from their rows: role, block, delete; every deed leads back to the list it was done from."""

import pytest

from selfserve.models import Session, User
from tests.factories import change, make_invitation, make_key, make_user, reload, rows
from tests.integration.pages.parts import found, fragment, link, table, toast, typed, words, writes

both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
DEEDS = ["role", "block", "unblock", "delete", "invitation", "invitation/revoke"]


def people():
    return {user.email for user in rows(User) if not user.is_reserved and not user.deleted_at}


@pytest.fixture
def boss(browser, ada):
    """Ada's browser, on the list."""
    page = browser(ada)
    page.get("/ui/users")
    return page


def landed(page, answer, *, htmx, at="/ui/users", beside=frozenset({"tabs", "count", "export", "flash"})):
    """Check how a deed is answered, and give where one is then."""
    if htmx:
        assert (answer.status, fragment(answer).id, {*fragment(answer).beside}) == (200, "results", beside)
        return answer
    assert (answer.status, answer.location) == (303, at)
    return page.follow(answer)


@both_ways
def test_a_role_is_changed_in_its_row(boss, mia, htmx):
    boss.get("/ui/users")
    form = boss.form(f"/ui/users/{mia.id}/role")
    assert form.fields["role"] == "internal_user"
    answer = boss.submit(form.action, role="proxy_admin_viewer", htmx=htmx)
    answer = landed(boss, answer, htmx=htmx)
    assert toast(answer) == "Mia is now admin viewer."
    assert typed(answer, f"/ui/users/{mia.id}/role")["role"] == reload(mia).role == "proxy_admin_viewer"
    assert not htmx or found(answer, f"menu-{mia.id}-button").get("data-focus") is not None


@both_ways
def test_the_last_admin_keeps_their_role_and_the_select_shows_it(boss, ada, htmx):
    answer = boss.submit(f"/ui/users/{ada.id}/role", role="internal_user", htmx=htmx)
    assert answer.status == 409
    assert "Ada is the last proxy_admin. Make somebody else proxy_admin first." in answer.html.words()
    assert reload(ada).role == "proxy_admin"
    if htmx:
        assert fragment(answer).id == "results"
        assert typed(answer, f"/ui/users/{ada.id}/role")["role"] == "proxy_admin"
        assert [element for element in fragment(answer).beside["flash"].iter() if element.get("role") == "alert"]


@pytest.mark.parametrize("role", ["god", "", "PROXY_ADMIN", "proxy_admin\0"])
@both_ways
def test_an_unknown_role_changes_nothing(boss, mia, role, htmx):
    boss.get("/ui/users")
    answer = boss.submit(f"/ui/users/{mia.id}/role", role=role, htmx=htmx)
    assert (answer.status, answer.headers.get("hx-retarget")) == (422, "#flash" if htmx else None)
    assert reload(mia).role == "internal_user"


@both_ways
def test_block_ends_the_session_and_the_keys_and_unblock_gives_the_keys_back(boss, browser, curl, mia, htmx):
    theirs, secret = browser(mia), make_key(mia).secret
    boss.get("/ui/users")
    answer = landed(boss, boss.submit(f"/ui/users/{mia.id}/block", htmx=htmx), htmx=htmx)
    assert toast(answer) == "Mia is blocked. Their keys stopped and they are signed out."
    assert "Blocked" in words(found(answer, f"user-{mia.id}"))
    assert (theirs.get("/ui/keys").status, curl(secret).get("/key/info").status) == (303, 401)
    boss.get("/ui/users")
    answer = landed(boss, boss.submit(f"/ui/users/{mia.id}/unblock", htmx=htmx), htmx=htmx)
    assert toast(answer) == "Mia is unblocked. Their keys work again."
    assert (theirs.get("/ui/keys").status, curl(secret).get("/key/info").status) == (303, 200)


@pytest.mark.parametrize("deed", ["block", "unblock", "role", "delete", "invitation/revoke"])
@both_ways
def test_a_deed_keeps_the_filter_of_the_list(boss, deed, htmx):
    user = make_user("Nora", is_blocked=deed == "unblock")
    make_invitation(user)
    place = "/ui/users?q=n&role=internal_user"
    boss.get(place)
    action = f"/ui/users/{user.id}/{deed}?q=n&role=internal_user"
    fields = {"role": "internal_user"} if deed == "role" else {}
    answer = landed(boss, boss.post(action, fields, htmx=htmx), htmx=htmx, at=place)
    assert len(table(answer)) == (0 if deed == "delete" else 1)
    assert "Nora" in toast(answer)


def test_a_damaged_filter_after_a_deed_means_the_whole_list(boss, mia):
    answer = boss.post(f"/ui/users/{mia.id}/block?status=nonsense", {})
    assert (answer.status, answer.location) == (303, "/ui/users")


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (0, "Mia has no active key"),
        (1, "1 active key stops working at once"),
        (3, "3 active keys stop working at once"),
    ],
)
@both_ways
def test_the_question_says_how_many_keys_will_stop(boss, mia, count, sentence, htmx):
    for _ in range(count):
        make_key(mia)
    make_key(mia, is_blocked=True)
    answer = boss.get(f"/ui/users/{mia.id}/delete?q=m", htmx=htmx)
    assert (answer.status, sentence in answer.html.words()) == (200, True)
    assert (link(answer, "Cancel"), writes(answer)) == ("/ui/users?q=m", [f"/ui/users/{mia.id}/delete?q=m"])
    assert not htmx or fragment(answer).id == "confirm"
    assert reload(mia).deleted_at is None


@both_ways
def test_delete_takes_the_person_their_keys_and_their_sessions(boss, browser, curl, mia, htmx):
    theirs, secret = browser(mia), make_key(mia).secret
    boss.get(f"/ui/users/{mia.id}/delete")
    answer = landed(boss, boss.submit(f"/ui/users/{mia.id}/delete", htmx=htmx), htmx=htmx)
    assert toast(answer) == "Mia is deleted. Their keys stopped."
    assert (people(), len(table(answer))) == ({"ada@example.com"}, 1)
    assert (theirs.get("/ui/keys").status, curl(secret).get("/key/info").status) == (303, 401)


@pytest.mark.parametrize("deed", ["block", "delete", "role"])
def test_the_last_admin_does_not_fall_by_their_own_hand(boss, ada, deed):
    assert link(boss.get("/ui/users"), "Delete") is None
    assert not [action for action in writes(boss.get("/ui/users")) if action.endswith("/block")]
    answer = boss.post(f"/ui/users/{ada.id}/{deed}", {"role": "internal_user"})
    assert (answer.status, "last proxy_admin" in answer.html.words()) == (409, True)
    assert boss.get("/ui/users").status == 200


@both_ways
def test_who_gives_up_their_own_rights_is_out_on_the_next_click(boss, ada, htmx):
    make_user("Eve", role="proxy_admin")
    boss.submit(f"/ui/users/{ada.id}/role", role="internal_user", htmx=htmx)
    assert reload(ada).role == "internal_user"
    assert [session for session in rows(Session) if session.user_pk == ada.id] == []
    assert boss.get("/ui/users").location == "/ui/login?next=/ui/users"


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("who", ["nobody", "deleted", "reserved"])
@both_ways
def test_who_is_not_there_is_404(boss, deed, who, htmx):
    if who == "deleted":
        user_pk = make_user("Gone", deleted_at=make_user("Mia").created_at).id
    else:
        reserved = next(user.id for user in rows(User) if user.is_reserved)
        user_pk = reserved if who == "reserved" else "00000000-0000-4000-8000-000000000000"
    answer = boss.post(f"/ui/users/{user_pk}/{deed}", {"role": "proxy_admin"}, htmx=htmx)
    assert (answer.status, answer.html.is_fragment) == (404, htmx)


def test_an_open_list_that_has_become_old_breaks_nothing(boss, mia):
    """Somebody else was quicker: what is left to say is said, and nothing is done twice."""
    opened = boss.get("/ui/users")
    change(mia, is_blocked=True)
    assert boss.follow(boss.submit(f"/ui/users/{mia.id}/block")).status == 200
    assert reload(mia).is_blocked
    assert [action for action in writes(opened) if "unblock" in action] == []
