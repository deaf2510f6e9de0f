"""What is measured, and how good it has to be."""

from dataclasses import dataclass, field

from bench.upstream import MODEL


@dataclass(frozen=True)
class Row:
    """One deed. `who` sends it; `{n}` in the path and in the body is another number each time."""

    name: str
    title: str
    path: str
    who: str = "nobody"
    body: str | None = None
    least_ratio: float | None = None
    """At least so many times the requests per second of the bare view."""
    most_growth: float | None = None
    """In the big house p50 is at most so many times that in the small one."""
    most_queries: int | None = None
    beside: tuple[str, float] | None = field(default=None)
    """p95 is at most so many times that of another row."""
    most_added: float | None = None
    """A call to a model: one at a time, p50 is at most so many milliseconds more than at the upstream itself."""
    is_streamed: bool = False
    """Its times are those to the first byte of the stream."""

    @property
    def method(self) -> str:
        """A deed with a body is a POST."""
        return "GET" if self.body is None else "POST"


READS = (
    Row("health", "`GET /health/liveliness`", "/health/liveliness"),
    Row("key_info", "`GET /key/info`, a user's key", "/key/info", "mia's key", least_ratio=0.5, most_queries=4),
    Row(
        "key_list",
        "`GET /key/list`, 50 whole keys of everyone's",
        "/key/list?return_full_object=true&size=50",
        "ada's key",
        most_growth=1.3,
        most_queries=4,
    ),
    Row("my_keys", "my keys page", "/ui/keys", "mia", most_growth=1.3, most_queries=4),
    Row("all_keys", "all keys page", "/ui/all-keys", "ada", most_growth=1.3, most_queries=4),
    Row("users", "users page", "/ui/users", "ada", most_queries=4),
    Row("users_search", "users page, search", "/ui/users?q=person-4", "ada", most_queries=4, beside=("users", 2.0)),
    Row("users_find", "users page, search for one", "/ui/users?q=mia", "ada", most_queries=4, beside=("users", 2.0)),
    Row("my_spend", "my spend page, 30 days", "/ui/spend?range=30d", "mia", most_growth=1.5, most_queries=4),
    Row(
        "all_spend",
        "everyone's spend page, 30 days",
        "/ui/spend?range=30d&scope=everyone",
        "ada",
        most_growth=1.5,
        most_queries=4,
    ),
)
WRITES = (
    Row(
        "key_generate",
        "`POST /key/generate`, durable",
        "/key/generate",
        "ada's key",
        body='{"user_id": "person-{n}"}',
        least_ratio=0.25,
        most_queries=6,
    ),
    Row("user_new", "`POST /user/new`", "/user/new", "ada's key", body="{}", least_ratio=0.25, most_queries=6),
    Row(
        "invitation_new",
        "`POST /invitation/new`",
        "/invitation/new",
        "ada's key",
        body='{"user_id": "person-{n}"}',
        least_ratio=0.25,
        most_queries=6,
    ),
)
_SAID = f'"model": "{MODEL}", "messages": [{{"role": "user", "content": "What do keys open?"}}], "max_tokens": 64'
CALLS = (
    Row(
        "chat",
        "`POST /v1/chat/completions`",
        "/v1/chat/completions",
        "mia's key",
        body=f"{{{_SAID}}}",
        least_ratio=0.3,
        most_added=3,
    ),
    Row(
        "chat_stream",
        "the same as a stream, to its first byte",
        "/v1/chat/completions",
        "mia's key",
        body=f'{{{_SAID}, "stream": true}}',
        most_added=3,
        is_streamed=True,
    ),
)
ROWS = {row.name: row for row in (*READS, *WRITES, *CALLS)}
SOAK = "soak"
"""The long run of calls, which is no row."""

MOST_FIRST_VISIT = 64_000
MOST_REQUESTS = 7
MOST_LATER = 12_000
MOST_MEMORY_MB = 90
MOST_GROWTH_OF_MEMORY = 0.05
MOST_START_SECONDS = 2.0

_WAITS = "it waits for the disk once and writes its rows through the ORM, where the bare view does nothing"
MISSED = {
    ("key_info", "ratio"): "the bare view takes 0.2 ms of a core in all; to find out who asks takes as much again, and"
    " contexts, headers and the line in the log the rest",
    ("key_generate", "ratio"): _WAITS,
    ("user_new", "ratio"): f"{_WAITS}; a user comes with their first key",
    ("user_new", "statements"): "a user and their first key are two deeds, each with its record",
    ("invitation_new", "ratio"): _WAITS,
    ("chat", "ratio"): "to recognise a key, hold back what a call may cost, pass it on and record it with every sum are"
    " twelve statements in two transactions and a request of our own, 3 ms of a core, where the bare view takes 0.2",
    ("chat", "added"): "each of its twelve statements takes 0.05 ms of SQLite's and 0.15 ms of PostgreSQL's time; Flask"
    " and the way to the upstream take 1.2 ms",
    ("users_search", "beside"): "one user in nine is found, and all eleven thousand are put in order for one page",
    ("keys page", "size"): "fifty rows with a menu each are nine of the kilobytes",
    ("all_spend", "growth"): "everyone's sums of any range are made of the sums per day when they are asked for: kept"
    " ones would be a row that every call waits for (docs/decisions/0010-spend.md)",
}
"""Why a target is missed, as found."""
