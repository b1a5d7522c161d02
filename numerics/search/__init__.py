"""The search for exact counterexamples: one stage a file, each offering suspicious points in floats; exact arithmetic decides."""
