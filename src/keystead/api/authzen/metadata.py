"""Where a decision point has its endpoints, for whoever asks. Made from the configuration, never from a Host header.

Spec: AuthZEN Authorization API 1.0 section 9.
"""

from __future__ import annotations

from typing import Any, Final

WELL_KNOWN: Final = "/.well-known/authzen-configuration"
METADATA_TYPE: Final = "authzen-metadata+jwt"
_CAPABILITY: Final = "urn:ietf:params:authzen:capability:"
ENDPOINTS: Final = {
    "access_evaluation_endpoint": "evaluation",
    "access_evaluations_endpoint": "evaluations",
    "search_subject_endpoint": "search/subject",
    "search_resource_endpoint": "search/resource",
    "search_action_endpoint": "search/action",
}
"""Metadata parameter -> path under `/access/v1/`."""


def metadata(decision_point: str) -> dict[str, Any]:
    """Return the metadata of a decision point, by its identifier, which is a URL."""
    document: dict[str, Any] = {"policy_decision_point": decision_point}
    document |= {name: f"{decision_point}/access/v1/{path}" for name, path in ENDPOINTS.items()}
    document["capabilities"] = [f"{_CAPABILITY}{name}" for name in ("properties-to-context", "search-pagination")]
    return document
