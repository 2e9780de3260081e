"""Sign-out over real processes: the message survives the process that wrote it."""

from __future__ import annotations

from keystead.core.jose.jws import peek_claims_unverified
from tests.harness.issuer import RunningIssuer
from tests.receiver import receiver, until


async def test_a_logout_token_is_delivered_by_the_next_process_when_the_first_was_killed(
    unserved: RunningIssuer,
) -> None:
    async with receiver() as there:
        web = next(entry for entry in unserved.realm["clients"] if entry["client_id"] == "web")
        web["backchannel_logout_uri"] = f"{there.origin}/out"
        unserved.configuration["server"]["outbound"] = {"allow": ["127.0.0.0/8"]}
        there.usual = 503
        await unserved.start()
        client, alice = unserved.client("web"), unserved.person("alice")
        await alice.authorize(client, scope="openid")
        page = await alice.browser.get(f"{unserved.url}/logout")
        await alice.browser.press(page, "logout-yes")
        await there.wait_for(1)
        unserved.process.kill()
        there.usual, seen = 200, len(there.got)
        await unserved.process.start_and_wait()
        await until(lambda: len(there.got) > seen)
        token = there.got[-1].body.decode().removeprefix("logout_token=")
        claims = peek_claims_unverified(token)
        assert claims is not None
        assert claims["aud"] == "web"
