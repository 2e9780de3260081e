"""Stores of relationships kept for others: many stores, each with its models, in one storage backend.

Flow: `stores` is the way in; `catalogue` its transactions, `opened` what a process keeps of it in memory,
`model_documents` models as JSON, `consistency` the tokens that writes give and reads take, `feed` what followers get.
Does not own: the meaning of a model (`authz.engine`), HTTP (`api.openfga`), or who may ask (`api.access`).
"""

from keystead.authz.served.consistency import consistency_token, revision_of
from keystead.authz.served.errors import ForeignToken, KeptByConfiguration, UnknownModel, UnknownStore
from keystead.authz.served.opened import Opened
from keystead.authz.served.stores import AuthorizationStores

__all__ = [
    "AuthorizationStores",
    "ForeignToken",
    "KeptByConfiguration",
    "Opened",
    "UnknownModel",
    "UnknownStore",
    "consistency_token",
    "revision_of",
]
