"""deeplin: a theorem verifier for deep linear networks, symbolic and numeric at once."""
