"""Spend by curl: LiteLLM's documented activity and spend calls."""

from typing import Any

from flask import Blueprint

from selfserve.permissions import Permission
from selfserve.schemas.spend import ActivityFilter, ActivityQuery, SpendLogsQuery, SpendUsersQuery
from selfserve.schemas.spend_answers import DailyActivity, SpendKeys, SpendLogs, SpendUsers
from selfserve.services import spend_activity, spend_lists
from selfserve.services.paging import pages
from selfserve.services.spend_activity import Activity
from selfserve.services.spend_lists import Bounded
from selfserve.web.guards import current_actor, requires
from selfserve.web.render import accepts, returns

api = Blueprint("spend_api", __name__)

CUT = {"x-litellm-spend-logs-truncated": "`true` when there is more than is answered."}


@api.get("/user/daily/activity")
@requires(Permission.SPEND_READ)
@accepts(ActivityQuery)
@returns(DailyActivity)
def daily_activity(query: ActivityQuery) -> Any:
    """Sum up spend per day, newest first, by pages of whole days; the totals are of the whole range."""
    activity = spend_activity.list_days(current_actor(), query, page=query.page, size=query.page_size)
    return told(activity, query, query.page, pages(activity.total_days, query.page_size))


@api.get("/user/daily/activity/aggregated")
@requires(Permission.SPEND_READ)
@accepts(ActivityFilter)
@returns(DailyActivity)
def aggregated_activity(query: ActivityFilter) -> Any:
    """The same on a single page."""
    activity = spend_activity.list_days(current_actor(), query)
    return told(activity, query, 1, 1)


@api.get("/spend/logs")
@requires(Permission.SPEND_READ)
@accepts(SpendLogsQuery)
@returns(SpendLogs, headers=CUT)
def logs(query: SpendLogsQuery) -> Any:
    """Sum up every day of a range, or without one (or with `summarize=false`) list single calls, newest first."""
    if query.has_days and query.summarize:
        return bounded(spend_lists.summarise_days(current_actor(), query))
    return bounded(spend_lists.list_calls(current_actor(), query))


@api.get("/spend/keys")
@requires(Permission.SPEND_READ)
@returns(SpendKeys, headers=CUT)
def keys() -> Any:
    """List the keys that spent the most."""
    return bounded(spend_lists.list_keys_by_spend(current_actor()))


@api.get("/spend/users")
@requires(Permission.SPEND_READ)
@accepts(SpendUsersQuery)
@returns(SpendUsers, headers=CUT)
def users(query: SpendUsersQuery) -> Any:
    """List the users who spent the most."""
    return bounded(spend_lists.list_users_by_spend(current_actor(), query.user_id))


def bounded(listed: Bounded[Any]) -> tuple[list[Any], dict[str, str]]:
    """Answer with the rows; when there are more, the documented header says so."""
    return listed.rows, dict.fromkeys(CUT, "true") if listed.is_cut else {}


def told(activity: Activity, query: ActivityFilter, page: int, total_pages: int) -> dict[str, Any]:
    """Put days and totals under their documented names."""
    total = activity.total
    return {
        "results": activity.results,
        "metadata": {
            "total_spend": total.spend,
            "total_prompt_tokens": total.prompt_tokens,
            "total_completion_tokens": total.completion_tokens,
            "total_tokens": total.tokens,
            "total_api_requests": total.requests,
            "total_successful_requests": total.successful_requests,
            "total_failed_requests": total.failed_requests,
            "total_cache_read_input_tokens": total.cached_tokens,
            "total_unpriced_requests": total.unpriced_requests,
            "page": page,
            "total_pages": total_pages,
            "has_more": page < total_pages,
            "api_key_limit": query.api_key_limit,
            "total_api_keys": activity.total_keys,
        },
    }
