"""What is claimed about deep linear networks, and exact reasoning about it (no numpy)."""
