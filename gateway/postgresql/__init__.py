"""PostgreSQL: addresses of servers, and the database in which a gateway keeps its state and its records."""
