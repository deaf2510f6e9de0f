"""Calls to models over several processes: limits hold over all of them, and one that is killed loses nothing."""

import http.client
import itertools
import json
import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import select
from time_machine import travel

from selfserve.calls import CallException
from selfserve.clock import now
from selfserve.extensions import db
from selfserve.models import ApiKey, Call, DailySpend, OpenCall, User
from selfserve.services import open_calls
from tests.application import MASTER_KEY
from tests.clients import Curl, OverHttp
from tests.servers import redis_running
from tests.upstream import upstream

AT_ONCE = 32
BODY = json.dumps({"model": "gpt-5-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "Hello"}]})


def a_key(url, **limits):
    """Make somebody with a key of these limits."""
    master = Curl(OverHttp(url), MASTER_KEY)
    user_id = master.post("/user/new", {"auto_create_key": False}).json["user_id"]
    return master.post("/key/generate", {"user_id": user_id, **limits}, reveals=True).json["key"]


def call(url, key):
    """Call a model on a connection of its own; give the status and the request's id."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/chat/completions", BODY, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers["X-Request-Id"]
    finally:
        connection.close()


def all_at_once(urls, key, *, when_refused=(0, lambda: None)):
    """Call at the same moment, by turns at each server; do that when so many were refused. Count who was let in."""
    gate, refused, (enough, deed) = threading.Barrier(AT_ONCE), itertools.count(1), when_refused

    def one(url):
        gate.wait(30)
        status, _ = call(url, key)
        assert status in (200, 429)
        if status == 429 and next(refused) == enough:
            deed()
        return status

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(one, itertools.islice(itertools.cycle(urls), AT_ONCE))).count(200)


def in_one_minute(deed):
    """Do something that counts by the minute; once more if the minute ended meanwhile."""
    began = now().minute
    done = deed()
    return done if now().minute == began else deed()


def test_limits_hold_over_two_processes(serve):
    """Redis counts the minutes, the database what runs at once."""
    one = {"SELFSERVE_WORKERS": "1", "SELFSERVE_THREADS": str(AT_ONCE)}
    with upstream() as here, redis_running() as address, ExitStack() as running:
        servers = (serve(UPSTREAM_BASE_URL=here.url, REDIS_URL=address, **one) for _ in range(2))
        urls = [running.enter_context(server).url for server in servers]
        assert in_one_minute(lambda: all_at_once(urls, a_key(urls[0], rpm_limit=20))) == 20
        here.be(waits=60)
        key = a_key(urls[0], max_parallel_requests=7)
        assert all_at_once(urls, key, when_refused=(AT_ONCE - 7, here.let_go)) == 7


def workers(server):
    """Find the worker processes of a server."""
    told = subprocess.run(["ps", "-e", "-o", "ppid=,pid="], capture_output=True, text=True, check=True)
    return [int(pid) for parent, pid in map(str.split, told.stdout.splitlines()) if int(parent) == server.process.pid]


class Load:
    """Calls that go on until they are told to stop; it keeps the ids of those that were answered."""

    def __init__(self, url, key):
        self.answered, self.is_over = [], False
        self.threads = [threading.Thread(target=self.go_on, args=(url, key), daemon=True) for _ in range(6)]
        for thread in self.threads:
            thread.start()

    def go_on(self, url, key):
        while not self.is_over:
            try:
                status, request_id = call(url, key)
            except (OSError, http.client.HTTPException):
                continue
            assert status == 200
            self.answered.append(request_id)

    def wait_for(self, more):
        wanted = len(self.answered) + more
        end = time.monotonic() + 30
        while len(self.answered) < wanted and time.monotonic() < end:
            time.sleep(0.01)
        assert len(self.answered) >= wanted

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join(30)


def test_workers_killed_in_mid_load_lose_nothing_and_leave_nothing_held(serve, a_database, app_with):
    with upstream() as here, serve(UPSTREAM_BASE_URL=here.url) as server:
        here.be(waits=0.05)
        load = Load(server.url, a_key(server.url, max_budget=1, rpm_limit=10_000))
        load.wait_for(20)
        os.kill(workers(server)[0], signal.SIGKILL)
        load.wait_for(20)
        server.kill()
        load.stop()
    app = app_with(database_url=a_database)
    with app.app_context(), travel(now() + timedelta(minutes=11)):
        cut_off = set(db.session.scalars(select(OpenCall.request_id)))
        assert cut_off
        assert open_calls.close_lapsed() == len(cut_off)
        calls = list(db.session.scalars(select(Call)))
        assert {each.request_id for each in calls if each.exception == CallException.UNCOUNTED} == cut_off
        assert set(load.answered) <= {each.request_id for each in calls if each.status == 200}
        assert len(calls) >= len(here.got)
        cost = sum(each.cost for each in calls)
        for column in (ApiKey.total_spend, ApiKey.window_spend, User.total_spend, DailySpend.spend):
            assert sum(db.session.scalars(select(column))) == cost > 0
        days = list(db.session.scalars(select(DailySpend)))
        assert sum(day.requests for day in days) == len(calls)
        assert sum(day.unpriced_requests for day in days) == len(cut_off)
        assert list(db.session.scalars(select(OpenCall))) == []
