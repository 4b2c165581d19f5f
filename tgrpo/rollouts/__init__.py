"""A policy and many simulators: episodes, worker processes, lockstep, groups, evaluation."""
