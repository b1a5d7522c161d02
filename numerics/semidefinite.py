"""A semidefinite program as a small program of its own: JSON lines in, JSON lines out, under a memory limit.

`python -m numerics.semidefinite BYTES`. A line holds `blocks` (sizes), `free` (number of free unknowns), `rows` (number of
equations), `entries` [[row, column, value], ...] and `right`. The columns are the free unknowns, then the upper triangles
of the blocks, row by row. The answer has the point with the largest least eigenvalue (at most 1) of all blocks: `least`,
`free`, `matrices`, and for each block its `values` and `vectors`. It is started in a process that can be killed, because a
solver may hang or die.
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from typing import Any

import numpy as np

MARGIN_MOST = 1.0


def _columns(blocks: list[int], free: int) -> list[tuple[int, int, int]]:
    """(block, i, j) of each column after the free ones."""
    return [(b, i, j) for b, n in enumerate(blocks) for i in range(n) for j in range(i, n)]


def solve(problem: dict[str, Any]) -> dict[str, Any]:
    """The answer to one problem; `least` is absent where the solver finds no point."""
    import clarabel
    from scipy import sparse

    blocks, free, rows = problem["blocks"], problem["free"], problem["rows"]
    places = _columns(blocks, free)
    margin = free + len(places)
    data = np.array(problem["entries"], dtype=float).reshape(-1, 3)
    at, right, cones = [data[:, 0].astype(int), data[:, 1].astype(int), data[:, 2]], list(problem["right"]), []
    cones.append(clarabel.ZeroConeT(rows))
    r, c, v, n = _cone_rows(blocks, places, free, margin, rows)
    right += [0.0] * (n - rows - 1) + [MARGIN_MOST]
    matrix = sparse.csc_matrix(
        (np.concatenate([at[2], v]), (np.concatenate([at[0], r]), np.concatenate([at[1], c]))), shape=(n, margin + 1)
    )
    cones += [clarabel.PSDTriangleConeT(k) for k in blocks] + [clarabel.NonnegativeConeT(1)]
    cost = np.zeros(margin + 1)
    cost[margin] = -1.0
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.time_limit = float(problem.get("seconds", 60.0))
    solver = clarabel.DefaultSolver(sparse.csc_matrix((margin + 1, margin + 1)), cost, matrix, np.array(right), cones, settings)
    return _answer(solver.solve(), blocks, places, free, margin)


def _cone_rows(blocks: list[int], places: Any, free: int, margin: int, first: int) -> Any:
    """-(block - margin * 1) + s = 0 in the solver's order (upper triangle, column by column), then margin + s = 1."""
    column = {place: free + k for k, place in enumerate(places)}
    r, c, v, row = [], [], [], first
    for b, n in enumerate(blocks):
        for j in range(n):
            for i in range(j + 1):
                r.append(row)
                c.append(column[b, i, j])
                v.append(-1.0 if i == j else -np.sqrt(2.0))
                if i == j:
                    r.append(row)
                    c.append(margin)
                    v.append(1.0)
                row += 1
    return np.array([*r, row]), np.array([*c, margin]), np.array([*v, 1.0]), row + 1


def _answer(found: Any, blocks: list[int], places: Any, free: int, margin: int) -> dict[str, Any]:
    status, x = str(found.status), np.array(found.x)
    if status not in ("Solved", "AlmostSolved", "InsufficientProgress", "MaxIterations") or not np.all(np.isfinite(x)):
        return {"status": status}
    matrices = [np.zeros((n, n)) for n in blocks]
    for k, (b, i, j) in enumerate(places):
        matrices[b][i, j] = matrices[b][j, i] = x[free + k]
    parts = [np.linalg.eigh(m) for m in matrices]
    return {
        "status": status,
        "least": float(x[margin]),
        "free": x[:free].tolist(),
        "matrices": [m.tolist() for m in matrices],
        "values": [w.tolist() for w, _ in parts],
        "vectors": [u.T.tolist() for _, u in parts],
    }


def main(arguments: list[str]) -> int:
    """Answers lines until the input ends."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (int(arguments[0]),) * 2)
    except (ImportError, ValueError, OSError, IndexError):
        pass  # no such limit on this system: the time limit remains
    if find_spec("clarabel") is None:  # an import that fails is another matter: then this process dies
        print(json.dumps({"missing": "clarabel"}), flush=True)
        return 0
    import clarabel  # noqa: F401
    import scipy.sparse  # noqa: F401

    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(solve(json.loads(line))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
