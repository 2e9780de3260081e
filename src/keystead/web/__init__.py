"""The pages people meet: sign-in, consent, sign-out, and the page that says what went wrong.

Flow: the dispatcher (`keystead.oauth.authorize`) sends the browser to a page; the page does its part, writes it down
and sends the browser back to `authorize/resume`. Every page is an endpoint plug-in in a file of its own; templates/
holds the HTML, static/ the one stylesheet.
Does not: run script. Every page works without JavaScript, under a policy that allows none, on a phone and a desk,
in light and dark. Nor does a page decide what comes next.
"""
