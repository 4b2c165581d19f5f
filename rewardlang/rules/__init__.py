"""The pages about diagnostic codes: prose and examples here, meanings in `diagnostics`."""
