"""What people say of decisions: learning from it, asking for it, auditing with it."""
