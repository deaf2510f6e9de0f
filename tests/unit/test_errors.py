"""Every domain error has its own status, a wire word and words for people; none knows the web."""

import pytest

from selfserve import errors
from selfserve.errors import DomainError, Invalid, NotFound, TooMany, Unauthenticated

STATUSES = {
    "BadRequest": 400,
    "Unauthenticated": 401,
    "Forbidden": 403,
    "ProofNeeded": 403,
    "SignInRefused": 403,
    "SignInLost": 400,
    "NotFound": 404,
    "MethodNotAllowed": 405,
    "TooSlow": 408,
    "Conflict": 409,
    "Stale": 409,
    "Gone": 410,
    "TooLarge": 413,
    "WrongMediaType": 415,
    "Invalid": 422,
    "TooMany": 429,
    "BudgetExceeded": 429,
    "UpstreamFailed": 502,
    "Unavailable": 503,
    "ProviderAway": 503,
    "UpstreamTimeout": 504,
}
KINDS = {
    kind.__name__: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DomainError)
}


def test_the_statuses_are_the_documented_ones():
    assert {name: kind.status for name, kind in KINDS.items() if kind is not DomainError} == STATUSES


@pytest.mark.parametrize("name", sorted(STATUSES))
def test_each_has_a_wire_word_and_a_title(name):
    kind = KINDS[name]
    assert kind.type.endswith(("_error", "_exceeded", "_timeout"))
    assert kind.title
    assert kind.title != DomainError.title


def test_no_two_share_a_wire_word():
    assert len({kind.type for kind in KINDS.values()}) == len(KINDS)


def test_the_documented_word_can_be_given():
    assert Unauthenticated("Key is expired.", type="expired_key").type == "expired_key"
    assert Unauthenticated.type == "auth_error"


def test_a_wrong_field_is_named_once():
    assert Invalid("is taken", param="key_alias").fields == {"key_alias": "is taken"}
    assert Invalid("two things").fields == {}
    assert Invalid("two things", fields={"a": "x", "b": "y"}).fields == {"a": "x", "b": "y"}


def test_too_many_says_when_to_come_back():
    assert TooMany("Slow down.", retry_after=300).retry_after == 300


def test_the_message_is_the_exception():
    assert str(NotFound("There is no such key.")) == "There is no such key."
