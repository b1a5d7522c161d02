r"""All global minimisers: aligned rank-one layers along sign vectors, and nothing else.

Setting: As in `global_minimum`: D hidden layers with noise s_i, P = W_N ... W_1 = v^T, Gamma = gamma_1 ... gamma_N,
kappa = prod (1 + s_i / d_i), psi(b) = D b - b^D g.z with (kappa b^D A + Gamma I) z = g.

Hypotheses: gamma_i > 0, s_i >= 0, A positive semidefinite, b > 0. For "only these": g != 0; for equal magnitudes also s_i > 0
and consistent moments A p = g.

Conclusion: (If) with vectors r_k, |r_k|^2 = d_k, of signs where s_k > 0 and free where s_k = 0, and numbers c_i > 0,
\[ W_N = c_N r_{N-1}^T, \quad W_i = c_i r_i r_{i-1}^T, \quad W_1 = r_1 w^T, \quad \gamma_i |W_i|^2 = b, \quad
   w \prod c_i \prod d_k = b^D z \]
has a vanishing gradient and \(L = Y + \psi(b) = Y + D b - v\cdot g\), with v = b^D z and \(E f^2 = \kappa |v|_A^2\).
(Only if) from L = Y + psi(b), \(b^D = \prod_{i\ge2} \gamma_i |W_i|^2\): v = b^D z; \(\gamma_i |W_i|^2 = b\) for i >= 2 and
\(\gamma_1 |W_1|^2 = \Gamma b^D |z|^2\), which is b where psi'(b) = 0; with u_k = W_N ... W_{k+1} each layer is \(|u_k|^2 W_k
= u_k^T u_{k-1}\); and \(d_k\, diag(u_k^T u_k) = |u_k|^2 I\) in every layer with noise. Where a layer W_i, i >= 2, is zero, L
= Y only at 0.

Form: If and only if (with b a minimiser of psi, by `global_minimum`).

Scope of proof: All widths: the family at depths 2 to 4 with noise, at depths 2 and 3 without, and with noise in one layer of
two; "only these" at depths 2 to 4.

Why: On the family the second moments stay q (r r^T + s I), and the gradient is a multiple of one scalar (`families`).
Conversely all nonnegative parts of L - Y - psi(b) vanish (`equality`).

Sharpness: Without noise magnitudes are free: W_1 = W_2^T = (3/5, 4/5), A = 1, g = 2. With A = diag(1, 0), g = (0, 1)
(inconsistent) or g = 0 they are free even with noise. A vector r of length sqrt(d) that is not of signs is no minimiser if s
> 0.

Source: arXiv:2202.04777 (the form of the minimisers); "if and only if" is derived for this project.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Integer, Mul, Rational, Symbol

from theory.certificates import vanishes
from theory.expressions import Square, known, norm2
from theory.statement import Statement, equal
from theory.theorem import Claim, Draw, Instance, Theorem
from theory.theorems.minima.all_minimisers_limits import counterexamples, false_twins
from theory.theorems.minima.envelope import Envelope
from theory.theorems.minima.equality import Equality
from theory.theorems.minima.exact_points import point
from theory.theorems.minima.families import Family
from theory.theorems.minima.lemmas import Network
from theory.theorems.minima.setting import Setting, widths_of

NAME = "minima.all_minimisers"


def _sizes(depth: int, size: int = 2) -> dict[str, int]:
    return {f"d{i}": size for i in range(depth)}


def _ones(depth: int, size: int) -> dict[str, Any]:
    """A member of the family at equal widths d, all c_i = 1, w = (1, ..., 1), b = 1, kappa A = I: v = d^D (1, ..., 1) = z."""
    layers = {f"W{i}": [[1] * size for _ in range(1 if i == depth else size)] for i in range(1, depth + 1)}
    decays = {f"gamma{i}": Rational(1, size if i == depth else size**2) for i in range(1, depth + 1)}
    z = Integer(size) ** (depth - 1)
    g = (1 + Mul(*(Rational(x) for x in decays.values()))) * z
    return {**layers, **decays, "z": [[z]] * size, "g": [[g]] * size, "Y": 999, "b": 1}


def _moment(size: int, noise: Sequence[int]) -> tuple[Any, list[list[Any]]]:
    """kappa and A = I / kappa."""
    kappa = Mul(*(1 + Rational(s, size) for s in noise))
    return kappa, [[Rational(i == j) / kappa for j in range(size)] for i in range(size)]


def family(depth: int, kind: str) -> Claim:
    """The members of the family, with noise in all layers, in none, or in all but the first."""
    f = Family(Setting(widths_of(depth), noisy=kind != "silent", silent=(1,) if kind == "mixed" else ()))
    statement = Statement(f"{NAME}.family.depth_{depth}_{kind}", f.variables, f.given, tuple(map(equal, f.conclusions)))
    noise = {f"s{k}": k for k in f.noisy}
    kappa, A = _moment(2, list(noise.values()))
    scales = {f"c{i}": 1 for i in range(2, depth + 1)} | {f"r{k}": [[1], [1]] for k in f.hidden} | {"w": [[1], [1]]}
    values = {**_ones(depth, 2), **noise, **scales, "A": A} | ({"kappa": kappa} if noise else {})
    return Claim(statement, tuple(f.steps()), values, _sizes(depth))


def only_if(depth: int) -> Claim:
    """L = Y + psi(b), b > 0, g != 0: v = b^D z, one energy, aligned layers of rank one."""
    q = Equality(Network(Setting(widths_of(depth))))
    statement = Statement(f"{NAME}.only_if.depth_{depth}", q.e.variables, q.given, tuple(map(equal, q.conclusions)))
    return Claim(statement, tuple(q.steps()), _touching(q, depth, 0), _sizes(depth))


def equal_magnitudes(depth: int) -> Claim:
    """With noise in every layer and consistent moments also d_k diag(u_k^T u_k) = |u_k|^2 I."""
    q = Equality(Network(Setting(widths_of(depth))))
    then = tuple(equal(q.magnitude(k)) for k in q.network.noise)
    statement = Statement(f"{NAME}.equal_magnitudes.depth_{depth}", (*q.e.variables, q.p), q.noisy_given, then)
    return Claim(statement, (*q.steps(), *q.magnitude_steps()), _touching(q, depth, 1), _sizes(depth))


def _touching(q: Equality, depth: int, s: int) -> dict[str, Any]:
    """The member of the family of ones, with variances s or 0."""
    A = _moment(2, [s] * (depth - 1))[1]
    values = {**_ones(depth, 2), **{f"s{k}": s for k in range(1, depth)}, "A": A}
    values = values if q.e.rooted else {k: x for k, x in values.items() if k != "b"}
    env = point(q.network, values, _sizes(depth))
    return env | ({"p": env["A"].solve(env["g"])} if s else {})


def dead_layer(depth: int) -> Claim:
    """If W_i = 0 for some i >= 2 then L = Y only at 0."""
    n = Network(Setting(widths_of(depth)))
    s, e = n.setting, Envelope(n)
    product, excess = Mul(*e.energies), s.loss - s.Y
    statement = Statement(
        f"{NAME}.dead_layer.depth_{depth}",
        s.variables,
        (*s.hypotheses, equal(product), equal(excess)),
        tuple(map(equal, s.layers)),
    )
    c = Mul(*map(known, s.decay[1:]))
    steps = [*n.norm_steps(), vanishes(s.product, c * known(n.norm) - norm2(s.layers[0]) * known(product), times=c)]
    for c, W in zip(s.decay, s.layers, strict=True):
        others = sum(known(d) * Square(V) for d, V in zip(s.decay, s.layers, strict=True) if V != W)
        by = n.moment_known + others - 2 * e.dead_fit - known(excess)
        steps.append(vanishes(W, by, times=known(c)))
    at = _sizes(depth, 1)
    values = {f"W{i}": [[0]] for i in range(1, depth + 1)} | {f"gamma{i}": 1 for i in range(1, depth + 1)}
    noise = {f"s{i}": 1 for i in range(1, depth)}
    return Claim(statement, tuple(steps), {**values, **noise, "A": [[1]], "g": [[1]], "Y": 2}, at)


def claims() -> list[Claim]:
    """The family, and that there are no others."""
    kinds = [(n, "noisy") for n in (2, 3, 4)] + [(2, "silent"), (3, "silent"), (3, "mixed")]
    converse = [f(n) for f in (only_if, equal_magnitudes) for n in (2, 3, 4)]
    return [*(family(n, kind) for n, kind in kinds), *converse, dead_layer(2), dead_layer(3)]


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """A member of the family: signs, scales, b, z and A are drawn; decays and g follow."""
    f = Family(Setting(tuple(widths)))
    s, values = (
        f.setting,
        {"A": draw.psd(int(widths[0])), "z": draw.matrix(int(widths[0]), 1), "b": draw.positive(), "Y": draw.positive()},
    )
    values |= {f"s{k}": draw.nonnegative() for k in f.noisy} | {f"c{i}": draw.positive() for i in range(2, f.N + 1)}
    values |= {f"r{k}": draw.sign(int(widths[k]), 1) for k in f.hidden}
    if f.noisy:
        values["kappa"] = draw.solve(Mul(*map(f.n, f.noisy)), Mul(*(f.n(k) + f.s(k) for k in f.noisy)), values)
    values["scale"] = draw.solve(f.C, f.b**f.D, values)
    values["w"] = draw.value(Symbol("scale") * f.z, values)
    del values["scale"]
    for i, c in enumerate(s.decay, 1):
        values[c.name] = draw.solve(f.energy(i) / c, f.b, values)
    values["g"] = draw.value(f.equation + s.g, values | {"g": values["z"]})
    values |= {W.name: draw.value(f.layer(i), values) for i, W in enumerate(s.layers, 1)}
    name = f"{NAME}.family.widths_" + "_".join(map(str, widths))
    return Instance(Statement(name, f.variables, f.given, tuple(map(equal, f.conclusions))), values)


THEOREM = Theorem(
    name=NAME,
    sheet="B5",
    title="All global minimisers are aligned rank-one layers along sign vectors",
    form="if and only if",
    source="arXiv:2202.04777",
    claims=claims,
    sharpness=lambda: counterexamples(NAME),
    variants=lambda: [c.statement for c in false_twins(NAME)],
    sample=sample,
    certified_at=((2, 2, 1), (1, 3, 1), (2, 3, 2, 1), (1, 2, 2, 2, 1)),
    supported_at=((8, 8, 1), (20, 30, 25, 1), (10, 12, 9, 11, 1)),
    note="Equal magnitudes need noise in the layer, consistent moments and g != 0; without noise r is free on its sphere.",
)
