"""`make run` sends mail by itself, also what a server that was killed had in hand."""

import time
from datetime import timedelta

from selfserve.clock import now
from selfserve.models import Mail
from tests.application import MASTER_KEY, the_database
from tests.clients import Curl, OverHttp
from tests.factories import rows, save
from tests.mail_server import MailServer, listening
from tests.servers import running


def wait_for(server, count):
    """Wait until so many mails came."""
    end = time.monotonic() + 30
    while len(server.got) < count and time.monotonic() < end:
        time.sleep(0.05)
    return [mail["To"] for mail in server.got]


def test_a_running_server_sends_what_it_writes_down_and_what_was_left_behind(app, mia, tmp_path):
    """S-14: its log holds no link. One of its two workers does the work, and a mail goes once."""
    left = Mail(kind="new_sign_in", recipient=mia.email, user_pk=mia.id, facts={"device": "curl"}, attempts=1)
    left.next_attempt_at = now() - timedelta(seconds=1)
    save(left)
    with listening(MailServer(), encrypts=False) as post:
        told = post.settings(smtp_tls="false", smtp_username="", smtp_password="")
        environment = {name.upper(): str(value) for name, value in told.items()}
        with running(database_url=the_database().url, folder=tmp_path, **environment) as server:
            asked = {"user_email": "dana@example.com", "send_invite_email": True, "auto_create_key": False}
            assert Curl(OverHttp(server.url), MASTER_KEY).post("/user/new", asked).status == 200
            assert sorted(wait_for(post, 2)) == ["dana@example.com", mia.email]
            link = next(mail for mail in post.raw if b"onboarding?id" in mail.replace(b"=\r\n", b""))
            secret = link.replace(b"=\r\n", b"").partition(b"onboarding?id=")[2].removeprefix(b"3D")[:36].decode()
        assert len(secret) == 36
        assert secret not in server.log.read_text()
        assert {mail.state for mail in rows(Mail)} == {"sent"}
        assert len(post.got) == 2
