"""The X-ray page: what went over each wire for the last action, and which checks said yes or no.

Flow: `lines` reads the log lines that every process writes anyway, `hops` turns one trace of them into a picture,
`server` shows it. Nothing is instrumented for the page: what is shown is what an operator finds in the logs.
Does not: see a secret. The lines hold what credentials say, never the credentials.
"""
