"""Is compiled success LIBERO's own? States around every threshold, and both answers."""
