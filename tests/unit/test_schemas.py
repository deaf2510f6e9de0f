"""The kinds of field: what each takes, what it makes of it, and that nonsense never gets past."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from selfserve.schemas import fields
from selfserve.schemas.key_forms import KeyEdit, KeyForm, KeyPick, KeyRename, KeyRotation
from selfserve.schemas.keys import KeyCreate, KeyDelete, KeyListQuery, KeyUpdate
from selfserve.schemas.users import InvitePeople, UserCreate, UserListQuery, UserUpdate

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def read(kind, value):
    """Read one value as one kind of field."""
    return TypeAdapter(kind).validate_python(value)


def refusal(kind, value):
    """Give the sentence with which a value is refused."""
    with pytest.raises(ValidationError) as caught:
        read(kind, value)
    return caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("kind", "value", "meaning"),
    [
        (fields.Dollars, "12.5", 12_500_000_000),
        (fields.Dollars, 0, 0),
        (fields.Dollars, "", None),
        (fields.Dollars, None, None),
        (fields.Limit, "100", 100),
        (fields.Limit, 2**63 - 1, 2**63 - 1),
        (fields.Limit, "", None),
        (fields.Duration, "30d", "30d"),
        (fields.Duration, " 1hr ", "1hr"),
        (fields.Duration, "-1", None),
        (fields.Duration, -1, None),
        (fields.Duration, None, None),
        (fields.Text, "  laptop ", "laptop"),
        (fields.OptionalText, "   ", None),
        (fields.Email, " Dana@Example.COM. ", "Dana@example.com"),
        (fields.Email, "ｄａｎａ@example.com", "dana@example.com"),
        (fields.Email, "dana@corp.local", "dana@corp.local"),
        (fields.OptionalEmail, "", None),
        (fields.Text, "\ufeff\t laptop\u3000\r\n", "laptop"),
        (fields.AnyRole, "internal_user_view_only", "internal_user_viewer"),
        (fields.PageSize, 1000, 100),
        (fields.PageSize, "7", 7),
    ],
)
def test_a_field_takes_the_documented_forms(kind, value, meaning):
    assert read(kind, value) == meaning


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (fields.Dollars, -1, "amount in dollars"),
        (fields.Dollars, True, "amount in dollars"),
        (fields.Dollars, [], "amount in dollars"),
        (fields.Dollars, "NaN", "amount in dollars"),
        (fields.Dollars, 10**400, "amount in dollars"),
        (fields.Limit, True, "must be a number"),
        (fields.Limit, -1, "greater than or equal to 0"),
        (fields.Limit, 2**63, "less than or equal to"),
        (fields.Limit, 1.5, "integer"),
        (fields.Duration, "soon", "must be a duration: 30s, 30m, 30h, 30d, 1w or 1mo"),
        (fields.Duration, "999999999w", "within 100 years"),
        (fields.Text, "a\x00b", "control characters"),
        (fields.Text, "a\ud800b", "control characters"),
        (fields.Text, "", "at least 1"),
        (fields.Text, "x" * 256, "at most 255"),
        (fields.Email, "dana", "e-mail address"),
        (fields.Email, "dana@", "e-mail address"),
        (fields.OptionalText, "\x1e", "control characters"),
        (fields.Text, "laptop\x85", "control characters"),
        (fields.Email, "dаna@example.com", "e-mail address"),  # the second letter is Cyrillic
        (fields.Email, "dana@example.com\r\nBcc: x@y.z", "e-mail address"),
        (fields.Email, {"a": 1}, "e-mail address"),
        (fields.AnyRole, "god", "must be one of proxy_admin, "),
        (fields.Metadata, {"a": "\x00"}, "NUL"),
        (fields.Metadata, {"a": "x" * 17_000}, "16 kB"),
        (fields.Page, 0, "greater than or equal to 1"),
        (fields.Page, True, "must be a number"),
    ],
)
def test_a_field_refuses_with_a_sentence(kind, value, words):
    assert words in refusal(kind, value)


@pytest.mark.parametrize(
    "schema",
    [
        KeyCreate,
        KeyDelete,
        KeyForm,
        KeyEdit,
        KeyPick,
        KeyRename,
        KeyRotation,
        KeyListQuery,
        KeyUpdate,
        InvitePeople,
        UserCreate,
        UserListQuery,
        UserUpdate,
    ],
)
@given(data=st.data())
def test_no_schema_ever_fails_but_with_a_validation_error(schema, data):
    values = data.draw(st.dictionaries(st.sampled_from(sorted(schema.model_fields)), ANYTHING, max_size=6))
    try:
        schema.model_validate(values)
    except ValidationError as error:
        assert error.errors()


def test_times_leave_with_six_fractional_digits_and_z():
    moment = datetime(2026, 11, 24, 7, 0, 0, 1, tzinfo=UTC)
    assert TypeAdapter(fields.Timestamp).dump_python(moment, mode="json") == "2026-11-24T07:00:00.000001Z"


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        (UserCreate, {"user_role": None}),
        (KeyCreate, {"username": "x", "enforced_params": None}),
        (UserUpdate, {"user_id": "mia", "teams": []}),
    ],
)
def test_words_of_other_versions_are_ignored(schema, values):
    assert schema.model_validate(values)


@pytest.mark.parametrize("schema", [UserUpdate, KeyDelete])
def test_a_deed_that_names_nobody_is_refused(schema):
    with pytest.raises(ValidationError, match="is needed to say"):
        schema.model_validate({})


def test_nobody_sets_another_persons_password():
    with pytest.raises(ValidationError, match="people set their own"):
        UserCreate.model_validate({"password": "a calm river before sunrise"})


@pytest.mark.parametrize("turn", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
def test_no_name_turns_the_text_around_it(turn):
    assert "control characters" in refusal(fields.Text, f"laptop{turn}gnp.exe")
    assert read(fields.Text, "לפטופ 👩🏽‍💻") == "לפטופ 👩🏽‍💻"


@pytest.mark.parametrize("kind", [fields.Text, fields.OptionalText, fields.Secret, fields.Duration, fields.Window])
def test_a_text_that_is_too_long_is_told_so_in_characters(kind):
    with pytest.raises(ValidationError) as caught:
        read(kind, "x" * 2000)
    assert caught.value.errors()[0]["type"] == "string_too_long"
