"""How an authorization response travels back to the client: one file, one mode and its variants.

Flow: the dispatcher has the answer's parameters; the mode the request asked for makes the reply.
Does not: decide what is answered, or to whom. There is no `fragment`: a code has no business there, and whatever page
is at the redirect URI could read it.
"""

from __future__ import annotations

from typing import Final

from keystead.oauth.response_modes.form_post import FormPostMode
from keystead.oauth.response_modes.jwt import FormPostJwtMode, JwtMode, QueryJwtMode
from keystead.oauth.response_modes.mode import ResponseMode
from keystead.oauth.response_modes.query import QueryMode

RESPONSE_MODES: Final[dict[str, ResponseMode]] = {
    mode.name: mode for mode in (QueryMode(), FormPostMode(), QueryJwtMode(), FormPostJwtMode(), JwtMode())
}
