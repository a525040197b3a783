"""What goes in and out, a module per blueprint: Draft (in), Change (patch), View (out), Filter (query)."""
