"""`deeplin new`: writes a commented template of a conjecture."""

from __future__ import annotations

import argparse
from pathlib import Path

from theory.errors import InvalidInput

TEMPLATE = '''\
"""{title}: a conjecture. `deeplin check {file}` says whether it is proved, refuted, vacuous or open."""

from sympy import symbols

from deeplin import Conjecture, Statement, equal, network, norm2

# A deep linear network: layers W1, W2 of widths d0, d1, d2, which stay symbols, so that a proof is one for all widths.
# net.product is W2 W1, net.loss is |W2 W1 - Y|^2 / 2, net.gradient(i), net.step(eta), net.along_flow(f) are expressions,
# net.balanced(), net.critical() and net.aligned() are hypotheses.
net = network(("d0", "d1", "d2"))
W1, W2 = net.layers
eta = symbols("eta")

{name} = Conjecture(
    Statement(
        "{title}",
        variables=net.variables,
        given=(net.balanced(),),  # hypotheses: equal(a, b), at_least(a, b), greater(a, b), Orthogonal(Q), ...
        then=(equal(norm2(W1), norm2(W2)),),  # what follows from them
    ),
    sizes=[(1, 1, 1), (2, 2, 1), (2, 2, 2)],  # where to look for counterexamples, and for proofs that are not for all widths
)

# Other conclusions to try: net.along_flow(norm2(W1) - norm2(W2)) is the derivative along gradient flow, and
# net.balanced(net.step(eta)) says that the layers are balanced after one step (refuted).
'''


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a Python name; the file is NAME.py in this directory")


def run(args: argparse.Namespace) -> int:
    if not args.name.isidentifier():
        raise InvalidInput("NAME", args.name, "letters, digits and _, as in balance_is_kept")
    path = Path(f"{args.name}.py")
    if path.exists():
        raise InvalidInput("NAME", args.name, f"a name that is not taken: {path} exists")
    path.write_text(TEMPLATE.format(name=args.name, title=args.name.replace("_", " "), file=path))
    print(f"{path}: edit it, then `deeplin check {path}`")
    return 0
