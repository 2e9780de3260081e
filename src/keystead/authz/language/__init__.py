"""The OpenFGA modelling language: text in, a checked model or a list of problems out.

Flow: `tokens` cuts the text, `parser` builds the model, `references` and `entrypoints` look for what would never
work, `json_form` writes the model as OpenFGA's JSON.
Does not own: what a model means (`keystead.authz.engine`).
"""

from keystead.authz.language.checks import check_model
from keystead.authz.language.parser import parse_model
from keystead.authz.model import AuthorizationModel

__all__ = ["check_model", "parse_model", "read_model"]


def read_model(text: str) -> AuthorizationModel:
    """Parse and check a model. Raises: ModelError with every problem found."""
    model = parse_model(text)
    check_model(model)
    return model
