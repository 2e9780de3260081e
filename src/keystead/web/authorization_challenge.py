"""The authorization challenge endpoint: the operator's own native application signs a person in without a browser."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Final

import msgspec

from keystead.core.decisions import Decision
from keystead.core.errors import InvalidRequest, OAuthError, TemporarilyUnavailable, UnauthorizedClient
from keystead.core.forms import Form, Line, Parameters, Token, Word, read_body, read_form
from keystead.core.http import Headers, Reply, Request, json_reply
from keystead.core.protocols import PasswordsBusy
from keystead.core.records.client import Client
from keystead.core.records.interaction import Interaction
from keystead.core.records.realm import Realm
from keystead.core.spec import FIRST_PARTY_APPS, Section
from keystead.core.values import EpochSeconds, Secret, handle_digest, new_handle
from keystead.core.waiting_errors import InsufficientAuthorization, InvalidSession, RedirectToWeb
from keystead.identity.sessions import SignedIn
from keystead.identity.throttle import Wait
from keystead.oauth.asked import Asked
from keystead.oauth.authorize import obtain_code
from keystead.oauth.caller_allowance import CallerAllowance
from keystead.oauth.catalogue import client_authentications
from keystead.oauth.checks.draft import AuthorizationForm, Draft, Facts
from keystead.oauth.checks.matrix import AUTHORIZATION_CHALLENGE, examine
from keystead.oauth.client_authentication import authenticate_client
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.errors import error_reply
from keystead.oauth.landscape import landscape
from keystead.oauth.missing import Refused, what_is_missing
from keystead.oauth.profiles import profile_of
from keystead.oauth.sender_binding import SenderBinding, bind_sender
from keystead.oauth.situation import Browser, Situation, gather, place_of
from keystead.oauth.still_registered import may_still_be_answered
from keystead.storage.ports import get, put
from keystead.web.sign_in_attempt import Attempt, Entered, try_password

ACTION: Final = "authorization.challenge"
PREFIX: Final = "ksn_"
LIFETIME: Final = 600
_anonymous: Final = CallerAllowance(per_minute=3_000, per_network=60)


class ChallengeForm(Form, frozen=True, kw_only=True):
    """What a first-party application sends, beside what authenticates it: first the request, then what was typed."""

    response_type: Word = ""
    scope: Line = ""
    nonce: Line = ""
    acr_values: Line = ""
    max_age: Word = ""
    claims: Token = ""
    resource: tuple[Line, ...] = ()
    authorization_details: Token = ""
    code_challenge: Line = ""
    code_challenge_method: Word = ""
    auth_session: Word = ""
    username: Line = ""
    password: Line = ""


class AuthorizationChallengeEndpoint(EndpointPlugin):
    """Takes user name and password from an application marked `first_party`, and gives it an authorization code.

    The same throttle, the same evidence and the same questions as in the browser; what these applications cannot ask
    (consent, another account, a stronger factor) sends them there. A `code_challenge` is always demanded.
    Shape: POST the request, then `auth_session`, `username`, `password`; JSON `{"authorization_code"}` or an error
    (`insufficient_authorization`, `invalid_session`, `redirect_to_web`) with the `auth_session` to go on with.
    Does not: give a cookie, or serve any other client.
    Spec: draft-ietf-oauth-first-party-apps sections 4 and 5.
    """

    path: ClassVar[str] = "authorization_challenge"
    methods: ClassVar[frozenset[str]] = frozenset({"POST"})
    specs: ClassVar[tuple[Section, ...]] = (
        FIRST_PARTY_APPS["5.1"],
        FIRST_PARTY_APPS["5.2"],
        FIRST_PARTY_APPS["5.2.2"],
        FIRST_PARTY_APPS["5.3"],
    )

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return where it is. Spec: draft-ietf-oauth-first-party-apps section 8."""
        return {"authorization_challenge_endpoint": f"{issuer}/{self.path}"}

    def realm_metadata(self, realm: Realm) -> dict[str, Any]:
        """Take it out where no client is a first party."""
        return {} if "first_party" in realm.features else {"authorization_challenge_endpoint": None}

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one step."""
        step = Step(request, cx)
        try:
            code = await step.run()
        except OAuthError as error:
            step.record(error)
            return step.refusal(error)
        step.record(None)
        return json_reply({"authorization_code": code})


class Step:
    """One request, as far as it has come. `handle` is the auth_session to go on with."""

    def __init__(self, request: Request, cx: ServerContext) -> None:
        self.request, self.cx = request, cx
        self.handle = ""
        self.client_id = ""
        self.wait = 0

    async def run(self) -> str:
        """Return the authorization code. Raises: OAuthError, with what the application can do next."""
        request, cx = self.request, self.cx
        parameters = read_body(request)
        caller = await authenticate_client(request, parameters, cx, client_authentications())
        client = caller.client
        self.client_id = client.id
        if not client.first_party or client.self_registered:
            raise UnauthorizedClient(
                "only the operator's own applications may ask here: set first_party for this client",
                reason="challenge.not_first_party",
            )
        if profile_of(client).par:
            raise UnauthorizedClient(
                "this client must push its requests and send the person to a browser", reason="challenge.profile"
            )
        form = read_form(parameters, ChallengeForm)
        land = await landscape(cx, request.realm, request.now)
        binding = await bind_sender(request, client, land.realm, cx)
        if form.auth_session:
            interaction = await self._resume(form.auth_session, client, binding)
        elif caller.method == "none" and not _anonymous.take(request, cx.sealer):
            raise TemporarilyUnavailable("too many sign-ins begin: try again in a minute", reason="challenge.too_many")
        else:
            interaction = await self._begin(parameters, client, binding)
        if not form.username or not form.password:
            raise InsufficientAuthorization("send username and password", reason="challenge.password_needed")
        return await self._attempt(interaction, form)

    async def _begin(self, parameters: Parameters, client: Client, binding: SenderBinding) -> Interaction:
        request, cx = self.request, self.cx
        land = await landscape(cx, request.realm, request.now)
        facts = Facts(land.realm, land.scope_map.issuer, request.now, client, land.scope_map)
        named = AuthorizationForm.__struct_fields__
        wanted = {name: value for name, value in parameters.items() if name in named and name != "redirect_uri"}
        draft = Draft(read_form(wanted, AuthorizationForm), facts)
        _, refusal = examine(draft, AUTHORIZATION_CHALLENGE)
        if refusal is not None:
            raise refusal.error
        if not draft.form.code_challenge:
            raise InvalidRequest("send a code_challenge (S256)", reason="challenge.without_pkce")
        self.handle = PREFIX + new_handle()
        interaction = msgspec.structs.replace(
            draft.interaction(handle_digest(self.handle), ""),
            redirect_uri="",
            binding=binding.text,
            outcome=ACTION,
            expires_at=EpochSeconds(request.now + LIFETIME),
        )
        await cx.store.write(lambda: put(interaction, request.now))
        return await self._resume(self.handle, client, binding)

    async def _resume(self, auth_session: str, client: Client, binding: SenderBinding) -> Interaction:
        """Return the request that was begun. Raises: InvalidSession, also for another client or key."""
        realm, now = self.request.realm, self.request.now
        found = None
        if auth_session.startswith(PREFIX):
            found = await self.cx.store.read(get(Interaction, realm, handle_digest(auth_session), now))
        mine = found is not None and found.client_id == client.id and found.outcome == ACTION
        mine = mine and found is not None and may_still_be_answered(found, client)
        if found is None or not mine or found.binding != binding.text:
            self.handle = ""
            raise InvalidSession("the auth_session is over, or another client's", reason="challenge.session")
        self.handle = auth_session
        return found

    async def _attempt(self, interaction: Interaction, form: ChallengeForm) -> str:
        """Check the password as the sign-in page does, then ask the dispatcher's question."""
        request, cx = self.request, self.cx
        situation = await self._look(interaction, "")
        user_agent = next((value.decode("latin-1") for name, value in request.headers if name == b"user-agent"), "")
        entered = Entered(form.username, Secret(form.password), request.client_address, "", user_agent, "")
        try:
            outcome = await try_password(Attempt(request, situation, entered), cx)
        except PasswordsBusy:
            raise TemporarilyUnavailable("try again in a moment", reason="challenge.busy") from None
        if isinstance(outcome, Wait):
            self.wait = outcome.seconds
            raise InsufficientAuthorization(
                f"too many attempts: wait {outcome.seconds} s, then try again", reason="challenge.throttled"
            )
        if not isinstance(outcome, SignedIn):
            raise InsufficientAuthorization("the user name or password is not right", reason="challenge.wrong")
        return await self._finish(outcome)

    async def _finish(self, signed_in: SignedIn) -> str:
        request, cx = self.request, self.cx
        current = await cx.store.read(get(Interaction, request.realm, handle_digest(self.handle), request.now))
        if current is None:
            raise InvalidSession("the auth_session is over", reason="challenge.session")
        situation = await self._look(current, signed_in.session.handle_digest)
        answer = what_is_missing(current, situation)
        if isinstance(answer, Refused) or answer.step is not None:
            why = answer.error.description if isinstance(answer, Refused) else "a page has to be visited"
            raise RedirectToWeb(f"go on in a browser: {why}", reason="challenge.redirect_to_web")
        asked = Asked(request, msgspec.structs.replace(current, outcome="code"), situation, Browser("", ""))
        code = await obtain_code(asked, answer.checks, cx)
        if code is None:
            raise InvalidSession("the auth_session is over", reason="challenge.session")
        return code

    async def _look(self, interaction: Interaction, session_digest: str) -> Situation:
        place, now = place_of(self.request, self.cx), self.request.now
        situation = await self.cx.store.read(gather(place, interaction.client_id, session_digest, now))
        return replace(situation, interaction=interaction)

    def refusal(self, error: OAuthError) -> Reply:
        """Return the error, with the auth_session where there is one to go on with."""
        if not self.handle or not isinstance(error, InsufficientAuthorization | RedirectToWeb):
            return error_reply(error)
        document = {"error": error.code, "error_description": error.description, "auth_session": self.handle}
        wait: Headers = ((b"retry-after", str(self.wait).encode()),) if self.wait else ()
        reply = json_reply(document, status=429 if self.wait else error.status)
        return Reply(reply.status, (*reply.headers, *wait), reply.body)

    def record(self, error: OAuthError | None) -> None:
        """Tell the journal of this step."""
        self.cx.journal.record(
            Decision(
                action=ACTION,
                allowed=error is None,
                reason="challenge.code_offered" if error is None else error.reason,
                trace=self.request.trace,
                realm=self.request.realm,
                client_id=self.client_id,
                facts={} if error is None else {"error": error.code},
            )
        )
