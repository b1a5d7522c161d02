"""A statement about every depth-3 linear network, its proof, and its false twin.

Along any gradient, W_{i+1} and W_i are coupled: W_{i+1}^T (dL/dW_{i+1}) = (dL/dW_i) W_i^T. It is written once, for symbolic
widths; the provers find the proof, the kernel accepts it. The twin transposes one factor, and an exact point refutes it.

    python examples/write_a_statement.py
"""

from sympy import MatrixSymbol, symbols

from deeplin import Statement, counterexample, equal, gradient, norm2, prove


def main() -> None:
    d0, d1, d2, d3, n = symbols("d0 d1 d2 d3 n")
    W1, W2, W3 = MatrixSymbol("W1", d1, d0), MatrixSymbol("W2", d2, d1), MatrixSymbol("W3", d3, d2)
    X, Y = MatrixSymbol("X", d0, n), MatrixSymbol("Y", d3, n)
    loss = norm2(W3 * W2 * W1 * X - Y)

    coupled = equal(W3.T * gradient(loss, W3), gradient(loss, W2) * W2.T)
    statement = Statement("coupling", (W1, W2, W3, X, Y), then=(coupled,))
    print(prove(statement))

    square = {"d1": 2, "d2": 2}
    wrong = equal(W3.T * gradient(loss, W3), W2.T * gradient(loss, W2))
    twin = Statement("coupling.twin", (W1, W2, W3, X, Y), then=(wrong,), sizes={**square, "d0": 1, "d3": 1, "n": 1})
    print(counterexample(twin.lowered()).found["evidence"]["point"])


if __name__ == "__main__":
    main()
