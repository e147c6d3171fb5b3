"""Routes that propose candidates for a client, and the index they search."""
