r"""The global minimum of the regularised loss of a deep linear network with noisy neurons.

Setting: Layers W_1, ..., W_N (W_i of shape d_i x d_{i-1}, d_N = 1), D = N - 1 hidden layers whose neurons are multiplied by
independent noise of mean 1 and variance s_i; A = E[x x^T], g = E[x y], Y = E[y^2], v = (W_N ... W_1)^T, Gamma = gamma_1 ...
gamma_N, kappa = prod_i (1 + s_i / d_i), and psi(b) = D b - b^D g^T (kappa b^D A + Gamma I)^{-1} g for b >= 0.

Hypotheses: gamma_i > 0, s_i >= 0, A positive semidefinite. Inverses are vectors: (kappa b^D A + Gamma I) z = g.

Conclusion: For ALL parameters
\[ L(\theta) \ge Y + \psi(b(\theta)), \qquad
   b(\theta)^D = \prod_{i \ge 2} \gamma_i |W_i|^2, \]

and also with the arithmetic mean \(b = \frac1D \sum_{i\ge2} \gamma_i |W_i|^2\), a polynomial; hence L >= Y + min psi, and the
minimum is attained. Two layers: \(L \ge Y + \beta - \beta\, g\cdot z\) where \((\kappa\beta A + \Gamma) z = g\), \(\Gamma
|z|^2 = 1\), for any A. Isotropic moments \(\kappa A = \alpha I\): \(\Gamma (L - Y) \ge -q (\alpha q^D - (D-1) \Gamma)\) where
\(\Gamma q^{D-1} |g|^2 = (\alpha q^D + \Gamma)^2\) and \(\alpha q^D \ge (D-1)\Gamma\). No hidden layer: \(L \ge Y - g\cdot
z\), \((A + \gamma_1) z = g\), with equality iff W_1 = z^T. Consistent moments A p = g: \(\kappa (L - Y) \ge -g \cdot p\).
Where the gradient vanishes, \(L = Y + D b - v\cdot g = Y + (D-1) v\cdot g - D\, E f^2\) with b = gamma_N |W_N|^2.

Form: Inequality for all parameters, attained; identity.

Scope of proof: All widths with noise at depths 1 to 4. In words, the noise of layer k needs the row u_k = W_N ... W_{k+1} as
e_k^T diag(X_k) with a vector e_k of signs, |e_k|^2 = d_k: no restriction on u_k. At small sizes entry by entry, without
these.

Why: E f^2 >= kappa |v|_A^2, |v|^2 <= prod |W_i|^2, the inequality of the means, and a completed square (`envelope`); what is
left is a function of b alone, and psi(b) - min psi has the factor (b - q)^2 (`bounds`).

Sharpness: Consistent moments: A = diag(1, 0), g = (0, 1), D = 2 has L - Y = 3 t^2 - 2 t^3. Attainment needs all gamma_i > 0:
gamma_2 = 0, A = g = 1 has L - Y = t^2 - 1 > -1. A root q that is not the global minimum gives no bound.

Source: arXiv:2202.04777 (the minimiser); the dual form, the bound for all parameters and its proof are derived for this
project.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Expr, Identity, ImmutableMatrix, Integer, MatrixSymbol, Mul, Rational, Symbol, Trace

from theory import dag
from theory.certificates import prove, split, vanishes
from theory.expressions import Congruence, Square, gradient, inner, known, lower, norm2, quadratic
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim, Draw, Instance, Theorem
from theory.theorems.minima.bounds import Isotropic, TwoLayers
from theory.theorems.minima.envelope import Envelope
from theory.theorems.minima.exact_points import at_values, attained, point, specialised, value
from theory.theorems.minima.global_minimum_limits import counterexamples, false_twins
from theory.theorems.minima.lemmas import Network, mean_cofactor, mean_gap, moved
from theory.theorems.minima.setting import Setting, Width, widths_of

NAME = "minima.global_minimum"
HALF, QUARTER = Rational(1, 2), Rational(1, 4)
SIZES: tuple[tuple[Width, ...], ...] = ((1, 2, 1), (2, 2, 1), (1, 3, 1), (1, 2, 2, 1), (2, 1, 2, 1), (1, 1, 2, 1, 1))


def _named(widths: Sequence[Width]) -> str:
    shown = all(isinstance(d, int) for d in widths)
    return "widths_" + "_".join(map(str, widths)) if shown else f"depth_{len(widths) - 1}"


def _layers(depth: int, size: int) -> dict[str, Any]:
    """Layers of ones and minus ones at equal widths: a point that is not special."""
    hidden = [[[(-1) ** (i * j) for j in range(size)] for i in range(size)]] * (depth - 1)
    return {f"W{i}": m for i, m in enumerate([*hidden, [[1] * size]], 1)}


def _sizes(depth: int, size: int = 2) -> dict[str, int]:
    return {f"d{i}": size for i in range(depth)}


# -- the certificate for all parameters ----------------------------------------------------------------------------------


def certificate(widths: Sequence[Width], mean: bool) -> Claim:
    """L >= Y + psi(b) with the geometric or (`mean`) the arithmetic mean b of the layer energies."""
    e = Envelope(Network(Setting(tuple(widths))), mean)
    name = f"{NAME}.{'arithmetic' if mean else 'geometric'}_mean.{_named(widths)}"
    statement = Statement(name, e.variables, e.given, (at_least(e.value),))
    return Claim(statement, tuple(e.steps()), *_certificate_witness(e))


def _certificate_witness(e: Envelope) -> tuple[dict[str, Any], dict[str, int] | None]:
    """Decays 1, the last such that b = 1."""
    s, depth = e.network.setting, e.network.setting.depth
    sized = all(isinstance(d, int) for d in s.widths)
    at = None if sized else _sizes(depth)
    d = [int(x) if isinstance(x, int) else 2 for x in s.widths]
    layers = {f"W{i}": [[1] * d[i - 1] for _ in range(d[i])] for i in range(1, depth + 1)}
    energy = Mul(*(Integer(d[i] * d[i - 1]) for i in range(2, depth + 1)))
    decays = {c.name: 1 for c in s.decay[:-1]} | {s.decay[-1].name: 1 / energy}
    noise = {x.name: i for i, x in enumerate(e.network.noise.values(), 1)}
    moments = {"A": [[1 + (i == j) for j in range(d[0])] for i in range(d[0])], "g": [[1]] * d[0], "Y": 3}
    env = point(e.network, {**layers, **decays, **noise, **moments, **({"b": 1} if e.rooted else {})}, at)
    return {**env, "z": value(e.shifted, env, at).solve(env["g"])}, at


# -- exact minima --------------------------------------------------------------------------------------------------------


def two_layers() -> Claim:
    """D = 1, any A, all widths, noise: L >= Y + beta - beta g.z."""
    t = TwoLayers(Network(Setting(widths_of(2))))
    statement = Statement(f"{NAME}.two_layers", t.variables, t.given, (at_least(t.value),))
    values = {"gamma1": 1, "gamma2": 1, "s1": 1, "g": [["6/5"], ["12/5"]], "Y": 7, "z": [["3/5"], ["4/5"]], "beta": 1}
    at = _sizes(2)
    return Claim(
        statement, tuple(t.steps()), point(t.network, {**_layers(2, 2), **values, "A": [["2/3", 0], [0, "4/3"]]}, at), at
    )


ISOTROPIC_WITNESS: dict[int, dict[str, Any]] = {
    2: {"gamma1": 1, "gamma2": 1, "g": [[3], [0]], "q": 2},
    3: {"gamma1": 1, "gamma2": 1, "gamma3": "1/4", "g": [["5/2"], [0]], "q": 1},
    4: {"gamma1": 1, "gamma2": 1, "gamma3": 1, "gamma4": "1/4", "g": [["5/2"], [0]], "q": 1},
}


def isotropic(depth: int) -> Claim:
    """kappa A = alpha I, all widths, noise of different strength in each layer: the exact minimum."""
    i = Isotropic(Network(Setting(widths_of(depth))))
    statement = Statement(f"{NAME}.isotropic.depth_{depth}", i.variables, i.given, (at_least(i.value),))
    noise = {f"s{k}": 2 * k for k in range(1, depth)}
    kappa = Mul(*(Integer(1 + k) for k in range(1, depth)))
    moments = {"A": [[1 / kappa, 0], [0, 1 / kappa]], "Y": 100, "alpha": 1}
    at = _sizes(depth)
    return Claim(
        statement,
        tuple(i.steps()),
        point(i.network, {**_layers(depth, 2), **noise, **moments, **ISOTROPIC_WITNESS[depth]}, at),
        at,
    )


def isotropic_instance(depth: int, decays: Sequence[Any], g: Any, q: Any, least: Any) -> Claim:
    """kappa A = 1, d_0 = 1, given numbers: L - Y >= `least`, at all hidden widths with any noise."""
    i = Isotropic(Network(Setting((1, *widths_of(depth)[1:]))), Integer(1), q)
    s = i.network.setting
    values = dict(zip(s.decay, decays, strict=True)) | {s.g: g * Identity(1)}
    excess = s.loss - s.Y - least
    given = (*i.network.given, equal(i.spherical), *(equal(x, y) for x, y in values.items()))
    statement = Statement(f"{NAME}.instance.depth_{depth}", i.network.variables, given, (at_least(excess),))
    ready = [prove(">", Integer(1), Integer(1)), prove(">", q, q), at_values(i.root, values), at_values(i.tau, values, ">=")]
    rest = at_values(-s.decay_product * least - i.q * i.tau, values)
    last = prove(">=", excess, known(i.value) + known(rest.term), times=i.envelope.decay_known)
    at = {f"d{k}": 2 for k in range(1, depth)}
    layers = {f"W{k}": [[1] * (1 if k == 1 else 2)] * (1 if k == depth else 2) for k in range(1, depth + 1)}
    kappa = Mul(*(1 + Rational(k, 2) for k in range(1, depth)))
    numbers = {c.name: x for c, x in zip(s.decay, decays, strict=True)} | {f"s{k}": k for k in range(1, depth)}
    witness = point(i.network, {**layers, **numbers, "A": [[1 / kappa]], "g": [[g]], "Y": 100}, at)
    return Claim(statement, (*ready, *i.steps(), rest, last), witness, at)


def anisotropic_instance(hidden: int) -> Claim:
    """kappa A = diag(1, 2), Gamma = 1, g = (6/5, 12/5): L - Y >= -41/25, with noise, at widths (2, hidden, 1)."""
    z, g = (ImmutableMatrix(x) for x in (["3/5", "4/5"], ["6/5", "12/5"]))
    t = TwoLayers(Network(Setting((2, hidden, 1))), Integer(1))
    s = t.network.setting
    scaled, decay, target = t.network.kappa * s.A - ImmutableMatrix.diag(1, 2), s.decay_product - 1, s.g - g
    excess = s.loss - s.Y + Rational(41, 25)
    given = (*t.network.given, equal(scaled), equal(decay), equal(target))
    statement = Statement(f"{NAME}.anisotropic.{_named(s.widths)}", t.network.variables, given, (at_least(excess),))
    equation = prove("==", t.equation, known(scaled) * t.z + known(decay) * t.z - known(target))
    unit = prove("==", t.unit, known(decay) * norm2(t.z))
    last = prove(">=", excess, known(t.value) - Trace(known(target).T * t.z))
    a = 1 / (1 + Rational(1, hidden))
    moments = {"A": [[a, 0], [0, 2 * a]], "g": [["6/5"], ["12/5"]], "Y": 7, "gamma1": 2, "gamma2": "1/2", "s1": 1}
    layers = {"W1": [[1, 2]] * hidden, "W2": [[1] * hidden]}
    steps = specialised((equation, unit, *t.steps(), last), {t.z: z})
    return Claim(statement, steps, point(t.network, {**layers, **moments}))


def minima_attained() -> list[Claim]:
    """The least values of the instances are values of the loss."""
    found = []
    for widths, values, least in ATTAINED:
        n = Network(Setting(widths, noisy=False))
        named = {x.name: x for x in n.variables}
        at = {named[k]: ImmutableMatrix(x) if isinstance(x, list) else x for k, x in values.items()}
        found.append(attained(f"{NAME}.attained.{_named(widths)}", n, at, n.setting.loss - n.setting.Y - least))
    return found


ATTAINED: tuple[tuple[tuple[int, ...], dict[str, Any], Any], ...] = (
    ((1, 2, 1), {"W1": [[1], [1]], "W2": [[1, 1]], "A": [[1]], "g": [[3]], "gamma1": 1, "gamma2": 1}, -4),
    ((1, 1, 1, 1), {"W1": [[1]], "W2": [[1]], "W3": [[2]], "A": [[1]], "g": [[5 * HALF]],
                    "gamma1": 1, "gamma2": 1, "gamma3": QUARTER}, -3),
    ((1, 1, 1, 1, 1), {"W1": [[1]], "W2": [[1]], "W3": [[1]], "W4": [[2]], "A": [[1]], "g": [[5 * HALF]],
                       "gamma1": 1, "gamma2": 1, "gamma3": 1, "gamma4": QUARTER}, -2),
    ((2, 1, 1), {"W1": [[Rational(3, 5), Rational(4, 5)]], "W2": [[1]], "A": [[1, 0], [0, 2]],
                 "g": [[Rational(6, 5)], [Rational(12, 5)]], "gamma1": 1, "gamma2": 1}, Rational(-41, 25)),
)  # fmt: skip


def dual(depth: int) -> Claim:
    """L >= Y + kappa |v|_A^2 - 2 v.g + N p with p^N = Gamma |v|^2, p >= 0: a function of v alone, at all widths."""
    n, p = Network(Setting(widths_of(depth))), Symbol("p")
    s, e = n.setting, Envelope(n)
    root = p**depth - s.decay_product * norm2(e.v)
    energies = [known(c) * Square(W) for c, W in zip(s.decay, s.layers, strict=True)]
    rest = s.penalty - depth * p
    excess = s.loss - s.Y - n.kappa * quadratic(s.A, e.v) + 2 * inner(e.v, s.g) - depth * p
    by = mean_gap(energies) + depth**depth * (e.decay_known * known(n.norm) - known(root))
    positive = [prove(">=", rest, by, times=mean_cofactor(sum(energies), known(p), depth))]
    means = split(">=", rest, on=p, positive=positive, otherwise=[prove(">=", rest, sum(energies) + depth * known(-p))])
    statement = Statement(
        f"{NAME}.dual.depth_{depth}", (*n.variables, p), (*n.given, at_least(p), equal(root)), (at_least(excess),)
    )
    at, last = _sizes(depth, 1), {f"gamma{i}": 1 for i in range(1, depth + 1)} | {f"s{i}": i for i in range(1, depth)}
    witness = point(n, {**_layers(depth, 1), **last, "A": [[1]], "g": [[2]], "Y": 9, "p": 1}, at)
    return Claim(
        statement, (*n.path_steps(), *n.norm_steps(), means, prove(">=", excess, known(n.path) + known(rest))), witness, at
    )


def unattained() -> Claim:
    """gamma_2 = 0, gamma_1 = A = g = 1, one neuron, no noise: L - Y > -1, yet L - Y = t^2 - 1 at W_1 = t, W_2 = 1/t."""
    s = Setting((1, 1, 1), noisy=False)
    (W, U), one = s.layers, Identity(1)
    facts = {s.decay[0]: Integer(1), s.decay[1]: Integer(0), s.A: one, s.g: one}
    excess, length = s.loss - s.Y + 1, norm2(W)
    difference = moved(excess, facts)[1]
    plain = lower(Square(U * W - one))
    positive = [prove(">", excess, dag.add(plain, lower(known(length)), difference))]
    dead = Trace(U * known(W) * (U * W - 2 * one).T) + Trace(known(W) * W.T) + 1
    otherwise = [vanishes(W, known(-length)), prove(">", excess, dag.add(lower(dead), difference))]
    statement = Statement(f"{NAME}.unattained", s.variables, tuple(equal(x, y) for x, y in facts.items()), (greater(excess),))
    values = {"W1": [[HALF]], "W2": [[2]], "A": [[1]], "g": [[1]], "Y": 1, "gamma1": 1, "gamma2": 0}
    return Claim(statement, (split(">", excess, on=length, positive=positive, otherwise=otherwise),), values)


# -- no hidden layer, boundedness, stationary points -----------------------------------------------------------------------


def ridge() -> list[Claim]:
    """D = 0: L - Y + g.z = |W_1^T - z|^2 in A + gamma_1, so the minimum is Y - g.z, at W_1 = z^T only."""
    s = Setting(("d0", 1))
    z, (W,) = MatrixSymbol("z", s.dim(0), 1), s.layers
    equation, x = s.A * z + s.decay[0] * z - s.g, W.T - z
    value_, cross = s.loss - s.Y + inner(s.g, z), Trace((W.T + x).T * known(equation))
    data = Trace(Congruence(known(s.A), x))
    bound = prove(">=", value_, data + known(s.decay[0]) * Trace(Congruence(Integer(1), x)) + cross)
    only = vanishes(x, data + cross - known(value_), times=known(s.decay[0]))
    moved = known(x)
    whole = prove("==", value_, Trace(moved.T * (s.A * x + s.decay[0] * x)) + cross)
    variables, given = (*s.variables, z), (*s.hypotheses, equal(equation))
    point_ = {"W1": [[1, 2]], "A": [[1, 0], [0, 2]], "g": [[2], [6]], "Y": 30, "gamma1": 1, "z": [[1], [2]]}
    at = {"d0": 2}
    named = [("ridge", given, value_, ">=", bound), ("ridge.unique", (*given, equal(value_)), x, "==", only),
             ("ridge.attained", (*given, equal(x)), value_, "==", whole)]  # fmt: skip
    make = {">=": at_least, "==": equal}
    return [Claim(Statement(f"{NAME}.{k}", variables, h, (make[r](c),)), (step,), point_, at) for k, h, c, r, step in named]


def _preimage(network: Network) -> tuple[Any, Expr, Expr]:
    """p with A p = g, the equation, and kappa (L - Y) + g.p."""
    s = network.setting
    p = MatrixSymbol("p", s.dim(0), 1)
    return p, s.A * p - s.g, network.kappa * (s.loss - s.Y) + inner(s.g, p)


def bounded(depth: int) -> Claim:
    """Consistent moments, A p = g: kappa (L - Y) >= -g.p = -q, at all widths."""
    n = Network(Setting(widths_of(depth)))
    p, equation, excess = _preimage(n)
    s, v = n.setting, n.setting.product.T
    square = Trace(Congruence(known(s.A), n.kappa * v - p))
    penalty = n.kappa_known * Envelope(n).penalty_known
    by = n.kappa_known * known(n.path) + square + penalty + Trace((2 * n.kappa * v - p).T * known(equation))
    statement = Statement(f"{NAME}.bounded.depth_{depth}", (*n.variables, p), (*n.given, equal(equation)), (at_least(excess),))
    at = _sizes(depth)
    values = {f"gamma{i}": i for i in range(1, depth + 1)} | {f"s{i}": i for i in range(1, depth)}
    moments = {"A": [[1, 1], [1, 1]], "g": [[2], [2]], "Y": 4, "p": [[1], [1]]}
    return Claim(
        statement, (*n.path_steps(), prove(">=", excess, by)), point(n, {**_layers(depth, 2), **values, **moments}, at), at
    )


def stationary_value(depth: int) -> Claim:
    """Where the gradient vanishes: L = Y + D b - v.g = Y + (D-1) v.g - D E f^2 with b = gamma_N |W_N|^2."""
    s, D = Setting(widths_of(depth)), depth - 1
    gradients = [gradient(s.loss, W) for W in s.layers]
    euler = [inner(W, known(G)) * HALF for W, G in zip(s.layers, gradients, strict=True)]
    first = s.loss - s.Y - D * s.decay[-1] * norm2(s.layers[-1]) + s.fit
    second = s.loss - s.Y - (D - 1) * s.fit + D * s.second_moment
    total = sum(euler) - D * euler[-1]
    given = (*s.hypotheses, *map(equal, gradients))
    statement = Statement(f"{NAME}.stationary_value.depth_{depth}", s.variables, given, (equal(first), equal(second)))
    steps = (prove("==", first, total), prove("==", second, total + D * euler[-1]))
    decays = {f"gamma{i}": QUARTER if i == depth > 2 else 1 for i in range(1, depth + 1)}
    layers = {f"W{i}": [[2]] if i == depth > 2 else [[1]] for i in range(1, depth + 1)}
    moments = {"A": [[1]], "g": [[2 if depth == 2 else 5 * HALF]], "Y": 9}
    at, noise = _sizes(depth, 1), {f"s{i}": 0 for i in range(1, depth)}
    return Claim(statement, steps, {**layers, **decays, **moments, **noise}, at)


# -- the theorem -----------------------------------------------------------------------------------------------------------


def claims() -> list[Claim]:
    """The bound for all parameters, the exact minima, and what they rest on."""
    means = [certificate(widths_of(n), mean) for n in (2, 3, 4) for mean in (False, True) if n > 2 or not mean]
    instances = [
        isotropic_instance(2, (1, 1), 3, Integer(2), -4),
        isotropic_instance(3, (1, 1, QUARTER), 5 * HALF, Integer(1), -3),
        isotropic_instance(4, (1, 1, 1, QUARTER), 5 * HALF, Integer(1), -2),
        *map(anisotropic_instance, (1, 2, 3)),
    ]
    exact = [two_layers(), *map(isotropic, (2, 3, 4)), *instances, *minima_attained(), unattained()]
    sized = [certificate(w, False) for w in SIZES]
    return [*means, *sized, *exact, *ridge(), *(f(n) for f in (dual, bounded, stationary_value) for n in (2, 3, 4))]


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """The bound at random parameters; with more than one hidden layer b is drawn and the last decay follows from it."""
    e = Envelope(Network(Setting(tuple(widths))))
    s, values = e.network.setting, e.network.setting.draw(draw)
    if e.rooted:
        values["b"] = draw.positive()
        values[s.decay[-1].name] = draw.solve(Mul(*e.energies[:-1]) * norm2(s.layers[-1]), e.beta, values)
    values["z"] = draw.solve(e.shifted, s.g, values)
    name = f"{NAME}.{_named(widths)}"
    return Instance(Statement(name, e.variables, e.given, (at_least(e.value),)), values)


THEOREM = Theorem(
    name=NAME,
    sheet="B4",
    title="The global minimum of the loss is the minimum of a function of one number",
    form="inequality for all parameters, attained; identity",
    source="arXiv:2202.04777",
    claims=claims,
    sharpness=lambda: counterexamples(NAME),
    variants=lambda: [c.statement for c in false_twins(NAME)],
    sample=sample,
    certified_at=((2, 2, 1), (1, 3, 1), (2, 3, 2, 1), (1, 2, 2, 2, 1)),
    supported_at=((8, 8, 1), (20, 30, 25, 1), (10, 12, 9, 11, 1)),
    note="The bound needs no consistent moments; that the minimum is attained needs them, and all decays positive.",
)
