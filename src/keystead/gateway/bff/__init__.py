"""What the gateway answers itself, under `/bff`: sign in, come back, sign out, who am I.

One file per endpoint. Flow of a sign-in: `login` sends the browser to the issuer -> the issuer sends it to `callback`,
which believes nothing it did not ask for -> a page of ours goes on to where the person wanted to go, so that the
Strict cookie is sent.
Does not: give a token to the browser, in any form, ever.
Spec: draft-ietf-oauth-browser-based-apps section 6.1.
"""
