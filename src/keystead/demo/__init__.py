"""The shop: the story of DESIGN section 1 as a running product, one process a part, on loopback only.

Flow: `run` prepares a directory, writes one configuration, starts bus, issuer, agent (which starts gateway, orders and
billing), catalog and inventory, and shows the X-ray page made of what all of them logged.
Does not: own anything a service would need. Every piece it starts is the product, with a shop around it.
"""
