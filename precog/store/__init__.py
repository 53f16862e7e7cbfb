"""The one door to PostgreSQL: connections, transactions, named queries, and rows turned into values."""
