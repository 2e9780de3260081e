"""The dispatcher's one question: what is still missing for this request?

Does not: read, write or redirect. It looks at one situation and answers; the same situation, the same answer.
Spec: OpenID Connect Core sections 3.1.2.1 (prompt, max_age, id_token_hint), 3.1.2.3 and 3.1.2.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from keystead.core.assurance import ACR_SINGLE_FACTOR, ACR_TWO_FACTORS, acr_name
from keystead.core.decisions import Check
from keystead.core.errors import (
    AccessDenied,
    AccountSelectionRequired,
    ConsentRequired,
    InteractionRequired,
    InvalidScope,
    LoginRequired,
    OAuthError,
)
from keystead.core.records.interaction import Interaction
from keystead.core.request_errors import UnmetAuthenticationRequirements
from keystead.oauth.authorization_details import remembered
from keystead.oauth.disclosure import scopes_to_consent
from keystead.oauth.levels import Verdict, judge, wanted_levels
from keystead.oauth.situation import Person, Situation


class Step(Enum):
    """A page the person has to visit. The value is its path under the issuer."""

    SIGN_IN = "sign-in"
    SIGN_UP = "sign-up"
    NEW_PASSWORD = "new-password"  # noqa: S105  the name of a page
    SECOND_FACTOR = "second-factor"
    CONSENT = "consent"


@dataclass(frozen=True, slots=True)
class Answer:
    """The next step, or None when nothing is missing, and what was looked at to know it."""

    step: Step | None
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """The request ends with an error to the client."""

    error: OAuthError


def what_is_missing(asked: Interaction, situation: Situation) -> Answer | Refused:
    """Return the one next thing: a step, an error, or nothing."""
    silent = "none" in asked.prompt
    if asked.denied:
        return Refused(AccessDenied("The person said no.", reason="consent.denied"))
    wanted = wanted_levels(asked)
    if wanted.essential and judge(wanted, "", situation.realm.acr_names) is Verdict.OUT_OF_REACH:
        return Refused(_unmet("acr.out_of_reach"))
    if "create" in asked.prompt and asked.signed_in_at is None:
        return Answer(Step.SIGN_UP, (Check("account_made", False, "the client wants the person to make an account"),))
    halfway, _ = _signed_in(asked, situation.halfway)
    if halfway is not None and not silent:
        return Answer(Step.SECOND_FACTOR, (Check("second_factor", False, "a factor beside the password is missing"),))
    person, why = _signed_in(asked, situation.person)
    if person is None:
        if silent:
            return Refused(LoginRequired("The person has to sign in.", reason="prompt_none.login_required"))
        if _is_someone_else(asked, situation.person) and asked.signed_in_at is not None:
            return Refused(LoginRequired("Another person signed in.", reason="id_token_hint.another_person"))
        return Answer(Step.SIGN_IN, (Check("signed_in", False, why),))
    signed_in = Check("signed_in", True, why)
    if person.account.new_password_due:
        if silent:
            return Refused(InteractionRequired("The person has to act first.", reason="prompt_none.new_password"))
        return Answer(Step.NEW_PASSWORD, (signed_in, Check("password", False, person.account.new_password_due)))
    if judge(wanted, person.assurance.acr, situation.realm.acr_names) is Verdict.REACHABLE:
        helps = judge(wanted, _best_level(person, situation), situation.realm.acr_names) is Verdict.MET
        if helps and not _is_fresh(asked, person):
            if silent:
                return Refused(LoginRequired("The person has to sign in more strongly.", reason="prompt_none.acr"))
            return Answer(Step.SIGN_IN, (signed_in, Check("acr", False, "the client wants a stronger sign-in")))
        if wanted.essential:
            return Refused(_unmet("acr.not_reached"))
    if "select_account" in asked.prompt and asked.signed_in_at is None and asked.chosen_subject != person.account.id:
        return _select_account(signed_in, silent)
    scopes = situation.scope_map.allowed_by_roles(asked.scopes, person.account.roles)
    if not scopes and not asked.authorization_details:
        return Refused(InvalidScope("The person has no role for any scope asked for.", reason="scope.no_role"))
    consented, why = _consented(asked, situation, person, scopes_to_consent(scopes, asked.claims, situation.client))
    if not consented and silent:
        return Refused(ConsentRequired("The person has to consent.", reason="prompt_none.consent_required"))
    return Answer(None if consented else Step.CONSENT, (signed_in, Check("consent", consented, why)))


def _best_level(person: Person, situation: Situation) -> str:
    """Return what the person reaches by signing in anew with all they have."""
    level = ACR_TWO_FACTORS if person.account.second_factors else ACR_SINGLE_FACTOR
    return acr_name(level, situation.realm.acr_names)


def _unmet(reason: str) -> OAuthError:
    return UnmetAuthenticationRequirements("The person cannot be authenticated as strongly as asked.", reason=reason)


def _is_fresh(asked: Interaction, person: Person) -> bool:
    """Return whether the person signed in for this very request."""
    return asked.signed_in_at is not None and person.assurance.auth_time >= asked.signed_in_at


def _select_account(signed_in: Check, silent: bool) -> Answer | Refused:
    if silent:
        return Refused(AccountSelectionRequired("The person has to choose.", reason="prompt_none.select_account"))
    return Answer(Step.SIGN_IN, (signed_in, Check("account_chosen", False, "the client wants the person to choose")))


def _signed_in(asked: Interaction, person: Person | None) -> tuple[Person | None, str]:
    """Return the person if their session is enough for this request, and why or why not."""
    if person is None:
        return None, "nobody is signed in at this browser"
    if _is_someone_else(asked, person):
        return None, "another person is signed in than the id_token_hint names"
    if _is_fresh(asked, person):
        return person, "the person signed in for this request"
    if "login" in asked.prompt:
        return None, "the client wants the person to sign in again"
    if asked.max_age is not None and (
        asked.max_age == 0 or person.assurance.auth_time + asked.max_age < asked.begun_at
    ):
        return None, "the sign-in is older than max_age allows"
    return person, "a live session signs the person in"


def _is_someone_else(asked: Interaction, person: Person | None) -> bool:
    return bool(asked.required_subject) and person is not None and person.told != asked.required_subject


def _consented(asked: Interaction, situation: Situation, person: Person, scopes: Sequence[str]) -> tuple[bool, str]:
    """Return whether the person allowed this client all of this, and why or why not."""
    client, consent = situation.client, situation.consent
    if asked.consented_scopes is not None and asked.consented_by == person.account.id:
        if set(scopes) <= set(asked.consented_scopes) and asked.consented_details == asked.authorization_details:
            return True, "the person allowed it just now"
        return False, "more is asked for than was just allowed"
    if client is not None and client.self_registered:
        return False, "a client that registered itself always asks"
    if "consent" in asked.prompt:
        return False, "the client wants the person to be asked again"
    if client is not None and client.skip_consent:
        return True, "the operator lets this client skip consent"
    if consent is None:
        return False, "the person has never allowed this client anything"
    if not remembered(asked.authorization_details, consent.authorization_details, situation.realm):
        return False, "a detail is asked for that the person is asked about each time"
    if set(scopes) <= set(consent.scopes) and set(asked.resources) <= set(consent.resources):
        return True, "the person allowed all of it before"
    return False, "more is asked for than the person allowed before"
