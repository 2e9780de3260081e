"""Passwords that everybody's attackers know: a compact file of them, made once, asked at every sign-in.

Shape: a Golomb-coded set. The first 64 bits of a password's SHA-1 name a bucket and a value in it; a bucket holds its
values in order, as Rice-coded differences. Twenty-odd bits a password, one chance in a million to meet a stranger.
Flow: `building` makes the file from public lists (`keystead breached build`) in the form of `layout`, `reading` asks
it, mapped into memory; `known` asks every list there is.
Does not: hold passwords. Nobody gets a password out of the file; who has one can ask whether it is there.
Spec: NIST SP 800-63B section 3.1.1.2 (blocklist), OWASP ASVS 6.2.4, 6.2.12.
"""
