"""No body, no value and no address breaks a page: what is absurd is refused in place (S-32)."""

import json
import time

import pytest

from selfserve.models import ApiKey
from tests.factories import make_user, rows
from tests.integration.security.actions import MODEL_CALLS, scene_of, token_of
from tests.integration.security.replays import Thief, steal
from tests.integration.security.snapshots import dump
from tests.integration.security.walks import READS, WRITES, named, visitor

pytestmark = pytest.mark.any_database

FORM = "application/x-www-form-urlencoded"
PATIENCE = 5
"""Seconds that a refusal may take on a busy machine; it takes a hundredth of one."""
ENDS_ADA = {"auth.log_out"}
"""It wants no fields: it is done, whatever else is sent."""
HOSTILE = {
    "ten megabytes": (FORM, b"key_alias=" + b"x" * 10_000_000),
    "ten megabytes of fields": (FORM, b"a=b&" * 2_500_000),
    "a megabyte of one field": (FORM, b"key_alias=" + b"x" * 900_000),
    "many parts": ("multipart/form-data; boundary=b", b"".join(
        b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n' % n for n in range(3000)) + b"--b--"),
    "half a part": ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="role"\r\n\r\nx'),
    "no boundary": ("multipart/form-data", b"--b\r\n"),
    "broken utf-8": (FORM, b"key_alias=%ff%fe\xff&emails=\xc3("),
    "nul": (FORM, b"key_alias=%00&emails=%00&role=%00&max_budget=%00"),
    "surrogate": (FORM, b"key_alias=%ed%a0%80"),
    "json": ("application/json", b'{"key_alias": "x"}'),
    "deep json": ("application/json", b"[" * 100_000),
    "xml": ("application/xml", b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>"),
    "utf-16": (f"{FORM}; charset=utf-16", "key_alias=x".encode("utf-16")),
    "unknown charset": (f"{FORM}; charset=nonsense", b"key_alias=x"),
    "ten thousand of one name": (FORM, b"&".join([b"key_alias=x"] * 10_000)),
    "nothing": (FORM, b""),
}  # fmt: skip


REFUSED = {400, 401, 403, 404, 409, 410, 413, 415, 422, 429}
MOST = dict.fromkeys(MODEL_CALLS, 20_000_000)
"""Bytes of a body, where it may be larger than elsewhere."""


@pytest.mark.parametrize(("kind", "body"), HOSTILE.values(), ids=HOSTILE)
def test_no_body_breaks_a_form(app, browser, curl, ada, kind, body):
    """S-32: every form, open ones too: without its token nothing is done; with it, as htmx sends it, nothing breaks."""
    there, scene = visitor(browser, curl, ada), scene_of(make_user(), make_user())
    cookie, forms = steal(app, there.page).header, [route for route in WRITES if route.is_page]
    for way in ({}, {"X-CSRFToken": there.token, "HX-Request": "true"}):
        before = dump()
        for route in [route for route in forms if route.endpoint not in ENDS_ADA]:
            answer = sent_quickly(Thief(app, cookie), route.deed.path(scene), {"Content-Type": kind} | way, body)
            is_shown_anew = (answer.status, answer.location) == (303, "/ui/login?stale=1")
            assert answer.status in REFUSED or is_shown_anew or (way and answer.status < 500), str(route)
            assert answer.status == 413 or len(body) < 1_000_000, str(route)
        assert way or {**dump(), "throttles": []} == {**before, "throttles": []}


@pytest.mark.parametrize(("kind", "body"), HOSTILE.values(), ids=HOSTILE)
def test_no_body_breaks_a_call(app, curl, ada, kind, body):
    """S-32: every call that takes a body, with a key that may: refused, but for what is right in its way."""
    key, scene = {"Authorization": f"Bearer {curl(ada).token}"}, scene_of(make_user(), make_user())
    for route in [route for route in WRITES if not route.is_page and route.command]:
        answer = sent_quickly(Thief(app), route.deed.path(scene), {"Content-Type": kind} | key, body)
        assert answer.status in REFUSED or len(body) < 50, str(route)
        assert answer.status == 413 or len(body) < MOST.get(route.endpoint, 1_000_000), str(route)


def sent_quickly(client, path, headers, body):
    """Send a body, and see that the answer comes at once."""
    begun = time.monotonic()
    answer = client.send("POST", path, headers, body)
    assert time.monotonic() - begun < PATIENCE, path
    assert answer.status < 500, path
    return answer


WORSE = {
    "long": "x" * 900_000,
    "ten thousand": ["x"] * 10_000,
    "ten thousand names": {f"x{number}": 1 for number in range(10_000)},
    "deep": json.loads("[" * 200 + "]" * 200),
    "huge": 10**400,
    "half a letter": "\ud800",
    "nul": "\x00",
    "not a number": float("nan"),
    "endless": float("inf"),
    "beyond 64 bits": 2**63,
}


@pytest.mark.parametrize("route", **named([route for route in WRITES if not route.is_page]))
def test_no_value_breaks_a_field_of_any_call(app, browser, curl, ada, route):
    """S-32: each documented field, alone in a body that is right: said to be wrong, and quickly."""
    there, scene = visitor(browser, curl, ada), scene_of(make_user(), make_user())
    for field in route.words:
        for name, value in WORSE.items():
            body = json.dumps(route.deed.fields(scene) | {field: value}).encode()
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {there.door.token}"}
            answer = sent_quickly(Thief(app), route.deed.path(scene), headers, body)
            is_passed_on = route.endpoint in MODEL_CALLS and answer.status == 200
            assert answer.status in REFUSED or is_passed_on, (field, name, answer.text)


ABSURD = {
    "key_alias": ["x" * 256, "\x00", "\x1b[31m", "\n\n"],
    "expires": ["", "0d", "-1", "99999999d", "1e9d", "30 d ays", "\u0663\u0660d", "custom"],
    "expires_on": ["0000-00-00", "9999-12-31", "1970-01-01", "2026-13-45", "now", "-1", "\u0662\u0660"],
    "max_budget": ["-1", "NaN", "Infinity", "1e999", "9" * 400, "0x10", "1,000", "\u0661", "1e-999", "--1", "$5"],
    "budget_duration": ["0d", "forever", "1s", "-1"],
    "rpm_limit": ["-1", "1.5", "9223372036854775808", "9" * 5000, "1e5", "\u00b2"],
    "tpm_limit": ["-1", "NaN", "9" * 5000, "0x1"],
    "models": ["x" * 256, ",".join(f"m{n}" for n in range(300)), "\x00"],
    "creation_token": ["x" * 256, "\x00"],
}


@pytest.mark.parametrize("field", ABSURD)
def test_no_value_however_absurd_breaks_the_form_that_makes_keys(browser, mia, field):
    """S-32: refused in place, or read as what it plainly says; never a 500, and no endless key."""
    page = browser(mia)
    token = token_of(page)
    for number, value in enumerate(ABSURD[field]):
        fields = {"key_alias": f"k{number}", "expires": "custom" if field == "expires_on" else "30d", field: value}
        answer = page.post("/ui/keys", fields | token, reveals=True)
        assert answer.status in (201, 422), value
    for key in rows(ApiKey):
        assert key.expires_at is not None
        assert key.max_budget is None or 0 <= key.max_budget <= 10**18


def test_five_hundred_names_are_not_too_many(master):
    """The counterpart: a batch is bounded, not forbidden; five hundred are looked for."""
    for path, field in (("/key/delete", "keys"), ("/key/delete", "key_aliases"), ("/user/delete", "user_ids")):
        assert master.post(path, {field: [f"sk-{n}" for n in range(501)]}).status == 422
        assert master.post(path, {field: [f"sk-{n}" for n in range(500)]}).status == 404


LONG = ("q=" + "x" * 100_000, "&".join(f"a{n}=1" for n in range(5000)), "status=" * 1000, "&" * 10_000, "q[]=" * 99)


@pytest.mark.parametrize("route", **named(READS))
def test_a_long_address_and_many_parameters_are_harmless(browser, curl, ada, route):
    """S-32: query strings have a length, too, on every read; and every word of it."""
    there, scene = visitor(browser, curl, ada), scene_of(ada, ada)
    for query in (*LONG, *(f"{word}={'9' * 5000}" for word in route.words)):
        answer = there.ask(route, scene, query)
        assert answer.status in {200, 303} | REFUSED, query[:30]
