"""What pages are asked for in their address. A query that cannot be read asks for nothing."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import urlencode

from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, parse_parameters, read_form
from keystead.core.http import Request

F = TypeVar("F", bound=Form)


def read_query(request: Request, form: type[F]) -> F:
    """Return what the address asks for."""
    try:
        return read_form(parse_parameters(request.query), form)
    except InvalidRequest:
        return form()


def address(path: str, **parameters: str) -> str:
    """Return a path with the parameters that are not empty."""
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{path}?{query}" if query else path
