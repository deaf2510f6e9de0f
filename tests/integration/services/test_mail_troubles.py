"""Mail servers that are slow, odd or gone, and what admins are told of mail that does not go."""

import json
from collections import deque
from contextlib import closing, contextmanager
from datetime import timedelta
from time import monotonic, sleep

import pytest

from selfserve.clock import now
from selfserve.database import transaction
from selfserve.extensions import db
from selfserve.mail_kinds import AlertKind, Channel, MailKind
from selfserve.models import Lease, Mail, ResetLink, User
from selfserve.post import alerts
from selfserve.runner import Runner
from selfserve.services import leases, open_calls
from selfserve.services.deliveries import STUCK_AFTER, Claimed
from selfserve.services.outbox import queue_mail
from tests.application import the_settings, using
from tests.factories import change, make_key, make_reset, make_user, rows
from tests.integration.pages.test_settings_mail import webhook as webhook_fixture
from tests.mail_server import OddServer

webhook = webhook_fixture


@pytest.fixture
def queue(app):
    """Write a mail to each of these people down."""

    def write(*people):
        with app.app_context(), transaction():
            for user in people:
                queue_mail(MailKind.NEW_SIGN_IN, db.session.get(User, user.id), facts={"device": "curl"})

    return write


@contextmanager
def odd(app, says=None, drips=0, **settings):
    """Let mail go to a server that answers so."""
    with closing(OddServer(says or {}, drips)) as server, using(app, the_settings(**server.settings(**settings))):
        yield server


def by_state():
    """Tell what became of the mails."""
    return [(mail.state, mail.error) for mail in rows(Mail) if mail.channel == "mail"]


# -- one connection --------------------------------------------------------------------------------------------


def test_all_mails_of_a_round_go_by_one_connection(mail, mia, otto, ivo, queue, run):
    mail.refuses[otto.email] = "550 No such mailbox"
    queue(mia, otto, ivo)
    assert run().sent == 2
    assert len(mail.connections) == 1


def test_a_server_that_takes_one_mail_by_each_connection_gets_all_of_them(app, mia, otto, ivo, queue, run):
    with odd(app, {"MAIL after 1": "421 Too many"}) as server:
        queue(mia, otto, ivo)
        assert (run().sent, server.came, server.mails) == (3, 3, 3)


def test_a_server_that_ends_the_connection_between_two_mails_gets_both(app, mia, otto, queue, run):
    with odd(app, {"NOOP after 1": None}) as server:
        queue(mia, otto)
        assert (run().sent, server.came, server.mails) == (2, 2, 2)


@pytest.mark.parametrize("goodbye", ["500 What?", "421 Away", None])
def test_a_mail_that_was_taken_is_sent_however_odd_the_goodbye(app, mia, queue, run, goodbye):
    with odd(app, {"QUIT": goodbye}) as server:
        queue(mia)
        assert (run().sent, run().sent, server.mails) == (1, 0, 1)
    assert by_state() == [("sent", None)]


def test_who_cannot_be_mailed_now_keeps_nobody_else_from_it(mail, mia, otto, ivo, queue, run):
    mail.refuses[mia.email] = "451 Come back later"
    queue(mia, otto, ivo)
    done = run()
    assert (done.sent, done.failed) == (2, 1)


# -- slow, odd or gone -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("says", [{}, {"": "220 " + "x" * 400}], ids=["everything", "the greeting"])
def test_a_server_that_drips_is_left_when_its_time_is_over(app, mia, otto, queue, run, monkeypatch, says):
    monkeypatch.setattr("selfserve.post.smtp.WHOLE", 0.2)
    monkeypatch.setattr("selfserve.post.smtp.GOODBYE", 0.1)
    with odd(app, says, drips=0.03) as server:
        queue(mia, otto)
        begin = monotonic()
        assert run().failed == 1
        assert monotonic() - begin < 2
        assert (server.came, server.mails) == (1, 0)
    assert sorted(by_state(), key=str) == [("pending", "localhost took longer than 0.2 seconds."), ("pending", None)]


def test_a_round_ends_in_time_and_the_next_goes_on(mail, mia, otto, queue, run, monkeypatch):
    monkeypatch.setattr("selfserve.post.delivery.ROUND", 0)
    queue(mia)
    assert run().sent == 0
    monkeypatch.undo()
    assert mail.got == []


@pytest.mark.parametrize(
    ("says", "settings", "reason"),
    [
        ({"": None}, {}, "localhost ended the connection."),
        ({"": "HTTP/1.1 400 Bad Request"}, {}, "localhost does not speak SMTP on port {port}: see SMTP_PORT."),
        ({"": "554 Not you"}, {}, "localhost answered 554 Not you"),
        ({".": None}, {}, "localhost ended the connection."),
        ({".": "nonsense"}, {}, "localhost does not speak SMTP on port {port}: see SMTP_PORT."),
        ({"MAIL": "421 Busy"}, {}, "localhost refused the sender: 421 Busy"),
        (
            {},
            {"smtp_tls": True},
            "localhost offers no STARTTLS on port {port}: see SMTP_PORT, or SMTP_TLS within your own machine.",
        ),
        (
            {},
            {"smtp_username": "keys"},
            "localhost offers no sign-in on port {port}: see SMTP_PORT, or leave SMTP_USERNAME empty.",
        ),
        (
            {"EHLO": "250-odd\r\n250 AUTH GSSAPI"},
            {"smtp_username": "keys"},
            "localhost offers no way to sign in that is known here: see SMTP_USERNAME.",
        ),
        ({"EHLO": "250-odd\r\n250 STARTTLS", "STARTTLS": "454 No"}, {"smtp_tls": True}, "localhost answered 454 No"),
    ],
)
def test_what_a_server_lacks_or_does_wrong_is_said_and_the_mail_waits(app, mia, queue, run, says, settings, reason):
    with odd(app, says, **settings) as server:
        queue(mia)
        assert run().failed == 1
    assert by_state() == [("pending", reason.format(port=server.port))]


def test_an_address_that_mail_cannot_carry_is_said_to_be_one(mail, mia, queue, run):
    change(mia, email="mía@example.com")
    queue(mia)
    run()
    assert by_state() == [("failed", "The address has letters that mail servers do not take: see their SMTPUTF8.")]


# -- alerts ----------------------------------------------------------------------------------------------------


def told(webhook):
    """Give the alerts that came."""
    return [body["text"] for _path, body in webhook.got]


def test_a_mail_that_is_given_up_is_alerted_once_and_an_alert_that_is_given_up_is_not(app, webhook, mia, queue, run):
    """No address and nothing that a mail server said: the person's name, the kind and where it failed."""
    with odd(app, {"RCPT": "550 <mia@example.com> is unknown"}, selfserve_alert_webhook=webhook.url):
        queue(mia, mia)
        run()
        change(mia, alias="Mia")
        run()
        (text,) = told(webhook)
        assert text.startswith("The news of a new sign-in for `Mia` is given up: the mail server does not take the")
        assert text.endswith(f"/ui/users/{mia.id}")
        assert ("@" in text, "unknown" in text) == (False, False)
        webhook.status = 404
        with app.app_context(), transaction():
            queue_mail(MailKind.BUDGET, db.session.get(User, mia.id), facts={"share": 50, "spend": 1})
        run()
        run()
    assert [mail.kind for mail in rows(Mail) if mail.channel == "webhook"] == ["given_up", "given_up"]


def test_mail_that_waits_for_an_hour_in_which_none_went_is_alerted_once_a_day(app, webhook, mia, otto, ivo, queue, run):
    with odd(app, {"": None}, selfserve_alert_webhook=webhook.url) as server:
        queue(mia, otto, ivo)
        run()
        assert told(webhook) == []
        for mail in rows(Mail):
            change(mail, created_at=now() - STUCK_AFTER)
        change(mail, state="sent", sent_at=now() - STUCK_AFTER + timedelta(minutes=1))
        run()
        assert told(webhook) == []
        change(mail, sent_at=now() - STUCK_AFTER)
        for _ in range(3):
            run()
        assert [text.partition(". ")[0] for text in told(webhook)] == ["No mail has gone for an hour, and 2 wait"]
        server.says[""] = "220 odd"
        for mail in rows(Mail):
            change(mail, next_attempt_at=now())
        assert run().sent == 2


HOSTILE = [
    "@channel", "@everyone", "<!here>", "<@U123>", "<https://evil.example|Reset>", "[Reset](https://evil.example)",
    "`@here`", "``` @all", "x\n@channel\r\nhttps://evil.example", "@\u200b@here", "&lt;!here&gt;", "**x** _y_ ~z~",
]  # fmt: skip


@pytest.mark.any_database
@pytest.mark.parametrize("kind", MailKind)
def test_every_kind_of_mail_that_is_given_up_has_words(kind):
    facts = {"what": kind.value, "why": "server"}
    told = {"recipient": "", "person": "Mia", "subject_id": "1", "facts": facts, "secret": None, "attempt": 1}
    claimed = Claimed(id=1, kind=AlertKind.GIVEN_UP, channel=Channel.WEBHOOK, created_at=now(), **told)
    assert "for `Mia` is given up" in alerts.alert_text(the_settings(), claimed)


@pytest.mark.any_database
@pytest.mark.parametrize("name", HOSTILE)
def test_nobodys_name_pings_links_or_breaks_out_of_an_alert(app, name):
    """In Slack, Mattermost and Discord nothing in code is a mention or a link; what still could be is taken apart."""
    facts = {"key": name, "key_id": "1", "share": 80, "days": 1, "what": "invitation", "why": "address"}
    told = {"recipient": "", "person": name, "subject_id": "1", "facts": facts, "secret": None, "attempt": 1}
    for kind in (MailKind.BUDGET, MailKind.KEY_EXPIRING, AlertKind.GIVEN_UP):
        claimed = Claimed(id=1, kind=kind, channel=Channel.WEBHOOK, created_at=now(), **told)
        text = alerts.alert_text(the_settings(), claimed)
        outside = "".join(text.split("`")[::2])
        assert text.count("`") == (2 if kind is AlertKind.GIVEN_UP else 4)
        assert not any(part in outside for part in ("evil", "@", "<", "here", "channel", "all", "**"))
        assert not any(letter in text for letter in "<>\n\r")
        assert "@" not in text.replace("@\u200b", "")
        json.dumps(text)


# -- the rest of the periodic work ------------------------------------------------------------------------------


def test_nobody_made_up_is_mailed_or_alerted_of(app, mail, webhook, run):
    """Whoever tries the demo with the settings of the real thing."""
    with using(app, the_settings(**mail.settings(), selfserve_alert_webhook=webhook.url)):
        used_up = {"max_budget": 10, "window_spend": 10}
        made_up = [make_user("Dana", email="dana@acme.example", **used_up), make_user("Lee", email="lee@x.INVALID")]
        ended = {"expires_at": now() + timedelta(hours=20), "created_at": now() - timedelta(days=30)}
        make_key(made_up[0], "laptop", **ended)
        with app.app_context(), transaction():
            for user in made_up:
                queue_mail(MailKind.NEW_SIGN_IN, db.session.get(User, user.id), facts={})
        done = run()
    assert (done.sent, done.reminders, mail.got, webhook.got, rows(Mail)) == (0, 0, [], [], [])


def test_reset_links_are_forgotten_a_month_after_they_were_over(mia, run):
    _secret, link = make_reset(mia)
    for days, left in ((29, 1), (31, 0)):
        change(link, expires_at=now() - timedelta(days=days))
        run()
        assert len(rows(ResetLink)) == left


def test_calls_that_wait_in_a_process_are_recorded_by_its_own_runner_whoever_holds_the_job(app, monkeypatch):
    tried = []
    monkeypatch.setattr(open_calls, "_waiting", deque([("admission", "record")]))
    monkeypatch.setattr(open_calls, "_is_recorded", lambda *call: tried.append(call) or True)
    with app.app_context():
        leases.take_lease("tick", "somebody else", timedelta(minutes=1))
    Runner(app).do_round()
    assert tried == [("admission", "record")]


def test_who_is_told_to_end_finishes_the_mail_at_hand_begins_no_other_and_lets_go(app, mia, otto, queue, monkeypatch):
    """A restart sends nothing twice and keeps nobody waiting."""
    with odd(app, drips=0.002) as server:
        queue(mia, otto)
        runner = Runner(app)
        runner.begin(0.01)
        while not server.came:
            sleep(0.001)
        runner.end()
        assert sorted(state for state, _error in by_state()) == ["pending", "sent"]
        assert server.mails == 1
    assert rows(Lease) == []
