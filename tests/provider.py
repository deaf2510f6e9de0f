"""An identity provider for the tests: honest and exacting until it is told to lie, and it remembers what came."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

CLIENT_ID, CLIENT_SECRET = "selfserve", "the secret of our client: + / %"
MIA = {"sub": "mia-at-work", "email": "mia@example.com", "email_verified": True, "name": "Mia"}


@cache
def signing_key(name: str) -> Any:
    """A private key: `es...` on a curve, any other RSA."""
    return ec.generate_private_key(ec.SECP256R1()) if name.startswith("es") else rsa.generate_private_key(65537, 2048)


def public_jwk(name: str) -> dict[str, Any]:
    """The public half of a key as it is published."""
    algorithm = "ES256" if name.startswith("es") else "RS256"
    written = jwt.get_algorithm_by_name(algorithm).to_jwk(signing_key(name).public_key(), as_dict=True)
    return written | {"kid": name, "use": "sig", "alg": algorithm}


@dataclass
class Manner:
    """How it is from now on; plain, it is honest and knows Mia."""

    claims: dict[str, Any] = field(default_factory=lambda: dict(MIA))
    """Of whoever signs in."""
    told_apart: dict[str, Any] = field(default_factory=dict)
    """What only the userinfo endpoint tells."""
    token: Callable[[dict[str, Any]], Any] | None = None
    """Makes the ID token out of its honest claims, instead of signing them."""
    key: str = "first"
    published: tuple[str, ...] = ("first",)
    document: dict[str, Any] = field(default_factory=dict)
    """What it publishes about itself otherwise."""
    instead: dict[str, bytes] = field(default_factory=dict)
    """By path: what it answers there, whatever it is."""
    status: int = 200
    error: str = ""
    """What it answers instead of letting somebody in."""
    iss: str | None = None
    """The issuer it names beside the code."""
    asks: bool = False
    """Whether it shows a page instead of letting everybody in at once."""


@dataclass
class Code:
    """A code that was given out."""

    asked: dict[str, str]
    claims: dict[str, Any]


@dataclass
class IdentityProvider:
    """A running one."""

    url: str
    manner: Manner = field(default_factory=Manner)
    codes: dict[str, Code] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    """The paths that were asked for, in order."""

    def be(self, **how: Any) -> None:
        """Be so from now on."""
        self.manner = Manner(**how)

    def know(self, **claims: Any) -> None:
        """Be honest about somebody else than Mia; a claim that is None is left out."""
        self.be(claims={name: value for name, value in (MIA | claims).items() if value is not None})

    def honest(self, code: Code) -> dict[str, Any]:
        """What an ID token says."""
        now = int(time.time())
        about = {"iss": self.url, "aud": code.asked["client_id"], "iat": now, "exp": now + 300}
        return about | ({"nonce": code.asked["nonce"]} if "nonce" in code.asked else {}) | code.claims

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """Sign with the key of the day."""
        key = self.manner.key
        algorithm = "ES256" if key.startswith("es") else "RS256"
        return jwt.encode(claims, signing_key(key), algorithm, headers={"kid": key} | header)


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def here(self) -> IdentityProvider:
        """The provider that it answers for."""
        return self.server.here

    def do_GET(self) -> None:
        """Publish, let in, tell about somebody, sign out."""
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.here.seen.append(parts.path)
        answers = {
            "/.well-known/openid-configuration": self.document,
            "/keys": lambda _: self.say(200, {"keys": [public_jwk(name) for name in self.here.manner.published]}),
            "/authorize": self.authorize,
            "/userinfo": self.tell,
            "/userinfo/emails": self.tell_addresses,
            "/logout": lambda query: self.go(query["post_logout_redirect_uri"]),
        }
        if self.here.manner.status != 200:
            self.say(self.here.manner.status, {"error": "away"})
        elif parts.path in self.here.manner.instead:
            self.write(200, self.here.manner.instead[parts.path], "application/json")
        else:
            answers.get(parts.path, lambda _: self.say(404, {}))(query)

    def do_POST(self) -> None:
        """Exchange a code, as RFC 6749 and RFC 7636 want it; anything that does not fit is refused."""
        self.here.seen.append(self.path)
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        fields = {name: values[0] for name, values in sent.items()}
        code = self.here.codes.pop(fields.get("code", ""), None)
        if self.here.manner.status != 200:
            self.say(self.here.manner.status, {"error": "away"})
        elif self.path in self.here.manner.instead:
            self.write(200, self.here.manner.instead[self.path], "application/json")
        elif not self.is_our_client(fields):
            self.say(401, {"error": "invalid_client"})
        elif code is None or not fits(code, fields):
            self.say(400, {"error": "invalid_grant"})
        else:
            self.say(200, self.tokens_for(code))

    def tokens_for(self, code: Code) -> dict[str, Any]:
        """Make the tokens."""
        access, manner, claims = secrets.token_urlsafe(24), self.here.manner, self.here.honest(code)
        self.here.tokens[access] = code.claims | manner.told_apart
        id_token = manner.token(claims) if manner.token else self.here.sign(claims)
        return {"access_token": access, "token_type": "Bearer"} | ({"id_token": id_token} if id_token else {})

    def is_our_client(self, fields: dict[str, str]) -> bool:
        """Tell whether a client showed its secret, in the header or in the form."""
        kind, _, pair = self.headers.get("Authorization", "").partition(" ")
        name, _, secret = base64.b64decode(pair).decode().partition(":")
        in_header = (kind, unquote_plus(name), unquote_plus(secret)) == ("Basic", CLIENT_ID, CLIENT_SECRET)
        return in_header or (fields.get("client_id"), fields.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)

    def document(self, _query: dict[str, str]) -> None:
        """Publish where it does what."""
        url = self.here.url
        said = {"issuer": url, "authorization_endpoint": f"{url}/authorize", "token_endpoint": f"{url}/token"}
        said |= {"jwks_uri": f"{url}/keys", "userinfo_endpoint": f"{url}/userinfo"}
        said |= {"end_session_endpoint": f"{url}/logout"}
        self.say(200, said | self.here.manner.document)

    def authorize(self, query: dict[str, str]) -> None:
        """Let somebody in and send them back with a code, or show them a page first."""
        manner = self.here.manner
        if manner.asks and "yes" not in query:
            link = escape(f"/authorize?{urlencode(query | {'yes': '1'})}")
            page = f"<!doctype html><title>Acme</title><h1>Acme accounts</h1><a href='{link}'>Continue as Mia</a>"
            self.write(200, page.encode(), "text/html")
            return
        code, back, hint = secrets.token_urlsafe(16), {"state": query["state"]}, query.get("login_hint")
        hinted = {"sub": hint, "email": f"{hint}@example.com", "name": hint} if hint else {}
        self.here.codes[code] = Code(query, manner.claims | hinted)
        back |= {"error": manner.error} if manner.error else {"code": code}
        back |= {"iss": manner.iss} if manner.iss else {}
        self.go(f"{query['redirect_uri']}?{urlencode(back)}")

    def tell(self, _query: dict[str, str]) -> None:
        """Tell whom an access token belongs to."""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        told = self.here.tokens.get(token)
        self.say(200, told) if told else self.say(401, {"error": "invalid_token"})

    def tell_addresses(self, _query: dict[str, str]) -> None:
        """Tell addresses as GitHub does."""
        self.say(200, self.here.manner.claims["addresses"])

    def go(self, address: str) -> None:
        """Send the browser on."""
        self.write(302, b"", "text/plain", {"Location": address})

    def say(self, status: int, what: dict[str, Any] | list[Any]) -> None:
        """Answer with JSON."""
        self.write(status, json.dumps(what).encode(), "application/json")

    def write(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        """Write one answer."""
        self.send_response_only(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Takes as many connections at once as come."""

    request_queue_size = 128


def fits(code: Code, fields: dict[str, str]) -> bool:
    """Tell whether a code is exchanged by who asked for it: same client, same way back, same verifier."""
    hashed = hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
    asked = code.asked
    is_hashed = (asked.get("code_challenge"), asked.get("code_challenge_method")) == (challenge, "S256")
    is_same = asked["client_id"] == CLIENT_ID and asked["redirect_uri"] == fields.get("redirect_uri")
    return is_hashed and is_same and fields.get("grant_type") == "authorization_code"


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """Run one."""
    signing_key("first")  # before threads ask for it at once and get two
    server = Server(("127.0.0.1", 0), Handler)
    server.here = IdentityProvider(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server.here
    finally:
        server.shutdown()
        server.server_close()
