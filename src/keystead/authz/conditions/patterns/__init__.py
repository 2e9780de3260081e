"""Regular expressions for `matches`, in time linear in the text whatever the pattern says.

Spec: RE2 syntax (https://github.com/google/re2/wiki/Syntax), which CEL prescribes; without scripts (`\\p{Greek}`) and
single bytes (`\\C`).
Flow: `parser` reads a pattern, `program` makes a small automaton of it, `matcher` runs that over a text, all
possibilities at once, and remembers the steps. Python's `re` goes back and tries again, which a hostile pattern or
text can make it do for hours; nothing here goes back.
Does not: find where a match is, or groups. `matches` only asks whether there is one.
"""

from keystead.authz.conditions.patterns.matcher import Matcher, matches

__all__ = ["Matcher", "matches"]
