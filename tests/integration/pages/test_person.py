"""One person as the admins see them, and every deed that is done from there and leads back there."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.models import AuditEvent, DailySpend, Invitation, Session, User
from tests.factories import change, make_invitation, make_key, make_keys, make_user, reload, rows, save
from tests.integration.pages.parts import errors, found, fragment, link, toast, typed, words, writes
from tests.integration.security.actions import token_of

both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
NOBODY = "00000000-0000-4000-8000-000000000000"
DEEDS = ["block", "unblock", "invitation/revoke", "sessions/end", "invitation", "edit"]


@pytest.fixture
def boss(browser, ada):
    """Ada's browser."""
    return browser(ada)


def page_of(user, deed=""):
    return f"/ui/users/{user.id}{'/' if deed else ''}{deed}"


def section(answer, heading):
    """What stands in the panel with this heading."""
    panels = [panel for panel in answer.html.all("section") if panel.get("aria-labelledby") == f"{heading}-heading"]
    return words(panels[0])


def facts(answer):
    """What is said of the person's access, line by line."""
    return {words(line[0]): words(line[1]) for dl in answer.html.all("dl") if dl.get("class") == "facts" for line in dl}


def send(page, user, deed, *, htmx=False):
    """Send a form of the page to the very address that it names."""
    form = page.form(page_of(user, deed))
    return page.post(form.action, form.fields, htmx=htmx)


def back(page, user, answer, *, htmx):
    """Check that a deed leads back to the person, and give what is there then."""
    if htmx:
        assert (answer.status, fragment(answer).id) == (200, "person")
        assert {*fragment(answer).beside} == {"person-head", "flash"}
        return answer
    assert (answer.status, answer.location) == (303, page_of(user))
    return page.follow(answer)


# -- what is there --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["proxy_admin", "proxy_admin_viewer"])
def test_both_admins_see_who_it_is_and_what_they_may(browser, role):
    pia = make_user("Pia", user_id="pia-1", models=["gpt-5", "o4"], rpm_limit=60, tpm_limit=9_000, max_budget=10**10,
                    budget_duration="1mo", window_spend=25 * 10**8, created_at=now() - timedelta(days=400))  # fmt: skip
    answer = browser(make_user("Nora", role=role)).get(page_of(pia))
    assert words(answer.html.all("h1")[0]) == "Pia Active"
    assert "pia@example.com" in words(found(answer, "person-head"))
    said = facts(answer)
    assert said["Role"].startswith("Internal user")
    assert (said["Models"], said["Limits"]) == ("gpt-5, o4", "60 requests a minute 9,000 tokens a minute")
    assert (said["User id"], said["Sign-in"]) == ("pia-1", f"Password, set {now().day} {now():%b}")
    assert f"{(now() - timedelta(days=400)).day} " in said["Joined"]
    assert "$2.50 of $10.00" in words(answer.html.all("dl")[0])
    assert link(answer, "Internal users") == "/ui/users"


def test_it_says_what_there_is_not(boss, ina):
    answer = boss.get(page_of(ina))
    said = facts(answer)
    assert (said["Models"], said["Limits"], said["Sign-in"]) == ("All models", "No limit", "No password yet")
    assert "No keys yet." in section(answer, "keys")
    assert "Not signed in anywhere." in section(answer, "sessions")
    assert "No link was made for them." in section(answer, "links-made")
    assert "Nothing has happened yet." in section(answer, "activity")
    assert "Never No password yet" in words(answer.html.all("dl")[0])


def test_their_newest_keys_are_linked_and_all_are_one_click_away(boss, mia):
    """Bounded: five of however many, and the secrets are nobody's business."""
    laptop = make_key(mia, "laptop", expires_at=now() + timedelta(days=3))
    answer = boss.get(page_of(mia))
    assert link(answer, "laptop") == f"/ui/keys/{laptop.row.id}"
    assert "Expires in 3 days" in section(answer, "keys")
    assert "Secrets are shown once, when they are made" in section(answer, "keys")
    assert "1 expires within a week" in words(answer.html.all("dl")[0])
    make_keys(mia, 7)
    answer = boss.get(page_of(mia))
    assert len(list(answer.html.all("tbody")[0])) == 5
    assert boss.get(link(answer, "See all 8")).text.count('<tr id="key-') == 8


def test_blocked_and_expired_keys_are_counted_apart(boss, mia):
    make_key(mia)
    make_key(mia, is_blocked=True)
    make_key(mia, expires_at=now() - timedelta(days=1))
    make_key(mia, deleted_at=now())
    assert "1 of 3" in words(boss.get(page_of(mia)).html.all("dl")[0])


def test_where_they_are_signed_in_and_when_they_were_last_seen(boss, browser, mia):
    browser(mia)
    (session,) = [one for one in rows(Session) if one.user_pk == mia.id]
    change(session, user_agent="curl/8", address="10.0.8.21", last_seen_at=now() - timedelta(minutes=4, seconds=5))
    answer = boss.get(page_of(mia))
    assert "curl 10.0.8.21, last seen 4 minutes ago" in section(answer, "sessions")
    assert "Last seen 4 minutes ago curl, 10.0.8.21" in words(answer.html.all("dl")[0])
    assert session.handle not in answer.text


def test_what_they_spent_is_drawn_and_leads_to_the_days(boss, mia):
    answer = boss.get(page_of(mia))
    assert "No calls in the last 30 days." in answer.html.words()
    save(
        DailySpend(
            user_pk=mia.id, day=now().date(), key_id=make_key(mia).row.id, model="gpt-5", spend=10**9, requests=3
        )
    )
    answer = boss.get(page_of(mia))
    assert any("Spend per day" in words(heading) for heading in answer.html.all("h2"))
    assert "gpt-5" in answer.html.words()
    assert link(answer, "See the days").startswith(f"/ui/spend?user={mia.id}")


def test_what_happened_to_them_is_told(boss, mia):
    key = make_key(mia, "laptop")
    boss.get("/ui/all-keys")
    boss.post(f"/ui/keys/{key.row.id}/block", {})
    answer = boss.get(page_of(mia))
    assert "You blocked key laptop" in section(answer, "activity")


@pytest.mark.parametrize("name", ["x" * 255, "<script>alert(1)</script>", "日本 " * 30])
def test_a_long_or_odd_name_stays_text(boss, mia, name):
    change(mia, alias=name)
    answer = boss.get(page_of(mia))
    assert name.strip() in words(answer.html.all("h1")[0])
    assert boss.get(page_of(mia, "edit")).status == 200


# -- who may ---------------------------------------------------------------------------------------------------


def test_vera_sees_all_of_it_and_no_form(browser, vera, mia):
    make_key(mia, "laptop")
    make_invitation(mia)
    answer = browser(vera).get(page_of(mia))
    assert writes(answer) == []
    assert (link(answer, "Edit"), link(answer, "laptop") is not None) == (None, True)


@pytest.mark.parametrize("role", ["internal_user", "internal_user_viewer"])
@pytest.mark.parametrize("deed", ["", "edit", "delete"])
def test_it_is_not_for_users_not_even_about_themselves(browser, mia, role, deed):
    nora = make_user("Nora", role=role)
    page = browser(nora)
    for user in (mia, nora):
        assert page.get(page_of(user, deed)).status == 403


@pytest.mark.parametrize("deed", ["", "edit", "delete"])
def test_who_is_not_there_is_404(boss, mia, deed):
    change(mia, deleted_at=now())
    reserved = next(user for user in rows(User) if user.is_reserved)
    for user_id in (mia.id, NOBODY, reserved.id):
        assert boss.get(f"/ui/users/{user_id}{'/' if deed else ''}{deed}").status == 404
    assert boss.get("/ui/users/mia").status == 404


# -- deeds that lead back --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("block", "Mia is blocked. Their keys stopped and they are signed out."),
        ("unblock", "Mia is unblocked. Their keys work again."),
        ("sessions/end", "Mia is signed out everywhere. Their keys keep working."),
        ("invitation/revoke", "The link of Mia opens nothing any more."),
    ],
)
@both_ways
def test_a_deed_done_here_leads_back_here(boss, browser, mia, deed, said, htmx):
    theirs = browser(mia)
    change(mia, is_blocked=deed == "unblock")
    make_invitation(mia)
    boss.get(page_of(mia))
    answer = back(boss, mia, send(boss, mia, deed, htmx=htmx), htmx=htmx)
    assert toast(answer) == said
    assert theirs.get("/ui/keys").status == (200 if deed == "invitation/revoke" else 303)
    assert not htmx or any(one.get("data-focus") is not None for one in answer.html.all("button"))
    assert ("Blocked" in words(found(answer, "person-head"))) == (deed == "block")


@both_ways
def test_a_new_link_is_shown_once_above_the_person(boss, ina, htmx):
    make_invitation(ina)
    boss.get(page_of(ina))
    answer = send(boss, ina, "invitation", htmx=htmx)
    assert answer.status == 201
    assert "New invitation link for Ina" in words(found(answer, "user-new"))
    assert link(answer, "Done") == page_of(ina)
    if htmx:
        assert (fragment(answer).id, {*fragment(answer).beside}) == ("user-new", {"person", "person-head"})
    assert section(answer, "links-made").count("Open") == 1
    assert "/ui/onboarding" not in boss.get(page_of(ina)).text


@both_ways
def test_delete_asks_and_leads_to_the_list(boss, mia, htmx):
    boss.get(page_of(mia))
    answer = boss.get(page_of(mia, "delete?at=person"), htmx=htmx)
    assert link(answer, "Cancel") == page_of(mia)
    boss.get(page_of(mia, "delete?at=person"))
    answer = send(boss, mia, "delete", htmx=htmx)
    assert (answer.headers.get("hx-redirect") if htmx else answer.location) == "/ui/users"
    assert toast(boss.get("/ui/users")) == "Mia is deleted. Their keys stopped."
    assert boss.get(page_of(mia)).status == 404


def test_who_signs_themselves_out_everywhere_is_at_the_sign_in_page(boss, browser, ada):
    elsewhere = browser(ada)
    boss.get(page_of(ada))
    assert boss.submit(page_of(ada, "sessions/end")).location == "/ui/login?bye=1"
    assert (boss.get("/ui/users").status, elsewhere.get("/ui/users").status) == (303, 303)


def test_what_makes_no_sense_is_not_offered(boss, ada, rex, mia):
    assert {action.partition("?")[0] for action in writes(boss.get(page_of(ada)))} == {
        page_of(ada, "reset"),
        page_of(ada, "sessions/end"),
    }
    assert page_of(rex, "reset") not in {action.partition("?")[0] for action in writes(boss.get(page_of(rex)))}
    assert page_of(rex, "unblock") in {action.partition("?")[0] for action in writes(boss.get(page_of(rex)))}
    assert {action.partition("?")[2] for action in writes(boss.get(page_of(mia)))} == {"at=person"}


@pytest.mark.parametrize("deed", DEEDS)
def test_vera_replays_none_of_it(browser, vera, mia, deed):
    """S-4: with a token of her own session."""
    page = browser(vera)
    token = token_of(page)
    assert page.post(page_of(mia, f"{deed}?at=person"), token).status in (403, 404)
    assert reload(mia).is_blocked is False


# -- changed in place ------------------------------------------------------------------------------------------

WHOLE = {
    "user_alias": "Mia Chen", "user_email": "mia.chen@example.com", "user_role": "internal_user_viewer",
    "max_budget": "12.50", "budget_duration": "7d", "models": "gpt-5, o4", "rpm_limit": "60", "tpm_limit": "9000",
    "max_parallel_requests": "3",
}  # fmt: skip


def stands(user):
    """What the table says of somebody, in the words of the form."""
    row = reload(user)
    return {
        "user_alias": row.alias, "user_email": row.email, "user_role": row.role, "max_budget": row.max_budget,
        "budget_duration": row.budget_duration, "models": row.models, "rpm_limit": row.rpm_limit,
        "tpm_limit": row.tpm_limit, "max_parallel_requests": row.max_parallel_requests,
    }  # fmt: skip


@both_ways
def test_everything_is_changed_by_one_form(boss, mia, htmx):
    boss.get(page_of(mia, "edit"))
    answer = boss.submit(page_of(mia, "edit"), htmx=htmx, **WHOLE)
    if htmx:
        assert (answer.status, fragment(answer).id) == (200, "user-new")
        assert {*fragment(answer).beside} == {"person", "person-head", "flash"}
    else:
        assert (answer.status, answer.location) == (303, page_of(mia))
        answer = boss.follow(answer)
    assert toast(answer) == "Mia Chen is saved."
    assert "Mia Chen" in words(found(answer, "person-head"))
    assert stands(mia) == WHOLE | {
        "max_budget": 12_500_000_000, "models": ["gpt-5", "o4"], "rpm_limit": 60, "tpm_limit": 9_000,
        "max_parallel_requests": 3,
    }  # fmt: skip
    (event,) = [event for event in rows(AuditEvent) if event.action == "user.updated"]
    assert (event.before["alias"], event.after["rpm_limit"]) == ("Mia", 60)


def test_the_form_shows_what_is_and_saving_it_as_it_is_changes_nothing(boss, browser, mia):
    budget = {"max_budget": 12_500_000_000, "soft_budget": 10**10, "budget_duration": "1mo"}
    change(mia, **budget, models=["gpt-5", "o4"], rpm_limit=60)
    theirs, before = browser(mia), stands(mia)
    answer = boss.get(page_of(mia, "edit"))
    assert typed(answer, page_of(mia, "edit")) | {"csrf_token": "", "shown": ""} == {
        "csrf_token": "", "shown": "",
        "user_alias": "Mia", "user_email": "mia@example.com", "user_role": "internal_user",
        "max_budget": "12.5", "soft_budget": "10", "budget_duration": "1mo", "models": "gpt-5, o4", "rpm_limit": "60",
        "tpm_limit": "", "max_parallel_requests": "",
    }  # fmt: skip
    assert boss.submit(page_of(mia, "edit")).status == 303
    assert (stands(mia), theirs.get("/ui/keys").status) == (before, 200)


@pytest.mark.parametrize("duration", ["12h", "30d", "90s"])
def test_a_window_of_a_budget_that_only_the_api_offers_is_kept(boss, mia, duration):
    change(mia, budget_duration=duration)
    boss.get(page_of(mia, "edit"))
    answer = boss.submit(page_of(mia, "edit"), max_budget="x")
    assert typed(answer, page_of(mia, "edit"))["budget_duration"] == duration
    boss.submit(page_of(mia, "edit"), max_budget="5")
    assert reload(mia).budget_duration == duration


def test_an_empty_field_clears(boss, mia):
    change(mia, max_budget=10**10, budget_duration="1mo", models=["gpt-5"], rpm_limit=60)
    boss.get(page_of(mia, "edit"))
    boss.submit(page_of(mia, "edit"), user_alias="", max_budget="", budget_duration="", models="", rpm_limit="")
    row = reload(mia)
    assert (row.alias, row.max_budget, row.budget_duration, row.models, row.rpm_limit) == (None, None, None, [], None)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("user_email", "nonsense", "must be an e-mail address"),
        ("user_email", "", "they sign in with it"),
        ("user_role", "god", "must be one of"),
        ("user_role", "", "needed"),
        ("max_budget", "-1", "must be an amount in dollars"),
        ("max_budget", "a lot", "must be an amount in dollars"),
        ("budget_duration", "sometimes", "must be a duration"),
        ("rpm_limit", "1.5", "must be a whole number"),
        ("tpm_limit", "-5", "must be 0 or more"),
        ("max_parallel_requests", "9" * 30, "or less"),
        ("user_alias", "x" * 300, "at most 255 characters"),
        ("models", "m" * 300, "at most 255 characters"),
    ],
)
@both_ways
def test_a_wrong_field_is_told_in_its_place_and_nothing_is_lost_or_changed(boss, mia, field, value, sentence, htmx):
    before = stands(mia)
    boss.get(page_of(mia, "edit"))
    answer = boss.submit(page_of(mia, "edit"), htmx=htmx, **{"tpm_limit": "77", field: value})
    assert (answer.status, [*errors(answer)]) == (422, [field])
    assert sentence in errors(answer)[field]
    assert typed(answer, page_of(mia, "edit"))["tpm_limit"] == ("77" if field != "tpm_limit" else value)
    assert not htmx or fragment(answer).id == "user-new"
    assert stands(mia) == before


@both_ways
def test_an_address_that_is_taken_is_told_at_the_field(boss, mia, otto, htmx):
    boss.get(page_of(mia, "edit"))
    answer = boss.submit(page_of(mia, "edit"), htmx=htmx, user_email="OTTO@example.com")
    assert (answer.status, errors(answer)) == (409, {"user_email": "Another account has that address."})
    assert reload(mia).email == "mia@example.com"


@both_ways
def test_the_last_admin_keeps_their_role(boss, ada, htmx):
    boss.get(page_of(ada, "edit"))
    answer = boss.submit(page_of(ada, "edit"), htmx=htmx, user_role="internal_user")
    assert answer.status == 409
    assert "Ada is the last proxy_admin. Make somebody else proxy_admin first." in answer.html.words()
    assert reload(ada).role == "proxy_admin"


def test_another_role_signs_out_and_ends_the_open_link(boss, browser, mia):
    theirs = browser(mia)
    make_invitation(mia)
    boss.get(page_of(mia, "edit"))
    boss.submit(page_of(mia, "edit"), user_role="proxy_admin_viewer")
    assert theirs.get("/ui/keys").status == 303
    assert [one.ended_at is not None for one in rows(Invitation)] == [True]


@pytest.mark.parametrize("field", ["spend", "password", "user_id", "is_reserved", "blocked", "metadata", "token"])
def test_what_the_form_does_not_show_is_not_set_by_it(boss, mia, field):
    """S-5: a word that we did not print changes nothing."""
    boss.get(page_of(mia, "edit"))
    assert boss.submit(page_of(mia, "edit"), **{field: "1"}).status == 303
    row = reload(mia)
    assert (row.user_id, row.window_spend, row.is_blocked, row.is_reserved, row.details) == ("mia", 0, False, False, {})
    assert row.password_hash == mia.password_hash


def test_the_form_is_a_page_too_with_the_person_beneath(boss, mia):
    answer = boss.get(page_of(mia, "edit"))
    assert found(answer, "user-new").tag == "form"
    assert found(answer, "person") is not None
    assert link(answer, "Cancel") == page_of(mia)
    assert fragment(boss.get(page_of(mia, "edit"), htmx=True)).id == "user-new"
