"""Inputs near to good ones, and far from any: for a parser to be surprised by."""

from __future__ import annotations

import random
from typing import Final

from hypothesis import strategies as st

from tests.fuzz.target import Target

LARGEST: Final = 70_000
NASTY: Final = (
    *(
        b"\x00",
        b"\xff\xfe",
        b"\xc3\x28",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98\x80",
        b"%00",
        b"%",
        b"%zz",
        b"%C3%A9",
        b"\r\n",
        b"\t",
    ),
    *(
        b"..",
        b".",
        b"=",
        b"==",
        b"&",
        b"&&",
        b";",
        b",",
        b'"',
        b'\\"',
        b"'",
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b"{}",
        b"[]",
    ),
    *(
        b"null",
        b"true",
        b"NaN",
        b"-0",
        b"1e999",
        b"9" * 40,
        b"-1",
        b"0.1",
        b'""',
        b"\\ud800",
        b"\\u0000",
        b"e30",
        b"A" * 43,
    ),
)


def inputs(target: Target) -> st.SearchStrategy[bytes]:
    """Return what to feed a parser: changed seeds mostly, pure noise sometimes, and much of a muchness."""
    pieces = st.sampled_from((*NASTY, *target.words))
    noise = st.binary(max_size=300)
    seeded = st.tuples(st.sampled_from(target.seeds), st.integers(0, 2**32 - 1)).map(
        lambda drawn: mutate(drawn[0], target, random.Random(drawn[1]))
    )
    swollen = st.tuples(pieces, st.sampled_from((10, 1_000, 20_000))).map(lambda drawn: (drawn[0] * drawn[1])[:LARGEST])
    wrapped = st.tuples(st.sampled_from(target.seeds), swollen, st.integers(0, 2**32 - 1)).map(
        lambda drawn: _insert(drawn[0], drawn[1], random.Random(drawn[2]))
    )
    return st.one_of(seeded, seeded, seeded, noise, swollen, wrapped, st.sampled_from(target.seeds))


def mutate(seed: bytes, target: Target, chance: random.Random) -> bytes:
    """Change a seed in a few places."""
    data = seed
    words = (*NASTY, *target.words)
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(data))
        to = min(len(data), at + chance.choice((1, 1, 2, 8, 64)))
        match chance.randrange(7):
            case 0:
                data = data[:at] + data[to:]
            case 1:
                data = data[:at] + chance.choice(words) + data[at:]
            case 2:
                data = data[:at] + chance.choice(words) + data[to:]
            case 3:
                data = data[:to] + data[at:]
            case 4 if at < len(data):
                data = data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]
            case 5:
                other = chance.choice(target.seeds)
                data = data[:at] + other[chance.randint(0, len(other)) :]
            case _:
                data = data[:at] + chance.choice(words) * chance.choice((2, 50, 500)) + data[at:]
    return data[:LARGEST]


def _insert(seed: bytes, piece: bytes, chance: random.Random) -> bytes:
    at = chance.randint(0, len(seed))
    return (seed[:at] + piece + seed[at:])[:LARGEST]
