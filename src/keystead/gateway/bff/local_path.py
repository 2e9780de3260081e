"""Where a sign-in may return to: a path of this site, written in a way no browser can read as another site.

Why strict: browsers drop tabs and line ends, read `\\` as `/`, and take `//host` for a host. `return_to` comes from
outside, so anything but plain printable ASCII after one slash is refused.
"""

from __future__ import annotations

import re
from typing import Final

_LOCAL: Final = re.compile(r"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@%?#\[\]][\x21-\x5b\x5d-\x7e]*)?", re.ASCII)
_LONGEST: Final = 2_048


def is_local_path(text: str) -> bool:
    """Tell whether a text is a path of this site, with a query and a fragment perhaps."""
    return len(text) <= _LONGEST and _LOCAL.fullmatch(text) is not None and not text.startswith("/bff/")
