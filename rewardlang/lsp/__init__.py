"""The language server: what an editor asks about a program, and the answers."""
