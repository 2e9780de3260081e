"""The console over real HTTP: who gets in, what each role may do, and what a changed form cannot."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from keystead.authz import read_model
from keystead.authz.language.json_form import to_json
from keystead.storage.ports import ReadRelationships, Relationship
from tests.harness.browser import Browser, Page
from tests.harness.furnished import TUPLES, Furnished, furnished_in
from tests.harness.person import http_wire


@pytest.fixture
async def furnished(tmp_path: Path) -> AsyncIterator[Furnished]:
    """An issuer with a shop's store."""
    async with furnished_in(tmp_path) as made:
        yield made


async def signed_in(furnished: Furnished, username: str, realm: str = "acme") -> Browser:
    """Return a browser in which somebody has signed in."""
    issuer = furnished.issuer
    home = f"{issuer.base_url}/realms/{realm}/"
    browser = Browser(http_wire(issuer.session, issuer.witness), home=home)
    page = await browser.get(f"{home}sign-in")
    await browser.press(page, "login-submit", username=username, password=furnished.password(username))
    return browser


async def stored(furnished: Furnished) -> set[str]:
    """Return the tuples of the shop's store."""
    found = await furnished.stores.read(ReadRelationships("acme", furnished.shop))
    return {f"{each.object}#{each.relation}@{each.user}" for each in found}


async def test_a_stranger_signs_in_and_comes_back_to_the_page_they_wanted(furnished: Furnished) -> None:
    issuer = furnished.issuer
    browser = Browser(http_wire(issuer.session, issuer.witness), home=f"{issuer.url}/")
    page = await browser.get(furnished.page("tuples"))
    assert page.url.startswith(f"{issuer.url}/sign-in?console=")
    page = await browser.press(page, "login-submit", username="bob", password=furnished.password("bob"))
    assert page.url == furnished.page("tuples")
    assert "team:staff#member" in page.text
    page = await browser.get(f"{issuer.url}/sign-in?console=/")
    assert page.url == f"{furnished.console}/authz/acme"
    assert f'id="console" href="{furnished.console}/authz/acme"' in (await browser.get(f"{issuer.url}/signed-in")).text
    carol = await signed_in(furnished, "carol")
    assert 'id="console"' not in (await carol.get(f"{issuer.url}/signed-in")).text


@pytest.mark.attack("R2")
async def test_the_way_back_leads_nowhere_else(furnished: Furnished) -> None:
    browser = await signed_in(furnished, "bob")
    for where in ("//evil.test", "/../../x", "https://evil.test/", "/x?y", "/%2e%2e", "/A/b c"):
        page = await browser.get(f"{furnished.issuer.url}/sign-in?console={quote(where, safe='')}", follow=False)
        assert page.location == f"{furnished.issuer.url}/signed-in", where


async def test_roles_open_the_console_and_realms_are_apart(furnished: Furnished) -> None:
    carol, dave = await signed_in(furnished, "carol"), await signed_in(furnished, "dave", "other")
    for name in ("model", "tuples", "changes", "check", "lists"):
        refused = await carol.get(furnished.page(name))
        assert (refused.status, "Corner shop" in refused.text) == (403, False)
        foreign = await dave.get(furnished.page(name, realm="other"))
        assert (foreign.status, "Corner shop" in foreign.text) == (404, False)
        elsewhere = await dave.get(furnished.page(name), follow=False)
        assert "/realms/acme/sign-in" in elsewhere.location
    assert "Secrets of others" not in (await (await signed_in(furnished, "alice")).get(furnished.console)).text
    assert (await carol.get(f"{furnished.console}/authz/acme")).status == 403
    assert (await carol.get(furnished.page("model", realm="nowhere"), follow=False)).status == 404


async def test_the_first_page_leads_only_to_what_can_be_a_realm(furnished: Furnished) -> None:
    browser = await signed_in(furnished, "alice")
    acme = await browser.get(f"{furnished.console}?realm=Acme", follow=False)
    assert acme.location == f"{furnished.console}/authz/acme"
    for name in ("_acme", "-", "a" * 64, "a/b", "a%0d%0ab", "%C3%A4"):
        page = await browser.get(f"{furnished.console}?realm={name}", follow=False)
        assert (page.status, page.location) == (200, ""), name


async def test_every_page_forbids_script_frames_and_keeping(furnished: Furnished) -> None:
    browser = await signed_in(furnished, "alice")
    for path in ("model", "tuples", "changes", "check?user=user:erin&relation=viewer&object=order:17", "lists"):
        page = await browser.get(furnished.page(path))
        assert page.status == 200
        policy = page.header("content-security-policy")
        assert "default-src 'none'" in policy
        assert "script" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.header("cache-control") == "no-store"
        assert "style=" not in page.text
        assert "<script" not in page.text


async def review(browser: Browser, furnished: Furnished, fields: Mapping[str, str]) -> Page:
    """Fill in the form for a new tuple."""
    form = (await browser.get(furnished.page("tuples"))).form_with("add-review")
    return await browser.post(form.action, {**form.fields, **fields})


async def added(browser: Browser, furnished: Furnished, **fields: str) -> Page:
    """Fill in the form for a new tuple, and confirm it if asked."""
    page = await review(browser, furnished, fields)
    return await browser.press(page, "sure") if page.has("sure") else page


ALICE_BUYS = {"object": "order:19", "relation": "owner", "user": "user:alice"}


async def test_an_editor_adds_and_deletes_after_being_asked(furnished: Furnished) -> None:
    browser = await signed_in(furnished, "alice")
    page = await review(browser, furnished, ALICE_BUYS)
    assert "Add this tuple?" in page.text
    assert "order:19#owner@user:alice" not in await stored(furnished), "nothing is written before it is confirmed"
    page = await browser.press(page, "sure")
    assert "The tuple was written." in page.text
    assert "order:19#owner@user:alice" in await stored(furnished)
    page = await browser.get(f"{furnished.page('tuples')}?object=order:19")
    (form,) = [form for form in page.forms if form.fields.get("what") == "delete"]
    page = await browser.post(form.action, form.fields)
    assert "Delete this tuple?" in page.text
    page = await browser.press(page, "sure")
    assert await stored(furnished) == set(TUPLES)
    page = await browser.get(furnished.page("changes"))
    assert page.text.count("Alice</td>") == 2, "who did it is known"
    assert page.text.count("through the API") == len(TUPLES)


CANNOT_BE_WRITTEN = (
    ({"relation": "viewer"}, "computed and takes no tuples"),
    ({"user": "team:x#member"}, "takes [user]"),
    ({"object": "order 19"}, "is not an object"),
    ({"expires": "2001-01-01"}, "ended already"),
    ({"expires": "soon"}, "is not a time"),
    ({"context": "{}x", "condition": "c"}, "not a JSON object"),
    ({"must_exist": "order:1#owner@user:x"}, "must be there is not there"),
    ({"must_not_exist": TUPLES[0]}, "must not be there is there"),
    ({"object": "order:17"}, "is there already"),
)


async def test_what_cannot_be_written_is_said(furnished: Furnished) -> None:
    browser = await signed_in(furnished, "alice")
    for changed, problem in CANNOT_BE_WRITTEN:
        fields = {**ALICE_BUYS, **changed}
        page = await added(browser, furnished, **fields)
        assert problem in page.alert
        assert page.form_with("add-review").fields["object"] == fields["object"], "what was typed is still there"
    assert await stored(furnished) == set(TUPLES)


async def test_what_somebody_else_changed_meanwhile_is_not_deleted(furnished: Furnished) -> None:
    browser = await signed_in(furnished, "alice")
    await added(browser, furnished, **ALICE_BUYS, expires="2100-01-01")
    page = await browser.get(f"{furnished.page('tuples')}?object=order:19")
    assert "2100-01-01 00:00:00" in page.text
    (form,) = [form for form in page.forms if form.fields.get("what") == "delete"]
    stale = {**form.fields, "expires": "", "sure": "yes"}
    page = await browser.post(form.action, stale)
    assert "is not what you were shown" in page.alert
    assert "order:19#owner@user:alice" in await stored(furnished)


@pytest.mark.attack("R6")
async def test_forms_of_others_change_nothing(furnished: Furnished) -> None:
    alice, bob = await signed_in(furnished, "alice"), await signed_in(furnished, "bob")
    form = (await alice.get(furnished.page("tuples"))).form_with("add-review")
    whole = {**form.fields, **ALICE_BUYS, "sure": "yes"}
    assert (await alice.post(form.action, {**whole, "token": "0" * 64})).status == 403
    assert (await alice.post(form.action, {**whole, "token": ""})).status == 403
    assert (await alice.post(form.action, whole, site="cross-site")).status == 403
    assert (await bob.post(form.action, whole)).status == 403
    assert (await alice.get(f"{form.action}?{urlencode(whole)}", follow=False)).status == 405
    page = await bob.get(furnished.page("tuples"))
    assert not page.has("add-review"), "who may only look is not shown the form"
    own = {**whole, "token": alice_token_for(bob, page)}
    assert (await bob.post(form.action, own)).status == 403
    assert await stored(furnished) == set(TUPLES)


def alice_token_for(browser: Browser, page: Page) -> str:
    """Return the right token for a browser: what our own page would have carried."""
    from keystead.oauth.guard import form_token

    return form_token(browser.jar["keystead-session-acme"], "console")


async def test_what_if_answers_with_path_or_reason_and_changes_nothing(furnished: Furnished) -> None:
    browser = await signed_in(furnished, "bob")

    async def ask(user: str, relation: str, object: str, **suppose: str) -> str:
        query = urlencode({"user": user, "relation": relation, "object": object, **suppose})
        return (await browser.get(f"{furnished.page('check')}?{query}")).text

    assert 'answer-yes"' in (yes := await ask("user:erin", "can_view", "order:17"))
    assert "team:staff#member@team:night#member" in yes
    assert "authz.excluded" in await ask("user:mallory", "can_view", "order:17")
    assert "authz.no_path" in (no := await ask("user:zoe", "can_view", "order:17"))
    assert 'id="looked-at"' in no
    supposed = await ask("user:zoe", "can_view", "order:17", tuples="team:night#member@user:zoe")
    assert 'answer-yes"' in supposed
    assert "supposed" in supposed
    assert 'answer-no"' in await ask("user:erin", "can_view", "order:17", without="team:night#member@user:erin")
    assert "no such tuple is stored" in await ask("user:erin", "viewer", "order:17", without="order:17#owner@user:x")
    assert "has no relation" in await ask("user:erin", "flies", "order:17")
    assert "not a JSON object" in await ask("user:erin", "viewer", "order:17", context="[1]")
    assert "line 1" in await ask("user:erin", "viewer", "order:17", tuples="nonsense")
    assert 'answer-yes"' in await ask("user:erin", "can_view", "order:17"), "the store is as it was"
    assert await stored(furnished) == set(TUPLES)


async def test_a_time_decides_about_what_ends(furnished: Furnished) -> None:
    await furnished.write(furnished.shop, [Relationship("order:17", "gift_for", "user:zoe", expires_at=4_102_444_800)])  # type: ignore[arg-type]  # a plain number will do in a test
    browser = await signed_in(furnished, "bob")
    question = "user=user:zoe&relation=viewer&object=order:17"
    assert 'answer-yes"' in (await browser.get(f"{furnished.page('check')}?{question}")).text
    assert 'answer-no"' in (await browser.get(f"{furnished.page('check')}?{question}&at=2100-01-01+00:00")).text


async def test_lists_are_whole_over_pages(furnished: Furnished) -> None:
    await furnished.write(furnished.shop, [f"order:{number:04}#owner@user:busy" for number in range(230)])
    browser = await signed_in(furnished, "bob")
    found: list[str] = []
    url = f"{furnished.page('lists')}?kind=objects&user=user:busy&relation=viewer&type=order"
    for _ in range(3):
        text = (await browser.get(url)).text
        found += [part.partition("<")[0] for part in text.split("<tr><td><code>")[1:]]
        if 'id="next"' in text:
            href = text.partition('id="next" href="')[2].partition('"')[0].replace("&amp;", "&")
            url = f"{furnished.issuer.base_url}{href}"
    assert found == [f"order:{number:04}" for number in range(230)]


async def test_tuples_are_whole_over_pages_and_filters_hold(furnished: Furnished) -> None:
    await furnished.write(furnished.shop, [f"order:{number:04}#owner@user:busy" for number in range(120)])
    browser = await signed_in(furnished, "bob")
    found: list[str] = []
    url = f"{furnished.page('tuples')}?object=order:&user=user:busy"
    for _ in range(3):
        text = (await browser.get(url)).text
        found += [part.partition("<")[0] for part in text.split("><code>order:")[1:]]
        if 'id="next"' in text:
            href = text.partition('id="next" href="')[2].partition('"')[0].replace("&amp;", "&")
            url = f"{furnished.issuer.base_url}{href}"
    assert found == [f"{number:04}" for number in range(120)]


async def test_an_older_model_can_be_seen_and_an_unknown_one_is_404(furnished: Furnished) -> None:
    first = (await furnished.stores.model("acme", furnished.shop)).model
    smaller = json.dumps(to_json(read_model("model\n  schema 1.1\ntype user\n"))).encode()
    await furnished.stores.add_model("acme", furnished.shop, smaller)
    browser = await signed_in(furnished, "bob")
    assert "can_refund" not in (await browser.get(furnished.page("model"))).text
    older = (await browser.get(f"{furnished.page('model')}?id={first}&relation=order%23can_refund&only=1")).text
    assert "can_refund" in older
    assert "an older model" in older
    assert (await browser.get(f"{furnished.page('model')}?id={'0' * 26}")).status == 404


async def test_a_store_without_a_model_is_no_fault(furnished: Furnished) -> None:
    empty = await furnished.make("Empty", "")
    browser = await signed_in(furnished, "alice")
    for name in ("model", "tuples", "changes", "check", "lists"):
        assert (await browser.get(furnished.page(name, empty))).status == 200
    page = await browser.get(f"{furnished.page('check', empty)}?user=user:a&relation=r&object=o:1")
    assert "no model" in page.alert
    assert "no model yet" in (await browser.get(furnished.console)).text


CONDITIONAL = """model
  schema 1.1
type user
type order
  relations
    define viewer: [user with small]
condition small(amount: int, limit: int) {
  amount <= limit
}
"""


async def test_what_hangs_on_a_condition_says_what_is_missing(furnished: Furnished) -> None:
    helper = Relationship("order:1", "viewer", "user:dora", "small", '{"limit":100}')
    store = await furnished.make("Conditions", CONDITIONAL, [helper])
    browser = await signed_in(furnished, "bob")
    question = f"{furnished.page('check', store)}?user=user:dora&relation=viewer&object=order:1"
    text = (await browser.get(question)).text
    assert 'answer-open"' in text
    assert "authz.condition_missing" in text
    assert "<code>amount</code>" in text
    for amount, answer in ((5, 'answer-yes"'), (500, 'answer-no"')):
        context = quote(json.dumps({"amount": amount}))
        assert answer in (await browser.get(f"{question}&context={context}")).text
    text = (await browser.get(furnished.page("tuples", store))).text
    assert "small</span> <code>{&#34;limit&#34;:100}" in text
    listed = f"{furnished.page('lists', store)}?kind=objects&type=order&relation=viewer&user=user:dora"
    assert "amount" in (await browser.get(listed)).alert, "a list that cannot be whole says so"


NAUGHTY = (
    "<script>alert(1)</script>",
    '"onload=alert(1)',
    "'><img/src=x/onerror=alert(1)>",
    "{{7*7}}",
    "</title></svg>",
)


@pytest.mark.attack("R4")
async def test_names_are_shown_as_they_are_and_never_run(furnished: Furnished) -> None:
    names = [f"order:{text}" for text in NAUGHTY]
    await furnished.write(furnished.shop, [Relationship(name, "owner", f"user:{name[6:]}") for name in names])
    odd = await furnished.make("<b>Odd</b>", "", ())
    browser = await signed_in(furnished, "alice")
    for name in names:
        user = f"user:{name[6:]}"
        query = urlencode({"user": user, "relation": "viewer", "object": name})
        pages = [
            await browser.get(f"{furnished.page('tuples')}?{urlencode({'object': name, 'user': user})}"),
            await browser.get(f"{furnished.page('check')}?{query}"),
            await browser.get(f"{furnished.page('check')}?{query}&{urlencode({'tuples': name, 'context': name})}"),
            await browser.get(f"{furnished.page('lists')}?kind=objects&type=order&relation=viewer&user={quote(user)}"),
            await review(browser, furnished, {"object": name, "relation": name, "user": user}),
            await browser.get(f"{furnished.page('model')}?{urlencode({'id': name, 'relation': name})}"),
            await browser.get(f"{furnished.console}?{urlencode({'realm': name})}"),
        ]
        for page in (
            *pages,
            await browser.get(furnished.page("changes")),
            await browser.get(furnished.page("model", odd)),
        ):
            assert all(text not in page.text for text in NAUGHTY if "{" not in text), name
            assert "49" not in page.text.partition("order:{{")[2][:40]
            assert "<b>Odd" not in page.text
