"""What gets out of a sandbox, tried: hostile pages, a hostile model, raw bytes and programs, with canaries.

    runner ─▶ case ─▶ open arm     no boundary: the canary must fire, or the case shows nothing
                   ├▶ walled arm   the boundary: no canary may fire
                   └▶ allowed arm  the boundary, to a host that is allowed: it must still work
                            │
               board ◀── canaries ── Unix socket of the open world · ports of this machine · the resolver

Each arm of each case has a token of its own in every name, path and datagram it sends, so that whatever a
canary hears is known for whose it is.
"""
