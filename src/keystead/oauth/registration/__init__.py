"""Clients that register themselves (RFC 7591, RFC 7592, OpenID Connect Registration).

Flow: the `register` endpoint asks `admission` who may, reads the body with `metadata`, holds it against `rules` (what
the specifications demand) and `policy` (what the realm admits), and has `enrolment` store the client and make its
credentials; `response` is what is answered. `metadata_documents` are clients whose `client_id` is the URL of
their metadata.
Does not: own `Client`. A registered client is one like any other, marked `self_registered` where nobody vouched for it.
"""
