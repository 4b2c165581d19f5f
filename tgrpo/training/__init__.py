"""The loop: plan, clone demonstrations, collect, update, validate, test; losses and advantages."""
