"""What happens to people's authority: ended accounts, withdrawn consent, renewed sessions."""

from __future__ import annotations

import msgspec
import pytest

from keystead.core.assurance import assurance, with_evidence
from keystead.core.records.account import Account
from keystead.core.records.grant import Grant
from keystead.core.records.revocation import Revocation
from keystead.core.records.session import Evidence
from keystead.core.values import EpochSeconds
from keystead.identity.accounts import end_authority, new_account_id
from keystead.identity.consent import consents_of, withdraw_consent
from keystead.identity.known_browsers import know_browser, known_browser
from keystead.identity.sessions import end_session
from keystead.storage.ports import StartFamily, Write, get, look_at_family, put, read_outbox, start_family
from tests.issuer import Issuer
from tests.shop import authorize_url, browser_for, offered, open_shop, reach_code, sign_in


async def revocations(issuer: Issuer) -> list[tuple[str, str]]:
    """What the world was told."""
    events = await issuer.store.read(read_outbox("revocation"))
    return [(event.kind, event.id) for event in (msgspec.json.decode(e.payload, type=Revocation) for e in events)]


@pytest.mark.attack("F4")
@pytest.mark.parametrize("disable", [False, True])
async def test_ending_an_accounts_authority_ends_its_sessions(issuer: Issuer, disable: bool) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer))
    done = await issuer.store.write(
        lambda: end_authority("acme", "usr_alice", "password_changed", issuer.now, disable=disable)
    )
    assert done
    page = await browser.get(authorize_url(issuer, prompt="none"))
    assert page.answer["error"] == "login_required"
    account = await issuer.store.read(get(Account, "acme", "usr_alice", issuer.now))
    assert account is not None
    assert (account.authority_epoch, account.enabled) == (1, not disable)
    assert ("account", "usr_alice") in await revocations(issuer)
    assert not await issuer.store.write(lambda: end_authority("acme", "usr_nobody", "x", issuer.now))
    if not disable:
        page = await sign_in(browser, await browser.get(authorize_url(issuer)))
        assert (await offered(issuer, page.answer["code"])).authority_epoch == 1


@pytest.mark.attack("F4")
async def test_withdrawn_consent_takes_back_grants_and_is_asked_again(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    await reach_code(browser, authorize_url(issuer))

    def buy() -> Write[None]:
        for id, client in (("grt_shop", "shop"), ("grt_other", "other")):
            yield from put(Grant(realm="acme", id=id, subject="usr_alice", client_id=client), issuer.now)
            expiry = EpochSeconds(issuer.now + 99)
            yield from start_family(StartFamily("acme", id, f"digest-{id}", client, expiry, issuer.now))

    await issuer.store.write(buy)
    assert [consent.client_id for consent in await issuer.store.read(consents_of("acme", "usr_alice", issuer.now))] == [
        "shop"
    ]
    assert await issuer.store.write(lambda: withdraw_consent("acme", "usr_alice", "shop", issuer.now))
    views = [await issuer.store.read(look_at_family("acme", id, issuer.now)) for id in ("grt_shop", "grt_other")]
    assert [view.revoked for view in views if view] == [True, False]
    assert await revocations(issuer) == [("grant", "grt_shop")]
    assert (await browser.get(authorize_url(issuer))).has("consent-allow")
    assert not await issuer.store.write(lambda: withdraw_consent("acme", "usr_alice", "shop", issuer.now))


async def test_what_one_person_allowed_in_an_interaction_does_not_count_for_the_next(issuer: Issuer) -> None:
    """Alice allows and stops before the dispatcher; bob signs in at the same browser and goes on."""
    await open_shop(issuer)
    browser = browser_for(issuer)
    page = await sign_in(browser, await browser.get(authorize_url(issuer)))
    handle = page.form_with("consent-allow").fields["interaction"]
    await browser.press(page, "consent-allow", follow=False)
    await sign_in(browser, await browser.get(f"{issuer.url}/sign-in?switch=1"), "bob")
    page = await browser.get(f"{issuer.url}/authorize/resume?interaction={handle}")
    assert page.has("consent-allow")
    assert "Bob" in page.text


async def test_a_session_ends_once(issuer: Issuer) -> None:
    await open_shop(issuer)
    browser = browser_for(issuer)
    code = await offered(issuer, (await reach_code(browser, authorize_url(issuer))).answer["code"])
    assert await issuer.store.write(lambda: end_session("acme", code.sid, "logout", issuer.now))
    assert not await issuer.store.write(lambda: end_session("acme", code.sid, "logout", issuer.now))
    assert await revocations(issuer) == [("session", code.sid)]


async def test_a_known_browser_is_known_for_one_name_in_one_realm(issuer: Issuer) -> None:
    sealer = issuer.cx.sealer
    cookie = know_browser(sealer, "acme", "alice")
    assert known_browser(sealer, "acme", "alice", cookie)
    for realm, name, value in (
        ("acme", "bob", cookie),
        ("other", "alice", cookie),
        ("acme", "alice", ""),
        ("acme", "alice", cookie[:-1]),
        ("acme", "alice", cookie[1:]),
        ("acme", "alice", cookie.partition(".")[0] + "."),
    ):
        assert known_browser(sealer, realm, name, value) == ""


@pytest.mark.spec("RFC 8176 section 2")
def test_assurance_is_what_the_evidence_amounts_to() -> None:
    early, late = EpochSeconds(100), EpochSeconds(200)
    assert assurance(()).acr == "0"
    first = (Evidence("pwd", early),)
    assert (assurance(first).acr, assurance(first).amr, assurance(first).auth_time) == ("1", ("pwd",), early)
    renewed = with_evidence(first, Evidence("pwd", late))
    assert renewed == (Evidence("pwd", late),)
    both = assurance((*first, Evidence("otp", late)))
    assert (both.acr, both.amr, both.auth_time) == ("2", ("mfa", "otp", "pwd"), late)
    same_kind = assurance((Evidence("otp", early), Evidence("hwk", late)))
    assert (same_kind.acr, same_kind.amr) == ("1", ("hwk", "otp"))
    assert assurance(first, {"1": "urn:example:low"}).acr == "urn:example:low"


def test_a_subject_is_random_and_named_as_a_person() -> None:
    ids = {new_account_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(id.startswith("usr_") and len(id) == 26 for id in ids)
