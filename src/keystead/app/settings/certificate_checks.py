"""What the settings must not say about TLS client certificates, and what a client that uses them needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from keystead.app.settings.client import ClientSettings
from keystead.app.settings.credential_checks import CERTIFICATE_METHODS
from keystead.app.settings.document import Place
from keystead.app.settings.realm import RealmSettings
from keystead.app.settings.server import ServerSettings
from keystead.app.settings.server_checks import host_of, is_loopback
from keystead.core.forwarded_certificate import FORMATS
from keystead.oauth.certificate_names import NAMES, SUBJECT, read_subject

Problem = tuple[Place, str]

_PLACE: Final = ("server", "client_certificates")


def certificate_problems(server: ServerSettings) -> Iterator[Problem]:
    """Return everything wrong with `server.client_certificates`."""
    settings = server.client_certificates
    if settings is None:
        return
    if not settings.listen and not settings.proxy_header:
        yield _PLACE, "give `listen` (our own TLS listener) or `proxy_header` (what a trusted proxy sends), or both"
    if settings.listen and not settings.base_url:
        yield _PLACE, "`listen` needs the `base_url` under which clients reach it, such as https://mtls.id.example.com"
    if settings.listen and settings.tls is None and server.tls is None:
        yield _PLACE, "`listen` serves TLS itself: give `tls` here, or `server.tls`"
    if settings.base_url:
        yield from _require_other_origin(settings.base_url, server)
    if settings.proxy_header and settings.proxy_header not in FORMATS:
        yield (*_PLACE, "proxy_header"), f"write {' or '.join(FORMATS)}"
    if settings.proxy_header and not server.trusted_proxies:
        yield (*_PLACE, "proxy_header"), "name the proxies that send it in `server.trusted_proxies`; nobody else may"


def _require_other_origin(base_url: str, server: ServerSettings) -> Iterator[Problem]:
    url, place = urlsplit(base_url), (*_PLACE, "base_url")
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(host_of(base_url))):
        yield place, f"`{base_url}`: certificates are shown in TLS; write an https URL"
    if url.path != urlsplit(server.base_url).path or url.query or url.fragment:
        yield place, "it differs from `server.base_url` in host or port only: the paths are the same"
    if base_url == server.base_url:
        yield place, "it is another host or port than `server.base_url`, where browsers are not asked for certificates"


def require_certificates(realm: RealmSettings, server: ServerSettings | None) -> Iterator[Problem]:
    """Demand that whoever is to show a certificate can, and that somebody knows whose it must be."""
    for index, client in enumerate(realm.clients):
        by_certificate = client.token_endpoint_auth_method in CERTIFICATE_METHODS
        uses = by_certificate or client.tls_client_certificate_bound_access_tokens
        if uses and server is not None and server.client_certificates is None:
            yield (
                ("clients", index),
                "it shows a TLS certificate: say where they come from in server.client_certificates",
            )
        if client.tls_client_certificate_bound_access_tokens and client.dpop_bound_access_tokens:
            yield (
                ("clients", index),
                "`dpop_bound_access_tokens` excludes `tls_client_certificate_bound_access_tokens`: keep one",
            )
        for message in _name_problems(client, realm):
            yield ("clients", index), message


def _name_problems(client: ClientSettings, realm: RealmSettings) -> Iterator[str]:
    named = [member for member in NAMES if getattr(client, member)]
    if client.token_endpoint_auth_method != "tls_client_auth":  # noqa: S105 - the name of a method
        if named:
            yield f"`{named[0]}` says nothing without `token_endpoint_auth_method: tls_client_auth`"
        return
    if len(named) != 1:
        yield f"tls_client_auth needs exactly one of {', '.join(NAMES)}"
    if not realm.client_certificate_authorities:
        yield "tls_client_auth needs the realm's `client_certificate_authorities`, a PEM file"
    if client.tls_client_auth_subject_dn:
        try:
            read_subject(client.tls_client_auth_subject_dn)
        except ValueError:
            yield f"`{SUBJECT}` is no subject in RFC 4514 form, such as CN=orders,O=Acme,C=DE"
