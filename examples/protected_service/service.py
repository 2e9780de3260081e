"""A service that believes nobody: every call shows a token meant for it, and who sees a document is decided here.

    ISSUER=http://localhost:8080/realms/acme AUDIENCE=https://documents.acme.example \
        uvicorn examples.protected_service.service:app --port 8101
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import Body, Depends, FastAPI, HTTPException
from fastapi import Path as InPath

from keystead.authz import AuthorizationEngine, Denied, open
from keystead.sdk import VerifiedCaller
from keystead.sdk.fastapi import Protect

MODEL = Path(__file__).parent / "documents.fga"
protect = Protect(issuer=os.environ["ISSUER"], audience=os.environ["AUDIENCE"])
Reader = Annotated[VerifiedCaller, Depends(protect("documents:read"))]
Writer = Annotated[VerifiedCaller, Depends(protect("documents:write"))]
Name = Annotated[str, InPath(pattern="^[A-Za-z0-9_-]{1,64}$")]
Text = Annotated[str, Body(media_type="text/plain", max_length=10_000)]

texts: dict[str, str] = {}
engine: AuthorizationEngine = open("memory://", model=MODEL.read_text("utf-8"))


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Let go of the tuples at the end."""
    async with engine:
        yield


app = FastAPI(lifespan=lifespan)


async def require(caller: VerifiedCaller, relation: str, name: str) -> list[str]:
    """Return the path that gives the caller the relation, or answer 404: a stranger does not learn what exists."""
    decision = await engine.check(f"user:{caller.subject}", relation, f"document:{name}")
    if isinstance(decision, Denied):
        raise HTTPException(404, "no such document, or none that you may see")
    return [str(step) for step in decision.path]


@app.get("/documents")
async def documents(caller: Reader) -> list[str]:
    """List what the caller may read."""
    return await engine.list_objects("document", "reader", f"user:{caller.subject}")


@app.put("/documents/{name}")
async def write(name: Name, text: Text, caller: Writer) -> dict[str, str]:
    """Store a document. Whoever stores it first owns it."""
    if name in texts:
        await require(caller, "owner", name)
    texts[name] = text
    await engine.write([f"document:{name}#owner@user:{caller.subject}"], ignore_duplicates=True)
    return {"owner": caller.subject}


@app.get("/documents/{name}")
async def read(name: Name, caller: Reader) -> dict[str, str | list[str]]:
    """Return a document, and why the caller may read it."""
    why = await require(caller, "reader", name)
    return {"text": texts[name], "because": why}


@app.put("/documents/{name}/readers/{subject}")
async def share(name: Name, subject: Name, caller: Writer) -> dict[str, str]:
    """Let somebody read a document. Only its owner may."""
    await require(caller, "owner", name)
    await engine.write([f"document:{name}#reader@user:{subject}"], ignore_duplicates=True)
    return {"reader": subject}
