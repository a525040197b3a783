"""What people would pick instead: from the package registry, pinned, each in an environment of its own."""
