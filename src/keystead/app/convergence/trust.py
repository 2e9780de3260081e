"""The records of a realm's relations to other trust domains."""

from __future__ import annotations

from typing import Final

from keystead.app.settings.realm import RealmSettings
from keystead.app.settings.trust import PartnerServerSettings, TrustedIssuerSettings
from keystead.core.records.record import Record
from keystead.core.records.trusted_issuer import PartnerServer, TrustedIssuer

_MANAGED: Final = "configuration"
_ISSUER_FIELDS: Final = sorted(set(TrustedIssuerSettings.__struct_fields__) & set(TrustedIssuer.__struct_fields__))
_PARTNER_FIELDS: Final = sorted(
    (set(PartnerServerSettings.__struct_fields__) & set(PartnerServer.__struct_fields__)) - {"issuer"}
)


def trust_records(realm: str, settings: RealmSettings) -> list[Record]:
    """Return the trusted issuers and partner servers of a realm."""
    return [
        *(_trusted_issuer(realm, entry) for entry in settings.trusted_issuers),
        *(_partner_server(realm, partner) for partner in settings.partner_servers),
    ]


def _trusted_issuer(realm: str, entry: TrustedIssuerSettings) -> TrustedIssuer:
    same = {name: getattr(entry, name) for name in _ISSUER_FIELDS}
    audiences = (entry.audience,) if entry.audience else ()
    return TrustedIssuer(realm=realm, id=entry.name, **same | {"audiences": audiences, "managed_by": _MANAGED})


def _partner_server(realm: str, partner: PartnerServerSettings) -> PartnerServer:
    same = {name: getattr(partner, name) for name in _PARTNER_FIELDS}
    return PartnerServer(realm=realm, id=partner.issuer, **same | {"managed_by": _MANAGED})


def features(settings: RealmSettings) -> tuple[str, ...]:
    """Return what the settings of a realm open that not every realm has."""
    opened = {
        "trusted_issuers": bool(settings.trusted_issuers),
        "first_party": any(client.first_party for client in settings.clients),
        "id_jag_issuer": any("id_jag" in partner.formats for partner in settings.partner_servers),
        "id_jag_receiver": any(entry.id_jag for entry in settings.trusted_issuers),
    }
    return tuple(name for name, is_open in opened.items() if is_open)
