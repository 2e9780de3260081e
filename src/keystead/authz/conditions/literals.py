"""The values of literals: numbers within 64 bits, strings and bytes with their escapes."""

from __future__ import annotations

import re
from typing import Final

from keystead.authz.conditions.problems import Unreadable
from keystead.authz.conditions.tokens import Token
from keystead.authz.conditions.values import MAX_INT, MAX_UNSIGNED, MIN_INT, Unsigned

_PLAIN: Final = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "?": "?", '"': '"', "'": "'", "`": "`",
}  # fmt: skip
_ESCAPE: Final = re.compile(
    r"\\(?:(?P<plain>[abfnrtv\\?\"'`])|[xX](?P<hex>[0-9a-fA-F]{2})|u(?P<short>[0-9a-fA-F]{4})"
    r"|U(?P<long>[0-9a-fA-F]{8})|(?P<octal>[0-3][0-7]{2})|(?P<bad>.?))",
    re.DOTALL,
)


def integer(token: Token, *, negative: bool) -> int:
    """Read an `int`. Raises: Unreadable when it needs more than 64 bits."""
    value = _digits(token, token.text) * (-1 if negative else 1)
    if not MIN_INT <= value <= MAX_INT:
        raise Unreadable(
            f"{token.text[:40]} does not fit into an int", token.at, token.end, f"use at most {MAX_INT:,}, or a double"
        )
    return value


def unsigned(token: Token) -> Unsigned:
    """Read a `uint`. Raises: Unreadable."""
    value = _digits(token, token.text[:-1])
    if value > MAX_UNSIGNED:
        raise Unreadable(
            f"{token.text[:40]} does not fit into a uint", token.at, token.end, f"use at most {MAX_UNSIGNED:,}"
        )
    return Unsigned(value)


def _digits(token: Token, text: str) -> int:
    digits = text[2:] if text[:2] in ("0x", "0X") else text
    if len(digits.lstrip("0")) > 20:
        raise Unreadable("this number needs more than 64 bits", token.at, token.end, "use a smaller number")
    return int(digits, 16 if digits is not text else 10)


def string(token: Token) -> str | bytes:
    """Read a string or bytes. Raises: Unreadable at a wrong escape."""
    quoted = token.text.lstrip("bBrR")
    prefix = token.text[: len(token.text) - len(quoted)].lower()
    width = 3 if quoted[:3] in ('"""', "'''") and len(quoted) >= 6 else 1
    body = quoted[width:-width]
    start = token.at + len(prefix) + width
    if "b" in prefix:
        return _bytes(body, start, raw="r" in prefix)
    return body if "r" in prefix else _ESCAPE.sub(lambda match: _character(match, start), body)


def _character(match: re.Match[str], start: int) -> str:
    if match["plain"]:
        return _PLAIN[match["plain"]]
    digits = match["hex"] or match["short"] or match["long"]
    code = int(digits, 16) if digits else int(match["octal"], 8) if match["octal"] else -1
    if not 0 <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        _bad_escape(match, start)
    return chr(code)


def _bytes(body: str, start: int, *, raw: bool) -> bytes:
    if raw:
        return body.encode("utf-8", "surrogatepass")
    pieces, at = [], 0
    for match in _ESCAPE.finditer(body):
        pieces.append(body[at : match.start()].encode("utf-8", "surrogatepass"))
        if match["short"] or match["long"]:
            _bad_escape(match, start)
        octet = (match["hex"] and int(match["hex"], 16)) or (match["octal"] and int(match["octal"], 8))
        pieces.append(bytes([octet or 0]) if match["hex"] or match["octal"] else _character(match, start).encode())
        at = match.end()
    return b"".join([*pieces, body[at:].encode("utf-8", "surrogatepass")])


def _bad_escape(match: re.Match[str], start: int) -> None:
    at = start + match.start()
    remedy = r"write `\\` for a backslash, or a raw string: r'...'"
    raise Unreadable(f"`{match[0][:12]}` is not an escape", at, at + len(match[0]), remedy)
