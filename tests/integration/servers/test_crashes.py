"""The plug is pulled in the middle of concurrent writes: nothing that was answered 2xx is lost."""

import http.client
import json
import threading
import time
import urllib.request

from tests.application import MASTER_KEY
from tests.clients import Curl, OverHttp

ROUNDS = 12
WRITERS = 6


def write_until_it_dies(url, number, kept, stop=None):
    """Make users as fast as they come, until told to stop, and keep the ids of those that were answered."""
    for count in range(10_000):
        if stop and stop.is_set():
            return
        body = json.dumps({"user_id": f"{number}-{count}-{time.monotonic_ns()}", "auto_create_key": False}).encode()
        headers = {"Authorization": f"Bearer {MASTER_KEY}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{url}/user/new", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                kept.append(json.load(response)["user_id"])
        except (OSError, ValueError, http.client.HTTPException):
            return


def test_nothing_answered_is_lost_however_often_the_server_is_killed(serve):
    kept = []
    for round_number in range(ROUNDS):
        with serve() as server:
            threads = [
                threading.Thread(target=write_until_it_dies, args=(server.url, number, kept), daemon=True)
                for number in range(WRITERS)
            ]
            begun = len(kept)
            for thread in threads:
                thread.start()
            while len(kept) < begun + 10:
                time.sleep(0.005)
            server.kill()
            for thread in threads:
                thread.join()
        assert len(kept) > begun, round_number
    with serve() as server:
        master = Curl(OverHttp(server.url), MASTER_KEY)
        first = master.get("/user/list", page_size=100).json
        pages = [master.get("/user/list", page_size=100, page=page).json for page in range(2, first["total_pages"] + 1)]
    stored = {user["user_id"] for page in [first, *pages] for user in page["users"]}
    assert set(kept) <= stored
    assert len(stored) == first["total"]
