"""What is sealed for one place opens nowhere else."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.sealing import AesGcmSealer, derive_key

KEY = bytes(range(32))
TEXT = st.text(max_size=6)


def test_opens_what_it_sealed_and_what_another_process_with_the_key_sealed() -> None:
    sealed = AesGcmSealer(KEY).seal("acme", "signing_key", "k1", b"secret")
    assert AesGcmSealer(KEY).open("acme", "signing_key", "k1", sealed) == b"secret"
    assert len(sealed) == len(b"secret") + 41
    assert b"secret" not in sealed


@given(st.tuples(TEXT, TEXT, TEXT), st.tuples(TEXT, TEXT, TEXT), st.binary(max_size=40))
def test_another_place_opens_nothing(
    sealed_for: tuple[str, str, str], opened_for: tuple[str, str, str], text: bytes
) -> None:
    opened = SEALER.open(*opened_for, SEALER.seal(*sealed_for, text))
    assert opened == (text if sealed_for == opened_for else None)


@pytest.mark.attack("C3")
def test_every_flipped_bit_and_every_cut_is_noticed() -> None:
    sealed = SEALER.seal("acme", "access_token", "", b"claims")
    for position in range(len(sealed)):
        for bit in range(8):
            forged = bytearray(sealed)
            forged[position] ^= 1 << bit
            assert SEALER.open("acme", "access_token", "", bytes(forged)) is None
        assert SEALER.open("acme", "access_token", "", sealed[:position]) is None
    assert SEALER.open("acme", "access_token", "", sealed + b"\0") is None


def test_another_key_opens_nothing() -> None:
    assert AesGcmSealer(os.urandom(32)).open("r", "k", "i", SEALER.seal("r", "k", "i", b"x")) is None


@pytest.mark.attack("J9")
@pytest.mark.parametrize("key", [b"", b"short", bytes(31), bytes(33), bytes(32), b"a" * 32, b"ab" * 16])
def test_weak_keys_are_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="key-encryption key"):
        AesGcmSealer(key)


def test_no_two_seals_are_equal_and_strangers_salts_are_not_remembered() -> None:
    assert SEALER.seal("r", "k", "i", b"x") != SEALER.seal("r", "k", "i", b"x")
    for _ in range(200):
        assert SEALER.open("r", "k", "i", b"\x01" + os.urandom(60)) is None
    assert SEALER.open("r", "k", "i", SEALER.seal("r", "k", "i", b"x")) == b"x"
    assert "hidden" in repr(SEALER)


def test_macs_are_separated_by_realm_kind_and_key() -> None:
    macs = {
        sealer.mac(realm, kind, b"message")
        for sealer in (SEALER, AesGcmSealer(os.urandom(32)))
        for realm, kind in (("a", "b"), ("ab", ""), ("", "ab"), ("b", "a"))
    }
    assert len(macs) == 8
    assert SEALER.mac("a", "b", b"m") == AesGcmSealer(KEY).mac("a", "b", b"m")
    assert derive_key(KEY, b"seal ") != derive_key(KEY, b"mac ")


SEALER = AesGcmSealer(KEY)
