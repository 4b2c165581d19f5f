"""Episodes in files: LIBERO's HDF5 layout, ours and others', and what they replay."""
