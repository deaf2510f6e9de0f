"""Requests and tokens per minute, counted in Redis where REDIS_URL names one: one count for every machine.

What a key or a user has used lies in one hash, which ends with the minute by Redis' own clock. A request is decided
about and counted in one script, so the limit holds however many ask at once. Nobody is let in uncounted: with Redis
away, a call that has limits is refused (S-44).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from selfserve.errors import Unavailable
from selfserve.extensions import redis
from selfserve.models import ApiKey, User
from selfserve.services.rates import limited, over_rate

AWAY = "The count of requests per minute cannot be reached. Nothing was sent; try again in a moment."
_UNLIMITED = -1
_MINUTE = """
local second = tonumber(redis.call('TIME')[1])
local ends = second - second % 60 + 60
local function add(key, kind, amount)
  redis.call('HINCRBY', key, kind, amount)
  redis.call('PEXPIREAT', key, ends * 1000 - 1)
end
"""
"""Redis keeps a key through the millisecond that it ends at, so it ends with the last one of its minute."""
_TAKE = f"""{_MINUTE}
for i, key in ipairs(KEYS) do
  for j, kind in ipairs({{'requests', 'tokens'}}) do
    local place = 2 * i - 2 + j
    local limit = tonumber(ARGV[place])
    if limit >= 0 and tonumber(redis.call('HGET', key, kind) or 0) >= limit then
      return {{place, ends}}
    end
  end
end
for _, key in ipairs(KEYS) do
  add(key, 'requests', 1)
end
return {{0, ends}}
"""
"""Count a request of each, or of none and say which limit is reached; and when the minute ends."""
_GIVE_BACK = f"""{_MINUTE}
for _, key in ipairs(KEYS) do
  if ends == tonumber(ARGV[1]) and tonumber(redis.call('HGET', key, 'requests') or 0) > 0 then
    add(key, 'requests', -1)
  end
end
"""
_ADD_TOKENS = f"""{_MINUTE}
for _, key in ipairs(KEYS) do
  add(key, 'tokens', ARGV[1])
end
"""


@contextmanager
def counted_request(things: Iterable[ApiKey | User]) -> Iterator[None]:
    """Count a request of whatever has a limit per minute; not any more, if what is done inside refuses it.

    It is asked before a transaction begins, which would wait with it. Raises TooMany, Unavailable with Redis away.
    """
    counted = limited(things)
    ends = _take(counted)
    try:
        yield
    except BaseException:
        with suppress(Unavailable):
            _run(_GIVE_BACK, [thing.id for thing in counted], ends)
        raise


def count_tokens(subject_ids: Collection[str], tokens: int) -> None:
    """Count the tokens of a call in the minute in which they are known; with Redis away they are nobody's.

    The call is recorded already, and no other one is let in meanwhile.
    """
    if redis.client:
        with suppress(Unavailable):
            _run(_ADD_TOKENS, subject_ids, tokens)


def _take(things: Sequence[ApiKey | User]) -> int:
    """Count a request of each and tell when its minute ends, in seconds since 1970."""
    limits = [limit for thing in things for limit in (thing.rpm_limit, thing.tpm_limit)]
    told = [_UNLIMITED if limit is None else limit for limit in limits]
    reached, ends = _run(_TAKE, [thing.id for thing in things], *told) or (0, 0)
    if reached:
        thing, kind = things[(reached - 1) // 2], ("tokens", "requests")[reached % 2]
        raise over_rate(thing, kind, told[reached - 1], datetime.fromtimestamp(ends, UTC))
    return int(ends)


def _run(script: str, subject_ids: Collection[str], *arguments: int) -> Any:
    """Run a script on the hashes of these keys and users; nothing has to be run on none."""
    from redis.exceptions import RedisError

    if not subject_ids:
        return None
    names = [f"selfserve:minute:{subject_id}" for subject_id in subject_ids]
    try:
        return redis.client.eval(script, len(names), *names, *arguments)
    except RedisError as error:
        raise Unavailable(AWAY) from error
