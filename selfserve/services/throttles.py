"""Counted tries, shared by all workers through the database (S-18)."""

import math
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, ip_address, ip_network

from sqlalchemy import delete, select

from selfserve.clock import now
from selfserve.database import insert, transaction
from selfserve.errors import TooMany
from selfserve.extensions import db
from selfserve.minting import fingerprint
from selfserve.models import Throttle
from selfserve.permissions import Client
from selfserve.services.actors import nobody
from selfserve.services.audit import record_event

WINDOW = timedelta(seconds=60)
PAUSE = timedelta(seconds=300)
MOST_SWEPT = 1_000
PER_PAIR = 10
PER_ADDRESS = 100
PER_GUESSER = 300
PER_ASKER = 30
PER_ASKED = 3
MESSAGE = "Too many tries. Wait a few minutes and try again."


@dataclass(frozen=True)
class Bucket:
    """What is counted, and how many failures in a minute pause it for five."""

    name: str
    limit: int


def network_of(address: str | None) -> str | None:
    """Give what one client surely has as a whole: an address, or of the new ones the half that names a network."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return address
    return str(found.ipv4_mapped or ip_network((found, 64), strict=False))


def login_buckets(address: str | None, email: str) -> list[Bucket]:
    """Count by address with e-mail, and by address: a victim is never locked out elsewhere."""
    return [
        Bucket(f"login {network_of(address)} {email}", PER_PAIR),
        Bucket(f"login {network_of(address)}", PER_ADDRESS),
    ]


def guess_bucket(address: str | None) -> Bucket:
    """Count unknown keys and links by address."""
    return Bucket(f"guess {network_of(address)}", PER_GUESSER)


def sso_bucket(address: str | None) -> Bucket:
    """Count sign-ins that are begun at an identity provider by address: each leaves a row."""
    return Bucket(f"sso {network_of(address)}", PER_GUESSER)


def cli_bucket(address: str | None) -> Bucket:
    """Count sign-ins that are begun on a command line by address: each leaves a row."""
    return Bucket(f"cli {network_of(address)}", PER_ASKER)


def asking_bucket(address: str | None) -> Bucket:
    """Count reset links asked for by address."""
    return Bucket(f"asking {network_of(address)}", PER_ASKER)


def asked_bucket(address: str | None, email: str) -> Bucket:
    """Count reset links asked for by address and whom they are for: nobody keeps others from getting one."""
    return Bucket(f"asked {network_of(address)} {email}", PER_ASKED)


def password_bucket(user_pk: str) -> Bucket:
    """Count wrong current passwords by person."""
    return Bucket(f"password {user_pk}", PER_PAIR)


def take_try(*buckets: Bucket, client: Client) -> None:
    """Count a try before it is made, so that fifty at once are fifty; one that succeeds is given back.

    Raises TooMany where a bucket is paused or becomes so; that it becomes so is written down, once (S-45).
    """
    with transaction(durable=False):
        waits = [_count(bucket, client) for bucket in buckets]
    if longest := max(waits):
        raise TooMany(MESSAGE, retry_after=longest)


def give_back(*buckets: Bucket) -> None:
    """Forget a try that succeeded: its pair wholly, the address by one. Needs an open transaction."""
    for bucket in buckets:
        row = db.session.get(Throttle, fingerprint(bucket.name), with_for_update=True, populate_existing=True)
        if row is not None:
            row.failures = 0 if bucket.limit == PER_PAIR else max(0, row.failures - 1)


def sweep() -> None:
    """Remove buckets whose time is over and that nobody uses now; needs a transaction without other locks."""
    over = select(Throttle.bucket).where(Throttle.window_ends_at < now() - PAUSE).limit(MOST_SWEPT)
    db.session.execute(delete(Throttle).where(Throttle.bucket.in_(over.with_for_update(skip_locked=True))))


def _count(bucket: Bucket, client: Client) -> int:
    """Count one try; tell how many seconds to wait, 0 for none."""
    moment = now()
    fresh = insert(Throttle).values(bucket=fingerprint(bucket.name), failures=0, window_ends_at=moment + WINDOW)
    kept = fresh.on_conflict_do_update(index_elements=["bucket"], set_={"failures": Throttle.failures})
    row = db.session.scalars(kept.returning(Throttle), execution_options={"populate_existing": True}).one()
    if row.paused_until and row.paused_until > moment:
        return _seconds(row.paused_until - moment)
    if row.window_ends_at <= moment or row.paused_until:
        row.failures, row.window_ends_at, row.paused_until = 0, moment + WINDOW, None
    if row.failures >= bucket.limit:
        row.paused_until = moment + PAUSE
        row.window_ends_at = row.paused_until
        record_event(nobody(client), "tries.refused", "tries", bucket.name.partition(" ")[0])
        return _seconds(PAUSE)
    row.failures += 1
    return 0


def _seconds(span: timedelta) -> int:
    """Round up to whole seconds."""
    return max(1, math.ceil(span.total_seconds()))
