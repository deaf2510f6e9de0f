"""Secrets: how they look, what their checksum catches, and how little is shown of them again."""

import hashlib
import re
import string
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfserve.minting import (
    KEY_PREFIX,
    fingerprint,
    is_well_formed,
    mint_invitation,
    mint_key,
    mint_token,
    tail,
)

BASE62 = string.ascii_letters + string.digits
KEYS = st.builds(mint_key)


def test_a_key_is_the_prefix_and_39_letters_or_digits():
    assert re.fullmatch(r"sk-ss_[0-9A-Za-z]{39}", mint_key())


def test_no_two_secrets_are_alike():
    for mint in (mint_key, mint_token, mint_invitation):
        assert len({mint() for _ in range(1000)}) == 1000


def test_an_invitation_is_a_random_uuid():
    assert uuid.UUID(mint_invitation()).version == 4


def test_a_token_holds_192_bits_or_more():
    assert len(mint_token()) * 6 >= 192


@given(KEYS)
def test_a_minted_key_is_well_formed(key):
    assert is_well_formed(key)


@given(KEYS, st.integers(len(KEY_PREFIX), len(KEY_PREFIX) + 38), st.sampled_from(BASE62))
def test_one_mistyped_letter_is_noticed(key, position, letter):
    mistyped = key[:position] + letter + key[position + 1 :]
    assert is_well_formed(mistyped) == (mistyped == key)


@given(KEYS, st.integers(len(KEY_PREFIX), len(KEY_PREFIX) + 37))
def test_two_swapped_letters_are_noticed(key, position):
    swapped = key[:position] + key[position + 1] + key[position] + key[position + 2 :]
    assert is_well_formed(swapped) == (swapped == key)


@given(KEYS, st.text(min_size=1, max_size=5))
def test_more_or_less_than_a_key_is_none(key, more):
    assert not is_well_formed(key + more)
    assert not is_well_formed(key[: -len(more)])


@pytest.mark.parametrize("text", ["", KEY_PREFIX, "sk-1234", "\x00" * 45, "\ud800" * 45, KEY_PREFIX + "ä" * 39])
def test_nonsense_is_not_well_formed(text):
    assert not is_well_formed(text)


@given(st.text())
def test_a_fingerprint_is_the_documented_hash(secret):
    assert fingerprint(secret) == hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def test_four_characters_are_all_that_is_shown_again():
    key = mint_key()
    assert tail(key) == key[-4:]
