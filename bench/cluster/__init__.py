"""Several servers on several hosts, one PostgreSQL, one nginx: how fast, and is anything lost in a storm."""
