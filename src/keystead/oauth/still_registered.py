"""May a request that waited for a person still be answered? Its client may have been changed meanwhile.

Flow: `authorize` and its siblings checked everything when the request came; a person may take an hour. What would then
send a code to where the client is not any more, in a way it may not be answered any more, or for a grant that it does
not have any more, is asked again wherever the request is gone on with.
Does not: look at scopes and consent. The token endpoint holds them against the client of the moment.
"""

from __future__ import annotations

from typing import Final

from keystead.core.records.client import Client
from keystead.core.records.interaction import Interaction
from keystead.oauth.catalogue import outcomes
from keystead.oauth.checks.redirect_uri import is_registered
from keystead.oauth.checks.response import open_response_modes
from keystead.oauth.profiles import profile_of

_CODE: Final = "authorization_code"


def has_grant(client: Client | None, grant_type: str) -> bool:
    """Return whether the client is there, enabled, and may use a grant."""
    return client is not None and client.enabled and grant_type in client.grant_types


def may_still_be_answered(interaction: Interaction, client: Client | None) -> bool:
    """Return whether the client as it is now could have sent this request."""
    outcome = outcomes().get(interaction.outcome)
    if client is None or not has_grant(client, outcome.grant_type if outcome is not None else _CODE):
        return False
    return not interaction.redirect_uri or _may_be_redirected(interaction, client)


def _may_be_redirected(interaction: Interaction, client: Client) -> bool:
    demands = profile_of(client)
    return (
        is_registered(interaction.redirect_uri, client)
        and interaction.response_mode in open_response_modes(client)
        and (bool(interaction.pushed) or not demands.par)
        and (bool(interaction.code_challenge) or not demands.pkce)
    )
