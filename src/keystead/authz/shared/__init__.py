"""Facts owned elsewhere: tuples of some types that a served store keeps, followed into an embedded engine.

Flow: a `SharedSource` pulls `FactsPage`s (first everything, then changes as they are made) -> `Following` gathers what
belongs together and hands it to the engine's graph -> questions are answered from here, be the server up or down.
Does not: write. Who wants to change a shared fact asks the server that owns it. Nor know HTTP: `keystead.sdk` does.
"""

from keystead.authz.shared.following import Following, SharedSource
from keystead.authz.shared.page import CursorRefused, FactsPage
from keystead.authz.shared.trust import Trust

__all__ = ["CursorRefused", "FactsPage", "Following", "SharedSource", "Trust"]
