"""What a caller can do: a public function is one act and at most one transaction. Only services commit."""
