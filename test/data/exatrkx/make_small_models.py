"""Makes models/small/*.pt: networks of a few bytes that the tests of loading need. Needs PyTorch; run in this folder."""
import subprocess
import sys
from pathlib import Path

import torch

OUT = Path("models/small")
LIBRARIES = []


class FirstTwo(torch.nn.Module):
    """Embedding in the plane of the first two features."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :2].contiguous()


class Distance(torch.nn.Module):
    """Logit of an edge: 4 less the square of its length in the first two features, in units of 0.1."""

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        d = x[edge_index[0], :2] - x[edge_index[1], :2]
        return 4 - 100 * (d * d).sum(1)


class OneTooMany(torch.nn.Module):
    """An answer that is one row too long."""

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        return torch.zeros(edge_index.shape[1] + 1)


class Doubles(torch.nn.Module):
    """Answers in float64."""

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        return torch.zeros(edge_index.shape[1], dtype=torch.float64)


def scatter_module(library_name: str) -> torch.jit.ScriptModule:
    """A network that calls LIBRARY::scatter_max, as published ones do; answers with the largest source of a target."""
    library = torch.library.Library(library_name, "DEF")
    LIBRARIES.append(library)  # its operators go with it
    library.define("scatter_max(Tensor src, Tensor index, int dim, Tensor? out, int? size) -> (Tensor, Tensor)")
    module = torch.jit.ScriptModule()
    module.define(f"""
def forward(self, x, edge_index):
    values, where = torch.ops.{library_name}.scatter_max(x[edge_index[0], 0], edge_index[1], 0, None, x.size(0))
    return values[edge_index[1]]
""")
    return module


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    torch.jit.script(FirstTwo()).save(str(OUT / "first_two.pt"))
    torch.jit.script(Distance()).save(str(OUT / "distance.pt"))
    torch.jit.script(OneTooMany()).save(str(OUT / "one_too_many.pt"))
    torch.jit.script(Doubles()).save(str(OUT / "doubles.pt"))
    for library, name in (("torch_scatter", "scatter_max"), ("acme_scatter", "unknown_operator")):
        # each in a process: TorchScript knows a class once
        subprocess.run([sys.executable, __file__, library, str(OUT / f"{name}.pt")], check=True)
    torch.save({"weight": torch.zeros(2)}, OUT / "not_torchscript.pt")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        scatter_module(sys.argv[1]).save(sys.argv[2])
    else:
        main()
