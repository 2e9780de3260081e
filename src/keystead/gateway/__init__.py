"""The gateway: keeps the tokens, gives the browser one cookie, and relays its calls to the services behind.

Flow: `listener` reads a browser's request strictly -> `admission` judges it (target, route, method, origin, session)
-> `relay` carries it to an upstream with the session's token exchanged for one meant for that upstream alone, and
the response back, streaming both ways. `/bff/*` (sign-in, sign-out, who am I) is answered here, by `bff`.
Does not: decide what a person may do (services do), keep a token in the browser, follow redirects, or trust a header.
"""
