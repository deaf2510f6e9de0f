"""Fills a migrated database quickly: few statements, each a table, the indexes made afterwards.

User 1 is Mia: OWN_KEYS keys and a steady number of calls, however many others there are. User 2 is Ada, the admin.
"""

from dataclasses import dataclass

import argon2
from sqlalchemy import Connection, Engine, create_engine

from bench.sizes import DAYS, OWN_KEYS, Size
from selfserve import models
from selfserve.minting import fingerprint, mint_key, tail

PASSWORD = "seven quiet foxes at noon"
MODELS = ("gpt-5-mini", "claude-sonnet-4-5", "text-embedding-3-small")
ADAS_KEY = OWN_KEYS + 1
FILLED = ("users", "api_keys", "calls", "daily_spend")


@dataclass(frozen=True)
class Secrets:
    """What Mia and Ada come with."""

    mias_key: str
    adas_key: str


class Sqlite:
    """How SQLite says it."""

    before = "PRAGMA synchronous=OFF"
    day = "date(started_at)"
    token = "lower(hex(randomblob(32)))"

    @staticmethod
    def numbers(count: int) -> str:
        """Count from 1."""
        return f"(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s LIMIT {count}) SELECT n FROM s)"

    @staticmethod
    def padded(number: str) -> str:
        """Write a number in twelve digits."""
        return f"printf('%012d', {number})"

    @staticmethod
    def ago(seconds: str) -> str:
        """Tell a moment in the past."""
        return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || ({seconds}) || ' seconds')"


class Postgresql:
    """How PostgreSQL says it."""

    before = "SET session_replication_role = replica"
    day = "(started_at AT TIME ZONE 'UTC')::date"
    token = "md5(random()::text) || md5(random()::text)"

    @staticmethod
    def numbers(count: int) -> str:
        """Count from 1."""
        return f"generate_series(1, {count}::bigint) AS s(n)"

    @staticmethod
    def padded(number: str) -> str:
        """Write a number in twelve digits."""
        return f"lpad(({number})::text, 12, '0')"

    @staticmethod
    def ago(seconds: str) -> str:
        """Tell a moment in the past."""
        return f"now() - ({seconds}) * interval '1 second'"


Words = type[Sqlite] | type[Postgresql]


def fill(url: str, size: Size) -> Secrets:
    """Fill a migrated database; give the two secrets that exist outside of it."""
    engine = create_engine(
        url.replace("postgresql://", "postgresql+psycopg://"), execution_options={"no_parameters": True}
    )
    words: Words = Sqlite if engine.dialect.name == "sqlite" else Postgresql
    _drop_indexes(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(words.before)
        for statement in (_users(words, size), _keys(words, size), _calls(words, size), _days(words), *_sums()):
            connection.exec_driver_sql(statement)
        secrets = _give_secrets(connection, words)
    _make_indexes(engine)
    engine.dispose()
    return secrets


def row_id(words: Words, number: str, salt: int) -> str:
    """Write the id of row n: a uuid whose order has nothing to do with n, as that of real ones."""
    scattered = f"(CAST({number} AS bigint) * 387420489 + {salt}) % 999999999989"
    return f"'00000000-0000-4000-8000-' || {words.padded(scattered)}"


def _users(words: Words, size: Size) -> str:
    """People: half have a password, the last are blocked."""
    return f"""
        INSERT INTO users (id, user_id, email, email_key, alias, alias_key, role, password_hash, is_reserved,
                           is_blocked, models, metadata, window_spend, total_spend, created_at, updated_at)
        SELECT {row_id(words, "n", 1)}, 'person-' || n, 'person-' || n || '@bench.example',
               'person-' || n || '@bench.example', 'Person ' || n, 'person ' || n, 'internal_user',
               CASE WHEN n % 2 = 0 THEN 'unusable' END, FALSE, n > {size.last_at_work},
               '[]', '{{}}', 0, 0, {words.ago("n")}, {words.ago("n")}
        FROM {words.numbers(size.users)}"""


def _keys(words: Words, size: Size) -> str:
    """Keys: the first are Mia's, the others go round."""
    return f"""
        INSERT INTO api_keys (id, token, prefix, tail, owner_id, alias, alias_key, key_type, allowed_routes,
                              admin_limits, metadata, tags, models, is_blocked, expires_at, window_spend, total_spend,
                              created_at, created_by, updated_at, updated_by)
        SELECT {row_id(words, "n", 2)}, token, 'sk-ss_', substr(token, 61, 4), {row_id(words, _owner_of("n", size), 1)},
               'key-' || n, 'key-' || n, 'default', '[]', '{{}}', '{{}}', '[]', '[]', n % 50 = 49,
               CASE WHEN n % 3 = 0 THEN {words.ago(f"-86400 * (n % {DAYS} + 1)")} END, 0, 0,
               {words.ago("n")}, 'ada', {words.ago("n")}, 'ada'
        FROM (SELECT n, {words.token} AS token FROM {words.numbers(size.keys)}) AS numbered"""


def _calls(words: Words, size: Size) -> str:
    """Calls: Mia's with all her keys, the others' with their busy ones, all over the days."""
    key = f"CASE WHEN n <= {size.own_calls} THEN 1 + n % {OWN_KEYS} ELSE {ADAS_KEY} + n % {size.busy_keys} END"
    return f"""
        INSERT INTO calls (request_id, user_pk, key_id, model, started_at, cost, prompt_tokens, completion_tokens,
                           cached_tokens, is_failed)
        SELECT 'call-' || n, {row_id(words, _owner_of("k", size), 1)}, {row_id(words, "k", 2)},
               CASE k % 3 WHEN 0 THEN '{MODELS[0]}' WHEN 1 THEN '{MODELS[1]}' ELSE '{MODELS[2]}' END,
               {words.ago(f"n * 7919 % {DAYS * 86_400}")}, 1000000 + n % 1000 * 10000, 2000 + n % 5000, n % 900,
               n % 1000, n % 100 = 99
        FROM (SELECT n, {key} AS k FROM {words.numbers(size.calls)}) AS made"""


def _days(words: Words) -> str:
    """The sums per day, made of the calls themselves."""
    return f"""
        INSERT INTO daily_spend (user_pk, day, key_id, model, spend, prompt_tokens, completion_tokens, cached_tokens,
                                 requests, failed_requests)
        SELECT user_pk, {words.day}, key_id, model, sum(cost), sum(prompt_tokens), sum(completion_tokens),
               sum(cached_tokens), count(*), sum(CASE WHEN is_failed THEN 1 ELSE 0 END)
        FROM calls GROUP BY 1, 2, 3, 4"""


def _sums() -> list[str]:
    """What was spent in all, of each key and of each user; and the counts."""
    per = "(SELECT {0}, sum(spend) AS spent FROM daily_spend GROUP BY {0}) AS sums"
    spent = "UPDATE {0} SET total_spend = spent, window_spend = spent FROM {1} WHERE sums.{2} = {0}.id"
    counted = "UPDATE tallies SET amount = (SELECT count(*) FROM {} WHERE deleted_at IS NULL AND {}) WHERE noun = '{}'"
    return [
        spent.format("api_keys", per.format("key_id"), "key_id"),
        spent.format("users", per.format("user_pk"), "user_pk"),
        "UPDATE api_keys SET last_used_at = created_at, secret_used_at = created_at WHERE total_spend > 0",
        counted.format("api_keys", "TRUE", "keys"),
        counted.format("users", "NOT is_reserved", "users"),
    ]


def _give_secrets(connection: Connection, words: Words) -> Secrets:
    """Make Mia and Ada able to come: by password and by key."""
    hashed = argon2.PasswordHasher().hash(PASSWORD)
    for number, name, role in ((1, "mia", "internal_user"), (2, "ada", "proxy_admin")):
        connection.exec_driver_sql(f"""
            UPDATE users SET user_id = '{name}', email = '{name}@bench.example', email_key = '{name}@bench.example',
                   alias = '{name.title()}', alias_key = '{name}', role = '{role}', password_hash = '{hashed}',
                   is_blocked = FALSE
            WHERE id = {row_id(words, str(number), 1)}""")
    _limit_mia(connection, words)
    secrets = Secrets(mint_key(), mint_key())
    for number, secret in ((1, secrets.mias_key), (ADAS_KEY, secrets.adas_key)):
        connection.exec_driver_sql(f"""
            UPDATE api_keys SET token = '{fingerprint(secret)}', tail = '{tail(secret)}', is_blocked = FALSE,
                   expires_at = NULL
            WHERE id = {row_id(words, str(number), 2)}""")
    return secrets


def _limit_mia(connection: Connection, words: Words) -> None:
    """Give Mia and her key a budget and limits per minute that nothing reaches, so that each call is held to them."""
    limits = f"max_budget = {10**17}, rpm_limit = {10**9}, tpm_limit = {10**9}, max_parallel_requests = {10**6}"
    for table, salt in (("users", 1), ("api_keys", 2)):
        connection.exec_driver_sql(f"UPDATE {table} SET {limits} WHERE id = {row_id(words, '1', salt)}")


def _owner_of(key: str, size: Size) -> str:
    """Say whose key n is: Mia's, or one of the others' in turn, beginning with Ada."""
    return f"CASE WHEN {key} <= {OWN_KEYS} THEN 1 ELSE 2 + ({key} - {ADAS_KEY}) % {size.users - 1} END"


def _drop_indexes(engine: Engine) -> None:
    """Take the indexes away: they are made faster in one go."""
    for name in FILLED:
        for index in models.User.metadata.tables[name].indexes:
            index.drop(engine)


def _make_indexes(engine: Engine) -> None:
    """Make the indexes; PostgreSQL is told what it would find out by itself within minutes."""
    for name in FILLED:
        for index in models.User.metadata.tables[name].indexes:
            index.create(engine)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
