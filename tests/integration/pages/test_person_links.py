"""The links that were made for a person, of both kinds, as the admins see and end them."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.models import AuditEvent, Mail
from tests.factories import change, make_invitation, make_reset, make_user, reload, rows
from tests.integration.pages.parts import toast
from tests.integration.pages.test_person import NOBODY, back, both_ways, page_of, section, send
from tests.integration.pages.test_person import boss as boss_fixture
from tests.integration.security.actions import token_of
from tests.integration.security.snapshots import unchanged

boss = boss_fixture
AGO = timedelta(hours=3)
STATES = [
    ({}, "Open"),
    ({"used_at": now() - AGO}, "Used 3 hours ago"),
    ({"ended_at": now() - AGO}, "Ended 3 hours ago"),
    ({"expires_at": now() - AGO}, "Expired 3 hours ago"),
    ({"expires_at": now() - AGO, "ended_at": now()}, "Expired 3 hours ago"),
]


def links_of(page, user):
    """What the page of somebody says of their links."""
    return section(page.get(page_of(user)), "links-made")


def opens(browser, secret):
    """Tell whether a reset link leads to the form behind it."""
    return browser().get(f"/ui/reset?id={secret}").status == 303


# -- what is told ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "sentence"), STATES)
def test_what_became_of_each_invitation(boss, vera, ina, state, sentence):
    if "used_at" in state:
        state = {"accepted_at": state["used_at"]}
    made = make_invitation(ina, by=vera)
    change(made.row, **state)
    said = links_of(boss, ina)
    assert (sentence if state else "Open, 7 days left") in said
    assert f"Invitation made {now().day} {now():%b} by Vera" in said
    assert ("expires" in said, "Revoke" in said) == (not state, not state)


@pytest.mark.parametrize(("state", "sentence"), STATES)
def test_what_became_of_each_reset_link(boss, vera, mia, state, sentence):
    make_reset(mia, **{"created_by": vera.user_id, "created_at": now() - AGO, **state})
    said = links_of(boss, mia)
    assert (sentence if state else "Open, 1 hour left") in said
    made = now() - AGO
    assert f"Reset link made {made.day} {made:%b} by Vera" in said
    assert ("Revoke" in said) == (not state)


def test_who_made_a_link_is_named_and_what_somebody_asked_for_is_said_to_be_so(boss, ada, mia):
    make_invitation(mia, ended_at=now())
    make_invitation(mia, by=ada)
    said = links_of(boss, mia)
    assert ("by you" in said, "by the master key" in said) == (True, True)
    otto = make_user("Otto")
    for made_by in (ada.user_id, "default_user_id", None):
        make_reset(otto, created_by=made_by)
    said = links_of(boss, otto)
    for words in ("by you", "by the master key", f"Reset link asked for at the sign-in page, {now().day} {now():%b}"):
        assert words in said


@pytest.mark.parametrize("by_mail", [True, False])
def test_what_became_of_the_mail_of_a_reset_link_is_told(boss, mail, mia, run, by_mail):
    mail.refuses[mia.email] = "550 No such mailbox"
    token = token_of(boss)
    boss.post(page_of(mia, "reset"), token | ({"send_email": "y"} if by_mail else {}))
    assert ("Mail to mia@example.com is waiting to be sent" in links_of(boss, mia)) == by_mail
    run()
    assert ("Mail to mia@example.com failed" in links_of(boss, mia)) == by_mail


def test_five_of_both_kinds_are_listed_the_newest_first_and_an_open_one_always(boss, mia):
    """However often somebody asks for reset links, what an admin can end stays in sight."""
    make_invitation(mia, created_at=now() - timedelta(days=3))
    make_reset(mia, created_by="ada", created_at=now() - timedelta(minutes=50))
    for number in range(8):
        over = {"created_at": now() - timedelta(minutes=10 + number), "ended_at": now()}
        make_reset(mia, **over)
        make_invitation(mia, created_at=now() - timedelta(days=1), ended_at=now())
    said = links_of(boss, mia)
    assert [said.count(words) for words in ("Ended", "asked for", "Open", "Revoke")] == [3, 3, 2, 2]
    assert said.rindex("asked for") < said.index("Reset link made") < said.index("Invitation made")


# -- ending one ------------------------------------------------------------------------------------------------


@both_ways
def test_a_reset_link_is_ended_alone_and_that_is_on_record(boss, browser, mia, htmx):
    handed_over, link = make_reset(mia, created_by="ada")
    asked_for, _other = make_reset(mia)
    invited = make_invitation(mia)
    answer = boss.get(page_of(mia))
    assert section(answer, "links-made").count("Revoke") == 3
    answer = back(boss, mia, send(boss, mia, f"reset/{link.id}/revoke", htmx=htmx), htmx=htmx)
    assert toast(answer) == "The reset link of Mia opens nothing any more."
    assert section(answer, "links-made").count("Revoke") == 2
    assert (opens(browser, handed_over), opens(browser, asked_for)) == (False, True)
    assert reload(invited.row).ended_at is None
    (event,) = [event for event in rows(AuditEvent) if event.action == "reset.ended"]
    assert (event.actor_user_id, event.object_id, event.owner_user_id) == ("ada", "mia", "mia")
    assert "You ended the open password reset link" in section(answer, "activity")


def test_its_mail_does_not_go_any_more(boss, mail, mia, run):
    boss.post(page_of(mia, "reset"), token_of(boss) | {"send_email": "y"})
    (waiting,) = rows(Mail)
    boss.get(page_of(mia))
    send(boss, mia, f"reset/{waiting.subject_id}/revoke")
    assert (run().sent, mail.got) == (0, [])


def test_what_is_over_already_is_not_ended_again(boss, mia):
    links = [make_reset(mia, **state)[1] for state, _sentence in STATES[1:]]
    token = token_of(boss)
    with unchanged():
        for link in links:
            assert boss.post(page_of(mia, f"reset/{link.id}/revoke?at=person"), token).status == 303


def test_a_link_is_ended_at_the_person_it_is_for_only(boss, browser, mia, otto):
    secret, link = make_reset(mia)
    token = token_of(boss)
    for user, link_id in ((otto, link.id), (mia, NOBODY)):
        answer = boss.post(page_of(user, f"reset/{link_id}/revoke"), token)
        assert (answer.status, "There is no such link." in answer.text) == (404, True)
    change(mia, deleted_at=now())
    assert boss.post(page_of(mia, f"reset/{link.id}/revoke"), token).status == 404
    change(mia, deleted_at=None)
    assert opens(browser, secret)


@pytest.mark.parametrize("who", ["vera", "mia"])
def test_who_only_views_and_who_it_is_for_do_not_end_it(browser, vera, mia, who):
    secret, link = make_reset(mia)
    page = browser({"vera": vera, "mia": mia}[who])
    assert page.post(page_of(mia, f"reset/{link.id}/revoke"), token_of(page)).status in (403, 404)
    assert opens(browser, secret)
