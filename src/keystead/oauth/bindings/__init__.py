"""Proofs that a sender holds a key: DPoP proofs (`dpop`), TLS client certificates (`certificate`).

Flow: at the token endpoint `keystead.oauth.sender_binding` asks here what to bind tokens to; wherever the issuer is
shown an access token, `holder` asks whether the sender holds the key the token is bound to.
Does not: take certificates from a header. `request.client_certificate` is the one truth, set by the server.
Spec: RFC 9449, RFC 8705.
"""
