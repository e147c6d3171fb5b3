"""What was decided on clients, and what people said of it: tables of any SQLAlchemy database."""
