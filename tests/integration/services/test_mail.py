"""Mail that arrives: written down with the deed, sent once, tried again, given up; by a real mail server."""

from datetime import timedelta

import pytest
import time_machine

from selfserve.clock import now
from selfserve.database import transaction
from selfserve.extensions import db
from selfserve.mail_kinds import MailKind, Trouble
from selfserve.models import Mail, User
from selfserve.post.rendering import signature_lines
from selfserve.runner import Runner
from selfserve.services import deliveries, leases
from selfserve.services.outbox import queue_mail
from tests.application import the_settings, using
from tests.factories import change, make_invitation, rows
from tests.mail_server import MailServer, body_of, listening

FACTS = {"device": "Firefox on Linux", "address": "192.0.2.7"}


@pytest.fixture
def queue(app):
    """Write a mail to somebody down."""

    def write(user, kind=MailKind.NEW_SIGN_IN, **told):
        with app.app_context(), transaction():
            queue_mail(kind, db.session.get(User, user.id), **({"facts": FACTS} | told))

    return write


def the_mail():
    """Give the one message that was written down."""
    (mail,) = rows(Mail)
    return mail


def later(minutes):
    """Move the clock on."""
    return time_machine.travel(now() + timedelta(minutes=minutes), tick=True)


def test_a_mail_goes_encrypted_to_its_person_once(mail, mia, queue, run):
    queue(mia)
    assert (the_mail().state, mail.got) == ("pending", [])
    assert (run().sent, run().sent) == (1, 0)
    assert mail.envelopes == [[mia.email]]
    assert mail.was_encrypted == [True]
    assert (the_mail().state, the_mail().attempts, the_mail().error) == ("sent", 1, None)
    assert "Firefox on Linux" in body_of(mail.got[-1])
    assert "192.0.2.7" in body_of(mail.got[-1], "html")


def test_without_a_mail_server_nothing_is_written_down(app, mia, queue, run):
    queue(mia)
    assert rows(Mail) == []
    assert run().sent == 0


def test_a_deed_that_fails_leaves_no_mail(app, mail, mia):
    def fail():
        with transaction():
            queue_mail(MailKind.NEW_SIGN_IN, db.session.get(User, mia.id), facts=FACTS)
            raise ZeroDivisionError

    with app.app_context(), pytest.raises(ZeroDivisionError):
        fail()
    assert rows(Mail) == []


def test_what_is_told_once_is_told_once(mail, mia, queue, run):
    queue(mia, once="that")
    queue(mia, once="that")
    run()
    assert len(mail.got) == 1


def test_a_recipient_that_is_refused_for_good_is_given_up_and_said_why(mail, mia, otto, queue, run):
    mail.refuses[mia.email] = "550 5.1.1 No such mailbox"
    queue(mia)
    queue(otto)
    assert (run().sent, run().failed) == (1, 0)
    failed = next(one for one in rows(Mail) if one.recipient == mia.email)
    assert (failed.state, failed.error) == ("failed", "localhost refused the address: 550 5.1.1 No such mailbox")


def test_one_that_is_refused_for_now_is_tried_again_later_and_later(mail, mia, queue, run):
    mail.refuses[mia.email] = "451 4.3.0 Come back later"
    queue(mia)
    run()
    assert (the_mail().state, the_mail().attempts) == ("pending", 1)
    assert (run().failed, the_mail().attempts) == (0, 1)
    with later(2):
        assert run().failed == 1
        assert run().failed == 0
        mail.refuses.clear()
    with later(8):
        assert run().sent == 1
    assert (the_mail().state, the_mail().attempts, the_mail().error) == ("sent", 3, None)


def test_after_seven_tries_it_is_given_up(app, mail, ina, queue, run):
    made = make_invitation(ina)
    mail.after_data = "452 4.2.2 Mailbox full"
    told = {"facts": {"expires_at": made.row.expires_at.isoformat()}, "subject_id": made.row.id, "secret": made.secret}
    queue(ina, MailKind.INVITATION, **told)
    tries = 0
    while the_mail().state == "pending":
        change(the_mail(), next_attempt_at=now())
        tries += run().failed
    assert tries == 7
    assert (the_mail().state, the_mail().sealed) == ("failed", None)
    assert "Mailbox full" in the_mail().error


def test_a_server_that_is_away_gets_the_mail_when_it_is_back(app, mia, queue, run, monkeypatch):
    server = MailServer()
    with using(app, the_settings(**server.settings(smtp_tls=False, smtp_username="", smtp_password=""))):
        queue(mia)
        assert run().failed == 1
        assert the_mail().error == f"localhost cannot be reached on port {server.port}."
        with listening(server, encrypts=False), later(2):
            assert run().sent == 1


def test_on_the_port_for_it_tls_is_spoken_from_the_first_byte_on(app, mail, mia, queue, run, monkeypatch):
    server = MailServer()
    monkeypatch.setattr("selfserve.post.smtp.IMPLICIT_TLS", server.port)
    with (
        using(app, the_settings(**server.settings(smtp_username="", smtp_password=""))),
        listening(server, is_implicit=True),
    ):
        queue(mia)
        assert (run().sent, len(server.got)) == (1, 1)


def test_what_a_link_opens_is_kept_sealed_and_forgotten_when_it_went(mail, ina, queue, run):
    """S-11, S-14: neither the database nor a backup of it holds a link that opens."""
    made = make_invitation(ina)
    told = {"facts": {"expires_at": made.row.expires_at.isoformat()}, "subject_id": made.row.id, "secret": made.secret}
    queue(ina, MailKind.INVITATION, **told)
    waiting = vars(the_mail())
    assert waiting["sealed"]
    assert not any(made.secret in str(value) for value in waiting.values())
    run()
    assert made.secret in body_of(mail.got[0])
    assert the_mail().sealed is None


def test_a_link_that_was_sealed_with_another_secret_key_is_not_mailed(app, mail, ina, queue, run):
    made = make_invitation(ina)
    told = {"facts": {"expires_at": made.row.expires_at.isoformat()}, "subject_id": made.row.id, "secret": made.secret}
    queue(ina, MailKind.INVITATION, **told)
    another = the_settings(**mail.settings(), selfserve_secret_key="another secret key, as long as it must be")
    with using(app, another):
        assert run().sent == 0
    assert (the_mail().state, the_mail().sealed) == ("failed", None)
    assert "SELFSERVE_SECRET_KEY" in the_mail().error


@pytest.mark.parametrize("ends", ["is_blocked", "deleted_at"])
def test_who_was_blocked_or_deleted_meanwhile_gets_no_mail(mail, mia, queue, run, ends):
    queue(mia)
    change(mia, **{ends: True if ends == "is_blocked" else now()})
    assert (run().sent, the_mail().state) == (0, "failed")


@pytest.mark.parametrize("address", ["mia@example.com\r\nBcc: all@example.com", "mia@example.com, all@example.com"])
def test_an_address_with_more_than_an_address_in_it_gets_no_mail(mail, mia, queue, run, address):
    """S-36: whoever got it past the schema."""
    change(mia, email=address)
    queue(mia)
    run()
    assert (mail.got, the_mail().state, the_mail().error) == (
        [],
        "failed",
        "The address cannot be written into a mail.",
    )


@pytest.mark.parametrize(
    ("signature", "lines"),
    [
        ("Acme", ["Acme"]),
        ("Acme\\nBuilding 7", ["Acme", "Building 7"]),
        ("<p>Best regards,<br/>Your <b>team</b></p><p><a href='https://x.example'>Visit us</a> &amp; more</p>", None),
        ("", []),
    ],
)
def test_a_signature_is_text_whoever_it_was_written_for(signature, lines):
    assert signature_lines(signature) == (["Best regards,", "Your team", "Visit us & more"] if lines is None else lines)


@pytest.mark.parametrize(
    ("changes", "encrypts", "name", "reason"),
    [
        ({"smtp_password": "another"}, True, "localhost", "localhost refused our sign-in (535)"),
        ({}, False, "localhost", "localhost offers no STARTTLS"),
        ({}, True, "mail.example.com", "The certificate of localhost cannot be trusted"),
    ],
    ids=["login refused", "no TLS", "somebody else's certificate"],
)
def test_no_password_goes_where_it_should_not_and_the_reason_is_said(
    app, mail, mia, queue, run, changes, encrypts, name, reason
):
    server = MailServer()
    with using(app, the_settings(**server.settings(**changes))), listening(server, encrypts=encrypts, name=name):
        queue(mia)
        assert run().failed == 1
    assert the_mail().error.startswith(reason)
    assert (the_mail().state, server.got) == ("pending", [])


def test_a_process_that_dies_with_a_mail_in_hand_leaves_it_to_another(app, mail, mia, queue, run):
    queue(mia)
    with app.app_context():
        assert deliveries.claim_next() is not None
        assert deliveries.claim_next() is None
    assert run().sent == 0
    with later(11):
        assert run().sent == 1
    assert len(mail.got) == 1


def test_who_was_taken_for_dead_cannot_undo_what_another_does(app, mail, mia, queue):
    queue(mia)
    with app.app_context():
        slow = deliveries.claim_next()
        with later(11):
            another = deliveries.claim_next()
        deliveries.note_failed(slow, "too late", Trouble.SERVER, is_final=True)
        assert (the_mail().state, the_mail().attempts) == ("pending", 2)
        deliveries.note_sent(another)
        deliveries.note_failed(slow, "too late", Trouble.SERVER, is_final=True)
    assert (the_mail().state, the_mail().error) == ("sent", None)


def test_one_process_at_a_time_does_the_work(app, mail, mia, queue, run):
    first, second = Runner(app), Runner(app)
    first.do_round()
    queue(mia)
    second.do_round()
    assert run() is None
    assert mail.got == []
    first.do_round()
    assert len(mail.got) == 1
    with later(2):
        queue(mia)
        second.do_round()
        first.do_round()
    assert len(mail.got) == 2


def test_a_lease_is_one_persons_however_many_ask_at_once(app):
    with app.app_context():
        taken = [leases.take_lease("job", name, timedelta(minutes=1)) for name in ("one", "two", "one")]
        leases.end_lease("job", "two")
        assert (taken, leases.take_lease("job", "two", timedelta(minutes=1))) == ([True, False, True], False)
        leases.end_lease("job", "one")
        assert leases.take_lease("job", "two", timedelta(minutes=1))
