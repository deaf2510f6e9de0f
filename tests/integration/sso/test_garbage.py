"""A provider that answers nonsense: each is a refusal in words, and never our own failure (S-24, S-44)."""

import json
import time

import jwt
import pytest

from selfserve.errors import ProviderAway, SignInRefused
from selfserve.sso import http, keys, metadata
from selfserve.sso.claims import read_identity
from selfserve.sso.keys import KeyRing
from selfserve.sso.metadata import endpoints_of
from selfserve.sso.providers import load_providers
from selfserve.sso.tokens import read_id_token
from tests.application import the_settings
from tests.factories import make_user
from tests.integration.sso.journeys import path_of, visit
from tests.provider import CLIENT_ID, MIA, public_jwk, signing_key

pytestmark = pytest.mark.any_database

ISSUER = "https://login.example.com"
DEEP = "[" * 900 + "]" * 900
VALUES = [
    *(None, True, 0, -1, 5.5, 10**4000, float("inf"), float("nan"), "", " ", "\0", "\ud800", "a\r\nb: c", "x" * 10_000),
    *([], ["\ud800"], [[]], {}, {"\ud800": 1}, json.loads(DEEP), ["a"] * 5_000, "https://[", "javascript:1"),
    *("https://login.example.com/\ud800", "https://login.example.com/é", "https://login.example.com/" + "x" * 5_000),
]
BODIES = [
    *(b"", b"\xff\xfe", b"null", b"5", b"NaN", b'"x"', b"[]", b"{}", b"<html>", b"[" * 200_000, b"9" * 5_000),
    *(b'{"a": 1', b'"\\ud800"', b'{"\\ud800": "\\ud800"}', b'{"keys": 5, "issuer": [], "access_token": {}}'),
    b" " * 1_000_001,
]  # fmt: skip


@pytest.fixture
def provider():
    """The one of the settings, whose claims also give roles."""
    known = the_settings(
        generic_client_id=CLIENT_ID, selfserve_sso_issuer=ISSUER, generic_user_role_attribute="realm.roles",
        generic_role_mappings_roles='{"proxy_admin": ["admins"]}',
    )  # fmt: skip
    return load_providers(known)["generic"]


@pytest.fixture
def ring():
    """Its keys, as if it had been asked a moment ago."""
    known = KeyRing(f"{ISSUER}/keys", "Acme SSO")
    known.keys, known.asked = {"es": public_jwk("es")}, time.monotonic()
    return known


def told(provider, ring, claims, header=None):
    """Sign claims, whatever they are, and read them."""
    head = {"alg": "ES256", "typ": "JWT", "kid": "es"} | (header or {})
    signed = b".".join(jwt.utils.base64url_encode(json.dumps(part).encode()) for part in (head, claims))
    es256 = jwt.get_algorithm_by_name("ES256")
    token = signed + b"." + jwt.utils.base64url_encode(es256.sign(signed, signing_key("es")))
    return read_identity(read_id_token(token.decode(), provider, ISSUER, ring, "n"), provider, ISSUER)


def honest():
    """What an honest provider says of Mia."""
    moment = int(time.time())
    return MIA | {"iss": ISSUER, "aud": CLIENT_ID, "nonce": "n", "iat": moment, "exp": moment + 60}


def read(deed, *given):
    """Do it; what is refused is refused in one of the two ways."""
    try:
        return deed(*given)
    except (SignInRefused, ProviderAway):
        return None


@pytest.mark.parametrize(
    "claim",
    ["iss", "sub", "aud", "azp", "exp", "iat", "nbf", "nonce", "jti", "email", "email_verified", "name", "given_name",
     "groups", "realm", "realm.roles"],
)  # fmt: skip
def test_a_claim_of_any_kind_is_read_or_refused(provider, ring, claim):
    """S-24: what comes out can be written down."""
    assert told(provider, ring, honest()).subject == MIA["sub"]
    for value in VALUES:
        identity = read(told, provider, ring, honest() | {claim: value})
        if identity:
            assert b"\0" not in "".join([identity.subject, identity.email or "", identity.name or ""]).encode()


@pytest.mark.parametrize("name", ["alg", "kid", "typ", "crit", "b64", "jwk", "zip"])
def test_a_head_of_any_kind_is_read_or_refused(provider, ring, name):
    """S-24."""
    for value in VALUES:
        read(told, provider, ring, honest(), {name: value})


@pytest.mark.parametrize("name", ["kty", "crv", "x", "y", "alg", "use", "kid", "key_ops", "n", "e"])
def test_a_key_of_any_kind_checks_or_is_unknown(provider, ring, name, monkeypatch):
    """S-24."""
    for value in VALUES:
        monkeypatch.setattr(http, "get", lambda *_: {"keys": [public_jwk("es") | {name: value}, value]})  # noqa: B023
        if read(ring.ask) is not None:
            read(told, provider, ring, honest())


@pytest.mark.parametrize(
    "name",
    ["issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint",
     "token_endpoint_auth_methods_supported"],
)  # fmt: skip
def test_what_it_publishes_of_any_kind_is_taken_or_refused(provider, name, monkeypatch):
    """S-24, S-34: what is taken can stand in a header."""
    ends = {f"{what}_endpoint": f"{ISSUER}/{what}" for what in ("authorization", "token")}
    for value in VALUES:
        metadata._kept.clear()
        document = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"} | ends | {name: value}
        monkeypatch.setattr(http, "get", lambda *_: document)  # noqa: B023
        if endpoints := read(endpoints_of, provider):
            addresses = [address for address in vars(endpoints).values() if isinstance(address, str)]
            assert all(address.isascii() and len(address) < 3_000 for address in addresses)


@pytest.mark.parametrize("place", ["/.well-known/openid-configuration", "/keys", "/token", "/userinfo"])
def test_whatever_it_answers_nobody_sees_a_failure_of_ours(door, idp, place):
    """S-44: 403 or 503, in words."""
    claims = {name: value for name, value in MIA.items() if name != "email"}
    for body in BODIES:
        metadata._kept.clear()
        keys._rings.clear()
        idp.be(instead={place: body}, claims=claims)
        page = door.browser()
        answer = page.get("/ui/sso")
        if answer.status == 303:
            answer = page.get(path_of(visit(answer.location)))
        assert answer.status in (403, 503), (body[:40], answer.text)


@pytest.mark.parametrize("name", ["access_token", "id_token"])
def test_a_token_of_any_kind_is_read_or_refused(door, idp, name):
    for value in VALUES:
        idp.be(instead={"/token": json.dumps({"access_token": "x", "id_token": "x", name: value}).encode()})
        assert door.sign_in().status in (403, 503)


@pytest.mark.parametrize("name", ["state", "code", "iss", "error"])
def test_whatever_a_browser_brings_back_is_a_refusal(door, idp, name):
    make_user("Mia", sso_issuer=idp.url, sso_subject=MIA["sub"])
    for value in ("%00", "%ed%a0%80", "%ff", "a%0d%0ab", "x" * 5_000, "%F0%9F%98%80", "..%2f"):
        page = door.browser()
        answer = page.get(door.way_back(page).replace(f"{name}=", "_=") + f"&{name}={value}")
        assert answer.status in (400, 403), (name, value, answer.text)
