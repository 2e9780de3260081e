"""Four small services that show what a service has to do: a few lines each, and the right answer.

Flow: browser -> gateway -> catalog; gateway -> orders -> inventory; orders -> bus -> billing; gateway -> billing.
Does not: contain a secret. Each learns its own identity from the agent, and trusts nobody else's word.
"""
