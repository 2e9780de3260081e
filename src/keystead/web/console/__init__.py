"""The console under `{base}/admin`: where people look at stores of relationships, ask "what if", and change tuples.

Flow: `door` takes a request, `visit` finds out who is there, with which role, at which store; a page answers. Every
page is a plug-in in a file of its own (`page.ConsolePage`); templates/console/ holds the HTML.
Does not: run script, sign anybody in (the realm's own pages do), or show a store to people of another realm.
"""
