"""Storage: the contract (`ports`) and the backends that keep it, one file each.

Flow: domain code writes sans-I/O transactions against `ports`; a backend runs them.
Does not: know what a code, a token or an account means. Only `keystead.app` imports a backend.
"""
