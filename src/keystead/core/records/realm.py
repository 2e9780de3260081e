"""A realm: one issuer, its lifetimes and its rules."""

from __future__ import annotations

import re
from typing import ClassVar, Final

from keystead.core.records.client_vouchers import ClientAttester, SpiffeTrustDomain
from keystead.core.records.detail_type import DetailType
from keystead.core.records.record import Record
from keystead.core.records.registration import RegistrationRules
from keystead.core.records.transaction_rules import TransactionRules
from keystead.core.values import Seconds

REALM_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
"""What a realm may be called: its name is a part of every path under its issuer."""


class Realm(Record, frozen=True, kw_only=True):
    """A realm. Its `id` equals its `realm`, the name in the issuer URL.

    `sign_up` is `closed`, or `open`: anybody may make an account of their own.
    `features` are what its settings open that not every realm has, for the discovery document: `first_party`,
    `id_jag_issuer`, `id_jag_receiver`, `trusted_issuers`.
    `signing_algorithm` signs wherever nobody asks for another; clients may ask for the `further_signing_algorithms`,
    whose keys are published too. `encryption_key_types` are those of the keys clients may encrypt to. `acr_names` are
    this realm's names for the levels of assurance.
    """

    kind: ClassVar[str] = "realm"
    cached: ClassVar[bool] = True

    display_name: str = ""
    features: tuple[str, ...] = ()
    enabled: bool = True
    acr_names: dict[str, str] = {}
    signing_algorithm: str = "ES256"
    further_signing_algorithms: tuple[str, ...] = ()
    encryption_key_types: tuple[str, ...] = ("EC",)
    access_token_lifetime: Seconds = Seconds(300)
    exchanged_token_lifetime: Seconds = Seconds(60)
    id_token_lifetime: Seconds = Seconds(300)
    code_lifetime: Seconds = Seconds(60)
    device_code_lifetime: Seconds = Seconds(600)
    backchannel_authentication_lifetime: Seconds = Seconds(300)
    danger_backchannel_test_decisions: bool = False
    transaction_tokens: TransactionRules = TransactionRules()
    pushed_request_lifetime: Seconds = Seconds(90)
    refresh_token_lifetime: Seconds = Seconds(30 * 86400)
    refresh_token_idle_lifetime: Seconds = Seconds(7 * 86400)
    session_lifetime: Seconds = Seconds(24 * 3600)
    session_idle_lifetime: Seconds = Seconds(3600)
    key_rotation_interval: Seconds = Seconds(30 * 86400)
    maximum_actor_depth: int = 5
    sign_up: str = "closed"
    status_lists: bool = False
    status_list_ttl: Seconds = Seconds(15)
    authorization_details_types: dict[str, DetailType] = {}
    require_dpop_nonce: bool = False
    registration: RegistrationRules = RegistrationRules()
    spiffe_trust_domains: tuple[SpiffeTrustDomain, ...] = ()
    client_attesters: tuple[ClientAttester, ...] = ()
    require_attestation_challenge: bool = False
    client_certificate_authorities: str = ""

    @property
    def signing_algorithms(self) -> tuple[str, ...]:
        """Return every algorithm this realm signs with, its own first."""
        return tuple(dict.fromkeys((self.signing_algorithm, *self.further_signing_algorithms)))
