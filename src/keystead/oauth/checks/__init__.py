"""The list of request checks: every demand a browser request must meet, one file each, one matrix for all endpoints.

Flow: an endpoint parses its form, gathers the facts (client, APIs, realm), makes a `Draft` (draft.py) and runs
`examine` (matrix.py), which walks the rows that apply to the endpoint, in order. A check settles its part of the
draft and says in a few words why it passed, or raises the registered error.
Does not: look at sessions, consent or passwords. What a person still has to do is the dispatcher's question.
"""
