"""Filters for SQLAlchemy need nothing that only its asynchronous half needs."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = "import sys; sys.modules['greenlet'] = None; from keystead.authz.rows.sqlalchemy import filter_for, over"


def test_synchronous_services_need_no_greenlet() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
