"""The tables, a file each. Functions named select_* return statements; who may see a row is one of them."""
