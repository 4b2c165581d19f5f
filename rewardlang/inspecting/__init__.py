"""What a program, the vocabulary or a scene says: expanded, compared, or laid out to be read."""
