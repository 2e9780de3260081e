"""The issuer over HTTP beside two ceilings without storage and a peer: work per CPU second of server and store.

Run it: `keystead bench issuer` or `python -m benchmarks.issuer_http [--seconds 4] [--postgres] [--peer DIRECTORY]`.
Server on one core, load on another, 16 connections, best of the rounds; the contestants take turns inside each round.
The issuer keeps everything in SQLite with synchronous=FULL; ceilings and peer keep nothing or a map in memory.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx2
import msgspec
import uvloop

from benchmarks.contestants import BareServer, Contestant, Issuer, IssuerOnPostgres, Peer, server_core_and_load_core
from benchmarks.conversations import AUTHORIZATION, Proving, Rotating, SingleSignOn, form_request, get_request
from benchmarks.load import Conversation, Measurement, Repeated, measure

CONNECTIONS = 16
GOALS = {
    "token jwt": (4500, 5500),
    "token opaque": (6000, 8000),
    "introspect": (8000, 12000),
    "refresh": (2000, 3000),
    "jwks": (30000, 40000),
    "discovery": (30000, 40000),
    "sso": (1000, 1300),
}
FURTHER = ("par", "token dpop", "device", "exchange")
"""Measures without a goal of their own: what counts is their share of the ceiling."""

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def _has(field: bytes) -> Callable[[bytes], bool]:
    return lambda body: field in body


def conversations(contestant: Contestant, what: str) -> list[Conversation] | None:
    """Return what each connection says to this contestant for this measure; None when it does not play."""
    paths = contestant.paths
    if what not in paths:
        return None
    port, path = contestant.port, paths[what]
    credentials = {"client_id": "bench", "client_secret": contestant.secret}
    if what in ("jwks", "discovery"):
        return [Repeated(get_request(port, path), _has(b"{")) for _ in range(CONNECTIONS)]
    if what in ("token jwt", "token opaque"):
        form = {"grant_type": "client_credentials", **credentials, **contestant.extra[what]}
        return [Repeated(form_request(port, path, form), _has(b'"access_token"')) for _ in range(CONNECTIONS)]
    if what == "introspect":
        token = contestant.token()
        form = {"token": token, **credentials, **contestant.extra.get("introspect", {})}
        return [Repeated(form_request(port, path, form), _has(b'"active":true')) for _ in range(CONNECTIONS)]
    if what == "refresh":
        return [Rotating(port, path, credentials, token) for token in contestant.refresh_tokens(CONNECTIONS)]
    if what in FURTHER:
        return _further(contestant, what, credentials)
    sessions = contestant.sessions(CONNECTIONS)
    return [SingleSignOn(port, paths, credentials, cookies) for cookies in sessions]


def _further(contestant: Contestant, what: str, credentials: dict[str, str]) -> list[Conversation]:
    """Return the conversations of the measures that came with the later grants and bindings."""
    port, path = contestant.port, contestant.paths[what]
    ours = isinstance(contestant, Issuer)
    if what == "token dpop":
        form = {"grant_type": "client_credentials", **credentials}
        return [Proving(port, path, form, in_form=not ours) for _ in range(CONNECTIONS)]
    if what == "par":
        form = {**AUTHORIZATION, **credentials}
        request, check, status = form_request(port, path, form), _has(b'"request_uri"'), 201 if ours else 200
    elif what == "device":
        form = {**credentials, "scope": "openid"}
        request, check, status = form_request(port, path, form), _has(b'"user_code"'), 200
    else:
        subject = {"subject_token": contestant.subject_token(), "subject_token_type": ACCESS_TOKEN}
        named = {"client_id": "bench-exchange"} if ours else {}
        form = {"grant_type": EXCHANGE, **credentials, **named, **subject, "audience": "https://api.storm.example"}
        request, check, status = form_request(port, path, form), _has(b'"access_token"'), 200
    return [Repeated(request, check, status) for _ in range(CONNECTIONS)]


async def round_of(contestants: Sequence[Contestant], what: str, seconds: float) -> dict[str, Measurement]:
    """Let everybody take a turn at one measure."""
    results = {}
    for contestant in contestants:
        lines = conversations(contestant, what)
        if lines is not None:
            results[contestant.name] = await measure(contestant.port, lines, contestant.pids(), seconds=seconds)
    return results


def report(what: str, best: dict[str, Measurement]) -> None:
    """Print one line of the table."""
    ours = best["keystead"].per_cpu_second
    now, goal = GOALS.get(what, (0, 0))
    others = "  ".join(f"{name} {result.per_cpu_second:,.0f}" for name, result in best.items() if name != "keystead")
    verdict = "goal" if ours >= goal else "reached" if ours >= now else f"short of {now:,}"
    if what not in GOALS:
        verdict = f"{100 * ours / best['raw_protocol'].per_cpu_second:.0f} % of the ceiling"
    p50, p99 = best["keystead"].percentile(0.5), best["keystead"].percentile(0.99)
    print(f"{what:<13} keystead {ours:>8,.0f}  ({verdict}; p50 {p50:.2f} ms, p99 {p99:.2f} ms)  {others}", flush=True)


async def run(arguments: argparse.Namespace) -> None:
    """Run every measure and print the table."""
    with tempfile.TemporaryDirectory(prefix="keystead-bench-") as directory:
        contestants: list[Contestant] = [Issuer(Path(directory)), BareServer("raw_protocol"), BareServer("bare_asgi")]
        if arguments.postgres:
            (Path(directory) / "postgres").mkdir()
            contestants.append(IssuerOnPostgres(Path(directory) / "postgres"))
        if arguments.peer:
            contestants.append(Peer(Path(arguments.peer)))
        try:
            for contestant in contestants:
                contestant.start()
            issuer = contestants[0]
            print(
                f"start to first answer {issuer.start_seconds:.2f} s, idle {issuer.proportional_set_size():.1f} MiB PSS"
            )
            for what in arguments.only or (*GOALS, *FURTHER):
                best: dict[str, Measurement] = {}
                for _ in range(arguments.rounds):
                    for name, result in (await round_of(contestants, what, arguments.seconds)).items():
                        if name not in best or result.per_cpu_second > best[name].per_cpu_second:
                            best[name] = result
                report(what, best)
        finally:
            for contestant in contestants:
                contestant.stop()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", default="", help="a directory with oidc-provider installed by npm")
    parser.add_argument("--postgres", action="store_true", help="also the issuer on a PostgreSQL of its own")
    parser.add_argument("--only", nargs="*", choices=[*GOALS, *FURTHER])
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {server_core_and_load_core()[1]})
    print(f"{platform.python_implementation()} {sys.version.split()[0]}, httpx2 {httpx2.__version__}")
    print(f"msgspec {msgspec.__version__}; figures are answers (sso: sign-ins) per CPU second of the server processes")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(arguments))


if __name__ == "__main__":
    main()
