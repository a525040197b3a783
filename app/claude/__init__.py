"""Claude: the only room that knows the `anthropic` package, and the simulator that stands in for it."""
