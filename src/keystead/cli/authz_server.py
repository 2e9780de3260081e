"""What the commands have that talk to a server: its address, a store, and where the token comes from.

A token is taken from `--token-file` or $KEYSTEAD_AUTHZ_TOKEN, or bought with client credentials from `--issuer`, or
asked of the agent on this machine. It is never an argument: other users of the machine see arguments.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import msgspec

F = TypeVar("F", bound=Callable[..., Any])

TOKEN_VARIABLE: Final = "KEYSTEAD_AUTHZ_TOKEN"  # noqa: S105 - a name
SECRET_VARIABLE: Final = "KEYSTEAD_CLIENT_SECRET"  # noqa: S105 - a name
_FILE: Final = click.Path(path_type=Path, dir_okay=False, exists=True)


class Credentials(msgspec.Struct, frozen=True):
    """Where the token comes from."""

    token_file: Path | None
    issuer: str | None
    client_id: str | None
    agent: bool


def token_options(command: F) -> F:
    """Add the options about tokens."""
    for option in (
        click.option("--agent", is_flag=True, help="Ask the agent on this machine for a token, as this process."),
        click.option("--client-id", help=f"Buy a token as this client; its secret is in ${SECRET_VARIABLE}."),
        click.option("--issuer", help="Where to buy it: an issuer, or the URL of a token endpoint; with --client-id."),
        click.option(
            "--token-file", type=_FILE, help=f"A file with the token. Else it is in ${TOKEN_VARIABLE}, if any."
        ),
    ):
        command = option(command)
    return command


async def token_for(audience: str, scope: str, given: Credentials) -> str:
    """Return a token for a server, empty for none. Without a `scope` it has all that the client may have.

    Raises: click.UsageError, KeysteadError.
    """
    if given.agent:
        return await _from_agent(audience, scope)
    if given.client_id or given.issuer:
        if not (given.client_id and given.issuer and os.environ.get(SECRET_VARIABLE)):
            raise click.UsageError(f"buying a token needs --issuer, --client-id and the secret in ${SECRET_VARIABLE}")
        return await _bought(given.issuer, given.client_id, audience, scope)
    if given.token_file is not None:
        return given.token_file.read_text("utf-8").strip()
    return os.environ.get(TOKEN_VARIABLE, "").strip()


async def _from_agent(audience: str, scope: str) -> str:
    from keystead.sdk.agent import AgentClient

    agent = AgentClient()
    try:
        return (await agent.token(audience, scope)).reveal()
    finally:
        await agent.close()


async def _bought(issuer: str, client_id: str, audience: str, scope: str) -> str:
    """Buy a token with client credentials. A URL that ends in `/token` is the endpoint itself."""
    import httpx2

    secret = os.environ[SECRET_VARIABLE]
    form = {"grant_type": "client_credentials", "audience": audience, **({"scope": scope} if scope else {})}
    async with httpx2.AsyncClient(trust_env=False, timeout=30.0) as client:
        try:
            endpoint = issuer
            if not issuer.endswith("/token"):
                found = await client.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
                endpoint = found.json()["token_endpoint"]
            answer = (await client.post(endpoint, data=form, auth=(client_id, secret))).json()
        except httpx2.HTTPError as error:
            raise click.ClickException(f"no token from {issuer}: {str(error) or type(error).__name__}") from error
        except (ValueError, KeyError, TypeError) as error:
            remedy = "name an issuer, such as https://id.acme.example/realms/acme, or the URL of its token endpoint"
            raise click.ClickException(f"no token from {issuer}: there is no issuer; {remedy}") from error
    if "access_token" not in answer:
        why = answer.get("error_description") or answer.get("error") or "it sent none"
        raise click.ClickException(f"no token from {issuer} for {audience}: {why}")
    token: str = answer["access_token"]
    return token
