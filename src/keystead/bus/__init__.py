"""The message bus admits a workload by its own short token, to exactly what its roles allow at that moment.

Flow: a workload connects with a token for the bus's audience; the broker asks us (a driver speaks its protocol);
`admission` checks the token and the workload's authority as it is now; `permissions` turns role assignments into
subjects to publish to and to receive; the connection ends when the token does, or as soon as a revocation says so.
Does not: carry messages, or start a broker.
"""
