"""The request target, judged before anything is decided by it: one spelling per path, or no answer.

Flow: `judge_path` and `judge_query` say why a part is refused, or nothing; what passes is forwarded byte for byte.
Why: gateway and upstream may read `//`, dot segments, `%2f`, `;` or `\\` differently. Every published bypass of a
gateway's rules rests on such a difference, so a target that two readers could read differently is refused.
Does not: normalise. Nothing is decoded, merged or lower-cased; what passed is sent on as it came.
Spec: RFC 9112 section 3.2, RFC 3986 sections 3.3 and 6.2.2.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import unquote_to_bytes

_PATH_CHARACTERS: Final = b"/.-_~!$&'()*+,:=@%" + bytes([*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B)])
_QUERY_CHARACTERS: Final = bytes(c for c in range(0x21, 0x7F) if c not in b'#"<>')
_PAIR_END: Final = re.compile(rb"[&;]")
_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_AMBIGUOUS_ESCAPES: Final = re.compile(
    rb"%(?:[01][0-9a-fA-F]|7[fF]"  # controls
    rb"|2[fF]|5[cC]|25|2[eE]|3[bB]|3[fF]|23"  # slash, backslash, percent, dot, ; ? #
    rb"|3[0-9]|4[1-9a-fA-F]|5[0-9aA]|6[1-9a-fA-F]|7[0-9aA]|2[dD]|5[fF]|7[eE])"  # letters, digits, - _ ~
)
_STRUCTURAL: Final = frozenset("/\\.;%?#")


def judge_path(path: bytes) -> str:
    """Return why a path is ambiguous, or an empty text when it has one reading."""
    if not path.startswith(b"/"):
        return "not_origin_form"
    if path.translate(None, _PATH_CHARACTERS):
        return "bad_character"
    if b"//" in path:
        return "empty_segment"
    if path.endswith(b".") or b"./" in path:
        return "dot_segment"
    return _judge_escapes(path) if b"%" in path else ""


def judge_query(query: bytes) -> str:
    """Return why a query (without its `?`) is refused, or an empty text. It never decides where a request goes."""
    if query.translate(None, _QUERY_CHARACTERS):
        return "bad_character"
    # A bearer token in the query (RFC 6750 section 2.3) would be a second identity beside ours, however it is spelled.
    if (b"%" in query or b"access_token" in query.lower()) and any(map(_names_a_token, _PAIR_END.split(query))):
        return "token_in_query"
    return ""


def _names_a_token(pair: bytes) -> bool:
    name, equals, _ = pair.partition(b"=")
    return bool(equals) and unquote_to_bytes(name).lower() == b"access_token"


def _judge_escapes(path: bytes) -> str:
    if _BAD_ESCAPE.search(path):
        return "bad_escape"
    if _AMBIGUOUS_ESCAPES.search(path):
        return "ambiguous_escape"
    try:
        decoded = unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        return "not_utf8"
    return "lookalike" if any(map(_reads_as_structure, decoded)) else ""


def _reads_as_structure(character: str) -> bool:
    """Tell whether a non-ASCII character turns into `/`, `.` or their like under compatibility normalisation."""
    return character > "\x7f" and (
        unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"}
        or not _STRUCTURAL.isdisjoint(unicodedata.normalize("NFKC", character))
    )
