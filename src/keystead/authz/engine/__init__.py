"""Answers questions about tuples under one model.

Flow of a model: `plan` numbers its relations and compiles their `rules`; `backward`, `reachable` and `shortcuts` say
what follows from these, `layout` where the tuples of each go.
Flow of tuples: `doorkeeper` lets them in; `graph` keeps them in `column`s, by `numbering`, at one revision; those that
count only sometimes are `qualified`, apart. `closures` remember who is in which group, `reverse` turns columns round,
`views` show them to whoever walks, `copying` makes a second graph, `overlay` lays a question's own tuples over one.
Flow of a question: `evaluator` takes names, `question` makes numbers of them. The plainest are answered by `compiled`
code that `source` (unions) and `layers` (`and`, `but not`) write, while `doubtful` says that no qualified tuple can
matter; other unions by `reach`, or `perhaps` where tuples are qualified; everything by `solver`, over gates (`vertex`)
and round circles (`loops`), with `doubt` for what cannot be decided, `depth` for who wants a limit and `allowance` for
who has only so much time. `trace` and `proof` tell why. `objects`, `users` (by `masks`) and `expansion` are the
question turned round. `index` is one direction of a graph, for those who follow it.
All ways give one answer: the solver's.
Does not own: reading tuples from a store (`keystead.authz.replica`), conditions, or the language.
"""
