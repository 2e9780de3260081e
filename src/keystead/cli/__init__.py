"""The `keystead` command: one file per sub-command, loaded only when it is called.

Flow: `main` finds `cli/<command>.py` (a dash in the name is an underscore in the file) and runs its `command`.
Does not: show a traceback for anything expected. A `KeysteadError` ends with its message and exit code 1.
"""
