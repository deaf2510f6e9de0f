"""No body, no value and no address breaks a page: what is absurd is refused in place (S-32)."""

import json

import pytest

from selfserve.models import ApiKey
from tests.application import MASTER_KEY
from tests.clients import Curl
from tests.factories import rows
from tests.integration.security.actions import PAGE_DEEDS, scene_of, token_of
from tests.integration.security.replays import Thief, steal
from tests.integration.security.snapshots import unchanged

FORM = "application/x-www-form-urlencoded"
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


@pytest.mark.parametrize(("kind", "body"), HOSTILE.values(), ids=HOSTILE)
def test_no_body_breaks_a_form(app, browser, ada, mia, otto, kind, body):
    """S-32: 4xx, at once, with and without the token in a header as htmx sends it; and nothing is done."""
    page = browser(ada)
    token, loot, scene = token_of(page)["csrf_token"], steal(app, page), scene_of(mia, otto)
    with unchanged("throttles", "api_keys", "audit_events", "tallies", "users", "invitations"):
        for deed in PAGE_DEEDS:
            answer = Thief(app, loot.header).send("POST", deed.path(scene), {"Content-Type": kind}, body)
            assert answer.status == 413 if len(body) > 1_000_000 else answer.status in (400, 413), deed
    for path in ("/ui/keys", "/ui/users", "/ui/account/password", f"/ui/users/{otto.id}/role"):
        headers = {"Content-Type": kind, "X-CSRFToken": token, "HX-Request": "true"}
        answer = Thief(app, loot.header).send("POST", path, headers, body)
        assert answer.status in (201, 400, 413, 422), path
    for path in ("/ui/onboarding", "/login", "/ui/logout"):
        assert Thief(app).send("POST", path, {"Content-Type": kind}, body).status in (400, 401, 413, 415, 422)
    sign_in = Thief(app).send("POST", "/ui/login", {"Content-Type": kind}, body)
    assert sign_in.status in (400, 413) or (sign_in.status, sign_in.location) == (303, "/ui/login")


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


def test_ten_thousand_names_are_too_many_and_five_hundred_are_not(master, mia):
    """S-32: a batch is bounded."""
    for path, field in (("/key/delete", "keys"), ("/key/delete", "key_aliases"), ("/user/delete", "user_ids")):
        assert master.post(path, {field: [f"sk-{n}" for n in range(10_000)]}).status == 422
        assert master.post(path, {field: [f"sk-{n}" for n in range(500)]}).status == 404


def test_a_long_address_and_many_parameters_are_harmless(app, browser, mia):
    """S-32: query strings have a length, too."""
    page = browser(mia)
    for query in (
        "q=" + "x" * 100_000,
        "&".join(f"a{n}=1" for n in range(5000)),
        "status=" * 1000,
        "&" * 10_000,
        "q[]=" * 99,
    ):
        assert page.get(f"/ui/keys?{query}").status in (200, 400, 413, 414, 422)
    deep = json.dumps({"metadata": json.loads("[" * 200 + "]" * 200)}).encode()
    answer = Curl(Thief(app), MASTER_KEY).send("POST", "/user/new", deep, headers={"Content-Type": "application/json"})
    assert answer.status in (200, 400, 422)
