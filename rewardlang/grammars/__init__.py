"""The grammar of the language as data, cut to one scene, for constrained decoding."""
