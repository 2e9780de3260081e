"""JOSE, the part that runs on every request: compact JWS with typed keys, over `cryptography` alone.

Flow: `algorithms` makes and reads keys; `key_set.KeySet` holds the ones trusted for a purpose; `jws.sign` and
`jws.read` make and check tokens; `claims.check_claims` checks what a token says.
Shape: a key verifies exactly one algorithm and knows its name; there is no function that takes a key as text, and
none that computes an HMAC, so the key and algorithm confusions of other libraries cannot be written down.
`jwe`, which only the server imports, encrypts and decrypts by way of joserfc, behind limits of its own.
Does not: JSON serialization, detached payloads, symmetric algorithms.
"""
