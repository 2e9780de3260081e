"""The documents Keystead keeps: one file each, typed, with declared indexes.

Flow: `oauth`, `identity`, `workload` and `bus` share these shapes and never each other's code.
Does not: hold behaviour beyond reading its own fields. A new field needs a default; a new kind, a new file.
"""
