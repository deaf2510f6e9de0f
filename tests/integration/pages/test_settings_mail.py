"""Mail and alerts on the settings page: whether they are set up, how they do, and a try of each."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from selfserve.models import Mail
from tests.application import the_settings, using
from tests.factories import change, make_key, rows
from tests.integration.pages.parts import found, toast, words
from tests.mail_server import body_of

both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])


class Webhook(ThreadingHTTPServer):
    """What alerts are sent to, as it answers from now on."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Receiver)
        self.status, self.headers, self.got = 200, {}, []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/services/T0/B0/secret-part"


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, json.loads(body)))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_args):
        """Say nothing."""


@pytest.fixture
def webhook(app):
    """Let alerts go to a webhook of our own."""
    server = Webhook()
    with using(app, the_settings(selfserve_alert_webhook=server.url)):
        yield server
    server.shutdown()
    server.server_close()


def said(answer, section):
    """Read what came of a try, wherever it is said."""
    return words(found(answer, f"{section}-panel")) if answer.html and answer.html.is_fragment else toast(answer)


def try_it(page, section, htmx):
    """Press the button of a section."""
    page.get("/ui/settings")
    answer = page.submit(f"/ui/settings/{section}/test", htmx=htmx)
    return answer if htmx else page.follow(answer)


@both_ways
def test_a_test_mail_goes_at_once_to_who_asks(browser, mail, ada, htmx):
    answer = try_it(browser(ada), "mail", htmx)
    assert f"localhost took a mail to {ada.email}." in said(answer, "mail")
    assert ("No mail was sent yet" in answer.text) is not htmx
    assert (mail.got[0]["To"], mail.got[0]["Subject"]) == (ada.email, "Mail from Selfserve works")
    assert "/ui/settings#mail" in body_of(mail.got[0])
    assert rows(Mail) == []


@both_ways
def test_a_test_mail_that_is_refused_says_why(browser, mail, ada, htmx):
    mail.refuses[ada.email] = "550 No such mailbox"
    answer = try_it(browser(ada), "mail", htmx)
    assert "localhost refused the address: 550 No such mailbox" in said(answer, "mail")


def test_what_is_set_is_told_without_the_password(browser, mail, vera):
    shown = browser(vera).get("/ui/settings")
    panel = words(found(shown, "mail-panel"))
    assert f"localhost Port {mail.port} with STARTTLS. No mail was sent yet." in panel
    assert "keys@example.com set by SMTP_SENDER_EMAIL" in panel
    assert "the password of the mail server" not in shown.text
    assert "Send a test mail" not in panel


def test_without_settings_both_sections_say_what_to_set(browser, ada):
    shown = browser(ada).get("/ui/settings")
    assert "No mail is sent" in words(found(shown, "mail-panel"))
    assert "SELFSERVE_ALERT_WEBHOOK" in words(found(shown, "alerts-panel"))


def test_how_mail_went_lately_is_told(app, browser, mail, ada, ina, run):
    page = browser(ada)
    page.get("/ui/users")
    mail.refuses[ina.email] = "550 No such mailbox"
    page.post(f"/ui/users/{ina.id}/invitation", {"send_email": "y"})
    page.get("/ui/users/new")
    page.submit("/ui/users", emails="dana@example.com", role="internal_user")
    run()
    section = found(page.get("/ui/settings"), "mail-panel")
    panel = words(section)
    assert "Last mail sent just now" in panel
    assert "1 of 2 failed" in panel
    assert f"Invitation to {ina.email} localhost refused the address: 550 No such mailbox" in panel
    assert f"/ui/users/{ina.id}" in [link.get("href") for link in section.iter("a")]
    invited = page.get("/ui/users?status=invited")
    assert words(found(invited, f"user-{ina.id}")).count("Mail failed") == 1
    assert invited.text.count("Mail failed") == 1


def test_mail_that_leaves_the_machine_unencrypted_is_warned_of(app, browser, ada):
    away = {"smtp_host": "relay.example.com", "smtp_sender_email": "keys@example.com", "smtp_tls": False}
    with using(app, the_settings(**away)):
        assert "Mail leaves this machine unencrypted" in words(found(browser(ada).get("/ui/settings"), "mail-panel"))


@both_ways
def test_a_sample_goes_to_the_webhook_and_its_address_is_shown_nowhere(browser, webhook, ada, htmx):
    page = browser(ada)
    assert "secret-part" not in page.get("/ui/settings").text
    assert "The webhook took a sample." in said(try_it(page, "alerts", htmx), "alerts")
    ((path, body),) = webhook.got
    assert (path, [*body]) == ("/services/T0/B0/secret-part", ["text"])
    assert body["text"].startswith("A sample from `Selfserve`: alerts arrive here.")


def test_a_webhook_that_sends_elsewhere_is_not_followed(browser, webhook, ada):
    """S-34: only the configured address is called."""
    webhook.status, webhook.headers = 307, {"Location": webhook.url.replace("secret-part", "elsewhere")}
    answer = try_it(browser(ada), "alerts", True)
    assert "127.0.0.1 answered 307." in said(answer, "alerts")
    assert len(webhook.got) == 1


def test_alerts_tell_of_budgets_and_of_keys_once_and_nobodys_name_is_a_mention(webhook, mia, run):
    change(mia, alias="<!channel> & Mia", max_budget=10_000_000_000, window_spend=5_000_000_000)
    assert run().sent == 0
    change(mia, window_spend=9_000_000_000)
    make_key(mia, "ci", max_budget=1_000_000_000, window_spend=1_000_000_000)
    assert (run().sent, run().sent) == (2, 0)
    assert sorted(body["text"].partition(" http")[0] for _, body in webhook.got) == [
        "Budget of `&lt;!channel&gt; &amp; Mia` is 80 % used.",
        "Key `ci` of `&lt;!channel&gt; &amp; Mia`: budget is used up.",
    ]
