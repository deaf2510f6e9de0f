"""The long run: many calls to a model through the workers, whose memory stays flat and whose sums are exact."""

import json
import time
from collections.abc import Iterator
from itertools import cycle

from sqlalchemy import Connection, create_engine, text

from bench.findings import Soak
from bench.load import drive
from bench.measure import Bench
from bench.rows import ROWS
from bench.servers import ask, ours
from bench.upstream import MODEL
from bench.visitors import visitors
from selfserve.prices import Usage, cost_of, find_price

CONNECTIONS, WORKERS = 16, 2
MIX = ("chat", "chat", "chat", "chat_stream")
PATIENCE = 10


def soak(bench: Bench) -> Soak:
    """Send the calls; look at the memory after a tenth of them and after all, then at the sums."""
    with ours(bench.environment, WORKERS) as server:
        headers, began, rows = visitors(server, bench.secrets), time.monotonic(), cycle(MIX)
        calls, warm = 0, list[float]()
        before = _told(bench)
        while calls < bench.effort.soak_calls:
            request = bench.request(ROWS[next(rows)], headers)
            load = drive(server.host, request, CONNECTIONS, bench.effort.seconds, by_wrk=bench.by_wrk)
            calls += load.requests
            if not warm and calls >= bench.effort.soak_calls / 10:
                warm = server.memory()
            print(f"  soak {calls:,} calls, {load.errors} errors, {max(server.memory())} MB", flush=True)
        seconds, after = time.monotonic() - began, server.memory()
        wrong = _what_is_wrong(bench, before)
    return Soak(bench.database, calls, round(seconds), warm, after, wrong)


def _told(bench: Bench) -> dict[str, int]:
    """Ask the upstream what it told so far."""
    told: dict[str, int] = json.loads(ask(bench.upstream, "/told")[1])
    return told


def _what_is_wrong(bench: Bench, before: dict[str, int]) -> list[str]:
    """Compare every sum with every other, to the nano-dollar."""
    engine = create_engine(bench.environment["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        _wait_for_the_last(connection)
        after = _told(bench)
        told = {name: after[name] - before[name] for name in after}
        found = [*_disagreements(connection), *_wrong_costs(connection)]
        counted = connection.execute(
            text("SELECT count(*), sum(prompt_tokens), sum(completion_tokens) FROM calls WHERE status IS NOT NULL")
        ).one()
    engine.dispose()
    if tuple(counted) != tuple(told.values()):
        found.append(f"the upstream told {told}, recorded are {tuple(counted)}")
    return found


def _wait_for_the_last(connection: Connection) -> None:
    """Wait for the calls whose client was cut off by the end of the load."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and connection.scalar(text("SELECT count(*) FROM open_calls")):
        connection.rollback()
        time.sleep(0.1)
    connection.rollback()


def _disagreements(connection: Connection) -> Iterator[str]:
    """Tell each key and user whose spend is not the sum of its calls or of its days, and what is still held."""
    for table, column in (("api_keys", "key_id"), ("users", "user_pk")):
        for sums, amount in (("calls", "cost"), ("daily_spend", "spend")):
            per = f"(SELECT {column} AS id, sum({amount}) AS spent FROM {sums} GROUP BY {column}) AS sums"
            query = f"SELECT count(*) FROM {table} LEFT JOIN {per} ON sums.id = {table}.id"
            different = connection.scalar(text(f"{query} WHERE total_spend <> coalesce(spent, 0)"))
            if different:
                yield f"{different} of {table} disagree with their {sums}"
    if held := connection.scalar(text("SELECT count(*) FROM open_calls")):
        yield f"{held} calls are still open"


def _wrong_costs(connection: Connection) -> Iterator[str]:
    """Tell each call whose cost is not what its tokens cost."""
    price = find_price(MODEL)
    query = "SELECT DISTINCT prompt_tokens, completion_tokens, cached_tokens, cost FROM calls WHERE status IS NOT NULL"
    for prompt, completion, cached, cost in connection.execute(text(query)):
        if price is None or cost != cost_of(price, Usage(prompt, completion, cached)):
            yield f"{prompt} + {completion} tokens, {cached} of them cached, cost {cost}"
