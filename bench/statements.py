"""How many statements a row sends to the database, counted inside of this process."""

from collections.abc import Mapping
from contextlib import redirect_stderr
from io import StringIO

from bench.rows import Row
from bench.servers import secrets_of
from selfserve import create_app
from selfserve.config import Settings
from tests.queries import count_queries


def count_statements(
    rows: tuple[Row, ...], headers: Mapping[str, dict[str, str]], environment: dict[str, str]
) -> dict[str, int]:
    """Count per row, after the once-a-minute notes were written by another request."""
    database, upstream = environment["DATABASE_URL"], environment["UPSTREAM_BASE_URL"]
    app = create_app(Settings(database_url=database, upstream_base_url=upstream, **secrets_of(environment)))
    client, counts = app.test_client(use_cookies=False), {}
    for row in rows:
        for number in (3, 4):
            with redirect_stderr(StringIO()), count_queries(app) as sent:
                body = row.body and row.body.replace("{n}", str(number))
                client.open(row.path, method=row.method, data=body, headers=headers[row.who])
            counts[row.name] = len(sent)
    return counts
