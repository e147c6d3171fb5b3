"""Features that compare a client with each of its candidates."""
