"""May a request that waited for a person still be answered? Its client may have been changed meanwhile.

Flow: `authorize` checked everything when the request came; a person may take an hour. What would then send a code to
where the client is not any more, or in a way it may not be answered any more, is asked again when the browser returns.
Does not: look at scopes and consent. The token endpoint holds them against the client of the moment.
"""

from __future__ import annotations

from keystead.core.records.client import Client
from keystead.core.records.interaction import Interaction
from keystead.oauth.checks.redirect_uri import is_registered
from keystead.oauth.checks.response import open_response_modes
from keystead.oauth.profiles import profile_of


def may_still_be_answered(interaction: Interaction, client: Client) -> bool:
    """Return whether the client as it is now could have sent this request. Others than browsers get no redirect."""
    if not interaction.redirect_uri:
        return True
    demands = profile_of(client)
    return (
        "authorization_code" in client.grant_types
        and is_registered(interaction.redirect_uri, client)
        and interaction.response_mode in open_response_modes(client)
        and (bool(interaction.pushed) or not demands.par)
        and (bool(interaction.code_challenge) or not demands.pkce)
    )
