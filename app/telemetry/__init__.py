"""Logging and redaction: names used everywhere, wired once in create_app."""
