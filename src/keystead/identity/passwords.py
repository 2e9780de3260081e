"""Passwords: Argon2id, beside the event loop, in a pool that says no before it drowns.

Shape: 19 MiB, two passes, one lane (the OWASP setting): about 30 ms of one core. The work is bounded: at most
`workers` at a time, at most `queue` waiting, a password of at most 1,024 bytes.
Does not: judge whether a password is good, normalise it or cut it short. It is checked exactly as typed.
Spec: RFC 9106, NIST SP 800-63B section 3.1.1.2, OWASP ASVS 6.2.8 and 11.4.2.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import secrets
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from keystead.core.protocols import PasswordsBusy
from keystead.core.values import Secret

T = TypeVar("T")

MAXIMUM_PASSWORD_BYTES: Final = 1024
_REST_AFTER: Final = 1.0
_C_LIBRARY: Final = ctypes.CDLL(None)
_M_ARENA_MAX: Final = -8
_MEMORY_KIB: Final = 19_456
_PASSES: Final = 2
_LANES: Final = 1
_SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32


class Argon2Passwords:
    """The `Passwords` of a running issuer. Threads start with the first password."""

    def __init__(self, *, workers: int = 0, queue: int = 64) -> None:
        self._hasher = _hasher()
        self._decoy = _decoy_hash()
        self._workers = workers or min(4, os.cpu_count() or 1)
        self._limit = self._workers + queue
        self._pending = 0
        self._resting: asyncio.TimerHandle | None = None
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="argon2")

    async def check(self, password: Secret, password_hash: str) -> bool:
        """Return whether the password is right.

        An empty hash, and a password too long to be anybody's, cost the same time and are never right.
        Raises: PasswordsBusy.
        """
        typed = _as_bytes(password)
        right = bool(password_hash) and typed is not None
        hashed, typed = (password_hash, typed) if right and typed is not None else (self._decoy, typed or b"")
        return await self._beside(lambda: self._matches(hashed, typed)) and right

    async def hash(self, password: Secret) -> str:
        """Return a fresh hash. Raises: PasswordsBusy, ValueError when the password is too long."""
        return await self._beside(lambda: hash_password(password))

    def outdated(self, password_hash: str) -> bool:
        """Return whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        """Let the threads go."""
        if self._resting is not None:
            self._resting.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _beside(self, work: Callable[[], T]) -> T:
        if self._pending >= self._limit:
            raise PasswordsBusy
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._pending -= 1
            self._rest_later()

    def _rest_later(self) -> None:
        """Give the memory back once nobody has signed in for a while: at once, each sign-in would pay for it."""
        if self._resting is not None:
            self._resting.cancel()
        self._resting = asyncio.get_running_loop().call_later(_REST_AFTER, give_memory_back)

    def _matches(self, password_hash: str, typed: bytes) -> bool:
        try:
            return self._hasher.verify(password_hash, typed)
        except (VerificationError, InvalidHashError):
            return False


def share_one_arena() -> None:
    """Let all threads allocate from one arena of the C library (glibc), the only one it ever gives back from.

    Call it before the first thread starts: an arena that is there stays.
    """
    options = getattr(_C_LIBRARY, "mallopt", None)
    if options is not None:
        options(_M_ARENA_MAX, 1)


def give_memory_back() -> None:
    """Return the 19 MiB that each password took to the system, where the C library would otherwise keep them."""
    trim = getattr(_C_LIBRARY, "malloc_trim", None)
    if trim is not None:
        trim(0)


def hash_password(password: Secret) -> str:
    """Return a fresh Argon2id hash, here and now. For settings and commands; a server uses the pool.

    Raises: ValueError when the password is empty or longer than 1,024 bytes.
    """
    typed = _as_bytes(password)
    if not typed:
        raise ValueError(f"a password has between 1 and {MAXIMUM_PASSWORD_BYTES} bytes of UTF-8")
    return _hasher().hash(typed)


def _hasher() -> PasswordHasher:
    return PasswordHasher(
        time_cost=_PASSES,
        memory_cost=_MEMORY_KIB,
        parallelism=_LANES,
        hash_len=_HASH_BYTES,
        salt_len=_SALT_BYTES,
        type=Type.ID,
    )


def _decoy_hash() -> str:
    """Return a hash of no password: checking against it costs what checking a real one costs, and fails."""
    salt, digest = (b64encode(secrets.token_bytes(size)).rstrip(b"=").decode() for size in (_SALT_BYTES, _HASH_BYTES))
    return f"$argon2id$v=19$m={_MEMORY_KIB},t={_PASSES},p={_LANES}${salt}${digest}"


def _as_bytes(password: Secret) -> bytes | None:
    typed = password.reveal().encode("utf-8", "surrogatepass")
    return typed if len(typed) <= MAXIMUM_PASSWORD_BYTES else None
