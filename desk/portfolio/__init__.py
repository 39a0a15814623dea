"""What we hold and what it earned: exact."""
