"""Mixed load with faults for long: does anything grow that should not."""
