"""The algebras of exact work: words, polynomials, rationals."""
