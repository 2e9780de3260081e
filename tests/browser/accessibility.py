"""axe-core, the usual judge of what people with assistive technology meet, run on a page in Chromium."""

from __future__ import annotations

import asyncio
from pathlib import Path

from playwright.async_api import Page

from tests.clients.node_client import installed

_SOURCE = Path(__file__).parent / "node"
_RUN = """async () => {
  const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const found = await axe.run(document, {runOnly: rules});
  return found.violations.map((one) =>
    `${one.id}: ${one.help}: ` + one.nodes.slice(0, 3).map((node) => node.target).join(' '));
}"""


async def violations(tab: Page) -> list[str]:
    """Return what axe finds wrong with a page. Skips the test, loudly, where axe cannot be had."""
    place = await asyncio.to_thread(installed, _SOURCE)
    axe = (place / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
    await tab.evaluate(axe)
    found: list[str] = await tab.evaluate(_RUN)
    return found
