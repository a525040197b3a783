"""What is measured, and against whom: the same upstream, called directly in turn. Ratios, not limits."""
