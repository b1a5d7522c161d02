r"""Linear convergence of an aligned network to the global minimum, with an explicit step size and rate.

Setting: squared loss, layers aligned in bases in which the data are diagonal; mode p has the singular values
\(\sigma_{i,p}\), their product \(\pi_p\), and the data \(s_p, c_p\); \(L^*\) is the least loss of any linear map.

Hypotheses: each of the modes p <= m (m the least width) is active, \(s_p, c_p > 0\) and the hypotheses of one mode
(`alignment.one_mode`), or idle, \(c_p = 0\) and all \(\sigma_{i,p} = 0\) (N >= 2), or \(s_p = 0\); \(c_p = 0\) for p > m;
\(\eta\) is at most the least of the bounds of the active modes.

Conclusion: with \(\rho = \max_p \bigl(1 - \eta N s_p \min(\pi_p(0), c_p/s_p)^{2-2/N}\bigr)\) over the active modes
\[ L(t) - L^* \le \rho^{2t} \, (L(0) - L^*) . \]
Example: Y = X, S > 0, equal widths, all layers \(\alpha I\), \(0 < \alpha \le 1\): \(\eta = 1/(N \lambda_{\max})\) gives
\(\rho = 1 - \alpha^{2N-2} \lambda_{\min} / \lambda_{\max}\).

Form: inequality.

Scope of proof: \(L - L^* = \frac12 |(P - A) X|^2\) for every least-squares map A, at all widths, and in the modes, 1 to 4 of
them; one step of two modes at N = 2 (any numbers, each below or above its target), for every \(\rho\) that bounds both
factors; for any N, up to 4 modes that contract by factors <= rho; idle modes do not move; the example for N = 2, 3, 4. The
factors of N >= 3 and the induction over the steps are those of `alignment.one_mode`; whole networks are checked on instances.

Why: the loss is a weighted sum of squares of \(a_p - \pi_p\), each of which shrinks by its factor.

Sharpness: the step must respect every mode, and no target may lie beyond the least width.

Source: own derivation; linear convergence of aligned networks is announced in arXiv:2003.06340, the constants are our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, MatrixSymbol, Mul, Rational, Symbol, symbols

from theory.certificates import Step, prove
from theory.expressions import inner, known, norm2
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.modes import ETA, C, S, TwoLayers, stepped
from theory.theorems.alignment.setting import dim, layers_of
from theory.theorems.alignment.training import SOURCE

NAME = "alignment.network_rate"
HALF = Rational(1, 2)
RHO = Symbol("rho")


# -- the loss above its minimum -----------------------------------------------------------------------------------------


def excess() -> Claim:
    """1/2 |P X - Y|^2 - 1/2 |A X - Y|^2 = 1/2 |(P - A) X|^2 if (A X - Y) X^T = 0, at all widths."""
    X, Y = MatrixSymbol("X", dim("d0"), dim("n")), MatrixSymbol("Y", dim("d2"), dim("n"))
    W1, W2 = layers_of(("d0", "d1", "d2"))
    A, P = MatrixSymbol("A", dim("d2"), dim("d0")), W2 * W1
    normal = (A * X - Y) * X.T
    rest = HALF * norm2(P * X - Y) - HALF * norm2(A * X - Y) - HALF * norm2((P - A) * X)
    s = Statement(f"{NAME}.excess", (W1, W2, X, Y, A), (equal(normal),), (equal(rest),))
    point = {"W1": [[1]], "W2": [[3]], "X": [[2]], "Y": [[4]], "A": [[2]]}
    return Claim(s, (prove("==", rest, inner(P - A, known(normal))),), point, dict.fromkeys(("d0", "d1", "d2", "n"), 1))


def in_modes(m: int) -> Claim:
    """sum 1/2 (s pi^2 - 2 c pi + s a^2) = 1/2 sum s (pi - a)^2 where c = s a."""
    s, c, a, p = (symbols(f"{x}1:{m + 1}") for x in ("s", "c", "a", "pi"))
    targets = [u - v * w for u, v, w in zip(c, s, a, strict=True)]
    loss = sum(HALF * (v * y**2 - 2 * u * y + v * w**2) for u, v, w, y in zip(c, s, a, p, strict=True))
    rest = loss - HALF * sum(v * (y - w) ** 2 for v, w, y in zip(s, a, p, strict=True))
    by = -sum(known(t) * y for t, y in zip(targets, p, strict=True))
    st = Statement(f"{NAME}.modes_{m}", (*s, *c, *a, *p), tuple(map(equal, targets)), (equal(rest),))
    return Claim(st, (prove("==", rest, by),), {str(v): 1 for v in st.variables})


# -- one step -----------------------------------------------------------------------------------------------------------


def contracted(m: int) -> Claim:
    """0 <= f_p <= k_p e_p and k_p <= rho for m modes: sum s f^2 <= rho^2 sum s e^2."""
    s, e, f, k = (symbols(f"{x}1:{m + 1}") for x in "sefk")
    given: list[Condition] = []
    gaps, seen = [], []
    for a, x, y, b in zip(s, e, f, k, strict=True):
        given += [at_least(a), at_least(x), at_least(y), at_least(b * x, y), at_least(RHO, b)]
        gap = known(b * x - y) + known(RHO - b) * known(x)  # rho e - f
        gaps.append(known(a) * gap * (gap + 2 * known(y)))
        seen.append(a * (RHO**2 * x**2 - y**2))
    st = Statement(f"{NAME}.contracted_{m}", (*s, *e, *f, *k, RHO), tuple(given), (at_least(sum(seen)),))
    ones = {str(v): 1 for v in st.variables}
    return Claim(st, (prove(">=", sum(seen), sum(gaps)),), ones)


def idle(depth: int) -> Claim:
    """All numbers zero stay zero, N >= 2."""
    sigma = symbols(f"sigma1:{depth + 1}")
    after = stepped(sigma, C - S * Mul(*sigma))
    cited = [(y - x).xreplace({sigma[i - 1]: known(sigma[i - 1])}) for i, (x, y) in enumerate(zip(sigma, after, strict=True))]
    steps = [prove("==", y, known(x) + z) for x, y, z in zip(sigma, after, cited, strict=True)]
    st = Statement(f"{NAME}.idle_{depth}", (*sigma, S, C, ETA), tuple(map(equal, sigma)), tuple(map(equal, after)))
    return Claim(st, tuple(steps), dict.fromkeys(map(str, sigma), 0) | {"s": 1, "c": 0, "eta": 1})


class Mode:
    """One of the modes of two layers: its variables but the step carry its number, and w = 1 / s."""

    def __init__(self, index: int, below: bool) -> None:
        self.mode, self.index = TwoLayers(below), index
        self.weight, sign = Symbol(f"w{index}"), 1 if below else -1
        self.before, self.after = self.named(sign * self.mode.residual), self.named(sign * self.mode.left)
        self.factor = self.named(1 - 2 * ETA * (S * Mul(*self.mode.sigma) if below else C))

    def named(self, e: Any) -> Any:
        names = {v: Symbol(f"{v.name}{self.index}") for v in self.mode.variables if v != ETA}
        return e.xreplace(names) if isinstance(e, Expr) else e

    @property
    def variables(self) -> tuple[Symbol, ...]:
        return (*(self.named(v) for v in self.mode.variables if v != ETA), self.weight)

    @property
    def given(self) -> tuple[Condition, ...]:
        own = (Condition(c.relation, self.named(c.expression)) for c in self.mode.given if c.expression != ETA)
        return (*own, greater(self.weight), equal(self.weight * self.named(S), 1), at_least(RHO, self.factor))

    def steps(self) -> Iterator[Step]:
        """0 <= after <= rho before."""
        for x in self.mode.inequalities():
            yield from (Step(i.relation, *map(self.named, (i.term, i.by, i.times))) for i in x.steps)
        name = "contraction by the product" if self.mode.below else "contraction"
        gap = known(self.named(next(x.conclusion.expression for x in self.mode.inequalities() if x.name == name)))
        yield prove(">=", RHO * self.before - self.after, gap + known(RHO - self.factor) * known(self.before))

    @property
    def shrinks(self) -> Expr:
        """w (rho^2 before^2 - after^2), visibly nonnegative."""
        gap = known(RHO * self.before - self.after)
        return known(self.weight) * gap * (gap + 2 * known(self.after))

    def witness(self) -> dict[str, Any]:
        return {f"{k}{self.index}": v for k, v in self.mode.witness().items() if k != "eta"} | {self.weight.name: 1}


def excess_of(modes: Sequence[Mode]) -> tuple[Expr, Expr]:
    """sum_p s_p (a_p - pi_p)^2 = sum_p (c_p - s_p pi_p)^2 / s_p, before and after."""
    return sum(m.weight * m.before**2 for m in modes), sum(m.weight * m.after**2 for m in modes)


def two_modes(first: bool, second: bool) -> Claim:
    modes = (Mode(1, first), Mode(2, second))
    before, after = excess_of(modes)
    rest = RHO**2 * before - after
    steps = (*(s for m in modes for s in m.steps()), prove(">=", rest, sum(m.shrinks for m in modes)))
    variables = (*(v for m in modes for v in m.variables), ETA, RHO)
    given = (greater(ETA), *(c for m in modes for c in m.given))
    point = {k: v for m in modes for k, v in m.witness().items()} | {"eta": "1/8", "rho": 1}
    words = "_".join("below" if b else "above" for b in (first, second))
    return Claim(Statement(f"{NAME}.{words}", variables, given, (at_least(rest),)), steps, point)


def autoencoder(depth: int) -> Claim:
    """N eta top = 1, low <= lambda <= top, rho = 1 - alpha^(2N-2) low / top: the bound on the step, and each factor <= rho."""
    eigen, low, top, alpha = symbols("lambda low top alpha")
    power = alpha ** (2 * depth - 2)
    step, rate = depth * ETA * top - 1, RHO - 1 + depth * ETA * power * low
    bound, factor = 1 - depth * ETA * eigen, RHO - 1 + depth * ETA * eigen * power
    given = (greater(ETA), at_least(top, eigen), at_least(eigen, low), equal(step), equal(rate))
    steps = (
        prove(">=", bound, depth * known(ETA) * known(top - eigen) - known(step)),
        prove(">=", factor, known(rate) + depth * known(ETA) * known(eigen - low) * power),
    )
    names = (eigen, low, top, alpha, ETA, RHO)
    s = Statement(f"{NAME}.autoencoder_{depth}", names, given, (at_least(bound), at_least(factor)))
    half = 1 - Rational(1, 2) ** (2 * depth - 2) * HALF
    return Claim(s, steps, {"lambda": 1, "low": 1, "top": 2, "alpha": HALF, "eta": Rational(1, 2 * depth), "rho": half})


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield excess()
    yield from map(in_modes, range(1, 5))
    yield from map(contracted, range(1, 5))
    yield from map(idle, range(2, 6))
    yield from (two_modes(*sides) for sides in ((True, True), (True, False), (False, False)))
    yield from map(autoencoder, (2, 3, 4))


STEEP = {
    "x1": 1,
    "y1": "1/2",
    "s1": 1,
    "c1": 1,
    "x2": "9/10",
    "y2": "9/10",
    "s2": 10,
    "c2": 10,
    "w1": 1,
    "w2": "1/10",
    "eta": "1/4",
}


def one_bound() -> Statement:
    """The second mode does not bound the step."""
    s = two_modes(True, True).statement
    drop = Mode(2, True).given[5]
    return replace(s, name=f"{NAME}: one mode bounds the step", given=tuple(c for c in s.given if c != drop))


def frozen(rho: Any = RHO) -> Statement:
    """A second target beyond the least width 1, of which the product stays 0; the first mode is as in one mode."""
    mode, target = Mode(1, True), Symbol("a2")
    before, after = excess_of([mode])
    then = at_least(rho**2 * (before + target**2), after + target**2)
    return Statement(
        f"{NAME}: a target beyond the least width", (*mode.variables, target, ETA, RHO), (greater(ETA), *mode.given), (then,)
    )


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("the step respects every mode", one_bound(), STEEP | {"rho": "3/4"})
    at = {"x1": 1, "y1": 1, "s1": 1, "c1": 1, "w1": 1, "eta": "1/4", "rho": "1/2", "a2": 1}
    yield Counterexample("c_p = 0 for p > m", frozen(), at)
    moved = replace(idle(2).statement, name=f"{NAME}: one of two numbers zero", given=idle(2).statement.given[:1])
    yield Counterexample("all numbers of an idle mode zero", moved, {"sigma1": 0, "sigma2": 1, "s": 1, "c": 1, "eta": 1})


def variants() -> Iterator[Statement]:
    s = two_modes(True, True).statement
    modes = (Mode(1, True), Mode(2, True))
    before, after = excess_of(modes)
    first = replace(s, given=tuple(c for c in s.given if c != modes[1].given[-1]))
    yield one_bound()
    yield frozen()
    yield replace(first, name=f"{NAME}: the rate of one mode")
    yield replace(s, name=f"{NAME}: the fourth power", then=(at_least(RHO**4 * before, after),))
    yield replace(s, name=f"{NAME}: half", then=(at_least(RHO**2 * before, 2 * after),))
    yield replace(s, name=f"{NAME}: it arrives", then=(equal(after),))
    yield replace(s, name=f"{NAME}: it stays", then=(at_least(after, before),))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """The excess loss of random networks over the least-squares map A, data with Y = A X + noise orthogonal to X."""
    d0, d, n = int(widths[0]), int(widths[-1]), int(widths[0]) + 2
    names = [f"W{i}" for i in range(1, len(widths))]
    layers = layers_of(tuple(widths))
    X, A, Z, Y = (MatrixSymbol(k, r, c) for k, r, c in (("X", d0, n), ("A", d, d0), ("Z", d, n), ("Y", d, n)))
    env = {k: draw.matrix(int(W.shape[0]), int(W.shape[1])) for k, W in zip(names, layers, strict=True)}
    env |= {"X": draw.matrix(d0, n), "A": draw.matrix(d, d0), "Z": draw.matrix(d, n)}
    env["K"] = draw.solve(X * X.T, X * Z.T, env)
    env["Y"] = draw.value(A * X + Z - MatrixSymbol("K", d0, d).T * X, env)
    P = layers[0]
    for W in layers[1:]:
        P = W * P
    rest = HALF * norm2(P * X - Y) - HALF * norm2(A * X - Y) - HALF * norm2((P - A) * X)
    s = Statement(f"{NAME}.excess", (*layers, X, Y, A), (equal((A * X - Y) * X.T),), (equal(rest),))
    return Instance(s, {k: v for k, v in env.items() if k not in "ZK"})


THEOREM = Theorem(
    name=NAME,
    sheet="CONV-2",
    title="Linear convergence of aligned networks, with explicit step size and rate",
    form="inequality",
    source=f"own derivation; convergence of aligned networks as in {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (3, 1, 2, 2)),
    supported_at=((4, 6, 3), (5, 3, 4, 4)),
    note=(
        "'An explicit learning rate gives linear convergence' needs, in every mode, c_p > 0 and a positive initial "
        "product, or a mode that is idle from the start, and no target beyond the least width."
    ),
)
