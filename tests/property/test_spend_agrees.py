"""Spend one can trust: calls, days, models, keys and people, the page, the API and the file all say the same."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from time_machine import travel

from selfserve.calls import CallException
from selfserve.clock import next_reset
from selfserve.errors import NotFound
from selfserve.models import Call
from selfserve.money import to_nanos
from selfserve.permissions import Client
from selfserve.schemas.keys import KeyDelete
from selfserve.schemas.spend import CallRecord
from selfserve.services import key_deletes, spend, user_deletes
from selfserve.services.actors import master
from selfserve.web.words import money, number
from tests.application import MASTER_KEY, the_app, the_database
from tests.clients import Browser, Curl, InProcess
from tests.factories import make_key, make_user, reload, rows
from tests.integration.pages.parts import words

NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)
TOLD = st.builds(
    dict,
    number=st.integers(0, 40),  # few, so that some are told twice
    key=st.integers(0, 3),
    model=st.sampled_from([f"model-{number}" for number in range(7)]),
    hours=st.integers(-70 * 24, 12),  # from noon: midnights, months and windows are crossed, some are told very late
    cost=st.just(0) | st.integers(1, 10**9) | st.just(10**12),
    is_failed=st.booleans(),
    exception=st.sampled_from([None, None, *CallException]),
)
DEEDS = st.sampled_from(["nothing", "delete a key", "delete a person", "a day goes by"])
WINDOWS = st.lists(st.sampled_from([None, "1d", "7d", "1mo", "12h"]), min_size=4, max_size=4)
RANGES = st.tuples(st.integers(-60, 0), st.integers(0, 40))
steadily = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def budget(window):
    """Say a budget that a few calls use up."""
    reset = {"budget_duration": window, "budget_reset_at": next_reset(window, NOON)} if window else {}
    return {"max_budget": 10**9} | reset


def company(windows):
    """Two people with two keys each, each with a budget of its own window, and Ada."""
    people = [make_user(name, **budget(window)) for name, window in zip(("Mia", "Otto"), windows[:2], strict=True)]
    keys = [make_key(people[place // 2], f"key-{place}", **budget(windows[2 + place % 2])).row for place in range(4)]
    return make_user("Ada", role="proxy_admin"), people, keys


def live(people, keys, told, deeds):
    """Tell the calls in batches; time goes by in between, keys and people are deleted, and are told of later."""
    moment = NOON
    for place in range(0, len(told), 6):
        deed = deeds[place // 6 % len(deeds)]
        moment += timedelta(days=deed == "a day goes by")
        with travel(moment, tick=False), the_app().app_context():
            spend.record_calls([record(keys, **call) for call in told[place : place + 6]])
            do(deed, people, keys)


def record(keys, *, number, key, hours, **told):
    """Tell one call."""
    tokens = {"prompt_tokens": number * 7, "completion_tokens": number, "cached_tokens": number * 3}
    if told["exception"] is CallException.UNCOUNTED:
        tokens, told = {}, told | {"cost": 0, "is_failed": True}
    return CallRecord(
        request_id=f"call {number}", key_id=keys[key].id, started_at=NOON + timedelta(hours=hours), **tokens, **told
    )


def do(deed, people, keys):
    """Let something happen, unless it has."""
    try:
        if deed == "delete a key":
            key_deletes.delete_keys(master(Client()), KeyDelete(keys=[keys[0].id, keys[3].id]))
        elif deed == "delete a person":
            user_deletes.delete_users(master(Client()), [people[1].user_id])
    except NotFound:
        pass


def counted(calls, *, by):
    """Sum up the calls themselves, which all else is held against: spend and requests under each name."""
    spent, made = Counter(), Counter()
    for call in calls:
        spent[by(call)] += call.cost
        made[by(call)] += 1
    return {name: (spent[name], made[name]) for name in made}


def told(parts):
    """The spend and requests of the parts of a breakdown."""
    summed, made = Counter(), Counter()
    for part in parts:
        for name, one in part.items():
            summed[name] += to_nanos(one["metrics"]["spend"])
            made[name] += one["metrics"]["api_requests"]
    return {name: (summed[name], made[name]) for name in made}


def check_api(calls, answer, names):
    """Days, totals, models, keys and people of the API are those of the calls."""
    results, totals = answer["results"], answer["metadata"]
    assert to_nanos(totals["total_spend"]) == sum(call.cost for call in calls)
    assert (totals["total_api_requests"], totals["total_failed_requests"]) == (
        len(calls), sum(call.is_failed for call in calls),
    )  # fmt: skip
    unknown = [call.exception in ("price_unknown", "uncounted") for call in calls]
    assert (
        totals["total_unpriced_requests"] == sum(day["metrics"]["unpriced_requests"] for day in results) == sum(unknown)
    )
    assert totals["total_prompt_tokens"] == sum(call.prompt_tokens for call in calls)
    assert totals["total_completion_tokens"] == sum(call.completion_tokens for call in calls)
    assert totals["total_cache_read_input_tokens"] == sum(call.cached_tokens for call in calls)
    days = counted(calls, by=lambda call: call.started_at.date().isoformat())
    assert {day["date"]: (to_nanos(day["metrics"]["spend"]), day["metrics"]["api_requests"]) for day in results} == days
    assert [day["date"] for day in results] == sorted(days, reverse=True)
    breakdowns = [day["breakdown"] for day in results]
    assert told(each["models"] for each in breakdowns) == counted(calls, by=lambda call: call.model)
    assert told(each["api_keys"] for each in breakdowns) == counted(calls, by=lambda call: names[call.key_id][1])
    assert told(each["entities"] for each in breakdowns) == counted(calls, by=lambda call: names[call.user_pk][1])
    for each in breakdowns:
        by_key = [part["api_key_breakdown"] for part in each["models"].values()]
        assert told(by_key) == told([each["api_keys"]])


def check_logs(calls, days, names):
    """The days of /spend/logs add up the same ways."""
    for day in days:
        spent = to_nanos(day.pop("spend"))
        own = [call for call in calls if call.started_at.date().isoformat() == day["startTime"]]
        assert spent == sum(call.cost for call in own)
        parts = [day.pop("users"), day.pop("models"), {name: day[name] for name in day if name != "startTime"}]
        assert [sum(map(to_nanos, part.values())) for part in parts] == [spent] * 3


def check_sheet(calls, lines, names):
    """The file has a line for each day, key and model, and its columns add up exactly."""

    def place(call):
        return (
            call.started_at.date().isoformat(),
            names[call.user_pk][1],
            call.key_id,
            names[call.key_id][0],
            call.model,
        )

    assert {
        (line["day"], line["user_id"], line["key_id"], line["key_alias"], line["model"]): (
            to_nanos(line["spend"]), int(line["requests"]),
        )
        for line in lines
    } == counted(calls, by=place)  # fmt: skip
    for column, of_calls in (("failed_requests", "is_failed"), ("cached_tokens", "cached_tokens")):
        assert sum(int(line[column]) for line in lines) == sum(getattr(call, of_calls) for call in calls)


def check_page(calls, answer, names):
    """The cards and tables of the page show the same, each rounded for itself."""
    if not calls:
        assert "No calls in these days" in answer.html.words()
        return
    cards = {words(card[0]): words(card[1]) for dl in answer.html.all("dl") for card in dl}
    assert cards["Spend"].split()[0] == money(sum(call.cost for call in calls))
    assert cards["Requests"] == number(len(calls))
    by = {"by-model": lambda call: call.model, "by-key": lambda call: names[call.key_id][0]}
    for table, name in by.items():
        section = next(one for one in answer.html.all("section") if one.get("aria-labelledby") == table)
        shown = {
            words(row[0]).split()[0]: (words(row[2]), words(row[1])) for row in section.iter("tr") if len(row[2]) == 0
        }
        expected = {name: (money(spent), number(made)) for name, (spent, made) in counted(calls, by=name).items()}
        assert {name: shown.get(name) for name in expected} == expected
    (total,) = [row for foot in answer.html.all("tfoot") for row in foot]
    assert words(total).endswith(money(sum(call.cost for call in calls)))


@steadily
@given(calls=st.lists(TOLD, max_size=30), deeds=st.lists(DEEDS, min_size=1), windows=WINDOWS, asked=RANGES)
def test_days_models_keys_and_people_add_up_to_the_calls_through_every_door(app, calls, deeds, windows, asked):
    the_database().reset()
    ada, people, keys = company(windows)
    live(people, keys, calls, deeds)
    recorded = rows(Call)
    assert len(recorded) == len({call["number"] for call in calls})
    names = {key.id: (key.alias, reload(key).token) for key in keys} | {
        one.id: (one.alias, one.user_id) for one in people
    }
    for thing in (*keys, *people):
        own = sum(call.cost for call in recorded if thing.id in (call.key_id, call.user_pk))
        assert reload(thing).total_spend == own
    first = (NOON + timedelta(days=asked[0])).date()
    last = first + timedelta(days=asked[1])
    within = [call for call in recorded if first <= call.started_at.date() <= last]
    with travel(NOON + timedelta(days=6), tick=False):
        curl, page = Curl(InProcess(the_app()), MASTER_KEY), Browser(InProcess(the_app())).sign_in(ada)
        for whose in (None, *people):
            own = [call for call in within if whose is None or call.user_pk == whose.id]
            query = {"start_date": first, "end_date": last} | ({"user_id": whose.user_id} if whose else {})
            address = urlencode({"from": first, "to": last} | ({"user": whose.id} if whose else {"scope": "everyone"}))
            check_api(own, curl.get("/user/daily/activity", page_size=100, **query).json, names)
            check_logs(own, curl.get("/spend/logs", **query).json, names)
            check_sheet(own, page.get(f"/ui/spend.csv?{address}").sheet, names)
            check_page(own, page.get(f"/ui/spend?{address}"), names)
