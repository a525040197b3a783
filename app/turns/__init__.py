"""How one answer is made: its events, their log, and the background it is made in. Knows no Flask."""
