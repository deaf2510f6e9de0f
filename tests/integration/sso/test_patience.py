"""How long a provider is waited for, and by whom: one that drips or is away holds nobody up for long (S-44)."""

import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from selfserve.errors import ProviderAway
from selfserve.sso import http, keys
from selfserve.sso.keys import KeyRing
from tests.provider import public_jwk

pytestmark = pytest.mark.any_database


@contextmanager
def dripping(*pieces):
    """A server that sends one piece after the other, with a pause between them."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip():
            """Answer one connection."""
            there, _ = listening.accept()
            with there, suppress(OSError):
                there.recv(65_536)
                for piece in pieces:
                    time.sleep(0.05)
                    there.send(piece)

        thread = threading.Thread(target=drip)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/keys"
        thread.join()


@pytest.mark.parametrize("what", ["head", "body"])
def test_the_whole_answer_has_one_deadline(monkeypatch, what):
    """Its head too: each byte comes soon after the one before, and all of them too late."""
    monkeypatch.setattr(http, "WHOLE_SECONDS", 0.2)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n"
    drops = [b"%c" % byte for byte in b"X-Slow: yes"] if what == "head" else []
    pieces = [head, *drops, b"\r\n\r\n" if drops else b"\r\n", b"{", *([] if drops else [b""] * 8), b"}"]
    with dripping(*pieces) as url, pytest.raises(ProviderAway) as away:
        http.get(url, "Acme SSO")
    assert "no whole answer within" in away.value.why


@pytest.fixture
def ring():
    """The keys of a provider that was asked a while ago."""
    known = KeyRing("https://login.example.com/keys", "Acme SSO")
    known.keys, known.asked = {"es": public_jwk("es")}, time.monotonic() - keys.PAUSE_SECONDS - 1
    return known


def test_who_comes_with_a_known_key_waits_for_nobody(ring, monkeypatch):
    """While somebody else's unknown one is asked for."""
    asks, goes_on = threading.Event(), threading.Event()

    def answer(*_):
        """Take as long as it takes."""
        asks.set()
        goes_on.wait(10)
        return {"keys": []}

    monkeypatch.setattr(http, "get", answer)
    other = threading.Thread(target=ring.find, args=("made-up",))
    other.start()
    asks.wait(10)
    begun = time.monotonic()
    assert ring.find("es")["kid"] == "es"
    assert time.monotonic() - begun < 5
    goes_on.set()
    other.join()


def test_who_waited_for_a_question_that_failed_asks_not_again_at_once(ring, monkeypatch):
    asked = []

    def be_away(*_):
        """Be away."""
        asked.append(1)
        raise ProviderAway("Acme SSO", "It answered 503.")

    monkeypatch.setattr(http, "get", be_away)
    for _ in range(3):
        with pytest.raises(ProviderAway) as away:
            ring.find("second")
    assert (len(asked), away.value.why) == (1, "It answered 503.")
    ring.failed = (ring.failed[0] - keys.AWAY_SECONDS, ring.failed[1])
    monkeypatch.setattr(http, "get", lambda *_: {"keys": [public_jwk("second")]})
    assert ring.find("second")["kid"] == "second"
