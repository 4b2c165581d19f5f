"""What a run did, as a page: its history, its pictures, and episodes to step through."""
