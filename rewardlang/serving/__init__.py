"""A small language model on this machine: llama.cpp's own server, for tests and for trying."""
