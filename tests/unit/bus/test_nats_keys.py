"""NATS keys and their JWTs, against known texts and against every altered one."""

from __future__ import annotations

import pytest

from keystead.bus.nats import tokens
from keystead.bus.nats.nkeys import ACCOUNT, SERVER, USER, NatsKey, is_public, verify

SEED = "SUAMLK2ZNL35WSMW37E7UD4VZ7ELPKW7DHC3BWBSD2GCZ7IUQQXZIORRBU"
PUBLIC = "UCK5N7N66OBOINFXAYC2ACJQYFSOD4VYNU6APEJTAVFZB2SVHLKGEW7L"


def test_a_published_seed_gives_its_published_key() -> None:
    key = NatsKey.from_seed(SEED, USER)
    assert (key.public, key.seed()) == (PUBLIC, SEED)
    assert SEED not in repr(key)


@pytest.mark.parametrize(("role", "letter"), [(USER, "U"), (ACCOUNT, "A"), (SERVER, "N")])
def test_every_role_has_its_letter_and_no_other_reads_it(role: int, letter: str) -> None:
    key = NatsKey.generate(role)
    assert key.public.startswith(letter)
    assert key.seed().startswith("S" + letter)
    assert is_public(key.public, role)
    for other in {USER, ACCOUNT, SERVER} - {role}:
        assert not is_public(key.public, other)
        with pytest.raises(ValueError, match="no seed of the kind"):
            NatsKey.from_seed(key.seed(), other)


def test_every_altered_letter_is_noticed() -> None:
    for position in range(len(SEED)):
        for letter in "AB27":
            altered = SEED[:position] + letter + SEED[position + 1 :]
            if altered != SEED:
                with pytest.raises(ValueError, match="NATS key"):
                    NatsKey.from_seed(altered, USER)
    for wrong in ("", SEED[:-1], SEED + "A", SEED.lower(), "é" * 58, PUBLIC):
        with pytest.raises(ValueError, match="NATS key"):
            NatsKey.from_seed(wrong, USER)


@pytest.mark.attack("J1")
def test_a_nats_jwt_is_read_only_when_its_named_key_signed_it() -> None:
    server = NatsKey.generate(SERVER)
    token = tokens.sign({"aud": "x", "nats": {}}, server).encode()
    claims = tokens.read(token, SERVER)
    assert claims
    assert claims["iss"] == server.public
    assert tokens.read(token, ACCOUNT) is None
    assert not verify(server.public, SERVER, b"\0" * 64, b"")
    for position in range(0, len(token), 7):
        altered = bytearray(token)
        altered[position] = altered[position] ^ 1
        assert tokens.read(bytes(altered), SERVER) is None
    header, payload, signature = token.split(b".")
    for wrong in (b"", b"..", payload, header + b"." + payload + b".", token + b".x", b"x" * 70_000, b"\xff.\xff.\xff"):
        assert tokens.read(wrong, SERVER) is None
    assert signature
