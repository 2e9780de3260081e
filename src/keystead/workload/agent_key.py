"""The agent's own key: made on its node at the first start, never moved; only its public half is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from keystead.core.jose.algorithms import generate, private_from_pem, private_to_pem
from keystead.core.jose.keys import PrivateKey
from keystead.sdk.private_files import make_private_directory, replace_file, write_once

ALGORITHM: Final = "ES256"
PRIVATE_FILE: Final = "agent-key.pem"
PUBLIC_FILE: Final = "agent-public.json"


def load_agent_key(state_directory: Path) -> PrivateKey:
    """Return the agent's key, making it when there is none, and write its public JWK Set beside it.

    Shape: `agent-key.pem` (PKCS #8, mode 0600) and `agent-public.json` (a JWK Set to put into the issuer's
    configuration, `realms.NAME.agents[].jwks_file`).
    Raises: ConfigurationError when others could read or replace the key.
    """
    directory = make_private_directory(state_directory, "agent.state_directory")
    pem = write_once(directory / PRIVATE_FILE, private_to_pem(generate(ALGORITHM)))
    key = private_from_pem(pem, ALGORITHM)
    public = msgspec.json.format(msgspec.json.encode({"keys": [key.public().jwk()]}), indent=2)
    replace_file(directory / PUBLIC_FILE, public + b"\n")
    return key
