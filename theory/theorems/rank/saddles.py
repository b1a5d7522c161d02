r"""Critical points of lower rank: best approximations of their rank, or strict saddles with an exact negative curvature.

Setting: L(W) = 1/2 |P - A|^2, P = W_N ... W_1, N >= 2, any widths (the squared loss with whitened data; for any data X the
first part is stated with F = (P X - Y) X^T). W is critical, s = rank P.

Hypotheses: the gradients by W_1 and W_N vanish.

Conclusion: (a) P^T (P - A) = 0 and (P - A) P^T = 0: A is the sum of P and a remainder with orthogonal row and column
spaces, so P consists of s singular components of A. (b) Let sigma_i, u_i, v_i belong to P, and sigma_j, u_j, v_j to the
remainder. Along W_N -> (I + t Omega) W_N, W_1 -> W_1 (I + t Omega')^T, Omega = u_j u_i^T - u_i u_j^T, Omega' = v_j v_i^T -
v_i v_j^T, \[ L(t) = L(0) - \sigma_i (\sigma_j - \sigma_i) t^2 + \tfrac12 \sigma_i^2 t^4, \] so the Hessian form is \(-2
\sigma_i (\sigma_j - \sigma_i)\): where P is not a best approximation of A of rank at most s, W is a strict saddle. (c) N =
2: a unit vector z with W_2 z = 0 or W_1^T z = 0 and sigma_j > 0 give negative curvature as well, so that every critical
point that is not a global minimum is a strict saddle. (d) N >= 3: the same if W_{N-1} ... W_2 has the rank of the narrowest
hidden layer.

Form: implication for all parameters; exact values of the Hessian form.

Scope of proof: (a) all widths, depths 1 to 5; that singular vectors of P are singular vectors of A; (b) all widths, depths
2 to 5, with the whole polynomial L(t); (c) both cases at all widths; (d) the reduction to two layers at all widths, depths
3 and 4, with one-sided inverses as the ranks. That some i, j with sigma_j > sigma_i exist unless P is optimal is the
theorem of Eckart and Young, and that otherwise the vector z of (c) exists is linear algebra: both are in words.

Why: P (P - A)^T = 0 from W_N G_N^T; with P v = sigma u the path P(t) is P + t sigma_i (u_j v_i^T + u_i v_j^T) + t^2 sigma_i
u_j v_j^T.

Sharpness: N = 3 at W = 0 has Hessian zero; a weighted squared loss has a local minimum that is neither optimal for its rank
nor a saddle; (b) needs sigma_j > sigma_i.

Source: Baldi and Hornik 1989 (N = 2), arXiv:1605.07110, arXiv:2107.13289; own derivation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from theory import dag
from theory.certificates import Step, split
from theory.statement import Condition
from theory.terms import Term, dot, fact, trace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.training import Terms
from theory.theorems.rank.directions import NAME, SIGMA, TAU, Bend, T, Turn, loss, target
from theory.theorems.rank.networks import (
    Network,
    equals,
    eye,
    identity,
    implied,
    matrix,
    names,
    norm2,
    says,
    scalar,
    table,
    widths_of,
    zeros,
)

# -- (a) ----------------------------------------------------------------------------------------------------------------


def orthogonal(depth: int) -> Claim:
    """P^T (P - A) = 0 and (P - A) P^T = 0, by W_1^T G_1 and G_N W_N^T; then |P - A|^2 = |A|^2 - |P|^2."""
    net = Network(widths_of(depth))
    P, Z = net.product, net.product - target(net)
    first, last = net.gradient(1, loss(net)), net.gradient(depth, loss(net))
    below, above = P.T * Z, Z * P.T
    then = [
        (below, net.layers[0].T * fact(first)),
        (above, fact(last) * net.layers[-1].T),
        (norm2(Z) - norm2(target(net)) + norm2(P), 2 * trace(fact(below))),
    ]
    variables, sizes = (*net.layers, target(net)), {str(d): 2 for d in net.widths}
    witness = zeros(variables, sizes)
    return implied(f"{NAME}.orthogonal_{depth}", variables, [first, last], then, witness, sizes)


def with_data(depth: int) -> Claim:
    """The same with data: P^T F = 0 and F P^T = 0."""
    net = Network(widths_of(depth))
    first, last = net.gradient(1), net.gradient(depth)
    P, F = net.product, net.slope
    then = [(P.T * F, net.layers[0].T * fact(first)), (F * P.T, fact(last) * net.layers[-1].T)]
    return implied(f"{NAME}.data_{depth}", net.variables, [first, last], then, zeros(net.variables, net.ones()), net.ones())


def components() -> Claim:
    """P v = s u, P^T u = s v, s > 0 and orthogonal spaces: A v = s u and A^T u = s v."""
    P, A, u, v = matrix("P", "m", "n"), matrix("A", "m", "n"), matrix("u", "m", 1), matrix("v", "n", 1)
    R = A - P
    given = [P.T * R, R * P.T, P * v - SIGMA * u, P.T * u - SIGMA * v]
    left, right, on_v, on_u = map(fact, given)
    then = [
        (A * v - SIGMA * u, SIGMA * on_v + right * u - R * on_u),
        (A.T * u - SIGMA * v, SIGMA * on_u + left.T * v - R.T * on_v),
    ]
    zero = tuple(Condition("==", x.node) for x in given)
    found = Terms(f"{NAME}.components", names((P, A, u, v, SIGMA)), (*zero, Condition(">", SIGMA.node)),
                  tuple(Condition("==", x.node) for x, _ in then))  # fmt: skip
    one, e = [[2, 0], [0, 0]], [[1], [0]]
    point = {"P": one, "A": [[2, 0], [0, 5]], "u": e, "v": e, "s": 2}
    steps = tuple(equals(x, by, fact(SIGMA)) for x, by in then)
    return Claim(found, steps, point, {"m": 2, "n": 2})


# -- (b) ----------------------------------------------------------------------------------------------------------------


def turned(depth: int) -> Claim:
    net = Network(widths_of(depth))
    turn = Turn(net)
    s = says(f"{NAME}.turn_{depth}", turn.variables, [turn.change()], turn.given)
    return Claim(s, tuple(turn.steps()), turn_point(net), {str(d): 2 for d in net.widths})


def turn_point(net: Network) -> dict[str, Any]:
    """P = diag(1, 0), A = diag(1, 3): s = 1, sigma = 3."""
    first, second = [[1], [0]], [[0], [1]]
    point: dict[str, Any] = {str(W.node.data[0]): [[1, 0], [0, 0]] for W in net.layers}
    return point | {"A": [[1, 0], [0, 3]], "u": first, "v": first, "x": second, "y": second, "s": 1, "sigma": 3, "t": 1}


# -- (c), (d) -----------------------------------------------------------------------------------------------------------


def negative() -> Claim:
    """a = sigma, b = 1 + |image|^2: the Hessian form is -sigma^2 (|image|^2 + 2) < 0."""
    i = matrix("i", "n", 1)
    m = norm2(i)
    form = TAU**2 * m - 2 * TAU * (1 + m) * TAU
    given, then = (Condition(">", TAU.node),), (Condition(">", (-form).node),)
    by = fact(TAU) ** 2 * (Term(dag.square(i.node)) + 2)
    return Claim(Terms(f"{NAME}.negative", names((i, TAU)), given, then), (Step(">", (-form).node, by.node),),
                 {"i": [[0]], "sigma": 1}, {"n": 1})  # fmt: skip


def reduced(depth: int, k: int) -> Claim:
    """(d): L W_{N-1} ... W_{k+1} = I and W_k ... W_2 R = I: steps of W_N and W_1 move the two outer products at will.

    (W_N + X L) W_{N-1} ... W_2 (W_1 + R Y) = (B + X)(C + Y) for B = W_N ... W_{k+1}, C = W_k ... W_1 and any X, Y; and the
    gradients by B and C vanish with those by W_N and W_1.
    """
    net = Network(widths_of(depth))
    d, W = net.widths, net.layers
    L, R = matrix("L", d[k], d[depth - 1]), matrix("R", d[1], d[k])
    up, down = net.between(depth - 1, k), net.between(k, 1)
    onto, into = L * up - eye(d[k]), down * R - eye(d[k])
    M, N = matrix("M", d[depth], d[k]), matrix("N", d[k], d[0])
    B, C, Z = W[-1] * up, down * W[0], net.product - target(net)
    whole = (W[-1] + M * L) * up * down * (W[0] + R * N) - (B + M) * (C + N)
    one, two = fact(onto), fact(into)
    # ((B + M) + M one) ((C + N) + two N) - (B + M)(C + N)
    by = M * one * (C + N + two * N) + (B + M) * two * N
    first, last = net.gradient(1, loss(net)), net.gradient(depth, loss(net))
    then = [
        (whole, by),
        (Z * C.T, fact(last) * L.T - Z * C.T * one.T),
        (B.T * Z, R.T * fact(first) - two.T * B.T * Z),
    ]
    variables = (*W, target(net), L, R, M, N)
    sizes = {str(x): 2 for x in d}
    point = zeros(variables, sizes) | {str(x.node.data[0]): [[1, 0], [0, 1]] for x in (*W[1:-1], L, R)}
    return implied(f"{NAME}.reduced_{depth}_{k}", variables, [onto, into, first, last], then, point, sizes)


# -- limits -------------------------------------------------------------------------------------------------------------


def flat() -> Claim:
    """N = 3 at W = 0: L(t) - L(0) = -t^3 a <.,.> + t^6 ...: no second order at all, in any direction."""
    net = Network(widths_of(3))
    layers = [T * W for W in net.layers]
    change = loss(net, layers) - norm2(target(net)) / 2
    p = change + T**3 * dot(net.product, target(net)) - T**6 * norm2(net.product) / 2
    return identity(f"{NAME}.flat_origin", (*net.layers, target(net), T), [p])


def weighted(a: Term, b: Term, c: Term, d: Term) -> Term:
    """((p11 - 1)^2 + 3 p12^2 + 3 p21^2 + 2 (p22 - 1)^2) / 2 at P = (a, b)^T (c, d), at d = (2, 1, 2)."""
    return ((a * c - 1) ** 2 + 3 * (a * d) ** 2 + 3 * (b * c) ** 2 + 2 * (b * d - 1) ** 2) / 2


def weighted_minimum() -> Claim:
    """The weighted loss is at least 1 where a c >= 2/3: u = v = (1, 0) is a local minimum."""
    a, b, c, d = (scalar(x) for x in "abcd")
    p, near = weighted(a, b, c, d) - 1, 3 * a * c - 2
    base = (a * c - 1) ** 2 / 2 + (b * d) ** 2
    same = Step(">=", p.node, (base + 3 * (a * d - b * c) ** 2 / 2 + fact(near) * fact(b * d)).node)
    # with b d <= 0 the other square: 3 (a d + b c)^2 / 2 - (3 a c + 2) b d
    other = Step(">=", p.node, (base + 3 * (a * d + b * c) ** 2 / 2 + (fact(near) + 4) * fact(-(b * d))).node)
    s = Terms(f"{NAME}.weighted_minimum", names((a, b, c, d)), (Condition(">=", near.node),), (Condition(">=", p.node),))
    cases = split(">=", p.node, (b * d).node, positive=[same], otherwise=[other])
    return Claim(s, (cases,), {"a": 1, "b": 0, "c": 1, "d": 0})


def claims() -> Iterator[Claim]:
    yield from map(orthogonal, range(1, 6))
    yield from map(with_data, range(1, 6))
    yield components()
    yield from map(turned, range(2, 6))
    yield from (Bend(above).claim() for above in (True, False))
    yield negative()
    yield from (reduced(n, k) for n in (3, 4) for k in range(1, n))
    yield flat()
    yield weighted_minimum()


def curvature(depth: int) -> Terms:
    """Scalars: at a critical point with P != A the Hessian of the first two layers is indefinite."""
    net = Network((1,) * (depth + 1))
    G = [trace(net.gradient(i, loss(net))) for i in range(1, depth + 1)]
    second: Any = lambda i, j: trace(Term(dag.grad(G[i].node, net.layers[j].node)))  # noqa: E731
    p = second(0, 1) ** 2 - second(0, 0) * second(1, 1)
    given = [Condition("==", g.node) for g in G] + [Condition(">", norm2(net.product - target(net)).node)]
    then = (Condition(">", p.node),)
    return Terms(f"{NAME}: negative curvature at depth {depth}", names((*net.layers, target(net))), tuple(given), then)


def not_only_local() -> Terms:
    """The weighted loss is at least 1 everywhere."""
    a, b, c, d = (scalar(x) for x in "abcd")
    p = weighted(a, b, c, d) - 1
    return Terms(f"{NAME}: the weighted minimum is global", names((a, b, c, d)), (), (Condition(">=", p.node),))


def decreases() -> Terms:
    """Along the turn the loss never rises, whatever sigma."""
    p = SIGMA * (TAU - SIGMA) * T**2 - SIGMA**2 * T**4 / 2
    given = tuple(Condition(">", x.node) for x in (SIGMA, TAU, T, 1 - T))
    return Terms(f"{NAME}: every turn goes down", names((SIGMA, TAU, T)), given, (Condition(">=", p.node),))


def first_only() -> Terms:
    """P^T (P - A) = 0 from the gradient by the last layer alone."""
    net = Network((2, 1, 1))
    G = net.gradient(2, loss(net))
    below = net.product.T * (net.product - target(net))
    return says(f"{NAME}: the other gradient", (*net.layers, target(net)), [below], [G])


def sharpness() -> Iterator[Counterexample]:
    origin = {x: [[0]] for x in ("W1", "W2", "W3")} | {"A": [[1]]}
    yield Counterexample("N = 2 (or a middle product of full rank)", curvature(3), origin)
    yield Counterexample("the squared loss", not_only_local(), {"a": 0, "b": 1, "c": 0, "d": 1})
    yield Counterexample("sigma_j > sigma_i", decreases(), {"s": 2, "sigma": 1, "t": "1/2"})
    yield Counterexample("the vectors belong to A", bad_turn(), turn_point(Network((2, 2, 2))) | {"A": [[1, 0], [1, 3]]})


def bad_turn() -> Terms:
    """The quartic without A v = s u."""
    turn = Turn(Network((2, 2, 2)))
    given = [*turn.of_product, turn.of_target[1], *turn.unit]
    return says(f"{NAME}: singular vectors of P alone", turn.variables, [turn.change()], given)


def variants() -> Iterator[Terms]:
    yield from (curvature(3), not_only_local(), decreases(), bad_turn(), first_only())
    net = Network((2, 2, 2))
    turn = Turn(net)
    after = loss(net, turn.layers) - loss(net)
    wrong = {
        "half the curvature": after + SIGMA * (TAU - SIGMA) * T**2 / 2 - SIGMA**2 * T**4 / 2,
        "the curvature with the other sign": after - SIGMA * (TAU - SIGMA) * T**2 - SIGMA**2 * T**4 / 2,
        "the curvature by sigma_j": after + TAU * (TAU - SIGMA) * T**2 - SIGMA**2 * T**4 / 2,
        "without the quartic": after + SIGMA * (TAU - SIGMA) * T**2,
        "the quartic doubled": turn.change(1),
    }
    yield from (says(f"{NAME}: {words}", turn.variables, [x], turn.given) for words, x in wrong.items())
    one = Network((1, 1, 1))
    G = [one.gradient(i, loss(one)) for i in (1, 2)]
    yield says(f"{NAME}: critical points are global", (*one.layers, target(one)), [one.product - target(one)], G)
    yield says(f"{NAME}: critical points vanish", (*one.layers, target(one)), [one.product], G)
    p = norm2(one.product - target(one)) - norm2(target(one)) - norm2(one.product)
    yield says(f"{NAME}: the loss with a plus", (*one.layers, target(one)), [p], G)
    near = Condition(">=", (4 * scalar("a") * scalar("c") - 1).node)
    s = weighted_minimum().statement
    yield Terms(f"{NAME}: the weighted minimum where a c >= 1/4", s.variables, (near,), s.then)


@cache
def _sized(widths: tuple[int, ...]) -> tuple[Turn, Terms]:
    turn = Turn(Network(widths))
    return turn, says(f"{NAME}.turn", turn.variables, [turn.change()], turn.given)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Layers with P = s u v^T, A = P + sigma x y^T + noise, in random orthonormal bases."""
    turn, s = _sized(tuple(widths))
    values: dict[str, Any] = {}
    n, d = turn.net.depth, widths
    for name, k in (("m", d[-1]), ("n", d[0])):
        M = matrix("M", k, k)
        env = {"M": draw.matrix(k, k)}
        values[name] = draw.solve((eye(k) + M - M.T).node, (eye(k) - M + M.T).node, env)
    left, right = matrix("m", d[-1], d[-1]), matrix("n", d[0], d[0])
    for name, basis, j in (("u", left, 0), ("x", left, 1), ("v", right, 0), ("y", right, 1)):
        values[name] = draw.value((basis * unit_column(int(basis.node.shape[0]), j)).node, values)
    values |= {"s": draw.positive(), "sigma": draw.positive(), "t": draw.scalar()}
    hidden = [unit_column(k, 0) for k in d[1:-1]]
    chain_of = [turn.v, *hidden, turn.u]
    for k in range(1, n + 1):
        W = chain_of[k] * chain_of[k - 1].T
        values[f"W{k}"] = draw.value((SIGMA * W if k == 1 else W).node, values)
    A = SIGMA * turn.u * turn.v.T + TAU * turn.x * turn.y.T
    values["A"] = draw.value(A.node, values)
    return Instance(s, {str(v.node.data[0]): values[str(v.node.data[0])] for v in turn.variables})


def unit_column(k: int, j: int) -> Term:
    return table([[int(i == j)] for i in range(k)])


THEOREM = Theorem(
    name=NAME,
    sheet="R20",
    title="Critical points of lower rank: optimal for their rank, or strict saddles with an exact curvature",
    form="implication; exact Hessian form",
    source="Baldi and Hornik 1989, arXiv:1605.07110, arXiv:2107.13289; own derivation",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2, 2), (3, 2, 2, 3)),
    supported_at=((12, 6, 10), (8, 6, 6, 8)),
    note="At depth 3 and beyond a critical point of lower rank need not be a strict saddle: at W = 0 the Hessian vanishes. "
    "For a weighted squared loss it may even be a local minimum that is not global (d = (2, 1, 2), loss 1 against 1/2).",
)
