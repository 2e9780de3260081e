"""What the dispatcher looks at: client, APIs, the person behind the browser, what they allowed. One read."""

from __future__ import annotations

from dataclasses import dataclass, replace

from keystead.core.assurance import ACR_TWO_FACTORS, Assurance, assurance
from keystead.core.cookies import cookie_name, read_cookie
from keystead.core.http import Request
from keystead.core.liveness import session_is_live
from keystead.core.records.account import Account
from keystead.core.records.client import Client
from keystead.core.records.consent import Consent, consent_id
from keystead.core.records.interaction import Interaction
from keystead.core.records.realm import Realm
from keystead.core.records.session import Session
from keystead.core.sealing import Sealer
from keystead.core.values import EpochSeconds, handle_digest
from keystead.oauth.context import ServerContext
from keystead.oauth.interactions import find_interaction
from keystead.oauth.landscape import survey
from keystead.oauth.scopes import ScopeMap
from keystead.oauth.subjects import subject_for
from keystead.storage.ports import Read, find, get, only


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request came in: the realm's name, its issuer identifier, and the seal pairwise subjects come from."""

    realm: str
    issuer: str
    sealer: Sealer


@dataclass(frozen=True, slots=True)
class Browser:
    """What the request's cookies prove. Digests, empty when the cookie is absent."""

    session_digest: str
    browser_digest: str

    @property
    def known(self) -> bool:
        """Whether the browser showed any cookie of ours."""
        return bool(self.session_digest or self.browser_digest)


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in at this browser, and on what evidence. `told` is what the client calls them (`sub`)."""

    account: Account
    session: Session
    assurance: Assurance
    told: str

    @property
    def complete(self) -> bool:
        """Whether all was proved that this account asks for: with a second factor enrolled, two kinds."""
        return not self.account.second_factors or assurance(self.session.evidence).acr == ACR_TWO_FACTORS


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything one question of the dispatcher needs, from one snapshot."""

    realm: Realm
    client: Client | None
    scope_map: ScopeMap
    person: Person | None
    consent: Consent | None
    interaction: Interaction | None = None
    halfway: Person | None = None
    """Who proved a password here and owes a second factor. They are not signed in: `person` is None."""


def read_browser(request: Request, cx: ServerContext) -> Browser:
    """Return what the cookies of the request prove."""
    session = read_cookie(request.headers, cookie_name("session", request.realm, secure=cx.secure))
    browser = read_cookie(request.headers, cookie_name("browser", request.realm, secure=cx.secure))
    return Browser(handle_digest(session) if session else "", handle_digest(browser) if browser else "")


def place_of(request: Request, cx: ServerContext) -> Place:
    """Return where a request came in."""
    return Place(request.realm, cx.issuer(request.realm), cx.sealer)


def gather(place: Place, client_id: str, session_digest: str, now: EpochSeconds) -> Read[Situation]:
    """Read the situation of a new request."""
    land = yield from survey(place.realm, place.issuer, now)
    client = (yield from get(Client, place.realm, client_id, now)) if client_id else None
    proved = yield from person_of(land.realm, session_digest, now)
    person = proved if proved is not None and proved.complete else None
    consent: Consent | None = None
    if person is not None and client is not None:
        person = replace(person, told=subject_for(place.sealer, client, person.account.id))
        consent = yield from get(Consent, place.realm, consent_id(person.account.id, client.id), now)
    return Situation(land.realm, client, land.scope_map, person, consent, halfway=None if person else proved)


def gather_again(place: Place, handle: str, browser: Browser, now: EpochSeconds) -> Read[Situation | None]:
    """Read the situation of an interaction that this browser began. None: no such interaction for this browser."""
    interaction = yield from find_interaction(place.sealer, place.realm, handle, now)
    if interaction is None or not browser.browser_digest or interaction.browser_digest != browser.browser_digest:
        return None
    situation = yield from gather(place, interaction.client_id, browser.session_digest, now)
    return replace(situation, interaction=interaction)


def person_of(realm: Realm, session_digest: str, now: EpochSeconds) -> Read[Person | None]:
    """Return whose live session a cookie is, `complete` or halfway through signing in."""
    if not session_digest:
        return None
    session = only((yield from find(Session, realm.id, now, index="handle_digest", value=session_digest, limit=1)))
    if session is None:
        return None
    account = yield from get(Account, realm.id, session.subject, now)
    if account is None or not session_is_live(session, account, realm.session_idle_lifetime, now):
        return None
    return Person(account, session, assurance(session.evidence, realm.acr_names), account.id)
