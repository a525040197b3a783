"""What Claude may call, and the one door that every call goes through, where it is traced."""
