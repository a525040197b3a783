"""Logging, redaction and traces: names used everywhere, wired once in create_app."""
