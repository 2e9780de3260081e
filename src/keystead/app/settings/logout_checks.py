"""What the settings get wrong about how clients hear of a logout."""

from __future__ import annotations

from collections.abc import Iterator

from keystead.app.settings.document import Place
from keystead.app.settings.realm import RealmSettings
from keystead.core.uris import wrong_frontchannel_uri, wrong_web_uri


def require_logout_uris(realm: RealmSettings) -> Iterator[tuple[Place, str]]:
    """Demand addresses that can be told, of clients that have somebody to sign out."""
    for index, client in enumerate(realm.clients):
        back, front = client.backchannel_logout_uri, client.frontchannel_logout_uri
        if back and (wrong := wrong_web_uri(back) or ("it has no fragment" if "#" in back else "")):
            yield ("clients", index, "backchannel_logout_uri"), f"`{back}`: {wrong}"
        if front and (wrong := wrong_frontchannel_uri(front, client.redirect_uris)):
            yield ("clients", index, "frontchannel_logout_uri"), f"`{front}`: {wrong}"
        for kind, uri, required in (
            ("backchannel", back, client.backchannel_logout_session_required),
            ("frontchannel", front, client.frontchannel_logout_session_required),
        ):
            if required and not uri:
                yield (
                    ("clients", index, f"{kind}_logout_session_required"),
                    f"it says how `{kind}_logout_uri` is called: write that too, or leave this out",
                )
