"""Whether a turn, a list and a search cost the same however long the history is."""
