r"""One mode of an aligned network: explicit step size, no overshoot, one-step contraction.

Setting: N >= 1 numbers \(\sigma_i > 0\) (the singular values of one mode of aligned layers) with product \(\pi\), data s > 0,
c > 0, target \(a = c/s\), one step of gradient descent \(\sigma_i^+ = \sigma_i + \eta (c - s\pi) \prod_{j \ne i} \sigma_j\).

Hypotheses: \(\delta = \max \sigma_i^2 - \min \sigma_i^2\), and with
\(M^2 = a^{2/N} + \delta\) if \(\pi \le a\), \(M = \max \sigma_i\) if \(\pi \ge a\): \(0 < \eta \le 1 / (N s M^{2N-2})\).

Conclusion: \(a - \pi\) keeps its sign, every \(\sigma_i\) moves towards the target and stays positive, and
\[ |a - \pi^+| \le \bigl(1 - \eta s \textstyle\sum_i (\prod_{j \ne i} \sigma_j)^2\bigr) |a - \pi| \ \text{ if } \pi \le a,
   \qquad |a - \pi^+| \le \bigl(1 - \eta s N \min(\pi, a)^{2 - 2/N}\bigr) |a - \pi| . \]
The order of the \(\sigma_i\) is kept, \(\delta\) does not grow if \(\pi \le a\), and the hypotheses hold again after the
step: by induction, everything holds at all times, and \(|a - \pi(t)|\) falls at a linear rate.

Form: inequality for all parameters, invariant.

Scope of proof: N = 2 and N = 3 for any numbers, below and above the target; N = 1 to 5 for equal numbers (then \(\delta =
0\)). The second inequality below the target follows from the first by AM-GM, shown for N = 2, 3, 4 with p the N-th root of
\(\pi\). For N up to 6 and any numbers the inequalities are checked on exact and float instances, 7 of 16 of them exactly
on the bound, and in runs of 60 steps, half of them on it.

Why: in the polynomials every term has a sign, once \(M^2 \ge \sigma_i^2\) and, for N = 3,
\(m^3 + 2 x^2 y^2 z^2 \ge m (x^2 y^2 + y^2 z^2 + z^2 x^2)\), \(m = M^2\), are known.

Sharpness: positive numbers, the sign of s, the sign of the step, the factor N in the bound and the imbalance in it are
needed.

Source: own derivation; linear convergence of aligned networks is announced in arXiv:2003.06340, the constants are our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from sympy import Expr, Integer, Mul, Symbol, symbols

from theory.certificates import prove
from theory.expressions import known
from theory.statement import Condition, Statement, at_least, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.modes import ETA, Balanced, C, Q, S, ThreeLayers, TwoLayers, claim, others, slopes, stepped
from theory.theorems.alignment.training import SOURCE
from theory.theorems.minima import means

NAME = "alignment.one_mode"
SIDES = {True: "below", False: "above"}


def of(mode: TwoLayers | ThreeLayers | Balanced) -> Claim:
    kind = f"balanced_{mode.depth}" if isinstance(mode, Balanced) else "two" if isinstance(mode, TwoLayers) else "three"
    return claim(f"{NAME}.{kind}_{SIDES[mode.below]}", mode.variables, mode.given, list(mode.inequalities()), mode.witness())


def mean_slope(depth: int) -> Claim:
    """sum_i (prod_{j != i} sigma_j)^2 >= N p^(2N-2) where p^N = pi."""
    sigma, p = symbols(f"sigma1:{depth + 1}"), Symbol("p")
    root = Mul(*sigma) - p**depth
    a = [others([known(x) for x in sigma], i) ** 2 for i in range(depth)]
    low = depth * p ** (2 * depth - 2)
    powers = slopes(sigma) ** depth - low**depth
    # prod_i a_i = pi^(2N-2) and p^(N (2N-2)) differ by a multiple of pi - p^N
    gap = depth**depth * known(root) * means.root_factor(Mul(*sigma), p**depth, 2 * depth - 2)
    steps = (
        prove(">=", powers, means.squares(a) + gap),
        prove(
            ">=",
            slopes(sigma) - low,
            known(powers),
            times=means.root_factor(sum(a), depth * known(p) ** (2 * depth - 2), depth),
        ),
    )
    given = (*map(greater, (*sigma, p)), Condition("==", root))
    s = Statement(f"{NAME}.mean_slope_{depth}", (*sigma, p), given, (at_least(slopes(sigma) - low),))
    return Claim(s, steps, dict.fromkeys((*map(str, sigma), "p"), 1))


def claims() -> Iterator[Claim]:
    yield from (of(kind(side)) for kind in (TwoLayers, ThreeLayers) for side in SIDES)
    yield from (of(Balanced(n, side)) for n in range(1, 6) for side in SIDES)
    yield from map(mean_slope, (2, 3, 4))


# -- what is needed -----------------------------------------------------------------------------------------------------


def _only(mode: TwoLayers, words: str, drop: Sequence[int], then: str, extra: Sequence[Condition] = ()) -> Statement:
    """One conclusion of two layers without some hypotheses, or with others."""
    given = tuple(c for i, c in enumerate(mode.given) if i not in drop)
    conclusion = next(x.conclusion for x in mode.inequalities() if x.name == then)
    return Statement(f"{NAME}: {words}", mode.variables, (*given, *extra), (conclusion,))


POSITIVE, LARGEST, S_SIGN, C_SIGN, STEP_SIGN, SIDE, BOUND = range(7)


def sharpness() -> Iterator[Counterexample]:
    up, down = TwoLayers(True), TwoLayers(False)
    one = {"x": 1, "y": -1, "s": 1, "c": 1, "eta": "1/4"}
    yield Counterexample("positive singular values", _only(up, "any signs", [POSITIVE], "the larger number grows"), one)
    high = {"x": "9/10", "y": "9/10", "s": 1, "c": 1, "eta": "3/5"}
    yield Counterexample("the bound on the step, below the target", _only(up, "any step", [BOUND], "no overshoot"), high)
    above = {"x": 2, "y": 2, "s": 1, "c": 1, "eta": "1/4"}
    yield Counterexample("the bound on the step, above the target", _only(down, "any step", [BOUND], "no overshoot"), above)
    wrong = {"x": 1, "y": 1, "s": -1, "c": 1, "eta": "1/2"}
    yield Counterexample("s > 0", _only(up, "any s", [S_SIGN], "contraction by the product"), wrong)
    ascent = {"x": "1/2", "y": "1/2", "s": 1, "c": 1, "eta": -1}
    yield Counterexample("eta > 0", _only(up, "any sign of the step", [STEP_SIGN], "the larger number grows"), ascent)
    order = {"x": "1/100", "y": 10, "s": 1, "c": 1, "eta": 1}
    yield Counterexample("x the larger number", _only(up, "any order", [LARGEST], "no overshoot"), order)


def variants() -> Iterator[Statement]:
    up, down = TwoLayers(True), TwoLayers(False)
    (x, y), loose = up.sigma, [BOUND]
    steps = {
        "the factor 1 for 2": at_least(1 - ETA * up_slope()),
        "without the imbalance": at_least(1 - 2 * ETA * C),
        "the smaller number only": at_least(1 - 2 * ETA * S * y**2),
    }
    yield from (_only(up, words, loose, "no overshoot", [bound]) for words, bound in steps.items())
    yield _only(down, "above, the target only", loose, "no overshoot", [at_least(1 - 2 * ETA * C)])
    yield _only(down, "above, the smaller number only", loose, "no overshoot", [at_least(1 - 2 * ETA * S * y**2)])
    rates = {
        "twice the rate": 1 - 4 * ETA * S * x * y,
        "the rate of the target": 1 - 2 * ETA * C,
        "the rate of the larger number": 1 - 2 * ETA * S * x**2,
    }
    for words, rate in rates.items():
        yield Statement(f"{NAME}: {words}", up.variables, up.given, (at_least(rate * up.residual - up.left),))
    exact = (1 - ETA * S * slopes(up.sigma)) * up.residual - up.left
    yield Statement(f"{NAME}: an equality", up.variables, up.given, (Condition("==", exact),))
    yield Statement(f"{NAME}: it arrives", up.variables, up.given, (Condition("==", up.left),))
    yield replace(_only(up, "falls", [], "order"), then=(at_least(x - up.after[0]),))
    faster = -(1 - 2 * ETA * S * x * y) * down.residual + down.left
    yield Statement(f"{NAME}: above, the rate of the product", down.variables, down.given, (at_least(faster),))


def up_slope() -> Expr:
    """s M^2 below the target."""
    x, y = TwoLayers.sigma
    return C + S * (x**2 - y**2)


# -- instances ----------------------------------------------------------------------------------------------------------


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """N = len(widths) - 1 numbers below or above the target q^N; 7 of 16 steps exactly on the bound."""
    n, below = len(widths) - 1, bool(draw.integer(0, 1))
    names = [f"sigma{i}" for i in range(1, n + 1)]
    values = {names[-1]: draw.positive()}
    for lower, upper in pairwise(reversed(names)):
        values[upper] = draw.value(Symbol("a") + Symbol("b"), {"a": values[lower], "b": draw.nonnegative()})
    values["s"], extra = draw.positive(), draw.nonnegative()
    sigma, env = symbols(f"sigma1:{n + 1}"), values | {"t": extra}
    total, t = sum(others(sigma, i) for i in range(n)), Symbol("t")
    mean = (n * (1 + t), sum(sigma) * (1 + 2 * t)) if below else (total * (1 + t), n * Mul(*sigma))
    divisor, multiple = (draw.value(e, env) for e in mean)
    values["q"] = draw.solve(divisor, multiple, env)
    spare = draw.value(Symbol("a") * Symbol("b"), {"a": draw.nonnegative(), "b": draw.nonnegative()})  # 0 in 7 of 16 draws
    most = (Q**2 + sigma[0] ** 2 - sigma[-1] ** 2) if below else sigma[0] ** 2
    full = n * S * most ** (n - 1)
    env = values | {"spare": spare}
    one = draw.value(Integer(1), env)
    values["eta"] = draw.solve(draw.value(full * (1 + Symbol("spare")), env), one, env)
    return Instance(_general(n, below), values)


def _general(n: int, below: bool) -> Statement:
    sigma, sign = symbols(f"sigma1:{n + 1}"), 1 if below else -1
    residual = S * (Q**n - Mul(*sigma))
    after = stepped(sigma, residual)
    left = S * (Q**n - Mul(*after))
    most = (Q**2 + sigma[0] ** 2 - sigma[-1] ** 2) if below else sigma[0] ** 2
    order = (at_least(a, b) for a, b in pairwise(sigma))
    given = (
        *map(greater, (sigma[-1], Q, S, ETA)),
        *order,
        at_least(sign * residual),
        at_least(1 - n * ETA * S * most ** (n - 1)),
    )
    slope = slopes(sigma) if below else n * Q ** (2 * n - 2)
    rate = sign * ((1 - ETA * S * slope) * residual - left)
    moves = (at_least(sign * (v - u)) for u, v in zip(sigma, after, strict=True))
    then = (at_least(sign * left), at_least(rate), *moves, greater(after[-1]))
    return Statement(f"{NAME}.sample", (*sigma, Q, S, ETA), given, then)


THEOREM = Theorem(
    name=NAME,
    sheet="CONV-1",
    title="One mode: explicit step size, no overshoot, linear contraction",
    form="inequality for all parameters, invariant",
    source=f"own derivation; convergence of aligned networks as in {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=tuple((1,) * (n + 1) for n in range(1, 7)),
    supported_at=tuple((1,) * (n + 1) for n in range(1, 7)),
    note=(
        "'An explicit learning rate gives linear convergence' needs c > 0 and pi(0) > 0: with c = 0 the convergence is "
        "sublinear for N >= 2, and from sigma = (1, -1) descent goes to a saddle (alignment.slow_modes)."
    ),
)
