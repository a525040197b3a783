"""The app, for gunicorn and for `flask`."""

import sys

from app import create_app

try:
    app = create_app()
except ValueError as error:  # a setting is wrong, and says so
    sys.exit(f"Colloquy: {error}")
