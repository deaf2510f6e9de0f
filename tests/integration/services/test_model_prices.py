"""Prices as the services know them: who may set them, two at once, many at once."""

from itertools import pairwise

import pytest

from selfserve.errors import Forbidden
from selfserve.models import AuditEvent, ModelPrice
from selfserve.schemas.prices import PriceUpdate
from selfserve.services.model_prices import find_prices, set_price
from tests.factories import change, make_price, rows
from tests.integration.services.test_at_once import all_at_once

HOUSE = {"model": "house", "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06}


def price_rows():
    return {row.model: (row.prompt, row.completion, row.cached) for row in rows(ModelPrice)}


def test_who_is_no_admin_any_more_when_it_is_written_is_refused(app, as_actor, ada):
    """S-43: the role is read again where the row is locked."""
    actor = as_actor(ada)
    change(ada, role="internal_user")
    with app.app_context(), pytest.raises(Forbidden, match="may not change prices"):
        set_price(actor, PriceUpdate(**HOUSE), app.config["UPSTREAMS"])
    assert price_rows() == {}


def test_admins_who_set_the_same_price_at_once_leave_one_row_and_a_deed_for_each_that_was_told_yes(app, as_actor, ada):
    """S-47: a first price that somebody else set in the same moment is a conflict, not a second row and not a 500."""
    upstreams = app.config["UPSTREAMS"]
    commands = [PriceUpdate(**HOUSE | {"input_cost_per_token": number * 1e-9}) for number in range(8)]
    deeds = [lambda command=command: set_price(as_actor(ada), command, upstreams) for command in commands]
    results = all_at_once(app, deeds)
    done = [result for result in results if not isinstance(result, Exception)]
    events = [event for event in rows(AuditEvent) if event.action == "price.updated"]
    assert len(done) == len(events) >= 1
    assert price_rows() == {"house": (events[-1].after["prompt"], "0.000008", None)}
    for earlier, later in pairwise(events):
        assert later.before == earlier.after


def test_many_prices_are_found_in_one_query(app, queries):
    make_price("house")
    models = ["house", "gpt-4o-mini", *(f"nobody-{number}" for number in range(500))]
    with app.app_context(), queries() as sent:
        found = find_prices(models, app.config["UPSTREAMS"])
    assert len(sent) == 1
    assert [model for model, price in found.items() if price] == ["house", "gpt-4o-mini"]
