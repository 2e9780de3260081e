"""Redirects, all of one kind: 303, uncached, without a Referer."""

from __future__ import annotations

from typing import Final

from keystead.core.http import NO_STORE, Headers, Reply

_REDIRECT_HEADERS: Final[Headers] = (
    *NO_STORE,
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


def see_other(location: str, headers: Headers = ()) -> Reply:
    """Return a 303 to `location`, which the caller has proven or built itself.

    303 and never 307, so that a password just posted is not posted on. Spec: RFC 9700 section 4.12.
    Raises: ValueError when the location could break out of its header.
    """
    if not location.isascii() or not location.isprintable() or " " in location:
        raise ValueError("a redirect location must be printable ASCII without spaces")
    return Reply(303, ((b"location", location.encode("ascii")), *_REDIRECT_HEADERS, *headers))
