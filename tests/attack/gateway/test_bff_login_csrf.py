"""C5, C6, R3, U6: a sign-in ends in the browser it began in, once, with the issuer it was sent to; handles change."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from urllib.parse import quote

import pytest

from tests.gateway.plane import KeptJournal
from tests.gateway.raw import Response
from tests.gateway.site import Site, Visitor, onward, query_of

pytestmark = pytest.mark.attack("C5")


async def refused(visitor: Visitor, path: str) -> Response:
    """Go to the callback and see that it does not sign in."""
    response = await visitor.navigate(path, site="cross-site")
    assert response.status in (400, 503), response.body
    assert not any(name == "set-cookie" and "__Host-keystead=" in value for name, value in response.headers)
    assert (await visitor.call("GET", "/bff/user")).status == 401
    return response


async def test_a_callback_begun_in_another_browser_is_refused(site: Site) -> None:
    attacker, victim = site.visitor(), site.visitor()
    path = await attacker.to_callback()
    await refused(victim, path)
    await victim.begin()  # the victim has a sign-in of their own under way
    await refused(victim, path)
    assert site.journal.reasons.count("callback.no_cookie") == 1
    assert site.journal.reasons.count("callback.other_browser") == 1
    assert (await attacker.navigate(path, site="cross-site")).status == 200  # it was not spent by the attempt


async def test_a_callback_counts_once(site: Site) -> None:
    visitor = site.visitor()
    path = await visitor.to_callback()
    answers = await asyncio.gather(*(visitor.navigate(path, site="cross-site") for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [200] + [400] * 7


async def test_a_changed_callback_is_refused(site: Site) -> None:
    for change in (
        "code={code}&state=" + "x" * 43 + "&iss={iss}",
        "code={code}&iss={iss}",
        "code={code}&state={state}&state={state}&iss={iss}",
        "code={code}&code={code}&state={state}&iss={iss}",
        "state={state}&iss={iss}",
        "",
    ):
        await refused(*await changed(site, change))


@pytest.mark.attack("C6")
async def test_an_answer_of_another_issuer_is_refused(site: Site) -> None:
    for iss in ("", "&iss=https%3A%2F%2Fevil.test", "&iss={iss}%2F", "&iss={iss}&iss={iss}"):
        await refused(*await changed(site, "code={code}&state={state}" + iss))


async def changed(site: Site, query: str) -> tuple[Visitor, str]:
    """Return somebody who comes back from the issuer, and their callback with another query."""
    visitor = site.visitor()
    asked = query_of(await visitor.to_callback())
    iss = quote(asked["iss"], safe="")
    return visitor, "/bff/callback?" + query.format(code=quote(asked["code"]), state=asked["state"], iss=iss)


async def test_a_code_of_another_sign_in_is_refused(site: Site) -> None:
    """The attacker puts their own code into the victim's answer: verifier and nonce belong to another sign-in."""
    attacker, victim = site.visitor(), site.visitor()
    theirs, own = query_of(await attacker.to_callback(username="bob")), query_of(await victim.to_callback())
    iss = quote(own["iss"], safe="")
    await refused(victim, f"/bff/callback?code={quote(theirs['code'])}&state={own['state']}&iss={iss}")
    assert any(reason.startswith("callback.code_refused") for reason in site.journal.reasons)


async def test_an_error_is_said_and_not_repeated(site: Site) -> None:
    visitor = site.visitor()
    state = query_of(await visitor.begin("?return_to=/x"))["state"]
    iss = quote(site.issuer.url, safe="")
    evil = quote("<script>alert(1)</script>")
    path = f"/bff/callback?error=access_denied&error_description={evil}&state={state}&iss={iss}"
    response = await refused(visitor, path)
    assert b"script" not in response.body
    assert b'href="/bff/login?return_to=/x"' in response.body
    assert "default-src 'none'" in response.header("content-security-policy")


async def test_tabs_do_not_disturb_each_other(site: Site) -> None:
    visitor = site.visitor()
    first = await visitor.to_callback("?return_to=/first")
    second = await visitor.to_callback("?return_to=/second")
    assert len([name for name in visitor.jar if name.startswith("__Host-keystead-login")]) == 1
    assert onward(await visitor.navigate(first, site="cross-site")) == "/first"
    assert "__Host-keystead-login" in visitor.jar, "the second tab needs it still"
    assert onward(await visitor.navigate(second, site="cross-site")) == "/second"
    assert "__Host-keystead-login" not in visitor.jar
    await visitor.begin()
    await visitor.navigate(second, site="cross-site")
    assert site.journal.reasons[-1] == "callback.other_browser"


@pytest.mark.attack("P6")
async def test_beginning_sign_ins_stores_nothing(site: Site) -> None:
    def rows() -> dict[str, int]:
        with closing(sqlite3.connect(site.folder / "gateway.db")) as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}

    before, visitor = rows(), site.visitor()
    for number in range(40):
        await (visitor if number % 2 else site.visitor()).begin(f"?return_to=/{'x' * number}")
    assert rows() == before


@pytest.mark.attack("C3")
async def test_a_state_that_was_changed_anywhere_is_unknown(site: Site) -> None:
    visitor = site.visitor()
    asked = query_of(await visitor.to_callback())
    state, iss = asked["state"], quote(asked["iss"], safe="")
    changed = [state[:-1], state + "A", state + "=", ""]
    changed += [state[:at] + ("B" if state[at] == "A" else "A") + state[at + 1 :] for at in range(0, len(state), 11)]
    for one in changed:
        await refused(visitor, f"/bff/callback?code={quote(asked['code'])}&state={quote(one)}&iss={iss}")
    assert set(site.journal.reasons) & {"session.begun", "callback.other_browser"} == set()


async def test_a_frame_or_a_script_cannot_begin_a_sign_in(site: Site) -> None:
    visitor = site.visitor()
    for headers in ({"sec-fetch-dest": "iframe"}, {"sec-fetch-dest": "image", "sec-fetch-mode": "no-cors"}):
        response = await visitor.navigate("/bff/login", site="cross-site", **headers)
        assert (response.status, response.header("set-cookie")) == (403, "")
    assert (await visitor.call("GET", "/bff/login")).status == 403


@pytest.mark.attack("U6")
async def test_a_planted_session_cookie_never_becomes_somebody(site: Site) -> None:
    attacker, victim = site.visitor(), site.visitor()
    planted = "A" * 43
    victim.jar["__Host-keystead"] = planted
    assert (await victim.call("GET", "/bff/user")).status == 401
    await victim.sign_in()
    assert victim.jar["__Host-keystead"] != planted
    attacker.jar["__Host-keystead"] = planted
    assert (await attacker.call("GET", "/bff/user")).status == 401


@pytest.mark.attack("U6")
async def test_every_sign_in_and_step_up_changes_the_handle_and_ends_the_old_one(site: Site) -> None:
    visitor = site.visitor()
    handles = []
    for query in ("", "?acr_values=1", "?max_age=0"):
        await visitor.sign_in(query)
        handles.append(visitor.jar["__Host-keystead"])
    assert len(set(handles)) == 3
    for handle in handles[:-1]:
        visitor.jar["__Host-keystead"] = handle
        assert (await visitor.call("GET", "/bff/user")).status == 401


async def test_an_issuer_whose_metadata_names_another_is_not_used(site: Site) -> None:
    site.gateway.directory._metadata = None
    site.gateway.directory.issuer = site.issuer.url.replace("127.0.0.1", "localhost")
    visitor = site.visitor()
    assert (await visitor.navigate("/bff/login")).status == 503
    assert isinstance(site.journal, KeptJournal)
