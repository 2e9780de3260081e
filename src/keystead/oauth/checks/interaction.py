"""What the client wants of the person: prompts, freshness, hints, levels.

Spec: OpenID Connect Core section 3.1.2.1.
"""

from __future__ import annotations

import re
from typing import Final

from keystead.core.errors import InvalidRequest
from keystead.core.records.realm import Realm
from keystead.oauth.checks.draft import Draft

PROMPT_VALUES: Final = ("none", "login", "consent", "select_account")
CREATE: Final = "create"
"""The prompt that asks for a new account, where the realm lets anybody make one."""
_MAXIMUM_AGE_DIGITS: Final = 9
_MAXIMUM_LOGIN_HINT: Final = 256
_MAXIMUM_ACR_VALUES: Final = 10
_MAXIMUM_LOCALES: Final = 10
_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}", re.ASCII)


def prompt_values(realm: Realm) -> tuple[str, ...]:
    """Return the prompts that a realm serves."""
    return (*PROMPT_VALUES, CREATE) if realm.sign_up == "open" else PROMPT_VALUES


def require_served_prompt(draft: Draft) -> str:
    """Demand prompts that are served, `none` only alone; `create` only where anybody may make an account.

    Spec: OpenID Connect Core section 3.1.2.1, Initiating User Registration via OpenID Connect section 4.1.
    """
    asked = tuple(dict.fromkeys(item for item in draft.form.prompt.split(" ") if item))
    served = prompt_values(draft.facts.realm)
    if any(item not in served for item in asked):
        raise InvalidRequest(f"A prompt value is not served; use {', '.join(served)}.", reason="prompt.unsupported")
    if "none" in asked and len(asked) > 1:
        raise InvalidRequest("prompt=none cannot be combined with other values.", reason="prompt.contradiction")
    draft.prompt = asked
    return f"prompt: {' '.join(asked)}" if asked else "no prompt was asked for"


def require_readable_max_age(draft: Draft) -> str:
    """Demand a `max_age` of whole seconds; without one the client's default applies."""
    text = draft.form.max_age
    if not text:
        draft.max_age = draft.client.default_max_age
        return "no max_age was asked for"
    if not (text.isascii() and text.isdigit()) or len(text) > _MAXIMUM_AGE_DIGITS:
        raise InvalidRequest("The max_age is not a number of seconds.", reason="max_age.malformed")
    draft.max_age = int(text)
    return f"the sign-in may be at most {draft.max_age} s old"


def require_short_hints(draft: Draft) -> str:
    """Demand a `login_hint` and `acr_values` of bearable size. What cannot be reached is told by the real `acr`.

    Of `ui_locales`, what is no language tag is left out: a preference is no reason to refuse.
    """
    if len(draft.form.login_hint) > _MAXIMUM_LOGIN_HINT:
        raise InvalidRequest("The login_hint is too long.", reason="login_hint.too_long")
    levels = tuple(item for item in draft.form.acr_values.split(" ") if item)
    if len(levels) > _MAXIMUM_ACR_VALUES:
        raise InvalidRequest("There are too many acr_values.", reason="acr_values.too_many")
    draft.acr_values = levels or draft.client.default_acr_values
    draft.ui_locales = tuple(tag for tag in draft.form.ui_locales.split(" ") if _LANGUAGE_TAG.fullmatch(tag))[
        :_MAXIMUM_LOCALES
    ]
    return "the hints fit"
