r"""Noise-averaged loss of a deep linear network with stochastic hidden neurons.

Setting: layers W_1, ..., W_N, scalar output, f(x) = W_N D_{N-1} W_{N-1} ... D_1 W_1 x, where D_i = diag(eps_i) has independent
entries of mean 1 and variance s_i, independent of the data.

Hypotheses: noise independent across neurons and layers and of (x, y), of mean 1 and finite variance. None on the weights.

Conclusion:
\[ E (f(x) - y)^2 + R = W_N B_{N-1} W_N^T - 2 P g + Y + R, \quad
   B_0 = A,\; M_i = W_i B_{i-1} W_i^T,\; B_i = M_i + s_i\,\mathrm{diag}(M_i), \]
\[ W_N B_{N-1} W_N^T = \sum_{S} \Big(\prod_{i \in S} s_i\Big) \sum_{J} |v_J|_A^2 . \]
The loss is invariant under signed permutations of each hidden layer, and under rotations of a layer without noise.

Form: identity in all parameters; proved at a data point (x, y), where A = x x^T, g = x y, Y = y^2. Both sides are linear in
these moments, so it holds for every law of the data of which the noise is independent.

Scope of proof: the average, and its sum over the nodes, at widths (2,2,1), (2,3,1), (2,2,2,1), (1,2,2,2,1). At all widths,
depths 2 to 5: the path form with diagonal parts, sign flips and rotations. At small widths: exchanges, which generate all
permutations.

Why: E D M D = M + s diag(M) for independent entries; average from the input to the output, then expand in the s_i. A diagonal D
with D^2 = I commutes with diagonal parts, so D B_i D is carried on as B_i.

Sharpness: one number for a whole layer (8 instead of 6), one number for two layers, mean other than 1, noise that depends on
the data, and rotation of a noisy layer each break it.

Source: arXiv:2202.04777 for the loss; the path form is a derivation of this project.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, Identity, ImmutableDenseMatrix, Integer, MatAdd, MatrixSymbol, Rational, Symbol, Trace

from theory.certificates import Step, prove
from theory.expressions import DiagonalPart, Mean, known
from theory.statement import Condition, Statement, equal
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.minima.paths import carried_by, layer_sets, nodes, path_energy, path_form, variance
from theory.theorems.minima.setting import Setting, Width, chain, widths_of

NAME = "minima.noise_averaged_loss"
SIZES: tuple[tuple[Width, ...], ...] = ((2, 2, 1), (2, 3, 1), (2, 2, 2, 1), (1, 2, 2, 2, 1))
Recursion = Callable[[Expr, Expr], Expr]  # (M_i, s_i) -> B_i


# -- the average itself -------------------------------------------------------------------------------------------------


def _noise_variables(net: Setting) -> tuple[MatrixSymbol, ...]:
    return tuple(MatrixSymbol(f"eps{i}", net.dim(i), 1) for i in range(1, net.depth))


def _ones(d: int) -> ImmutableDenseMatrix:
    return ImmutableDenseMatrix(1, d, [1] * d)


def _output(net: Setting, factors: Sequence[Expr]) -> Expr:
    """f(x) = W_N D_{N-1} ... D_1 W_1 x."""
    out = net.layers[0] * MatrixSymbol("x", net.dim(0), 1)
    for W, D in zip(net.layers[1:], factors, strict=True):
        out = W * D * out
    return Trace(out)


def _average(net: Setting, second: Recursion = lambda m, s: 1 + s) -> Expr:
    """E (f(x) - y)^2 over the noise, at a data point; `second(1, s)` is the second moment of the noise."""
    noise = _noise_variables(net)
    out = (_output(net, [DiagonalPart(e * _ones(int(e.shape[0]))) for e in noise]) - Symbol("y")) ** 2
    for e, s in zip(noise, net.noise, strict=True):
        out = Mean(out, e, 1, 1, second(Integer(1), s))
    return out


def _at_data(net: Setting, e: Expr) -> Expr:
    """The expression with A = x x^T, g = x y, Y = y^2."""
    x, y = MatrixSymbol("x", net.dim(0), 1), Symbol("y")
    return e.xreplace({net.A: x * x.T, net.g: y * x, net.Y: y**2})


def _recursion(net: Setting, rule: Recursion) -> Expr:
    """W_N B_{N-1} W_N^T where B_i = rule(M_i, s_i)."""
    B: Expr = net.A
    for W, s in zip(net.layers[:-1], net.noise, strict=True):
        B = rule(W * B * W.T, s)
    return Trace(net.layers[-1] * B * net.layers[-1].T)


def _data_variables(net: Setting) -> tuple[Any, ...]:
    return MatrixSymbol("x", net.dim(0), 1), Symbol("y"), *net.layers, *_noise_variables(net), *net.noise


def averaged(net: Setting) -> Statement:
    """The mean over the noise plus the penalty is the loss."""
    then = equal(_average(net) + net.penalty, _at_data(net, net.loss))
    return Statement(f"{NAME}.mean", (*_data_variables(net), *net.decay), then=(then,))


# -- the path form ------------------------------------------------------------------------------------------------------


def _moment_variables(net: Setting) -> tuple[Any, ...]:
    return *net.layers, net.A, *net.noise


def expanded(net: Setting) -> Statement:
    """E f^2 is the sum of its path energies, written with diagonal parts."""
    return Statement(f"{NAME}.path_form", _moment_variables(net), then=(equal(net.second_moment, path_form(net)),))


def over_nodes(net: Setting) -> Statement:
    """Each path energy is a sum over the nodes on its layers."""
    then = []
    for S in layer_sets(net):
        rows = [carried_by(net, S, J) for J in nodes(net, S)]
        then.append(equal(path_energy(net, S), sum(Trace(chain(v, net.A, v.T)) for v in rows)))
    return Statement(f"{NAME}.nodes", (*net.layers, net.A), then=tuple(then))


# -- symmetry -----------------------------------------------------------------------------------------------------------


def transformed(net: Setting, i: int, T: Expr) -> Expr:
    """The loss after W_i -> T W_i, W_{i+1} -> W_{i+1} T^T."""
    below, above = net.layers[i - 1 : i + 1]
    return net.loss.xreplace({below: T * below, above: above * T.T})


def _change(net: Setting, i: int, T: Expr, h: Expr) -> Expr:
    """What the transformation adds to the loss, h standing for T^T T - I and T^T B_i T carried on as B_i."""
    W, B = net.layers, net.carried[i]
    X = chain(W[i], MatAdd(chain(h, B, T.T, T), chain(B, h)), W[i].T)
    for V, s in zip(W[i + 1 :], net.noise[i:], strict=True):
        X = chain(V, MatAdd(X, chain(s, DiagonalPart(X))), V.T)
    fit = Trace(chain(net.heads[i], h, *reversed(W[:i]), net.g))
    decay = net.decay[i - 1] * Trace(chain(W[i - 1].T, h, W[i - 1])) + net.decay[i] * Trace(chain(W[i], h, W[i].T))
    return Trace(X) - 2 * fit + decay


def _symmetry(name: str, net: Setting, nets: Sequence[Setting], turns: Sequence[Expr], letters: Sequence[Any]) -> Claim:
    """The loss of `nets[i-1]` is invariant under `turns[i-1]` at layer i; `letters` are the variables of the turns."""
    defects = [T.T * T - Identity(net.dim(i)) for i, T in enumerate(turns, 1)]
    terms = [transformed(m, i, T) - m.loss for i, (m, T) in enumerate(zip(nets, turns, strict=True), 1)]
    changes = [_change(m, i, T, known(h)) for i, (m, T, h) in enumerate(zip(nets, turns, defects, strict=True), 1)]
    steps = tuple(prove("==", x, by) for x, by in zip(terms, changes, strict=True))
    s = Statement(f"{NAME}.{name}", (*net.variables, *letters), tuple(map(equal, defects)), tuple(map(equal, terms)))
    return Claim(s, steps, _unmoved(net, letters), {f"d{i}": 1 for i in range(net.depth)})


def _unmoved(net: Setting, letters: Sequence[Any]) -> dict[str, Any]:
    """All widths 1, all numbers 1, all turns -1."""
    ones = {v.name: 1 if isinstance(v, Symbol) else [[1]] for v in net.variables}
    return ones | {v.name: [[-1]] for v in letters}


def flips(depth: int) -> Claim:
    """Sign flips diag(S_i) with diag(S_i)^2 = I, at all widths."""
    net = Setting(widths_of(depth))
    letters = [MatrixSymbol(f"S{i}", net.dim(i), net.dim(i)) for i in range(1, depth)]
    return _symmetry("flips", net, [net] * (depth - 1), [DiagonalPart(S) for S in letters], letters)


def rotations(depth: int) -> Claim:
    """Rotations O_i^T O_i = I of a hidden layer without noise, at all widths; the other layers may be noisy."""
    net = Setting(widths_of(depth))
    letters = [MatrixSymbol(f"O{i}", net.dim(i), net.dim(i)) for i in range(1, depth)]
    return _symmetry("rotations", net, [replace(net, silent=(i,)) for i in range(1, depth)], letters, letters)


def exchanges(net: Setting) -> Statement:
    """The exchange of the first two neurons, and the cycle of all, in each hidden layer."""
    then = []
    for i in range(1, net.depth):
        d = int(net.widths[i])
        for order in {(1, 0, *range(2, d)), (*range(1, d), 0)}:
            T = ImmutableDenseMatrix(d, d, lambda r, c, order=order: int(order[r] == c))
            then.append(equal(transformed(net, i, T), net.loss))
    return Statement(f"{NAME}.exchanges", net.variables, then=tuple(then))


# -- the theorem --------------------------------------------------------------------------------------------------------


def _identity(s: Statement) -> Claim:
    return Claim(s, tuple(Step(c.relation, c.expression) for c in s.then))


def claims() -> Iterator[Claim]:
    nets = [Setting(w) for w in SIZES]
    yield from (_identity(averaged(net)) for net in nets)
    yield from (_identity(expanded(Setting(widths_of(n)))) for n in range(2, 6))
    yield from (_identity(over_nodes(net)) for net in nets)
    yield from (_identity(exchanges(net)) for net in nets[:3])
    yield from (f(n) for f in (flips, rotations) for n in range(2, 6))


def _shared(net: Setting, then: Condition, *more: Any) -> Statement:
    return Statement(f"{NAME}.mean", (*_data_variables(net), *more), then=(then,))


def sharpness() -> Iterator[Counterexample]:
    eps, one, pair = Symbol("eps"), Setting((1, 1, 1)), Setting((1, 2, 1))
    deep, column, row = Setting((1, 1, 1, 1)), [[1], [1]], [[1, 1]]
    s1 = pair.noise[0]
    moment = _at_data(pair, pair.second_moment)
    same = Mean(_output(pair, [eps * Identity(2)]) ** 2, eps, 1, 1, 1 + s1)
    at = {"x": [[1]], "y": 0, "W1": column, "W2": row, "eps1": column, "s1": 1, "eps": 1}
    yield Counterexample("noise independent across the neurons of a layer", _shared(pair, equal(same, moment), eps), at)
    both = Mean(_output(deep, [eps * Identity(1)] * 2) ** 2, eps, 1, 1, 2, 4, 8)
    point = {v.name: [[1]] if isinstance(v, MatrixSymbol) else 1 for v in (*_data_variables(deep), eps)}
    product = equal(both, _at_data(deep, deep.second_moment))
    yield Counterexample("noise independent across layers", _shared(deep, product, eps), point)
    shifted = _output(one, [eps * Identity(1)]) ** 2
    biased = equal(Mean(shifted, eps, 1, 2, 4 + s1), _at_data(one, one.second_moment))
    ones = {v.name: [[1]] if isinstance(v, MatrixSymbol) else 1 for v in (*_data_variables(one), eps)}
    yield Counterexample("noise of mean 1", _shared(one, biased, eps), ones)
    yield _seen_noise(one)
    yield _noisy_rotation(pair)


def _seen_noise(one: Setting) -> Counterexample:
    """The noise is the input itself, 0 or 2 with equal chances: A = E x^2 = 2 and s = 1, but E f^2 = E x^4 = 8."""
    W, U = one.layers
    x = MatrixSymbol("x", 1, 1)
    left = Mean(Trace(U * x * W * x) ** 2, x, 1, 1, 2, 4, 8)
    right = one.second_moment.xreplace({one.A: 2 * Identity(1), one.noise[0]: Integer(1)})
    s = Statement(f"{NAME}.mean", (W, U, x), then=(equal(left, right),))
    return Counterexample("noise independent of the data", s, {"W1": [[1]], "W2": [[1]], "x": [[1]]})


def _rotated(net: Setting) -> Statement:
    T = MatrixSymbol("O1", net.dim(1), net.dim(1))
    given = (equal(T.T * T - Identity(net.dim(1))), *net.hypotheses)
    return Statement(f"{NAME}.rotations", (*net.variables, T), given, (equal(transformed(net, 1, T), net.loss),))


def _noisy_rotation(net: Setting) -> Counterexample:
    turn = [["3/5", "-4/5"], ["4/5", "3/5"]]
    at = {"W1": [[1], [0]], "W2": [[1, 0]], "A": [[1]], "g": [[0]], "Y": 0, "gamma1": 1, "gamma2": 1, "s1": 1, "O1": turn}
    return Counterexample("no noise in the rotated layer", _rotated(net), at)


def variants() -> Iterator[Statement]:
    net, deep = Setting((1, 2, 1)), Setting((1, 2, 1, 1))
    rules: dict[str, Recursion] = {
        "every entry carries the noise": lambda M, s: M + s * M,
        "the variance is subtracted": lambda M, s: M - s * DiagonalPart(M),
        "no noise": lambda M, s: M,
        "only the diagonal": lambda M, s: (1 + s) * DiagonalPart(M),
        "the variance squared": lambda M, s: M + s**2 * DiagonalPart(M),
        "half the variance": lambda M, s: M + s * Rational(1, 2) * DiagonalPart(M),
        "the second moment for the variance": lambda M, s: M + (1 + s) * DiagonalPart(M),
    }
    second = net.second_moment
    for words, rule in rules.items():
        then = equal(_average(net), _at_data(net, net.loss - net.penalty - second + _recursion(net, rule)))
        yield Statement(f"{NAME}: {words}", _data_variables(net), then=(then,))
    data_term = net.loss - net.penalty
    for words, wrong in (("the covariance counted once", net.fit), ("the covariance added", 4 * net.fit), ("no E y^2", -net.Y)):
        then = equal(_average(net), _at_data(net, data_term + wrong))
        yield Statement(f"{NAME}: {words}", _data_variables(net), then=(then,))
    noise = equal(_average(net, lambda m, s: s), _at_data(net, data_term))
    yield Statement(f"{NAME}: the variance for the second moment", _data_variables(net), then=(noise,))
    first = [S for S in layer_sets(deep) if len(S) < 2]
    partial = equal(deep.second_moment, sum(variance(deep, S) * path_energy(deep, S) for S in first))
    yield Statement(f"{NAME}: one noisy layer at a time", _moment_variables(deep), then=(partial,))
    yield replace(_rotated(net), name=f"{NAME}: rotation of a noisy layer")


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """The path form at random weights, variances and second moments."""
    net = Setting(tuple(widths))
    values = net.draw(draw)
    return Instance(expanded(net), {v.name: values[v.name] for v in _moment_variables(net)})


THEOREM = Theorem(
    name=NAME,
    sheet="B1",
    title="Noise-averaged loss",
    form="identity",
    source="arXiv:2202.04777 (loss); path form: own derivation",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 1), (3, 4, 2, 1), (2, 3, 2, 3, 1)),
    supported_at=((10, 40, 1), (20, 30, 25, 1), (8, 12, 10, 9, 1)),
)
