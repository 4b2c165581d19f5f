"""The same collection on many machines: what Ray has is Ray's, the rest is the local code.

Only this package imports ray, and it is imported only when it was chosen.

    driver: RayBackend ─ Crew: one queue of orders, given to whichever collector is free
      placement group, all on one node:  Collector (policy, lanes) ─ Host Host Host … (simulators)
"""
