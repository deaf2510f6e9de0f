"""A day in June, and the calls that were made until then."""

import pytest
from time_machine import travel

from tests.integration.api.june import NOON, calls_of_june


@pytest.fixture
def today():
    """It is a Wednesday in June."""
    with travel(NOON):
        yield


@pytest.fixture
def june(mia, otto):
    """Mia has two keys and three days in June, Otto one of each."""
    return calls_of_june(mia, otto)
