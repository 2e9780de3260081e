"""Makes the file out of public lists, of any length, in bounded memory and in one replacement.

Flow: read every list once, keep 64 bits a password in sorted runs on disk -> merge the runs -> write the buckets into
a file beside the target -> put it in the target's place. A list that is sorted already needs no merging.
Shape: a line is a SHA-1 in hexadecimal, with `:count` after it as in the lists of Have I Been Pwned, or a password.
"""

from __future__ import annotations

import heapq
import os
import re
import sys
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, pairwise
from pathlib import Path
from typing import IO, Final

import msgspec

from keystead.identity.breached.layout import HASH_BITS, Layout, hash_of, layout_for

Progress = Callable[[str, int, int], None]
"""(what, done, of how much); the last is 0 when nobody knows."""

_SHA1: Final = re.compile(rb"([0-9A-Fa-f]{40})(?::([0-9]+))?")
_RUN: Final = 4_000_000
_TELL_EVERY: Final = 1 << 17
_READ: Final = 1 << 20


class Wanted(msgspec.Struct, frozen=True):
    """How to build: only passwords seen `at_least` so often, one stranger in 2 to the `certainty_bits` refused."""

    at_least: int = 1
    certainty_bits: int = 20


def build(lists: Sequence[Path], target: Path, wanted: Wanted, progress: Progress) -> Layout:
    """Build `target` from lists. Raises: OSError, with the target as it was."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=target.parent, prefix=".breached-")))
        runs = list(_runs(_hashes(lists, wanted.at_least, progress), directory))
        layout = layout_for(sum(run.count for run in runs), wanted.certainty_bits)
        draft = directory / "draft"
        with draft.open("w+b") as file:
            layout = _write(file, _distinct(_merged(runs)), layout, progress)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    return layout


class _Run:
    """A sorted stretch of hashes on disk."""

    def __init__(self, path: Path, hashes: array[int]) -> None:
        self.path, self.count, self.first, self.last = path, len(hashes), hashes[0], hashes[-1]
        with path.open("wb") as file:
            hashes.tofile(file)

    def __iter__(self) -> Iterator[int]:
        with self.path.open("rb") as file:
            while block := file.read(_READ):
                yield from array("Q", block)


def _hashes(lists: Sequence[Path], at_least: int, progress: Progress) -> Iterator[int]:
    sizes = [path.stat().st_size for path in lists]
    before = seen = 0
    for path, size in zip(lists, sizes, strict=True):
        with path.open("rb") as file:
            for line in file:
                seen += 1
                if not seen % _TELL_EVERY:
                    progress("reading", before + file.tell() if file.seekable() else 0, sum(sizes))
                hashed = _hash_of_line(line.rstrip(b"\r\n"), at_least)
                if hashed is not None:
                    yield hashed
        before += size


def _hash_of_line(line: bytes, at_least: int) -> int | None:
    found = _SHA1.fullmatch(line)
    if found is None:
        return hash_of(line.decode("utf-8", "surrogateescape")) if line else None
    if found[2] is not None and int(found[2]) < at_least:
        return None
    return int(found[1][: HASH_BITS // 4], 16)


def _runs(hashes: Iterable[int], directory: Path) -> Iterator[_Run]:
    source = iter(hashes)
    for number in range(1 << 30):
        run = array("Q", _first(source, _RUN))
        if not run:
            return
        yield _Run(directory / f"run-{number}", array("Q", sorted(run)))


def _first(source: Iterator[int], count: int) -> Iterator[int]:
    for _, each in zip(range(count), source, strict=False):
        yield each


def _merged(runs: Sequence[_Run]) -> Iterator[int]:
    in_order = all(before.last <= after.first for before, after in pairwise(runs))
    return iter(chain(*runs) if in_order else heapq.merge(*runs))


def _distinct(hashes: Iterable[int]) -> Iterator[int]:
    last = -1
    for each in hashes:
        if each != last:
            yield each
        last = each


def _write(file: IO[bytes], hashes: Iterable[int], layout: Layout, progress: Progress) -> Layout:
    """Write buckets, then go back and write their offsets and the header."""
    offsets = array("Q")
    file.seek(layout.buckets_at)
    at, count, current = layout.buckets_at, 0, 0
    values: list[int] = []
    for hashed in hashes:
        bucket, value = layout.place(hashed)
        while current < bucket:
            offsets.append(at)
            at += file.write(_encode(values, layout.rice_bits))
            values, current = [], current + 1
        values.append(value)
        count += 1
        if not count % _TELL_EVERY:
            progress("writing", count, layout.count)
    for _ in range(current, 1 << layout.bucket_bits):
        offsets.append(at)
        at += file.write(_encode(values, layout.rice_bits))
        values = []
    offsets.append(at)
    whole = msgspec.structs.replace(layout, count=count, size=at)
    file.seek(0)
    file.write(whole.encode())
    _little_endian(offsets).tofile(file)
    return whole


def _encode(values: Sequence[int], rice_bits: int) -> bytes:
    if not values:
        return b""
    mask, before, parts = (1 << rice_bits) - 1, 0, []
    for value in values:
        difference, before = value - before, value
        parts.append("1" * (difference >> rice_bits) + "0" + format(difference & mask, f"0{rice_bits}b"))
    bits = "".join(parts)
    padded = bits + "1" * (-len(bits) % 8)
    return int(padded, 2).to_bytes(len(padded) // 8, "big")


def _little_endian(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
