"""jwt-bearer: an issuer of another trust domain says who somebody is, and that is enough for tokens here."""

from __future__ import annotations

from typing import Any, Final

from keystead.core.decisions import Check, Denied
from keystead.core.errors import InvalidGrant
from keystead.core.forms import Form, Line, Token, Word
from keystead.core.records.account import Account
from keystead.core.records.grant import Grant as GrantRecord
from keystead.core.records.grant import new_grant_id
from keystead.core.records.realm import Realm
from keystead.core.records.workload import Workload
from keystead.core.spec import ID_JAG, IDENTITY_CHAINING, RFC7521, RFC7523, RFC8707
from keystead.core.values import EpochSeconds
from keystead.oauth.asserted_subjects import asserted_account
from keystead.oauth.authority import Holding
from keystead.oauth.grant import Attempt, Authority, Grant, Spent
from keystead.oauth.revocations import store
from keystead.oauth.scopes import IDENTITY_SCOPES, Ask, Bounds, split_scope
from keystead.oauth.trusted_issuers import Asserted, read_assertion, spend_assertion
from keystead.storage.ports import Write, get

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
REFUSAL: Final = "the assertion is not valid here: expired, used before, not trusted, or not about anybody we know"
_NO_EVIDENCE: Final = "0"


class JwtBearerForm(Form, frozen=True, kw_only=True):
    """The parameters."""

    grant_type: Word
    assertion: Token
    scope: Line = ""
    resource: tuple[Line, ...] = ()


class JwtBearerGrant(Grant[JwtBearerForm]):
    """The assertion of a trusted issuer for an access token: a workload's or client's own, or a person's.

    What an assertion is worth stands in `realms.X.trusted_issuers`. A person's token goes to a client that proved
    itself, that the entry names, and that the person consented to (or `skip_consent`). An ID-JAG binds the client,
    scope and resource it names.
    Does not: return a refresh token, or take an assertion twice.
    Spec: RFC 7521 section 4.1, RFC 7523 sections 2.1 and 3, draft-ietf-oauth-identity-assertion-authz-grant.
    """

    grant_type = GRANT_TYPE
    specs = (RFC7521["4.1"], RFC7523["2.1"], RFC7523["3"], RFC8707["2.2"], IDENTITY_CHAINING["2.4"], ID_JAG["4.4"])
    form = JwtBearerForm
    events = (
        "assertion.malformed",
        "assertion.unknown_issuer",
        "assertion.ambiguous",
        "assertion.no_keys",
        "assertion.refused",
        "assertion.several_audiences",
        "assertion.too_long",
        "assertion.condition",
        "assertion.no_person",
        "assertion.no_subject",
        "assertion.unknown_subject",
        "assertion.unverified_email",
        "assertion.wrong_client",
        "assertion.replayed",
    )

    def realm_metadata(self, realm: Realm) -> dict[str, Any]:
        """Return that ID-JAGs are taken. Spec: draft-ietf-oauth-identity-assertion-authz-grant section 7.2."""
        if "id_jag_receiver" not in realm.features:
            return {}
        return {"authorization_grant_profiles_supported": ["urn:ietf:params:oauth:grant-profile:id-jag"]}

    async def prove(self, form: JwtBearerForm, attempt: Attempt) -> Authority:
        """Return what the assertion is worth here."""
        asserted = await read_assertion(form.assertion, attempt.realm.id, attempt.cx, attempt.now)
        if isinstance(asserted, Denied):
            raise _refused(asserted)
        attempt.credential = asserted.credential
        attempt.checks.extend(asserted.checks)
        if asserted.entry.account is None:
            return await own_authority(asserted, form, attempt)
        return await _person_authority(asserted, form, attempt)


async def own_authority(asserted: Asserted, form: JwtBearerForm, attempt: Attempt) -> Authority:
    """Return the authority of the workload or client the assertion speaks for, which must be the one that asks."""
    entry, caller = asserted.entry, attempt.caller
    if not caller.is_named(*(name for name in (entry.client, entry.workload) if name)):
        raise _refused(Denied("assertion.wrong_client", f"{entry.id} does not speak for {caller.actor}"))
    scopes = tuple(scope for scope in attempt.allowed_scopes() if scope not in IDENTITY_SCOPES)
    workload = None
    if caller.workload:
        workload = await attempt.cx.store.read(get(Workload, attempt.realm.id, caller.workload, attempt.now))
    return Authority(
        holding=Holding(client_id=caller.client.id, subject=caller.actor),
        bounds=Bounds(within(entry.scope, scopes), bare=workload.audiences if workload is not None else ()),
        ask=Ask(split_scope(form.scope), form.resource),
        refusal=REFUSAL,
        jwt=caller.client.wants_jwt,
        spend=lambda: spend_only(asserted, attempt),
    )


async def _person_authority(asserted: Asserted, form: JwtBearerForm, attempt: Attempt) -> Authority:
    """Return the authority of the person the assertion is about, for the client that brings it."""
    entry, claims, client = asserted.entry, asserted.claims, attempt.caller.client
    require_bearer(asserted, attempt)
    account = await attempt.cx.store.read(asserted_account(asserted, attempt.now))
    if isinstance(account, Denied):
        raise _refused(account)
    scopes = attempt.scope_map.allowed_by_roles(within(entry.scope, attempt.allowed_scopes()), account.roles)
    resources: tuple[str, ...] = ()
    if entry.id_jag:
        named = claims.get("scope")
        scopes = scopes if named is None else tuple(one for one in scopes if one in _text(named).split())
        resources = _texts(claims.get("resource"))
    grant_id = new_grant_id()
    return Authority(
        holding=Holding(
            client_id=client.id,
            subject=account.id,
            scopes=scopes,
            roles=account.roles,
            authority_epoch=account.authority_epoch,
        ),
        grant_id=grant_id,
        bounds=Bounds(scopes, resources),
        ask=Ask(split_scope(form.scope), form.resource),
        refusal=REFUSAL,
        acr=_NO_EVIDENCE,
        jwt=client.wants_jwt,
        checks=(Check("assertion_subject", True, f"{entry.id} speaks of {account.id}"),),
        spend=lambda: spend_for_person(asserted, account, grant_id, attempt),
    )


def require_bearer(asserted: Asserted, attempt: Attempt) -> None:
    """Demand that whoever brings an assertion about a person is a proven client the entry (and an ID-JAG) names.

    Raises: InvalidGrant. Spec: draft-ietf-oauth-identity-assertion-authz-grant sections 4.4.1 and 8.1.
    """
    entry, caller = asserted.entry, attempt.caller
    if caller.method == "none" or not caller.is_named(*entry.clients):
        raise _refused(Denied("assertion.wrong_client", f"{entry.id} does not speak of people to {caller.actor}"))
    if entry.id_jag and asserted.claims["client_id"] != caller.client.id:
        raise _refused(Denied("assertion.wrong_client", "the ID-JAG names another client"))


def spend_only(asserted: Asserted, attempt: Attempt) -> Write[Spent | Denied]:
    """Spend an assertion that buys nothing that must be remembered."""
    if not (yield from spend_assertion(asserted, attempt.now)):
        return _replayed(asserted)
    return Spent()


def spend_for_person(asserted: Asserted, account: Account, grant_id: str, attempt: Attempt) -> Write[Spent | Denied]:
    """Spend an assertion, and store the grant that the person's tokens stand and fall with."""
    now, client_id = attempt.now, attempt.caller.client.id
    if not (yield from spend_assertion(asserted, now)):
        return _replayed(asserted)
    grant = GrantRecord(
        realm=attempt.realm.id,
        id=grant_id,
        subject=account.id,
        client_id=client_id,
        acr=_NO_EVIDENCE,
        authority_epoch=account.authority_epoch,
        created_at=now,
        expires_at=EpochSeconds(now + attempt.scope_map.longest_lifetime(attempt.realm)),
    )
    yield from store(grant, now)
    return Spent()


def within(bound: str, scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Return those scopes that a bound names; an empty bound names all."""
    named = set(bound.split())
    return tuple(scope for scope in scopes if scope in named) if named else scopes


def _replayed(asserted: Asserted) -> Denied:
    return Denied("assertion.replayed", f"{asserted.entry.id}: the assertion was shown before")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _refused(denied: Denied) -> InvalidGrant:
    return InvalidGrant(REFUSAL, reason=denied.reason, detail=denied.detail)
