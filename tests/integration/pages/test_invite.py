"""New users: one or many at once or none, each with a link that is shown once; new links and links revoked."""

import re

import pytest

from selfserve.models import Invitation, User
from tests.application import BASE_URL
from tests.factories import make_invitation, make_user, reload, rows
from tests.integration.pages.parts import count, errors, found, fragment, link, table, toast, typed, words, writes

both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
LINK = re.compile(rf"{BASE_URL}(/ui/onboarding\?id=[0-9a-f-]{{36}})")


def people():
    return {user.email: user for user in rows(User) if not user.is_reserved and not user.deleted_at}


@pytest.fixture
def boss(browser, ada):
    """Ada's browser, with the form open."""
    page = browser(ada)
    page.get("/ui/users/new")
    return page


def links(answer):
    """The addresses that an answer shows."""
    return LINK.findall(answer.text)


@both_ways
def test_the_form_opens_above_the_list(boss, htmx):
    answer = boss.get("/ui/users/new", htmx=htmx)
    assert (answer.status, found(answer, "user-new").tag) == (200, "form")
    assert not htmx or (fragment(answer).id, fragment(answer).beside) == ("user-new", {})
    roles = [option.get("value") for option in found(answer, "role").iter("option")]
    assert sorted(roles) == ["internal_user", "internal_user_viewer", "proxy_admin", "proxy_admin_viewer"]
    assert typed(answer, "/ui/users")["role"] == "internal_user"


@both_ways
def test_a_new_user_is_a_link_that_is_shown_once_and_opens(boss, browser, htmx):
    answer = boss.submit(
        "/ui/users", emails="dana@example.com", role="proxy_admin_viewer", max_budget="25", budget_duration="1mo",
        htmx=htmx,
    )  # fmt: skip
    assert (answer.status, found(answer, "user-new").tag) == (201, "section")
    (target,) = links(answer)
    assert "1 user created" in answer.html.words()
    assert "Expires" in words(found(answer, "user-new"))
    if htmx:
        assert (fragment(answer).id, {*fragment(answer).beside}) == ("user-new", {"results", "tabs", "count"})
        assert count(answer) == "2 people"
    dana = people()["dana@example.com"]
    assert (dana.role, dana.max_budget, dana.budget_duration) == ("proxy_admin_viewer", 25_000_000_000, "1mo")
    assert "is-new" in found(answer, f"user-{dana.id}").get("class")
    assert target.partition("=")[2] not in boss.get("/ui/users").text
    guest = browser()
    assert guest.follow(guest.get(target)).status == 200


@both_ways
def test_many_at_once_have_a_link_each(boss, browser, htmx):
    emails = "a@example.com\r\n b@example.com,c@example.com; d@example.com  A@Example.com"
    answer = boss.submit("/ui/users", emails=emails, role="internal_user", htmx=htmx)
    assert (answer.status, "4 users created" in answer.html.words()) == (201, True)
    assert len(set(links(answer))) == 4
    for target in links(answer):
        assert browser().get(target).status == 303
    assert len(people()) == 5


@pytest.mark.parametrize(
    ("emails", "sentence"),
    [
        (
            "good@example.com\nnonsense\nmore@example.com\nalso@bad@example.com",
            "Not an e-mail address: nonsense, also@",
        ),
        ("good@example.com\nMIA@example.com", "User with email MIA@example.com already exists. Take it out"),
        ("mia@example.com nonsense good@example.com", "Not an e-mail address: nonsense."),
        ("good@example.com, é@example.com", "Not an e-mail address: é@example.com."),
        (" , ;\n", "needed"),
        ("", "needed"),
        ("\n".join(f"p{number}@example.com" for number in range(101)), "at most 100"),
        (f"{'x' * 60}@{'y' * 63}.{'y' * 63}.{'y' * 63}.example", "Not an e-mail address"),
    ],
)
@both_ways
def test_among_good_addresses_one_that_is_not_makes_nothing_and_keeps_what_was_typed(boss, mia, emails, sentence, htmx):
    answer = boss.submit(
        "/ui/users", emails=emails, role="proxy_admin_viewer", max_budget="7.5", budget_duration="7d", htmx=htmx
    )
    assert (answer.status, [*errors(answer)]) == (422, ["emails"])
    assert sentence in errors(answer)["emails"]
    kept = typed(answer, "/ui/users")
    assert kept["emails"].split() == re.split(r"[\s,;]+", emails.strip(" ,;\n")) * bool(emails.strip(" ,;\n"))
    assert (kept["role"], kept["max_budget"], kept["budget_duration"]) == ("proxy_admin_viewer", "7.5", "7d")
    assert not htmx or fragment(answer).id == "user-new"
    assert ({*people()}, rows(Invitation)) == ({"ada@example.com", "mia@example.com"}, [])


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"role": "god"}, "role"),
        ({"max_budget": "lots"}, "max_budget"),
        ({"budget_duration": "soon"}, "budget_duration"),
    ],
)
@both_ways
def test_any_other_wrong_field_is_told_on_itself(boss, fields, field, htmx):
    sent = {"emails": "good@example.com", "role": "internal_user"} | fields
    answer = boss.submit("/ui/users", htmx=htmx, **sent)
    assert (answer.status, [*errors(answer)]) == (422, [field])
    assert typed(answer, "/ui/users")["emails"].strip() == "good@example.com"
    assert {*people()} == {"ada@example.com"}


def test_a_form_that_is_sent_twice_makes_everybody_once(boss):
    fields = boss.form("/ui/users").fields | {"emails": "dana@example.com"}
    assert boss.post("/ui/users", fields).status == 201
    again = boss.post("/ui/users", fields)
    assert (again.status, links(again)) == (422, [])
    assert len(rows(Invitation)) == 1


@both_ways
def test_a_new_link_ends_the_older_and_is_shown_once(boss, browser, ina, htmx):
    older = make_invitation(ina)
    boss.get("/ui/users")
    answer = boss.submit(f"/ui/users/{ina.id}/invitation", htmx=htmx)
    assert answer.status == 201
    assert "New invitation link for Ina" in words(found(answer, "user-new"))
    (target,) = links(answer)
    assert reload(older.row).ended_at
    assert browser().get(f"/ui/onboarding?id={older.secret}").status == 410
    assert browser().get(target).status == 303
    assert target.partition("=")[2] not in boss.get("/ui/users").text


@both_ways
def test_for_mia_it_is_a_password_reset_link_and_says_so(boss, mia, htmx):
    boss.get("/ui/users")
    answer = boss.submit(f"/ui/users/{mia.id}/reset", htmx=htmx)
    assert "Password reset link for Mia" in words(found(answer, "user-new"))
    assert "Active" in words(found(answer, f"user-{mia.id}"))


@both_ways
def test_a_link_is_revoked_from_the_row_and_the_row_says_so(boss, browser, ina, htmx):
    secret = make_invitation(ina).secret
    boss.get("/ui/users")
    answer = boss.submit(f"/ui/users/{ina.id}/invitation/revoke", htmx=htmx)
    answer = answer if htmx else boss.follow(answer)
    assert toast(answer) == "The link of Ina opens nothing any more."
    assert "No open link" in words(found(answer, f"user-{ina.id}"))
    assert not [action for action in writes(answer) if action.endswith("revoke")]
    assert browser().get(f"/ui/onboarding?id={secret}").status == 410


@both_ways
def test_rex_is_unblocked_before_he_gets_a_link(boss, rex, htmx):
    assert not [action for action in writes(boss.get("/ui/users")) if f"{rex.id}/invitation" in action]
    answer = boss.post(f"/ui/users/{rex.id}/invitation", {}, htmx=htmx)
    assert (answer.status, "Unblock them first" in answer.html.words()) == (409, True)
    assert rows(Invitation) == []


def test_somebody_without_an_address_has_a_link_too(boss):
    nameless = make_user("Noe", email=None, password=None)
    boss.get("/ui/users")
    answer = boss.submit(f"/ui/users/{nameless.id}/invitation")
    assert (len(links(answer)), "Noe" in words(found(answer, "user-new"))) == (1, True)


def test_a_new_user_has_no_key_and_the_links_are_in_order(boss):
    emails = [f"person-{number}@example.com" for number in range(100)]
    answer = boss.submit("/ui/users", emails="\n".join(emails), role="internal_user")
    assert [words(item).split()[0] for item in found(answer, "user-new").iter("li")] == emails
    assert len(table(answer)) == 50
    assert link(answer, "Done") == "/ui/users"
