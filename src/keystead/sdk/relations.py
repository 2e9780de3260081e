"""May this caller do this to that object? The last question of a protected route, after the token's own.

Flow: a framework's door admits the token (`access.Guard`) -> `Relations` names the user and the object, adds what the
token says of the user (`claim_tuples`), asks the engine in the service and records the decision -> `Permitted`, or the
refusal to answer.
Who may not is answered 404, as if there were no such object: a 403 would tell that there is one. A rule that names
`visible_by` answers 403 to those who have that relation, because they may know of the object anyway.
Does not: trust a path parameter to be an id, ask anything of a server, or let an error be a yes.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Collection, Generator, Iterable, Mapping
from typing import Any, Final, NamedTuple, Protocol, TypedDict, Unpack

import msgspec

from keystead.authz.decisions import Allowed, AuthorizationDecision
from keystead.authz.errors import InvalidRelationship
from keystead.authz.model import AuthorizationModel
from keystead.authz.names import object_name
from keystead.core.decisions import Check, Decision, Journal
from keystead.core.errors import ConfigurationError, StorageError
from keystead.sdk.caller import Refused, VerifiedCaller
from keystead.sdk.claim_tuples import ClaimRule, ClaimTuples
from keystead.sdk.demand import Demand, demand
from keystead.sdk.object_template import ObjectTemplate
from keystead.storage.ports import Relationship

Named = Mapping[str, object]
"""Values by name: parts of an object's name, or the parameters of conditions."""
ACTION: Final = "authz.check"
_HIDDEN: Final = (404, "not_found", "there is no such thing here")
_VISIBLE: Final = (403, "access_denied", "you may see this, and not do that to it")


class Engine(Protocol):
    """An engine as `keystead.authz.open` or `open_sync` gives it."""

    model: AuthorizationModel

    def check(
        self,
        user: str,
        relation: str,
        object: str,
        *,
        tuples: Iterable[Relationship | str] = (),
        context: Named | None = None,
    ) -> Awaitable[AuthorizationDecision] | AuthorizationDecision:
        """Decide."""
        ...


class Rule(msgspec.Struct, frozen=True):
    """What a route demands: of the token, and of the caller's relation to the object its path names."""

    relation: str
    object: ObjectTemplate
    wanted: Demand
    visible_by: str = ""


class Demands(TypedDict, total=False):
    """What a route may demand beside scope and relation: `acr` one of these levels of sign-in, `max_auth_age` its age
    in seconds at most, `actors` who may call. `visible_by` is the relation that lets one know of the object at all.
    """

    acr: str | Collection[str]
    max_auth_age: int | None
    actors: str | Collection[str] | None
    visible_by: str


class Permitted(msgspec.Struct, frozen=True):
    """A caller who may: who, to which `object` (`order:17`, whose `id` is `17`), and the path that proves it."""

    caller: VerifiedCaller
    object: str
    id: str
    decision: Allowed


class Question(NamedTuple):
    """What the engine is asked."""

    user: str
    relation: str
    object: str
    tuples: tuple[Relationship, ...]
    context: Named | None


Steps = Generator[Question, AuthorizationDecision, Permitted | Refused]


class Relations:
    """An engine, and how callers become its users.

    `user` is the type of people in the model: a person is `user:{subject}`. Callers that are no people (services as
    themselves) have no relation, unless `service` names their type. `claims` turns what a token says into tuples, see
    `ClaimTuples`.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        user: str = "user",
        service: str = "",
        claims: Mapping[str, str] | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._engine = engine
        self._types = (user, service)
        self._claims = ClaimTuples(claims or {})
        self._journal = journal
        for type in (user, service):
            if type and engine.model.type(type) is None:
                raise ConfigurationError(f"the model defines no type `{type}` for callers to be")
        for rule in self._claims.rules:
            self._require_known(rule.object.type, rule.relation)
            if not self._takes(rule, user):
                place = f"`{rule.object.type}#{rule.relation}`"
                raise ConfigurationError(
                    f"claims[{rule.claim!r}]: {place} does not take a `{user}` without a condition"
                )
        self._claims_of = {
            type: self._claims.only([rule for rule in self._claims.rules if self._takes(rule, type)])
            for type in self._types
        }

    def rule(self, relation: str, object: str, scope: str | Collection[str] = (), **demands: Unpack[Demands]) -> Rule:
        """Return what a route demands. Raises: ConfigurationError, when the service starts, for what cannot be met."""
        template, visible_by = ObjectTemplate(object), demands.get("visible_by", "")
        for name in (relation, visible_by):
            if name:
                self._require_known(template.type, name)
        wanted = demand(scope, demands.get("acr", ()), demands.get("max_auth_age"), demands.get("actors"))
        return Rule(relation, template, wanted, visible_by)

    async def decide(
        self, rule: Rule, caller: VerifiedCaller, parts: Named, context: Named | None
    ) -> Permitted | Refused:
        """Decide about one caller and one object, whose name the parts fill in. Never raises for what they contain."""
        steps = self._steps(rule, caller, parts, context)
        try:
            question = next(steps)
            while True:
                answer = self._ask(question)
                question = steps.send(await answer if inspect.isawaitable(answer) else answer)
        except StopIteration as end:
            return self._recorded(rule, caller, end.value)
        except StorageError as error:
            return self._recorded(rule, caller, _unavailable(error))

    def decide_blocking(
        self, rule: Rule, caller: VerifiedCaller, parts: Named, context: Named | None
    ) -> Permitted | Refused:
        """Do the same without an event loop. Raises: ConfigurationError when the engine was not made for that."""
        steps = self._steps(rule, caller, parts, context)
        try:
            question = next(steps)
            while True:
                answer = self._ask(question)
                if inspect.isawaitable(answer):
                    getattr(answer, "close", bool)()
                    raise ConfigurationError("this needs an engine that answers without an event loop: use open_sync")
                question = steps.send(answer)
        except StopIteration as end:
            return self._recorded(rule, caller, end.value)
        except StorageError as error:
            return self._recorded(rule, caller, _unavailable(error))

    def _steps(self, rule: Rule, caller: VerifiedCaller, parts: Named, context: Named | None) -> Steps:
        type = self._types[0] if caller.of_person else self._types[1]
        if not type:
            return _refused(_HIDDEN, "authz.not_a_person", "the caller is no person, and services have no relations")
        try:
            user, object = object_name(type, caller.subject), rule.object.fill(parts)
        except InvalidRelationship as error:
            return _refused(_HIDDEN, "authz.malformed_name", str(error))
        except KeyError as error:
            raise ConfigurationError(f"{rule.object.text}: the route has no path parameter {error}") from None
        tuples, unusable = self._claims_of[type].of(caller.claims, user)
        decision = yield Question(user, rule.relation, object, tuples, context)
        if isinstance(decision, Allowed):
            return Permitted(caller, object, object.partition(":")[2], decision)
        kind = _HIDDEN
        if rule.visible_by:
            kind = _VISIBLE if (yield Question(user, rule.visible_by, object, tuples, context)) else _HIDDEN
        return _refused(kind, decision.reason, decision.detail, unusable)

    def _ask(self, question: Question) -> Awaitable[AuthorizationDecision] | AuthorizationDecision:
        user, relation, object, tuples, context = question
        return self._engine.check(user, relation, object, tuples=tuples, context=context)

    def _recorded(self, rule: Rule, caller: VerifiedCaller, outcome: Permitted | Refused) -> Permitted | Refused:
        if self._journal is not None:
            self._journal.record(_line(rule, caller, outcome))
        return outcome

    def _takes(self, rule: ClaimRule, type: str) -> bool:
        """Return whether the model lets a tuple name a user of this type in the relation, as a claim does."""
        relation = self._engine.model.relation(rule.object.type, rule.relation)
        plain = (each for each in (relation.restrictions if relation else ()) if not (each.relation or each.wildcard))
        return any(each.type == type and not each.condition for each in plain)

    def _require_known(self, type: str, relation: str) -> None:
        if self._engine.model.relation(type, relation) is None:
            raise ConfigurationError(f"the model defines no `{relation}` on type `{type}`")


def _refused(kind: tuple[int, str, str], reason: str, why: str, further: tuple[Check, ...] = ()) -> Refused:
    status, error, description = kind
    checks = (Check("relation", False, why), *further)
    return Refused(reason=reason, status=status, error=error, description=description, checks=checks)


def _unavailable(error: StorageError) -> Refused:
    return _refused((503, "temporarily_unavailable", "this cannot be decided now"), "storage.unavailable", str(error))


def _line(rule: Rule, caller: VerifiedCaller, outcome: Permitted | Refused) -> Decision:
    facts: dict[str, Any] = {"relation": rule.relation, "object": rule.object.text}
    if isinstance(outcome, Permitted):
        allowed, reason = True, "authz.allowed"
        facts["object"] = outcome.object
        checks = tuple(Check(rule.relation, True, str(step).strip()) for step in outcome.decision.path)
    else:
        allowed, reason, checks = False, outcome.reason, outcome.checks
        facts["status"] = outcome.status
    return Decision(
        action=ACTION,
        allowed=allowed,
        reason=reason,
        trace=caller.trace.child(),
        subject=caller.subject,
        client_id=caller.client_id,
        checks=checks,
        facts=facts,
    )
