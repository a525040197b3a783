"""Money: pure, in integer nano-USD."""
