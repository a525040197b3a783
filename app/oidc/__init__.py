"""Tokens of an OpenID Connect provider: its keys, what a token claims, and of whom. No database."""
