"""Watches alignment, balancedness and loss while torch trains a deep linear network, and plots them.

A depth-3 network is trained by gradient descent from a small random start, on whitened inputs. The alignment residual is the
largest commutator of the Gram matrices at the hidden layers against the norms of the factors (0 for an aligned network); the
balancedness defect is max_i |W_{i+1}^T W_{i+1} - W_i W_i^T|_F, which gradient flow would conserve.

    python examples/train_and_watch.py [--steps 800] [--plot out.png]      (needs the extras torch and plot)
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import torch

from numerics.alignment import alignment

WIDTHS = (6, 8, 8, 4)


def network(seed: int, scale: float = 0.05) -> torch.nn.Sequential:
    torch.manual_seed(seed)
    net = torch.nn.Sequential(*(torch.nn.Linear(a, b, bias=False, dtype=torch.float64) for a, b in pairwise(WIDTHS)))
    for layer in net:
        torch.nn.init.normal_(layer.weight, std=scale)
    return net


def data(seed: int, samples: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    """Whitened inputs X^T X / n = I, and targets of a linear teacher with spread singular values."""
    generator = torch.Generator().manual_seed(seed + 1)
    q, _ = torch.linalg.qr(torch.randn(samples, WIDTHS[0], generator=generator, dtype=torch.float64))
    x = q * samples**0.5
    u, _ = torch.linalg.qr(torch.randn(WIDTHS[0], WIDTHS[-1], generator=generator, dtype=torch.float64))
    return x, x @ u @ torch.diag(torch.tensor([3.0, 2.0, 1.0, 0.5], dtype=torch.float64))


def imbalance(layers: list[torch.Tensor]) -> float:
    return max(float(torch.linalg.norm(b.T @ b - a @ a.T)) for a, b in pairwise(layers))


def watch(steps: int, seed: int = 0, learning_rate: float = 0.05) -> dict[str, list[float]]:
    """The loss, the alignment residual and the balancedness defect before each step."""
    net, (x, y) = network(seed), data(seed)
    optimiser = torch.optim.SGD(net.parameters(), lr=learning_rate)
    seen: dict[str, list[float]] = {"loss": [], "alignment residual": [], "balancedness defect": []}
    for _ in range(steps):
        loss = ((net(x) - y) ** 2).sum() / (2 * len(x))
        layers = [layer.weight.detach() for layer in net]
        seen["loss"].append(loss.item())
        seen["alignment residual"].append(alignment(layers).residual)
        seen["balancedness defect"].append(imbalance(layers))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return seen


def plot(seen: dict[str, list[float]], path: Path) -> None:
    figure, axes = plt.subplots(len(seen), 1, sharex=True, figsize=(7, 7), constrained_layout=True)
    for axis, (name, values) in zip(axes, seen.items(), strict=True):
        axis.plot(range(len(values)), values, linewidth=1.5)
        if name == "balancedness defect":
            axis.set_ylim(0, 1.2 * max(values))
        else:
            axis.set_yscale("log")
        axis.set_ylabel(name)
        axis.grid(alpha=0.3)
    axes[-1].set_xlabel("step of gradient descent")
    figure.suptitle(f"A deep linear network of widths {WIDTHS} in training")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> dict[str, list[float]]:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", type=Path, default=Path("alignment.png"))
    args = parser.parse_args(arguments)
    seen = watch(args.steps, args.seed)
    plot(seen, args.plot)
    for name, values in seen.items():
        print(f"{name:<20} {values[0]:.3g} -> {values[-1]:.3g}")
    print(f"written to {args.plot}")
    return seen


if __name__ == "__main__":
    main()
