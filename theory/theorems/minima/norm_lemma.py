r"""Norm lemma: the least weight decay of a network with a given mean predictor.

Setting: layers W_1, ..., W_N with scalar output, P = W_N ... W_1 = v^T, R = sum_i gamma_i |W_i|_F^2, Gamma = prod_i gamma_i.

Hypotheses: gamma_i >= 0. For the equality case: gamma_i > 0 and v not 0.

Conclusion:
\[ |v|^2 \le \prod_i |W_i|_F^2, \qquad R \ge N\, p \ \text{ for every } p \text{ with } p^N = \Gamma |v|^2, \]
with equality for p > 0 if and only if \(\gamma_i |W_i|_F^2 = p\) and \(W_i = a_i\, p_i\, p_{i-1}^T\) (aligned, rank one).

Form: inequality for all weights; equality case: iff.

Scope of proof: all widths; depths 2 to 5 for the product, 2 to 4 for the penalty; the inequality of the means for 2, 3 and 4
numbers. The squares of Lagrange at widths (2,2,1), (3,2,1), (2,3,1).

Why: |W^T u|^2 <= |u|^2 |W|^2 layer by layer (|u|^2 W - u u^T W is the square), then the inequality of the means for the
energies gamma_i |W_i|^2, and R^N - (N p)^N = (R - N p) sum_k R^k (N p)^(N-1-k).

Sharpness: negative decays break the bound (gamma = (-1, -1)), and so does a p beyond the root; the constants are attained. For
p <= 0 there is nothing to prove, so p needs no sign.

Source: own derivation, for the network of arXiv:2202.04777.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from sympy import Expr, MatrixSymbol, Mul, Symbol, Trace, symbols

from theory.certificates import Step, prove, split, vanishes
from theory.expressions import KnownMatrix, Square, known, norm2
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.minima import means
from theory.theorems.minima.setting import Setting, Width, widths_of

NAME = "minima.norm_lemma"
P = Symbol("p")


# -- the norm of a product ----------------------------------------------------------------------------------------------


def slack(net: Setting) -> Expr:
    """prod |W_i|^2 - |P|^2."""
    return Mul(*map(norm2, net.layers)) - norm2(net.product)


def _gap(net: Setting, i: int) -> Expr:
    """|u_i|^2 |W_i|^2 - |u_i^T W_i|^2, with u_i^T = W_N ... W_{i+1} (i = 1, ..., N - 1)."""
    u = net.heads[i]
    return norm2(u) * norm2(net.layers[i - 1]) - norm2(u * net.layers[i - 1])


def _misalignment(net: Setting, i: int) -> Expr:
    """|u|^2 W - u u^T W: zero where the columns of W_i are parallel to u_i."""
    u, W = net.heads[i], net.layers[i - 1]
    return norm2(u) * W - u.T * u * W


def _gap_step(net: Setting, i: int) -> Step:
    """|u|^2 times the gap is the square of the misalignment; where u = 0 both sides are 0."""
    u, W, gap = net.heads[i], net.layers[i - 1], _gap(net, i)
    zero = KnownMatrix(u)
    trivial = Trace(zero * u.T) * norm2(W) - Trace(W.T * u.T * zero * W)
    square = prove(">=", gap, Square(_misalignment(net, i)), times=known(norm2(u)))
    return split(">=", gap, norm2(u), [square], [vanishes(u, known(-norm2(u))), prove(">=", gap, trivial)])


def _below(net: Setting, i: int, energy: Any = Square) -> Expr:
    """prod_{j < i} |W_j|^2."""
    return Mul(*(energy(W) for W in net.layers[: i - 1]))


def product_steps(net: Setting) -> tuple[Step, ...]:
    """The gaps, then prod |W_i|^2 - |P|^2 as their sum with weights prod_{j < i} |W_j|^2."""
    hidden = range(1, net.depth)
    total = sum(_below(net, i) * known(_gap(net, i)) for i in hidden)
    return *(_gap_step(net, i) for i in hidden), prove(">=", slack(net), total)


def product_bound(depth: int) -> Claim:
    net = Setting(widths_of(depth))
    return Claim(Statement(f"{NAME}.product", net.layers, then=(at_least(slack(net)),)), product_steps(net))


def lagrange(widths: tuple[Width, ...]) -> Claim:
    """|u|^2 |W|^2 - |u^T W|^2 = sum_k sum_{i < j} (u_i W_jk - u_j W_ik)^2."""
    net = Setting(widths)
    (W, u), d = net.layers, int(widths[1])
    minors = [u[0, i] * W[j, k] - u[0, j] * W[i, k] for i, j in combinations(range(d), 2) for k in range(int(widths[0]))]
    rest = slack(net) - sum(m**2 for m in minors)
    return Claim(Statement(f"{NAME}.lagrange", net.layers, then=(equal(rest),)), (Step("==", rest),))


# -- the inequality of the means ----------------------------------------------------------------------------------------


def mean_inequality(n: int) -> Claim:
    a = symbols(f"a1:{n + 1}")
    step = prove(">=", means.deficit(a), means.squares([known(x) for x in a]))
    s = Statement(f"{NAME}.means", a, tuple(map(at_least, a)), (at_least(means.deficit(a)),))
    return Claim(s, (step,), dict.fromkeys(map(str, a), 1))


def power_means() -> Iterator[Claim]:
    """a^3 + b^3 + c^3 >= 3abc for a, b, c >= 0, and a^4 + b^4 + c^4 + d^4 >= 4abcd for all numbers."""
    a, b, c, d = letters = symbols("a1:5")
    cubes, fourths = a**3 + b**3 + c**3 - 3 * a * b * c, sum(x**4 for x in letters) - 4 * a * b * c * d
    half = (known(a) + known(b) + known(c)) / 2 * ((a - b) ** 2 + (b - c) ** 2 + (c - a) ** 2)
    third = Statement(f"{NAME}.cubes", letters[:3], tuple(map(at_least, letters[:3])), (at_least(cubes),))
    yield Claim(third, (prove(">=", cubes, half),), {"a1": 1, "a2": 2, "a3": 3})
    by = (a**2 - b**2) ** 2 + (c**2 - d**2) ** 2 + 2 * (a * b - c * d) ** 2
    yield Claim(Statement(f"{NAME}.fourths", letters, then=(at_least(fourths),)), (prove(">=", fourths, by),))


# -- the penalty --------------------------------------------------------------------------------------------------------


def _variables(net: Setting) -> tuple[Any, ...]:
    return *net.layers, *net.decay, P


def _root(net: Setting) -> Expr:
    """Gamma |v|^2 - p^N."""
    return net.decay_product * norm2(net.product) - P**net.depth


def _energies(net: Setting) -> list[Expr]:
    """gamma_i |W_i|^2."""
    return [c * norm2(W) for c, W in zip(net.decay, net.layers, strict=True)]


def _visible(net: Setting) -> list[Expr]:
    """gamma_i |W_i|^2 with their signs, citing gamma_i >= 0."""
    return [known(c) * Square(W) for c, W in zip(net.decay, net.layers, strict=True)]


def _scaled(net: Setting) -> Expr:
    """N^N Gamma (prod |W_i|^2 - |P|^2), with its sign."""
    return net.depth**net.depth * Mul(*map(known, net.decay)) * known(slack(net))


def penalty_slack(net: Setting) -> Expr:
    """R - N p."""
    return net.penalty - net.depth * P


def _positive_root(net: Setting) -> tuple[Step, ...]:
    """p > 0: R^N - (N p)^N >= 0, divided by sum_k R^k (N p)^(N-1-k)."""
    n, a = net.depth, _visible(net)
    powers = net.penalty**n - (n * P) ** n
    total = means.squares(a) + _scaled(net) + n**n * known(_root(net))
    divisor = means.root_factor(sum(a), n * known(P), n)
    return prove(">=", powers, total), prove(">=", penalty_slack(net), known(powers), times=divisor)


def bound(net: Setting) -> Statement:
    given = (*map(at_least, net.decay), equal(_root(net)))
    return Statement(NAME, _variables(net), given, (at_least(penalty_slack(net)),))


def penalty_bound(depth: int) -> Claim:
    net = Setting(widths_of(depth))
    rest = penalty_slack(net)
    otherwise = prove(">=", rest, sum(_visible(net)) + depth * known(-P))
    steps = (*product_steps(net), split(">=", rest, P, _positive_root(net), [otherwise]))
    return Claim(bound(net), steps, _balanced(net), dict.fromkeys(map(str, widths_of(depth)[:-1]), 1))


def _balanced(net: Setting) -> dict[str, Any]:
    """W_1 = 2, the other layers 1, gamma_1 = 1/4, the others 1, p = 1: equality, with different decays."""
    layers = {W.name: [[1 + (i == 0)]] for i, W in enumerate(net.layers)}
    return layers | {c.name: "1/4" if i == 0 else 1 for i, c in enumerate(net.decay)} | {"p": 1}


# -- equality -----------------------------------------------------------------------------------------------------------


def equality(depth: int) -> Claim:
    """gamma_i > 0, p > 0 and R = N p: equal energies, and each layer aligned with what follows it."""
    net = Setting(widths_of(depth))
    given = (*map(greater, net.decay), greater(P), equal(_root(net)), equal(penalty_slack(net)))
    first, *others = _energies(net)
    then = [equal(first, x) for x in others] + [equal(_misalignment(net, i)) for i in range(1, depth)]
    steps = (*product_steps(net), *_equal_energies(net), *_equal_norms(net), *_aligned(net))
    witness, sizes = _balanced(net), dict.fromkeys(map(str, widths_of(depth)[:-1]), 1)
    return Claim(Statement(f"{NAME}.equality", _variables(net), given, tuple(then)), steps, witness, sizes)


def _no_deficit(net: Setting) -> Expr:
    """-(R^N - N^N prod a), which is >= 0 because R^N = (N p)^N = N^N Gamma |P|^2 <= N^N prod a."""
    n = net.depth
    powers = known(penalty_slack(net)) * means.root_factor(net.penalty, n * P, n)
    return _scaled(net) - powers + n**n * known(_root(net))


def _equal_energies(net: Setting) -> Iterator[Step]:
    """Each square in the deficit of the energies is zero."""
    a, n = _energies(net), net.depth
    b, deficit = _visible(net), means.deficit(a)
    yield prove(">", net.penalty, known(penalty_slack(net)) + n * known(P))
    yield prove(">=", -deficit, _no_deficit(net))
    yield from {2: _two, 3: _three, 4: _four}[n](a, b, net.penalty, known(-deficit))


def _two(a: list[Expr], b: list[Expr], R: Expr, bound: Expr) -> Iterator[Step]:
    yield vanishes(a[0] - a[1], bound)


def _three(a: list[Expr], b: list[Expr], R: Expr, bound: Expr) -> Iterator[Step]:
    """The term R/2 (x - y)^2 of the deficit, the other terms on the right."""
    for i in (1, 2):
        x, y, z = b[0], b[i], b[3 - i]
        half = sum(b) / 2 * ((y - z) ** 2 + (z - x) ** 2)
        rest = half + 3 * (x * (y - z) ** 2 + y * (z - x) ** 2 + z * (x - y) ** 2)
        yield vanishes(a[0] - a[i], bound + rest, times=known(R) / 2)


def _four(a: list[Expr], b: list[Expr], R: Expr, bound: Expr) -> Iterator[Step]:
    """First a_1 + a_2 = a_3 + a_4 =: q, from a fourth power; then q > 0 divides out of (a_1 - a_2)^2 and (a_3 - a_4)^2."""
    p, q, x, y = b[0] + b[1], b[2] + b[3], a[0] + a[1], a[2] + a[3]
    outer, inner = 8 * p * q * (p - q) ** 2, 64 * b[0] * b[1] * (b[2] - b[3]) ** 2
    yield vanishes((x - y) ** 2, bound + outer + inner + 16 * (b[0] - b[1]) ** 2 * q**2)
    yield vanishes(x - y, -known((x - y) ** 2))
    yield prove(">", x, known(R) / 2 + known(x - y) / 2)
    yield prove(">", y, known(R) / 2 - known(x - y) / 2)
    yield vanishes(a[0] - a[1], bound + (p - q) ** 4 + outer + inner, times=16 * known(y) ** 2)
    mirrored = 64 * b[2] * b[3] * (b[0] - b[1]) ** 2
    yield vanishes(a[2] - a[3], bound + (p - q) ** 4 + outer + mirrored, times=16 * known(x) ** 2)
    half = (known(x - y) + known(a[0] - a[1])) / 2
    yield prove("==", a[0] - a[2], half - known(a[2] - a[3]) / 2)
    yield prove("==", a[0] - a[3], half + known(a[2] - a[3]) / 2)


def _equal_norms(net: Setting) -> Iterator[Step]:
    """N^N Gamma (prod |W_i|^2 - |P|^2) <= 0 because R^N - N^N prod a >= 0; and no layer is zero."""
    n = net.depth
    powers = known(penalty_slack(net)) * means.root_factor(net.penalty, n * P, n)
    by = means.squares(_visible(net)) - powers + n**n * known(_root(net))
    yield prove(">=", -slack(net), by, times=n**n * Mul(*map(known, net.decay)))
    first, *others = _energies(net)
    zeros = [0, *(known(first - x) for x in others)]
    for c, W, zero in zip(net.decay, net.layers, zeros, strict=True):
        yield prove(">", norm2(W), known(net.penalty) + sum(zeros) - n * zero, times=n * known(c))


def _aligned(net: Setting) -> Iterator[Step]:
    """Each gap has a positive weight in prod |W_i|^2 - |P|^2 = 0."""
    for i in range(1, net.depth):
        others = sum(_below(net, j) * known(_gap(net, j)) for j in range(1, net.depth) if j != i)
        below = _below(net, i, lambda W: known(norm2(W)))
        yield prove(">=", -_gap(net, i), known(-slack(net)) + others, times=below)
        yield vanishes(_misalignment(net, i), norm2(net.heads[i]) * known(-_gap(net, i)))


def rank_one(depth: int) -> Claim:
    """Layers a_i p_i p_{i-1}^T have |P|^2 = prod |W_i|^2, for all vectors p_i."""
    net = Setting(widths_of(depth))
    vectors = [MatrixSymbol(f"p{i}", net.dim(i), 1) for i in range(depth + 1)]
    scales = symbols(f"a1:{depth + 1}")
    family = {W: a * y * x.T for W, a, x, y in zip(net.layers, scales, vectors, vectors[1:], strict=False)}
    rest = slack(net).xreplace(family)
    return Claim(Statement(f"{NAME}.rank_one", (*vectors, *scales), then=(equal(rest),)), (Step("==", rest),))


def attained(depth: int) -> Claim:
    """All energies p and |P|^2 = prod |W_i|^2: p^N = Gamma |v|^2 and R = N p."""
    net = Setting(widths_of(depth))
    energies = _energies(net)
    given = (*(equal(a - P) for a in energies), equal(slack(net)))
    telescope = sum(P**i * known(a - P) * Mul(*energies[i + 1 :]) for i, a in enumerate(energies))
    root = prove("==", _root(net), telescope - net.decay_product * known(slack(net)))
    total = prove("==", penalty_slack(net), sum(known(a - P) for a in energies))
    s = Statement(f"{NAME}.attained", _variables(net), given, (equal(_root(net)), equal(penalty_slack(net))))
    return Claim(s, (root, total), _balanced(net), dict.fromkeys(map(str, widths_of(depth)[:-1]), 1))


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield from (f(n) for f in (product_bound, rank_one) for n in range(2, 6))
    yield from (f(n) for f in (mean_inequality, penalty_bound, equality, attained) for n in range(2, 5))
    yield from power_means()
    yield from (lagrange(w) for w in ((2, 2, 1), (3, 2, 1), (2, 3, 1)))


def _flat(net: Setting, numbers: Sequence[Any], p: Any) -> dict[str, Any]:
    """A point: all widths 1, all layers 1, these decays and this p."""
    return {W.name: [[1]] for W in net.layers} | dict(zip((c.name for c in net.decay), numbers, strict=True)) | {"p": p}


def _signed(net: Setting) -> Statement:
    """The equality case without the signs of the decays."""
    first, *others = _energies(net)
    given = (greater(P), equal(_root(net)), equal(penalty_slack(net)))
    return Statement(f"{NAME}.equality", _variables(net), given, tuple(equal(first, x) for x in others))


def sharpness() -> Iterator[Counterexample]:
    two, three = Setting((1, 1, 1)), Setting((1, 1, 1, 1))
    s = bound(two)
    yield Counterexample("gamma_i >= 0", replace(s, given=s.given[-1:]), _flat(two, (-1, -1), 1))
    yield Counterexample("p^N = Gamma |v|^2", replace(s, given=s.given[:-1]), _flat(two, (1, 1), 2))
    yield Counterexample("gamma_i > 0 for equal energies", _signed(three), _flat(three, (-1, -1, 8), 2))
    for n, a in ((3, (-1, 0, 0)), (4, (1, 1, -1, -1))):
        letters = symbols(f"a1:{n + 1}")
        free = Statement(f"{NAME}.means", letters, then=(at_least(means.deficit(letters)),))
        yield Counterexample("a_i >= 0", free, dict(zip(map(str, letters), a, strict=True)))


def variants() -> Iterator[Statement]:
    net, wide = Setting((1, 1, 1)), Setting((1, 2, 1))
    s, n, (W, U) = bound(net), net.depth, net.layers
    yield replace(s, name=f"{NAME}: one more layer", then=(at_least(net.penalty - (n + 1) * P),))
    yield replace(s, name=f"{NAME}: strict", then=(greater(penalty_slack(net)),))
    yield replace(s, name=f"{NAME}: reversed", then=(at_least(-penalty_slack(net)),))
    roots: dict[str, Condition] = {
        "the decays squared": equal(net.decay_product**2 * norm2(net.product), P**n),
        "without the decays": equal(norm2(net.product), P**n),
        "the sum of the decays": equal(sum(net.decay) * norm2(net.product), P**n),
        "an exponent too small": equal(net.decay_product * norm2(net.product), P),
    }
    for words, root in roots.items():
        yield replace(s, name=f"{NAME}: {words}", given=(*s.given[:-1], root))
    products = {
        "half the product": at_least(norm2(W) * norm2(U) / 2 - norm2(U * W)),
        "always aligned": equal(norm2(U * W), norm2(W) * norm2(U)),
        "reversed product": at_least(norm2(U * W) - norm2(W) * norm2(U)),
        "only the last layer": at_least(norm2(U) - norm2(U * W)),
    }
    for words, then in products.items():
        change = dict(zip((W, U), wide.layers, strict=True))
        yield Statement(f"{NAME}: {words}", wide.layers, then=(replace(then, expression=then.expression.xreplace(change)),))
    equals = (*map(greater, net.decay), greater(P), equal(_root(net)), equal(penalty_slack(net)))
    yield Statement(f"{NAME}: equal norms", _variables(net), equals, (equal(norm2(W), norm2(U)),))
    a = symbols("a1:4")
    too_much = at_least(sum(a) ** 3 - 28 * Mul(*a))
    yield Statement(f"{NAME}: too large a constant", a, tuple(map(at_least, a)), (too_much,))


def power_form(net: Setting) -> Statement:
    """|P|^2 <= prod |W_i|^2 and R^N >= N^N Gamma |P|^2: the bound without roots."""
    n = net.depth
    power = net.penalty**n - n**n * net.decay_product * norm2(net.product)
    variables = (*net.layers, *net.decay)
    return Statement(f"{NAME}.powers", variables, tuple(map(at_least, net.decay)), (at_least(slack(net)), at_least(power)))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """The bound without roots, at random layers and decays."""
    net = Setting(tuple(widths))
    values, s = net.draw(draw), power_form(net)
    return Instance(s, {v.name: values[v.name] for v in s.variables})


THEOREM = Theorem(
    name=NAME,
    sheet="B3",
    title="Norm lemma",
    form="inequality; equality case: iff",
    source="own derivation, for the network of arXiv:2202.04777",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 1), (3, 4, 2, 1), (2, 3, 2, 3, 1)),
    supported_at=((10, 40, 1), (20, 30, 25, 1), (8, 12, 10, 9, 1)),
)
