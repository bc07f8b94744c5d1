"""PostgreSQL: tables, every SQL statement, migrations."""
