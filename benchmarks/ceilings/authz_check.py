"""Ceiling: checks on a raw asyncio protocol, no token, no journal. `python -m benchmarks.ceilings.authz_check PORT`.

The same engine over the same tuples; the rest is httptools, uvloop and msgspec.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import httptools
import msgspec
import uvloop

from benchmarks.authz_workload import MODEL, tuples
from keystead.authz import read_model
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.plan import compile_model


class Key(msgspec.Struct):
    """A question."""

    user: str
    relation: str
    object: str


class Item(msgspec.Struct):
    """A question of a batch."""

    tuple_key: Key
    correlation_id: str = ""


class Batch(msgspec.Struct):
    """Many questions."""

    checks: list[Item]


ONE = msgspec.json.Decoder(Item)
MANY = msgspec.json.Decoder(Batch)


class RawProtocol(asyncio.Protocol):
    """One connection."""

    evaluator: Evaluator

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpRequestParser(self)
        self._url = self._body = b""

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._url == b"/check":
            key = ONE.decode(self._body).tuple_key
            answer: object = {"allowed": self.evaluator.holds(key.user, key.relation, key.object)}
        else:
            asked = MANY.decode(self._body).checks if self._url == b"/batch-check" else []
            keys = [(item.correlation_id, item.tuple_key) for item in asked]
            answer = {id: {"allowed": self.evaluator.holds(key.user, key.relation, key.object)} for id, key in keys}
        self._body = b""
        body = msgspec.json.encode(answer)
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
        self._transport.write(head + str(len(body)).encode() + b"\r\n\r\n" + body)


async def main(port: int) -> None:
    """Serve until ended."""
    graph = Graph(compile_model(read_model(MODEL)))
    for each in tuples():
        graph.add(each)
    RawProtocol.evaluator = Evaluator(graph)
    server = await asyncio.get_running_loop().create_server(RawProtocol, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
