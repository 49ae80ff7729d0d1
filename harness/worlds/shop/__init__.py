"""A small web shop: a catalogue, a cart, a checkout and orders, on real SQLite state.

Served to a sandbox as `https://shop.test` with `hosts: {shop.test: harness.worlds.shop:app}`. `app` is a
factory: every run gets a shop of its own, fully stocked and without orders. `GET /state` gives the whole
state as JSON for a task's checks. `moved` is the shop after a new layout, `relabelled` after two buttons
changed places: a recorded run is tried on them.
"""

from harness.worlds.shop.site import app, moved, relabelled

__all__ = ["app", "moved", "relabelled"]
