"""What a conversation costs and what it remembers: measured without asking Claude."""
