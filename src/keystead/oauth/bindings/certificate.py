"""TLS client certificates at the issuer: whose certificate this request came with.

Does not: read a header, or judge the certificate. A token is bound to the very certificate, whoever signed it; who
may authenticate with one is asked in `client_auth`. Spec: RFC 8705 section 3.1.
"""

from __future__ import annotations

import hashlib

from keystead.core.http import Request
from keystead.core.jose import base64url


def certificate_thumbprint(request: Request) -> str:
    """Return the `x5t#S256` of the sender's certificate, empty when it showed none."""
    certificate = request.client_certificate
    return thumbprint_of(certificate) if certificate else ""


def thumbprint_of(certificate: bytes) -> str:
    """Return the `x5t#S256` of a DER certificate."""
    return base64url.encode(hashlib.sha256(certificate).digest()).decode()
