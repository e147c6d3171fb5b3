"""The decision process: what a policy sees of a client, and what follows from its action."""
