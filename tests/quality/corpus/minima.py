"""Conjectures about minima: networks with one output and weight decay (the setting of arXiv:2202.04777)."""

from __future__ import annotations

from conjecture_corpus import false, true
from sympy import Identity, MatrixSymbol, Rational, symbols

from theory.expressions import SymmetricSymbol, inner, norm2, quadratic
from theory.predicates.critical import Critical
from theory.statement import at_least, equal, greater

a, b, g, q, s, u, w, lam, c = symbols("a b g q s u w lam c")
w1, w2, w3, u1, u2, gu, gw, z1, z2 = symbols("w1 w2 w3 u1 u2 gu gw z1 z2")
n, m = symbols("n m")
W, U, G = MatrixSymbol("W", m, n), MatrixSymbol("U", m, 1), MatrixSymbol("G", n, 1)
A, Q = SymmetricSymbol("A", n), MatrixSymbol("Q", n, 1)
V = MatrixSymbol("V", n, 1)

# The loss of one hidden layer without noise, and of two hidden layers of width 1 (both without the constant E[y^2]).
LOSS = quadratic(A, W.T * U) - 2 * inner(W.T * U, G)
SHALLOW = LOSS + gu * norm2(U) + gw * norm2(W)
CHAIN = w1 * w2 * w3
DEEP = CHAIN**2 - 2 * g * CHAIN + w1**2 + w2**2 + w3**2


def well(b: Rational) -> dict[str, Rational]:
    """The point b of the function with two wells below."""
    return {"b": b, "z1": 1 / (b**2 + Rational(1, 10)), "z2": Rational(49, 4) / (100 * b**2 + Rational(1, 10))}


CASES = [
    # -- true ---------------------------------------------------------------------------------------------------------
    # gu (gu u^2 + gw w^2 - 2 c u w) = (gu u - c w)^2 because gu gw = c^2.
    true(
        "minima.weighted_pair",
        (u, w, c, gu, gw),
        at_least(gu * u**2 + gw * w**2 - 2 * c * u * w),
        (greater(gu), greater(gw), equal(c**2, gu * gw)),
    ),
    # Cauchy-Schwarz for each column of W.
    true("minima.product_norm", (W, U), at_least(norm2(U) * norm2(W) - norm2(W.T * U))),
    # U dL/dU^T - dL/dW W^T = 2 gu U U^T - 2 gw W W^T: the data term does not change when U, W turn together.
    true(
        "minima.stationary_is_balanced",
        (U, W, A, G, gu, gw),
        equal(gu * U * U.T, gw * W * W.T),
        Critical(SHALLOW, (U, W)).conditions(),
    ),
    # gu (loss) = a gu |v|^2 + (gu u - g w)^2 + (gu gw - g^2) w^2.
    true(
        "minima.trivial_below_threshold",
        (u, w, a, g, gu, gw),
        at_least(a * (u * w) ** 2 - 2 * g * u * w + gu * u**2 + gw * w**2),
        (at_least(a), greater(gu), greater(gw), at_least(gu * gw, g**2)),
    ),
    # At a stationary point the inner product of the gradient with W is zero: v.g = v.Av + gw |W|^2, and likewise with U.
    true(
        "minima.value_at_stationary_point",
        (U, W, A, G, gu, gw),
        equal(SHALLOW, -quadratic(A, W.T * U)),
        Critical(SHALLOW, (U, W)).conditions(),
    ),
    # w1 dL/dw1 - w2 dL/dw2 = 2 (w1^2 - w2^2).
    true(
        "minima.chain_energies_agree",
        (w1, w2, w3, g),
        [equal(w1**2, w2**2), equal(w2**2, w3**2)],
        Critical(DEEP, (w1, w2, w3)).conditions(),
    ),
    # With t^3 = |w1 w2 w3|: t^6 - 4 t^3 + 3 t^2 = t^2 (t - 1)^2 (t^2 + 2 t + 3) by the inequality of the means; a tie
    # at (1, 1, 1).
    true("minima.tie_at_transition", (w1, w2, w3), at_least(CHAIN**2 - 4 * CHAIN + w1**2 + w2**2 + w3**2)),
    # Completing the square: |V - Q|^2 in the metric A + lam.
    true(
        "minima.ridge_lower_bound",
        (V, Q, A, G, lam),
        at_least(quadratic(A, V) + lam * norm2(V) - 2 * inner(V, G), -inner(Q, G)),
        (at_least(A), greater(lam), equal((A + lam * Identity(n)) * Q, G)),
    ),
    # (1 + s)(x^2 + y^2) + 2 x y - (1 + s/2)(x + y)^2 = (s/2)(x - y)^2 for x = u1 w1, y = u2 w2.
    true(
        "minima.two_paths_with_noise",
        (u1, u2, w1, w2, s),
        at_least((1 + s) * ((u1 * w1) ** 2 + (u2 * w2) ** 2) + 2 * u1 * w1 * u2 * w2, (1 + s / 2) * (u1 * w1 + u2 * w2) ** 2),
        (at_least(s),),
    ),
    # At a stationary point the value is -a (u w)^2.
    true(
        "minima.shallow_value_is_negative",
        (a, u, w, g),
        at_least(-(a * (u * w) ** 2 - 2 * g * u * w + u**2 + w**2)),
        (greater(a), equal(a * u * w**2 - g * w + u), equal(a * u**2 * w - g * u + w)),
    ),
    # -- false --------------------------------------------------------------------------------------------------------
    # For two hidden layers |g|^2 <= Gamma does not make zero the minimum: a weak curvature leaves room far out, at w =
    # (3, 3, 3).
    false(
        "minima.threshold_of_one_hidden_layer_for_two",
        (w1, w2, w3, a, g),
        at_least(a * CHAIN**2 - 2 * g * CHAIN + w1**2 + w2**2 + w3**2),
        (at_least(a, Rational(1, 32)), at_least(1, g**2)),
        thin="open, about 1e-6: all weights near 3",
        point={"w1": 3, "w2": 3, "w3": 3, "a": "1/32", "g": 1},
    ),
    # The transition is at (7/5, 7/5, 7/5) for a = 625/2401, g = 10/7; one decay smaller by 1/10000 makes that point win.
    false(
        "minima.just_past_the_transition",
        (w1, w2, w3),
        at_least(Rational(625, 2401) * CHAIN**2 - Rational(20, 7) * CHAIN + w1**2 + w2**2 + Rational(9999, 10000) * w3**2),
        thin="open, about 1e-6: a ball of radius 1/100 about (7/5, 7/5, 7/5)",
        point={"w1": "7/5", "w2": "7/5", "w3": "7/5"},
    ),
    # A dead neuron: u2 = w2 = 0 and the other one a network by itself.
    false(
        "minima.stationary_points_have_equal_neurons",
        (u1, u2, w1, w2, g),
        equal(u1**2, u2**2),
        Critical(
            2 * (u1 * w1) ** 2
            + 2 * (u2 * w2) ** 2
            + 2 * u1 * w1 * u2 * w2
            - 2 * g * (u1 * w1 + u2 * w2)
            + u1**2
            + u2**2
            + w1**2
            + w2**2,
            (u1, u2, w1, w2),
        ).conditions(),
        thin="codimension 4",
        point={"u1": 1, "u2": 0, "w1": 1, "w2": 0, "g": 3},
    ),
    # 2 b - b^2 (z1 + z2) with A = diag(1, 100), g = (1, 7/2), Gamma = 1/10 has two local minima; the one with the larger b, of
    # value -0.00623, is not the least: near b = 0.04776 the value is -0.0119455.
    false(
        "minima.largest_root_is_global",
        (b, z1, z2),
        at_least(2 * b - b**2 * (z1 + z2), -Rational(7, 1000)),
        (greater(b), equal((b**2 + Rational(1, 10)) * z1, 1), equal((100 * b**2 + Rational(1, 10)) * z2, Rational(49, 4))),
        thin="codimension 2, an interval of length 0.06 in b",
        point=well(Rational(1, 20)),
    ),
    # The same function: its minimum is -0.0119455...
    false(
        "minima.value_of_the_second_well",
        (b, z1, z2),
        at_least(2 * b - b**2 * (z1 + z2), -Rational(1194, 100000)),
        (greater(b), equal((b**2 + Rational(1, 10)) * z1, 1), equal((100 * b**2 + Rational(1, 10)) * z2, Rational(49, 4))),
        thin="codimension 2, an interval of length 1e-3 in b",
        point=well(Rational(43, 900)),
    ),
    # Without consistent moments the loss is unbounded below: g has a part outside of the range of A = diag(1, 0).
    false(
        "minima.bounded_for_any_moments",
        (u, w1, w2, z1, z2),
        at_least((u * w1) ** 2 - 2 * u * (z1 * w1 + z2 * w2) + u**2 + w1**2 + w2**2, -(z1**2) - z2**2),
        thin="open, about 1e-2",
        point={"u": 3, "w1": 0, "w2": 3, "z1": 0, "z2": 2},
    ),
    # For two hidden layers there are stationary points above the value at zero: the barrier between zero and the minimum.
    false(
        "minima.stationary_points_below_zero",
        (w1, w2, w3, g),
        at_least(-DEEP),
        Critical(DEEP, (w1, w2, w3)).conditions(),
        thin="codimension 3",
        point={"w1": "1/2", "w2": "1/2", "w3": "1/2", "g": "17/8"},
    ),
    # Without noise the minimisers form a circle: u = w = (3/5, 4/5) is one.
    false(
        "minima.minimisers_are_axes_or_diagonals",
        (u1, u2, w1, w2),
        equal(u1 * u2 * (u1**2 - u2**2)),
        (equal((u1 * w1 + u2 * w2) ** 2 - 4 * (u1 * w1 + u2 * w2) + u1**2 + u2**2 + w1**2 + w2**2, -1),),
        thin="codimension 3: the hypothesis holds on a circle",
        point={"u1": "3/5", "u2": "4/5", "w1": "3/5", "w2": "4/5"},
    ),
    # The sharp constant is 6, reached where w1^2 = 2 w2^2 = 4 w3^2: at irrational ratios, with rational points near them.
    false(
        "minima.weighted_means_with_slack",
        (w1, w2, w3, q),
        at_least(w1**2 + 2 * w2**2 + 4 * w3**2, (6 + Rational(1, 1000)) * q**2),
        (equal(q**3, CHAIN),),
        thin="codimension 1, share about 1e-4",
        point={"w1": "98/50", "w2": "7/5", "w3": 1, "q": "7/5"},
    ),
    # With decay on one layer only, zero is not a local minimum: (t^2, t, t) has loss t^8 - t^4.
    false(
        "minima.zero_with_one_decay",
        (w1, w2, w3),
        at_least(CHAIN**2 - 2 * CHAIN + w1**2),
        (at_least(Rational(1, 100), w1**2 + w2**2 + w3**2),),
        thin="open, about 1e-5: in a ball of radius 1/10, where w1 < 2 w2 w3",
        point={"w1": "1/400", "w2": "1/20", "w3": "1/20"},
    ),
    # The scalar equation (b + 1)^2 = 2 has the root sqrt(2) - 1 = 0.41421..., which exceeds 2/5; no rational point
    # satisfies it.
    false(
        "minima.irrational_root",
        (b,),
        at_least(Rational(2, 5), b),
        (greater(b), equal((b + 1) ** 2, 2)),
        thin="one irrational point",
    ),
]
