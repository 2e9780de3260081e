"""`keystead demo --check`: the same story without a browser, and every refusal that must happen.

Flow: `person` acts like a browser, `steps` is the list of what is checked, `report` prints it.
Does not: know anything a newcomer does not. It signs in through the pages and calls through the gateway; where a
refusal needs a credential that no honest caller would hold, it uses the demo's `demo-check` client.
"""
