"""The search for exact counterexamples: a stage a file, each offers suspicious points in floats; exact arithmetic decides."""
