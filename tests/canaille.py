"""Canaille, an identity provider that others wrote: a real one, in a process of its own, and honest.

The one that lies is `tests.provider`. Here nothing is ours but the names of two people and of a client.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import Server, free_port, start, wait_until_it_answers

PROGRAM = Path(sys.prefix) / "provider" / "bin" / "canaille"
CLIENT_ID, CLIENT_SECRET = "selfserve", "the secret of our client: + / %"
PASSWORD = "nine loud geese at dusk"
"""Of everybody there."""


@dataclass
class Canaille(Server):
    """A running one. It is at `localhost`: at 127.0.0.1 its cookies would be ours."""

    environment: dict[str, str]

    def know(self, address: str, *names: str) -> None:
        """Let it know these people, and us under our address, in the words of its documentation."""
        people = [
            {"id": name, "user_name": name, "family_name": name.title(), "formatted_name": name.title()}
            | {"emails": [f"{name}@example.com"], "password": PASSWORD}
            for name in names
        ]
        client = {"id": CLIENT_ID, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "audience": [CLIENT_ID]}
        client |= {"client_name": "Selfserve", "scope": ["openid", "profile", "email"]}
        client |= {"grant_types": ["authorization_code"], "response_types": ["code"]}
        client |= {"token_endpoint_auth_method": "client_secret_basic", "redirect_uris": [f"{address}/sso/callback"]}
        client |= {"post_logout_redirect_uris": [f"{address}/ui/login?bye=1"]}
        said = json.dumps({"user": people, "client": [client]}).encode()
        done = subprocess.run(
            [PROGRAM, "restore"], env=self.environment, input=said, capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr.decode()


@contextmanager
def canaille_running(folder: Path) -> Iterator[Canaille]:
    """Start one with an empty database and wait until it publishes where it does what; end it in any case."""
    if not PROGRAM.exists():
        raise AssertionError(f"there is no {PROGRAM}: `make browser` installs it")
    port = free_port()
    log = folder / f"canaille-{port}.log"
    environment = {
        "SECRET_KEY": "of its own cookies",
        "SERVER_NAME": f"localhost:{port}",
        "PREFERRED_URL_SCHEME": "http",
        "CANAILLE__NAME": "Acme accounts",
        "CANAILLE_SQL__DATABASE_URI": f"sqlite:///{folder}/canaille-{port}.db",
    }
    process = start([str(PROGRAM), "run", "--bind", f"127.0.0.1:{port}"], folder, log, environment)
    provider = Canaille(f"http://localhost:{port}", process, log, environment)
    try:
        wait_until_it_answers(provider, "/.well-known/openid-configuration")
        yield provider
    finally:
        provider.kill()
