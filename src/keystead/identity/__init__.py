"""People: accounts, how they prove who they are, the sessions that remember it, and what they allowed to whom.

Flow: the sign-in page asks `throttle` whether an attempt may be made, `accounts` whose it is, `passwords` whether the
password is right, and `sessions.sign_in` for a session; `logout` ends one with `sessions.end_session`.
All of it is transactions against `storage.ports`: what must be true together is written together.
Does not: show pages (`web`), mint tokens or decide what a request still needs (`oauth`).
"""
