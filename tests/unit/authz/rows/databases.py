"""The databases that rows are tested in, through SQLAlchemy."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from tests.harness.postgres import schema_for

DATABASES = ("sqlite", "postgresql")


def url_of(database: str, folder: Path) -> str:
    """Return the address of an empty database."""
    if database == "sqlite":
        return "sqlite://"
    address, _, schema = schema_for(str(folder)).partition("?search_path=")
    options = quote(f"-csearch_path={schema} -cjit=off")
    return f"{address.replace('postgresql://', 'postgresql+psycopg://')}?options={options}"


def engine_of(database: str, folder: Path) -> sa.Engine:
    """Open an empty database."""
    return sa.create_engine(make_url(url_of(database, folder)))
