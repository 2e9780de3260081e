"""Bringing a running system to what the configuration file says, and saying beforehand what that would do.

Flow: `desired` turns settings into records, `difference` compares them with what is stored, `apply` writes the
difference in one transaction a realm. What the file never made, or what somebody made by other means, stays.
Does not: delete because something left the file, unless told to prune.
"""

from keystead.app.convergence.apply import apply, plan
from keystead.app.convergence.difference import Change

__all__ = ["Change", "apply", "plan"]
