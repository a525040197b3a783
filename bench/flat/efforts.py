"""How much is measured in a long history."""

WARM_UP_TURNS, TURNS = 6, 30
READS = 40
