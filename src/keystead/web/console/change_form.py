"""The form that adds or deletes a tuple."""

from __future__ import annotations

from keystead.authz.errors import InvalidRelationship
from keystead.authz.moments import read_moment
from keystead.authz.names import relationship
from keystead.authz.tuple_lines import canonical_context
from keystead.core.forms import Form, Line, Word
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship


class ChangeForm(Form, frozen=True, kw_only=True):
    """What is to be done (`add` or `delete`) to which tuple, under which preconditions. `sure`: it was confirmed."""

    token: Word = ""
    what: Word = ""
    sure: Word = ""
    object: Line = ""
    relation: Word = ""
    user: Line = ""
    condition: Word = ""
    context: Line = ""
    expires: Word = ""
    must_exist: Line = ""
    must_not_exist: Line = ""


def named_tuple(form: ChangeForm) -> Relationship:
    """Return the tuple a form names. Raises: InvalidRelationship, ValueError."""
    read = relationship(f"{form.object.strip()}#{form.relation.strip()}@{form.user.strip()}")
    if not form.condition.strip() and form.context.strip():
        raise InvalidRelationship("a context belongs to a condition: name the condition, or leave the context out")
    expires = EpochSeconds(read_moment(form.expires) if form.expires.strip() else 0)
    context = canonical_context(form.context)
    return Relationship(read.object, read.relation, read.user, form.condition.strip(), context, expires)
