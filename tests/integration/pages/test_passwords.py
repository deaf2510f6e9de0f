"""Passwords in the browser: forgotten, reset, asked for anew, and judged while they are typed."""

from datetime import timedelta

import pytest
from time_machine import travel

from selfserve.clock import now
from selfserve.models import AuditEvent, Session
from selfserve.services import passwords
from tests.factories import PASSWORD, change, make_invitation, make_reset, reload, rows
from tests.integration.pages.parts import errors, toast, words
from tests.integration.security.actions import token_of
from tests.integration.security.test_reset_links import NEW_PASSWORD, ask, use

GOOD = "correct horse battery"


def link_in(answer):
    """Read the way of the one reset link that an answer shows."""
    return answer.text.partition("/ui/reset?id=")[2][:43]


# -- forgotten -------------------------------------------------------------------------------------------------


def test_mia_forgets_her_password_and_comes_back_by_mail(browser, mail, mia, run):
    page = browser()
    assert "Forgot password?" in page.get("/ui/login").html.words()
    answer = page.follow(ask(page, "MIA@example.com"))
    assert (
        "a link is on its way, or the one that was sent last still works. It works once, for 1 hour."
        in answer.html.words()
    )
    assert run().sent == 1
    (got,) = mail.to(mia.email)
    text = got.get_body(("plain",)).get_content()
    answer = use(page, text.partition("/ui/reset?id=")[2][:43])
    assert answer.status == 303
    assert toast(page.follow(answer)) == "Your new password is set. Every other session is signed out."


def test_without_mail_the_page_says_whom_to_ask_and_files_nothing(browser, mia):
    page = browser()
    answer = page.get("/ui/password/forgot")
    assert "Ask your admin for a password reset link." in answer.html.words()
    assert [form.action for form in answer.html.forms] == []
    page.get("/ui/login")
    assert page.post("/ui/password/forgot", {"email": mia.email}).location == "/ui/password/forgot"
    assert rows(AuditEvent) == []


def test_the_form_says_whose_password_it_is_and_what_is_wrong_with_it(browser, mia, otto):
    secret, _ = make_reset(mia)
    page = browser(otto)
    answer = page.follow(page.get(f"/ui/reset?id={secret}"))
    assert "For mia@example.com. Saving it signs you out everywhere else." in answer.html.words()
    assert "You are signed in as otto@example.com." in answer.html.words()
    refused = page.submit("/ui/reset", password="mia@example.com")
    assert (refused.status, "easy to guess" in str(errors(refused))) == (422, True)
    assert page.submit("/ui/reset", password=NEW_PASSWORD).status == 303
    assert page.get("/ui/account").html.words().count("mia@example.com")


# -- by an admin -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("htmx", [False, True])
def test_ada_makes_a_link_and_mails_it_and_sees_what_became_of_it(browser, mail, ada, mia, run, htmx):
    boss = browser(ada)
    boss.get(f"/ui/users/{mia.id}")
    answer = boss.submit(f"/ui/users/{mia.id}/reset", htmx=htmx)
    older = link_in(answer)
    assert (answer.status, "Password reset link for Mia" in answer.html.words()) == (201, True)
    token = token_of(boss)
    answer = boss.post(f"/ui/users/{mia.id}/reset", {**token, "send_email": "y"}, htmx=htmx)
    assert "Mail to mia@example.com is waiting to be sent." in answer.html.words()
    assert run().sent == 1
    assert "Ada sent you this link." in " ".join(mail.to(mia.email)[0].get_body(("plain",)).get_content().split())
    assert browser().get(f"/ui/reset?id={older}").status == 410
    assert use(browser(), link_in(answer)).status == 303
    said = boss.get(f"/ui/users/{mia.id}").html.words()
    assert "You made a password reset link" in said
    assert "Mia set a new password through a reset link" in said


# -- a new one is asked for ------------------------------------------------------------------------------------


def test_who_must_set_a_new_password_does_nothing_else_before(browser, curl, ada, mia):
    boss, elsewhere = browser(ada), browser(mia)
    boss.get(f"/ui/users/{mia.id}/edit")
    answer = boss.submit(f"/ui/users/{mia.id}/edit", must_change_password="y")
    assert answer.status == 303
    assert "new password at the next sign-in from no to yes" in boss.follow(answer).html.words()
    page = browser(mia)
    for path in ("/ui/keys", "/ui/account", "/ui/spend.csv", "/ui/password/new"):
        answer = page.follow(page.get(path))
        assert "An admin asks you for one before you go on." in answer.html.words()
    assert page.post("/ui/keys", {"key_alias": "laptop"}).location == "/ui/password/new"
    assert page.get("/ui/keys", htmx=True).headers["hx-redirect"] == "/ui/password/new"
    assert curl(mia).get("/key/list").status == 200
    page.get("/ui/password/new")
    refused = page.submit("/ui/password/new", current_password=PASSWORD, new_password=PASSWORD)
    assert (refused.status, "do not have already" in str(errors(refused))) == (422, True)
    done = page.submit("/ui/password/new", current_password=PASSWORD, new_password=NEW_PASSWORD)
    assert (done.status, page.follow(done).status, reload(mia).must_change_password) == (303, 200, False)
    assert elsewhere.get("/ui/keys").location.startswith("/ui/login")


def test_by_curl_it_is_a_field_and_the_way_out_stays_open(master, browser, mia):
    changed = master.post("/user/update", {"user_id": "mia", "must_change_password": True})
    assert changed.json["data"]["must_change_password"] is True
    page = browser(mia)
    page.get("/ui/password/new")
    assert page.submit("/ui/logout").status == 303
    assert master.post("/user/update", {"user_id": "mia", "must_change_password": False}).status == 200
    assert browser(mia).get("/ui/keys").status == 200


def test_who_came_through_a_provider_or_is_not_asked_goes_on(browser, mia):
    page = browser(mia)
    change(mia, must_change_password=True)
    change(rows(Session)[0], method="sso")
    assert page.get("/ui/keys").status == 200


def test_the_own_change_is_told_by_mail(browser, mail, mia, run):
    page = browser(mia)
    page.get("/ui/account")
    page.submit("/ui/account/password", current_password=PASSWORD, new_password=NEW_PASSWORD)
    run()
    assert "Your password for Selfserve was changed" in [got["Subject"] for got in mail.to(mia.email)]


# -- while it is typed -----------------------------------------------------------------------------------------


def typing(page, **typed):
    """What htmx sends for the field of the open page."""
    (form,) = [one for one in page.page.forms if "alias" in one.fields]
    (field,) = [one for one in page.page.all("input") if one.get("hx-post") == "/ui/password/check"]
    sent = {name: value for name, value in form.fields.items() if name in field.get("hx-params").split(",")}
    return sent | typed


def judged(page, **typed):
    return words(page.post("/ui/password/check", typing(page, **typed), htmx=True).html.tree)


@pytest.mark.parametrize("where", ["onboarding", "reset", "account", "due"])
def test_each_form_asks_how_hard_a_password_is_to_guess_and_hears_what_the_submit_would_say(browser, mia, ina, where):
    page = browser(mia) if where in ("account", "due") else browser()
    match where:
        case "onboarding":
            page.follow(page.get(f"/ui/onboarding?id={make_invitation(ina).secret}"))
        case "reset":
            page.follow(page.get(f"/ui/reset?id={make_reset(mia)[0]}"))
        case "account":
            page.get("/ui/account")
        case "due":
            page.get("/ui/password/new")
    (field,) = [one for one in page.page.all("input") if one.get("hx-post") == "/ui/password/check"]
    name = field.get("name")
    assert "current_password" not in field.get("hx-params")
    assert name in field.get("hx-params").split(",")
    assert judged(page, **{name: GOOD}).startswith(("Good.", "Strong.", "Very strong."))
    assert judged(page, **{name: "short"}) == "Use 12 characters or more."
    assert judged(page, **{name: "passwordpassword"}).startswith("That password is easy to guess.")
    assert judged(page, **{name: "marguerite2024", "alias": "Marguerite"}).startswith("That password is easy to guess.")
    assert judged(page, **{name: ""}) == ""


def test_behind_a_reset_link_that_is_over_another_one_can_be_asked_for(browser, mail, mia):
    secret, _ = make_reset(mia, expires_at=now())
    for place, is_told in ((f"/ui/reset?id={secret}", True), ("/ui/onboarding?id=gone", False)):
        answer = browser().get(place)
        assert (answer.status, "/ui/password/forgot" in answer.text) == (410, is_told)


def test_what_is_typed_is_neither_kept_nor_written_down(browser, queries, mia, capfd):
    page = browser(mia)
    page.get("/ui/account")
    capfd.readouterr()
    with queries() as sent:
        answer = page.post("/ui/password/check", typing(page, new_password=GOOD), htmx=True)
    assert (answer.status, GOOD in answer.text) == (200, False)
    assert not [statement for statement in map(str, sent) if statement.split()[0] in ("INSERT", "UPDATE", "DELETE")]
    assert GOOD not in capfd.readouterr().err


def test_only_who_was_asked_for_a_password_has_one_judged_and_one_at_a_time(browser, mia):
    """S-18: judging costs a second of work at worst, so strangers cannot ask for it, and nobody fills a worker."""
    page, stranger = browser(mia), browser()
    stranger.get("/ui/login")
    page.get("/ui/account")
    sent = typing(page, new_password=GOOD)
    forged = {"csrf_token": stranger.csrf_token(), "new_password": GOOD, "page": "made-up"}
    assert stranger.post("/ui/password/check", forged, htmx=True).status == 204
    with passwords.judging() as is_free:
        assert is_free
        assert page.post("/ui/password/check", sent, htmx=True).status == 204
    assert page.post("/ui/password/check", sent, htmx=True).status == 200
    with travel(now() + timedelta(minutes=61)):
        assert page.post("/ui/password/check", sent, htmx=True).status == 204
