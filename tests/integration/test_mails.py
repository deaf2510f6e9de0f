"""What people get by mail, from the deed to the mailbox: through the real doors and a real mail server."""

import re
from datetime import timedelta

import pytest
import time_machine

from selfserve.clock import now
from selfserve.database import transaction
from selfserve.extensions import db
from selfserve.mail_kinds import MailKind
from selfserve.models import ApiKey, Invitation, Mail, Session, User
from selfserve.services.outbox import queue_mail
from tests.application import BASE_URL, MASTER_KEY, SECRET_KEY, the_settings, using
from tests.factories import PASSWORD, change, make_key, make_user, rows
from tests.html import Html
from tests.integration.pages.parts import words
from tests.mail_server import PASSWORD as MAIL_PASSWORD
from tests.mail_server import body_of

LINK = re.compile(rf"{BASE_URL}(/ui/onboarding\?id=[0-9a-f-]{{36}})")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
PAYLOADS = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "Mia\r\nBcc: all@example.com"]


def said(mail):
    """Read the text of a mail without its line breaks."""
    return " ".join(body_of(mail).split())


def sign_in_with(page, user, agent):
    """Sign in by a browser that calls itself so."""
    page.get("/ui/login")
    sent = {"csrf_token": page.csrf_token(), "username": user.email, "password": PASSWORD}
    assert page.post("/ui/login", sent, headers={"User-Agent": agent}).status == 303


@pytest.fixture
def queued(app, mia):
    """Write a mail to Mia down."""

    def write():
        with app.app_context(), transaction():
            queue_mail(MailKind.NEW_SIGN_IN, db.session.get(User, mia.id), facts={"device": "Firefox on Linux"})

    return write


def test_an_invitation_arrives_and_opens(browser, mail, ada, run):
    page = browser(ada)
    page.get("/ui/users/new")
    sent = {"emails": "dana@example.com", "role": "internal_user", "max_budget": "50", "budget_duration": "1mo"}
    answer = page.submit("/ui/users", **sent, send_email="y")
    assert "Mail to dana@example.com is waiting to be sent" in answer.html.words()
    live = next(one.get("hx-get") for one in answer.html.tree.iter() if one.get("id") == "live")
    assert 'hx-trigger="every 3s"' in page.get(live, htmx=True).text
    assert run().sent == 1
    assert page.get("/ui/users/links/live?link=%00", htmx=True).status == 200
    told = page.get(live, htmx=True)
    assert ("Mailed to dana@example.com" in told.html.words(), "hx-trigger" in told.text) == (True, False)
    (got,) = mail.to("dana@example.com")
    assert (got["Subject"], got["From"]) == ("Ada invited you to Selfserve", "Selfserve <keys@example.com>")
    shown, plain, html = (set(LINK.findall(text)) for text in (answer.text, body_of(got), body_of(got, "html")))
    assert shown == plain == html
    assert "Your budget is $50.00 a month." in said(got)
    (link,) = shown
    assert browser().get(link).status == 303
    (invitation,) = rows(Invitation)
    assert "Mailed to dana@example.com" in page.get(f"/ui/users/{invitation.user_pk}").html.words()
    assert rows(Mail)[0].sealed is None


def test_without_the_switch_nothing_is_mailed_and_without_a_server_there_is_none(app, browser, mail, ada, run):
    page = browser(ada)
    assert "Send each link by email" in page.get("/ui/users/new").html.words()
    answer = page.post("/ui/users", {"emails": "dana@example.com", "role": "internal_user"})
    assert "Not sent by mail: copy the link" in answer.html.words()
    with using(app, the_settings()):
        assert "Mail is not set up here" in page.get("/ui/users/new").html.words()
        answer = page.submit("/ui/users", emails="otto@example.com", role="internal_user")
        assert (answer.status, "Mail is not set up: copy the link" in answer.html.words()) == (201, True)
    assert (run().sent, mail.got) == (0, [])


def test_a_new_link_is_mailed_and_the_older_one_that_waits_is_not(browser, mail, ada, ina, run):
    page = browser(ada)
    for _ in range(2):
        page.get("/ui/users")
        answer = page.post(f"/ui/users/{ina.id}/invitation", {"csrf_token": page.csrf_token(), "send_email": "y"})
        assert answer.status == 201
    assert run().sent == 1
    (got,) = mail.to(ina.email)
    assert LINK.findall(body_of(got)) == LINK.findall(answer.text)[:1]
    shown = page.get(f"/ui/users/{ina.id}").html.words()
    assert f"Mail to {ina.email} failed: The link was used, replaced or ended before the mail went." in shown


def test_why_a_mail_did_not_arrive_stands_with_the_person(browser, mail, ada, ina, run):
    mail.refuses[ina.email] = "550 No such mailbox"
    page = browser(ada)
    page.get("/ui/users")
    page.post(f"/ui/users/{ina.id}/invitation", {"csrf_token": page.csrf_token(), "send_email": "y"})
    assert "is waiting to be sent" in page.get(f"/ui/users/{ina.id}").html.words()
    run()
    assert "failed: localhost refused the address: 550 No such mailbox" in page.get(f"/ui/users/{ina.id}").html.words()


def test_by_curl_an_invitation_goes_along_if_it_is_asked_for(master, mail, run):
    sent = {"user_email": "dana@example.com", "send_invite_email": True}
    made = master.post("/user/new", sent, reveals=True)
    assert (made.status, run().sent) == (200, 1)
    (got,) = mail.to("dana@example.com")
    assert got["Subject"] == "You are invited to Selfserve"
    assert made.json["key"] not in str(got)
    assert len(LINK.findall(body_of(got))) == 1
    assert master.post("/user/new", {"send_invite_email": True}).status == 422
    assert master.post("/user/new", {"user_email": "otto@example.com"}, reveals=True).status == 200
    assert run().sent == 0


@pytest.mark.parametrize("path", ["/user/new", "/key/generate"])
def test_by_curl_who_asks_for_mail_where_none_is_sent_is_told_so(master, path):
    answer = master.post(path, {"user_email": "dana@example.com", "send_invite_email": True})
    assert (answer.status, answer.error["param"]) == (422, "send_invite_email")
    assert "SMTP_HOST" in answer.error["message"]
    assert rows(Invitation) == []


def test_mia_is_told_of_a_key_that_ada_makes_for_her_and_not_of_her_own(curl, mail, ada, mia, run):
    """S-14: the key itself is in no mail."""
    made = (
        curl(ada).post("/key/generate", {"user_id": mia.user_id, "key_alias": "ci", "max_budget": 5}, reveals=True).json
    )
    curl(mia).post("/key/generate", {"key_alias": "mine"}, reveals=True)
    curl(ada).post(
        "/key/generate", {"user_id": mia.user_id, "key_alias": "quiet", "send_invite_email": False}, reveals=True
    )
    assert run().sent == 1
    (got,) = mail.to(mia.email)
    assert got["Subject"] == "Ada created a key for you: ci"
    assert f"{BASE_URL}/ui/keys/{made['id']}" in body_of(got)
    assert made["key"].encode() not in mail.raw[0]
    assert made["key"][6:20] not in body_of(got) + body_of(got, "html")


def test_mia_is_told_that_her_key_was_rotated(curl, mail, mia, run):
    """S-14: neither the old secret nor the new one is in the mail."""
    made = make_key(mia, "laptop")
    new = curl(mia).post("/key/regenerate", {"key": made.row.id, "grace_period": "24h"}, reveals=True).json["key"]
    assert run().sent == 1
    text = body_of(mail.got[0]) + body_of(mail.got[0], "html")
    assert mail.got[0]["Subject"] == "Your key laptop was rotated"
    assert "The old secret works until" in text
    assert not any(secret[6:20] in text for secret in (made.secret, new))


def test_mia_is_told_of_a_sign_in_from_a_device_that_was_never_seen(browser, mail, mia, run):
    first = browser(mia)
    browser(mia)
    assert run().sent == 0
    guest = browser()
    sign_in_with(guest, mia, FIREFOX)
    assert (run().sent, first.get("/ui/keys").status) == (1, 200)
    assert mail.got[0]["Subject"] == "New sign-in to Selfserve"
    assert "Device: Firefox on Linux" in body_of(mail.got[0])
    assert "/ui/password/forgot" in body_of(mail.got[0])
    sign_in_with(browser(), mia, FIREFOX)
    assert run().sent == 0


def test_a_sign_in_long_after_the_log_forgot_the_last_one_is_told_too(mail, browser, run):
    """`SELFSERVE_AUDIT_RETENTION`: no device of hers is known any more, and it is not her first sign-in."""
    sign_in_with(browser(), make_user("Mia", last_login_at=now() - timedelta(days=90)), FIREFOX)
    assert (run().sent, mail.got[0]["Subject"]) == (1, "New sign-in to Selfserve")


def test_keys_that_end_are_told_of_fourteen_seven_and_one_days_before_once_each(mail, mia, run):
    start = now()
    make_key(mia, "laptop", expires_at=start + timedelta(days=20), created_at=start)
    make_key(mia, "short", expires_at=start + timedelta(days=7), created_at=start)
    make_key(mia, "blocked", expires_at=start + timedelta(days=20), is_blocked=True)
    told = {}
    for day in range(21):
        with time_machine.travel(start + timedelta(days=day, minutes=1), tick=False):
            told[day] = (run().sent, run().sent)
    assert {day: sent for day, sent in told.items() if any(sent)} == {6: (2, 0), 13: (1, 0), 19: (1, 0)}
    assert sorted(got["Subject"] for got in mail.got) == [
        "Key laptop expires within 14 days",
        "Key laptop expires within 7 days",
        "Key laptop expires within a day",
        "Key short expires within a day",
    ]


def test_a_budget_is_told_of_at_fifty_eighty_and_a_hundred_percent_once_a_window(mail, mia, run):
    end = now() + timedelta(days=20)
    change(mia, max_budget=10_000_000_000, budget_duration="1mo", budget_reset_at=end)
    for dollars, subject in [
        (4, None),
        (5, "Your budget is 50 % used"),
        (6, None),
        (8, "Your budget is 80 % used"),
        (12, "Your budget is used up"),
        (13, None),
    ]:
        change(mia, window_spend=dollars * 1_000_000_000)
        assert run().sent == (1 if subject else 0), dollars
        assert not subject or mail.got[-1]["Subject"] == subject
    assert "Calls are refused until then." in said(mail.got[-1])
    change(mia, window_spend=5_000_000_000, budget_reset_at=end + timedelta(days=30))
    assert run().sent == 1


def test_the_budget_of_a_key_is_told_to_its_owner(mail, mia, rex, run):
    used = {"max_budget": 2_000_000_000, "window_spend": 1_700_000_000}
    make_key(mia, "ci", **used)
    make_key(rex, "his", **used)
    assert run().sent == 1
    assert (mail.got[0]["To"], mail.got[0]["Subject"]) == (mia.email, "Key ci: budget is 80 % used")
    assert "It does not start again by itself." in said(mail.got[0])


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_people_wrote_is_text_in_every_mail(curl, mail, ada, mia, run, payload):
    """S-27, S-36: names are escaped in HTML, are one line in headers, and are no template."""
    make_key(mia, "x", expires_at=now() + timedelta(hours=20), created_at=now() - timedelta(days=30))
    change(ada, alias=payload)
    change(rows(ApiKey)[0], alias=payload)
    curl(ada).post("/key/generate", {"user_id": mia.user_id}, reveals=True)
    curl(ada).post("/user/new", {"user_email": "dana@example.com", "send_invite_email": True}, reveals=True)
    assert run().sent == 3
    plain = " ".join(payload.split())
    for got, raw in zip(mail.got, mail.raw, strict=True):
        assert (got.get_all("Bcc"), len(got.get_all("Subject"))) == (None, 1)
        assert b"<script>alert" not in raw.partition(b"text/html")[2]
        page = Html(body_of(got, "html"), is_fragment=False)
        assert not list(page.tree.iter("script"))
        assert not list(page.tree.iter("img"))
        assert plain in got["Subject"]
        assert plain in words(page.tree)


def test_subjects_logo_signature_and_contact_are_those_that_are_set(app, mail, queued, run):
    ours = {
        "email_subject_new_sign_in": "Who is there?",
        "email_logo_url": "https://www.example.com/logo.png",
        "email_signature": "Acme platform team\\nBuilding 7",
        "email_support_contact": "it@example.com",
        "selfserve_organization": "Acme",
    }
    with using(app, the_settings(**mail.settings(**ours))):
        queued()
        run()
    (got,) = mail.got
    assert (got["Subject"], got["From"].addresses[0].display_name) == ("Who is there?", "Acme")
    assert 'src="https://www.example.com/logo.png"' in body_of(got, "html")
    for text in (body_of(got), words(Html(body_of(got, "html"), is_fragment=False).tree)):
        assert "Acme platform team" in text
        assert "Building 7" in text
        assert "Questions? Write to it@example.com" in text


def test_no_mail_holds_anything_but_its_link(browser, curl, mail, ada, mia, run):
    """S-12, S-14: of all that is secret on this stage, in clear or as a hash, no mail has a word."""
    made = make_key(mia, "laptop", max_budget=1_000_000_000, window_spend=1_000_000_000)
    make_key(mia, "soon", expires_at=now() + timedelta(hours=20), created_at=now() - timedelta(days=30))
    other = curl(ada).post("/key/generate", {"user_id": mia.user_id, "key_alias": "ci"}, reveals=True).json["key"]
    new = curl(mia).post("/key/regenerate", {"key": made.row.id}, reveals=True).json["key"]
    browser(mia)
    sign_in_with(browser(), mia, FIREFOX)
    invited = curl(ada).post("/user/new", {"user_email": "dana@example.com", "send_invite_email": True}, reveals=True)
    assert run().sent == 6
    secrets = {made.secret, other, new, invited.json["key"], MASTER_KEY, SECRET_KEY, MAIL_PASSWORD, PASSWORD}
    secrets |= {key.token for key in rows(ApiKey)} | {user.password_hash for user in rows(User)}
    secrets |= {one.id_hash for one in rows(Session)} | {one.secret_hash for one in rows(Invitation)}
    for got in mail.got:
        text = str(got["Subject"]) + body_of(got) + body_of(got, "html")
        assert not [secret for secret in secrets - {None} if secret in text]
        assert (len(set(LINK.findall(text))) == 1) == (got["To"] == "dana@example.com")


@pytest.mark.parametrize("kind", MailKind)
def test_every_kind_of_mail_says_who_it_is_from_and_where_to_go(app, mail, mia, run, kind):
    facts = {"by": "Ada", "key": "laptop", "key_id": "1", "masked": "sk-ss_…abcd", "days": 7, "share": 50, "spend": 1}
    facts |= {"what": "linked", "provider": "Acme SSO"}
    facts |= {"expires_at": now().isoformat(), "device": "Firefox on Linux", "address": "192.0.2.7"}
    with app.app_context(), transaction():
        queue_mail(kind, db.session.get(User, mia.id), facts=facts)
    assert run().sent == 1
    page = Html(body_of(mail.got[0], "html"), is_fragment=False)
    (link,) = {one.get("href") for one in page.all("a")}
    assert link.startswith(f"{BASE_URL}/ui/")
    assert link in body_of(mail.got[0])
    assert words(page.all("h1")[0]) in (mail.got[0]["Subject"], words(page.all("title")[0]))
    assert "Selfserve" in words(page.tree)
