"""The second listener, which asks for TLS client certificates: token, userinfo and the like, never a page.

A listener of its own, because browsers would ask people to choose a certificate wherever one is asked for; clients find
it by `mtls_endpoint_aliases`. Spec: RFC 8705 section 5.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from keystead.app.http_server.application import Application
from keystead.app.http_server.server import HttpServer, listen_on
from keystead.app.settings.server import ServerSettings
from keystead.core.errors import ConfigurationError


def bind_certificate_listener(server: ServerSettings) -> socket.socket | None:
    """Return the bound socket, or None when the settings want none. Raises: ConfigurationError."""
    settings = server.client_certificates
    return listen_on(settings.listen) if settings is not None and settings.listen else None


def certificate_servers(
    server: ServerSettings, folder: Path, application: Application, listener: socket.socket | None
) -> list[HttpServer]:
    """Return the server of the listener, in a list of its own. Raises: ConfigurationError."""
    settings = server.client_certificates
    tls = None if settings is None else settings.tls or server.tls
    if listener is None or tls is None:
        return []
    files = [str(folder / file) for file in (tls.certificate, tls.key)]
    for file in files:
        if not os.access(file, os.R_OK):
            raise ConfigurationError(f"cannot read {file}", where="server.client_certificates.tls")
    from keystead.app.http_server.certificate_tls import CertificateContext  # pyOpenSSL, only for who asks

    context = CertificateContext(*files)
    return [HttpServer(application, listener, ssl_context_factory=lambda config, default: context)]
