"""The theorems, a package a family and a module a theorem: each defines `THEOREM`."""
