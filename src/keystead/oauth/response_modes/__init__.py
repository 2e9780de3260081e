"""How an authorization response travels back to the client: one file, one mode.

Flow: the dispatcher has the answer's parameters; the mode the request asked for makes the reply.
Does not: decide what is answered, or to whom. `form_post`, `fragment` and the signed modes get a file here.
"""

from __future__ import annotations

from typing import Final

from keystead.oauth.response_modes.mode import ResponseMode
from keystead.oauth.response_modes.query import QueryMode

RESPONSE_MODES: Final[dict[str, ResponseMode]] = {mode.name: mode for mode in (QueryMode(),)}
