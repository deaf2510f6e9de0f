"""A June in which calls were made."""

from datetime import UTC, datetime, timedelta

from selfserve.clock import now
from selfserve.money import to_nanos
from selfserve.schemas.spend import CallRecord
from selfserve.services import spend
from tests.application import the_app
from tests.factories import make_key

NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)
JUNE = {"start_date": "2026-06-01", "end_date": "2026-06-30"}
READS = ["/user/daily/activity", "/user/daily/activity/aggregated", "/spend/logs", "/spend/users"]


def calls(key, *told):
    """Record calls with a key: model, days ago, dollars, and whatever else."""
    records = [
        CallRecord(
            request_id=f"{key.row.id}-{number}-{now().timestamp()}", key_id=key.row.id, model=model,
            started_at=NOON - timedelta(days=age), cost=to_nanos(dollars),
            **{"prompt_tokens": 10, "completion_tokens": 5, "cached_tokens": 4} | more,
        )
        for number, (model, age, dollars, more) in enumerate(told)
    ]  # fmt: skip
    with the_app().app_context():
        spend.record_calls(records)


def calls_of_june(mia, otto):
    """Mia has two keys and three days in June, Otto one of each."""
    laptop, server, other = make_key(mia, "laptop"), make_key(mia, "server"), make_key(otto, "otto's")
    calls(laptop, ("gpt", 0, "1.50", {}), ("gpt", 0, 0, {"is_failed": True}), ("claude", 0, "0.25", {}))
    calls(server, ("gpt", 0, "2", {}), ("gpt", 1, "0.000000001", {}), ("claude", 9, "4", {}))
    calls(other, ("gpt", 0, "100", {}))
    return laptop, server, other
