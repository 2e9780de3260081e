"""What a person can prove beside a password, one file a factor.

`totp` and `recovery` say whether a code is right; `enrolled` keeps which factors an account has, and spends codes.
Does not: count attempts (`identity.throttle`), or say what a proof is worth (`core.assurance`).
"""
