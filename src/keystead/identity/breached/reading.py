"""Asks the file whether a password is among the breached ones."""

from __future__ import annotations

import mmap
from importlib.resources import files
from pathlib import Path
from typing import Final

from keystead.core.errors import ConfigurationError
from keystead.core.values import Secret
from keystead.identity.breached.layout import HEADER_BYTES, OFFSET_BYTES, Layout, decode, hash_of

COMMON: Final = "common.breached"
"""The file that comes along: passwords that are among the first anybody tries."""


class BreachedFile:
    """One file, mapped into memory: what is not asked for is not read. A question reads one bucket, about 700 bytes."""

    def __init__(self, content: mmap.mmap | bytes, layout: Layout) -> None:
        self._content = content
        self.layout = layout

    def holds(self, password: Secret) -> bool:
        """Tell whether a password is in the file: never no for one that is, yes for one in a million that is not."""
        bucket, wanted = self.layout.place(hash_of(password.reveal()))
        return _is_in(self._bucket(bucket), self.layout.rice_bits, wanted)

    def close(self) -> None:
        """Let go of the mapping."""
        if isinstance(self._content, mmap.mmap):
            self._content.close()

    def _bucket(self, bucket: int) -> bytes:
        at = HEADER_BYTES + bucket * OFFSET_BYTES
        begin = int.from_bytes(self._content[at : at + OFFSET_BYTES], "little")
        end = int.from_bytes(self._content[at + OFFSET_BYTES : at + 2 * OFFSET_BYTES], "little")
        return self._content[begin:end]


def open_breached(path: Path) -> BreachedFile:
    """Open a file that `keystead breached build` made. Raises: ConfigurationError with what to do."""
    try:
        with path.open("rb") as file:
            layout = decode(file.read(HEADER_BYTES))
            size = path.stat().st_size
            if layout is None or layout.size != size:
                raise ConfigurationError(
                    f"{path} is no whole file of breached passwords: make it with `keystead breached build`"
                )
            return BreachedFile(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), layout)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror or error}") from error


def open_common() -> BreachedFile:
    """Open the file that comes along."""
    content = files("keystead.identity.breached").joinpath(COMMON).read_bytes()
    layout = decode(content)
    if layout is None or layout.size != len(content):
        raise ConfigurationError(f"{COMMON} is damaged: install Keystead again")
    return BreachedFile(content, layout)


def _is_in(bucket: bytes, rice_bits: int, wanted: int) -> bool:
    bits = format(int.from_bytes(bucket, "big"), f"0{8 * len(bucket)}b") if bucket else ""
    value = at = 0
    while (zero := bits.find("0", at)) >= 0:
        after = zero + 1 + rice_bits
        value += (zero - at << rice_bits) + int(bits[zero + 1 : after], 2)
        if value >= wanted:
            return value == wanted
        at = after
    return False
