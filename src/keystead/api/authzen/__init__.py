"""AuthZEN, the OpenID Authorization API 1.0: one protocol by which gateways and products ask whether somebody may.

Flow: `service` finds the endpoint and the store, and asks who calls -> `messages` reads the body -> `evaluation` or
`search` puts the question to the engine -> `metadata` tells anybody where all of this is.
How it maps: a subject is a user of the model (`type:id`), an action's name is a relation, a resource is an object.
Properties become parameters of conditions: `subject_x`, `resource_x`, `action_x`.
Does not own: the stores (`authz.served`), or who may ask (`api.access`).
Spec: OpenID AuthZEN Authorization API 1.0.
"""
