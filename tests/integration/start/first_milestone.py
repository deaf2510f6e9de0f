"""A lived-in house as the first milestone left it: believable rows in every table of schema 0001, by plain SQL.

The tables are read from the database itself, so nothing here knows what later versions made of them.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Connection, MetaData, insert, select, update

from selfserve import minting
from selfserve.clock import now
from tests.factories import PASSWORD, hash_of

REVISION = "0001"
START = now().replace(microsecond=0)
ADMIN_LIMITS = {"max_budget": 50_000_000_000, "models": ["gpt-5-mini"]}


def ago(**past):
    """Give a moment before this run."""
    return START - timedelta(**past)


@dataclass
class House:
    """What stands in the database, and the secrets that open it."""

    tables: dict = field(default_factory=dict)
    secrets: dict = field(default_factory=dict)

    def contents(self, connection: Connection) -> dict[str, list[dict]]:
        """Read all that the first milestone knows, whatever else there may be by now."""
        return {
            name: sorted((dict(row) for row in connection.execute(select(table)).mappings()), key=repr)
            for name, table in self.tables.items()
        }


def move_in(connection: Connection) -> House:
    """Fill an empty database of revision 0001."""
    found = MetaData()
    found.reflect(connection)
    house = House({table.name: table for table in found.sorted_tables if table.name != "alembic_version"})
    writer = Writer(connection, house)
    for fill in (people, keys, links, spend, the_rest):
        fill(writer)
    return house


@dataclass
class Writer:
    """Adds rows one by one."""

    connection: Connection
    house: House

    def add(self, table: str, **columns) -> None:
        """Add one row."""
        self.connection.execute(insert(self.house.tables[table]).values(**columns))

    def secret(self, name: str, secret: str) -> str:
        """Remember a secret under a name; give its hash."""
        self.house.secrets[name] = secret
        return minting.fingerprint(secret)


def row_id(number: int) -> str:
    """Give a row an id that is known beforehand."""
    return f"{number:08d}-0000-4000-8000-000000000000"


ADA, VERA, MIA, OTTO, IVO, INA, REX, GONE = (row_id(number) for number in range(1, 9))
LAPTOP, CHILD, BLOCKED, STOPPED, EXPIRED, SPENT, DELETED, CUSTOM, OTTOS = (row_id(number) for number in range(11, 20))


def people(writer: Writer) -> None:
    """Everybody: of each role, with and without a password, blocked, deleted, with every limit."""
    for number, (pk, name, role) in enumerate(
        [
            (ADA, "Ada", "proxy_admin"),
            (VERA, "Vera", "proxy_admin_viewer"),
            (MIA, "Mia", "internal_user"),
            (OTTO, "Otto", "internal_user"),
            (IVO, "Ivo", "internal_user_viewer"),
            (INA, "Ina", "internal_user"),
            (REX, "Rex", "internal_user"),
            (GONE, "Mia", "internal_user"),
        ]
    ):
        word = "gone" if pk == GONE else name.lower()
        limits = {"max_budget": 20_000_000_000, "budget_duration": "1mo", "budget_reset_at": START + timedelta(days=9),
                  "window_spend": 1_234_567_891, "total_spend": 9_876_543_211, "tpm_limit": 100_000, "rpm_limit": 60,
                  "max_parallel_requests": 4}  # fmt: skip
        has_password = pk != INA
        writer.add(
            "users", id=pk, user_id=word, email=f"{name.lower()}@example.com", email_key=f"{name.lower()}@example.com",
            alias=f"{name} Ærø", alias_key=f"{name} Ærø".casefold(), role=role,
            password_hash=hash_of(PASSWORD) if has_password else None,
            password_changed_at=ago(days=20) if has_password else None, is_blocked=pk == REX,
            models=["gpt-5-mini", "claude-sonnet-4-5"] if pk == MIA else [], metadata={"team": "søk", "n": [1, None]},
            last_login_at=ago(hours=3) if has_password else None, created_at=ago(days=40 - number), created_by="ada",
            updated_at=ago(days=2), deleted_at=ago(days=1) if pk == GONE else None, **(limits if pk == MIA else {}),
        )  # fmt: skip


def keys(writer: Writer) -> None:
    """Keys in every state, with every column set by one of them at least."""
    plain = {"owner_id": MIA, "key_type": "default", "created_by": "mia", "updated_by": "mia", "prefix": "sk-ss_"}
    states = {
        LAPTOP: {
            "alias": "Laptop Ærø", "expires_at": START + timedelta(days=30), "last_used_at": ago(minutes=5),
            "window_spend": 1_234_567_890, "total_spend": 9_876_543_210, "max_budget": 50_000_000_000,
            "budget_duration": "30d", "budget_reset_at": START + timedelta(days=3), "tpm_limit": 1000, "rpm_limit": 10,
            "max_parallel_requests": 2, "models": ["gpt-5-mini"], "admin_limits": ADMIN_LIMITS, "tags": ["ci", "ø"],
            "metadata": {"why": "the ‘old’ laptop"}, "creation_token": "f" * 32,
        },
        CHILD: {"alias": "made by the laptop", "parent_id": LAPTOP, "allowed_routes": ["llm_api_routes"],
                "key_type": "llm_api", "expires_at": START + timedelta(days=7), "models": ["gpt-5-mini"]},
        BLOCKED: {"alias": "blocked by Ada", "is_blocked": True, "blocked_by": "Ada", "is_blocked_by_admin": True},
        STOPPED: {"alias": "blocked by Mia", "is_blocked": True, "blocked_by": "Mia"},
        EXPIRED: {"alias": "expired", "expires_at": ago(days=1), "last_used_at": ago(days=1, minutes=1)},
        SPENT: {"alias": "spent", "max_budget": 5, "window_spend": 5, "total_spend": 5},
        DELETED: {"alias": "Laptop Ærø", "deleted_at": ago(days=3), "last_used_at": ago(days=3)},
        CUSTOM: {"alias": None, "prefix": "sk-", "owner_id": ADA, "created_by": "ada"},
        OTTOS: {"alias": "Laptop Ærø", "owner_id": OTTO, "created_by": "otto"},
    }  # fmt: skip
    for number, (pk, columns) in enumerate(states.items()):
        secret = "sk-an-old-friend-moved-over-0123456789" if pk == CUSTOM else minting.mint_key()
        defaults = {"allowed_routes": [], "models": [], "admin_limits": {}, "metadata": {}, "tags": []}
        alias = columns["alias"]
        writer.add(
            "api_keys", id=pk, token=writer.secret(pk, secret), tail=secret[-4:],
            alias_key=alias.casefold() if alias else None, created_at=ago(days=30 - number), updated_at=ago(days=1),
            **(plain | defaults | columns),
        )  # fmt: skip


def links(writer: Writer) -> None:
    """Links in every state; Mia's browser, and one whose session is over."""
    states = {
        "open": {"user_pk": INA, "expires_at": START + timedelta(days=5)},
        "accepted": {"user_pk": MIA, "accepted_at": ago(days=20), "expires_at": ago(days=14)},
        "replaced": {"user_pk": INA, "ended_at": ago(days=2), "expires_at": START + timedelta(days=4)},
        "deleted": {"user_pk": GONE, "ended_at": ago(days=1), "deleted_at": ago(days=1), "expires_at": START},
    }
    for number, (name, columns) in enumerate(states.items()):
        writer.add(
            "invitations", id=row_id(30 + number), secret_hash=writer.secret(name, minting.mint_invitation()),
            created_at=ago(days=6), created_by="ada", created_by_name="Ada", updated_at=ago(days=2), updated_by="ada",
            **columns,
        )  # fmt: skip
    for name, ends in (("session", START + timedelta(days=6)), ("old session", ago(days=1))):
        writer.add(
            "sessions", id_hash=writer.secret(name, minting.mint_token()), user_pk=MIA, address="10.0.3.7",
            user_agent="Mozilla/5.0 (X11; Linux x86_64)", created_at=ago(hours=3), last_seen_at=ago(minutes=2),
            expires_at=ends,
        )  # fmt: skip


def spend(writer: Writer) -> None:
    """Three days of calls, and their sums by day."""
    for days in range(3):
        for model, cost, is_failed in (("gpt-5-mini", 1_234_567, False), ("claude-sonnet-4-5", 0, True)):
            moment = ago(days=days, minutes=7)
            writer.add(
                "calls", request_id=f"req-{days}-{model}", user_pk=MIA, key_id=LAPTOP, model=model, started_at=moment,
                cost=cost, prompt_tokens=1200, completion_tokens=0 if is_failed else 340, is_failed=is_failed,
            )  # fmt: skip
            writer.add(
                "daily_spend", user_pk=MIA, day=moment.date(), key_id=LAPTOP, model=model, spend=cost,
                prompt_tokens=1200, completion_tokens=0 if is_failed else 340, requests=1, failed_requests=is_failed,
            )  # fmt: skip


def the_rest(writer: Writer) -> None:
    """What was done, what is counted, and who tried too often."""
    for action, before, after in (
        ("key.created", {}, {"alias": "Laptop Ærø", "max_budget": None}),
        ("key.blocked", {"blocked": False}, {"blocked": True}),
    ):
        writer.add(
            "audit_events", at=ago(days=4), actor_user_id="ada", actor_role="proxy_admin", actor_key_id=CUSTOM,
            source="api", address="2001:db8::1", request_id="0" * 32, action=action, object_type="key",
            object_id=LAPTOP, owner_user_id="mia", before=before, after=after,
        )  # fmt: skip
    tallies = writer.house.tables["tallies"]
    for noun, amount in (("users", 7), ("keys", 8)):
        writer.connection.execute(update(tallies).where(tallies.c.noun == noun).values(amount=amount))
    writer.add("throttles", bucket="a" * 64, failures=11, window_ends_at=ago(minutes=1), paused_until=ago(minutes=3))
