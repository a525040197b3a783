"""What keeps a benchmark from being run."""


class Missing(Exception):
    """Something that is needed is not there; it says what, and how to get it."""
