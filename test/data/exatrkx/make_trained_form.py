"""Makes models/trained-form, models/triplet-form and models/other-forward: networks as scripts/exatrkx/networks.py defines
them, small, with random weights. Needs PyTorch; run in this folder."""
import hashlib
import sys
from pathlib import Path

import torch

sys.path.insert(0, "../../../scripts")
from exatrkx import networks  # noqa: E402

SCALES = [1000.0, 1.0, 1.0, 1000.0]
TOML = """name = "{name}"
[features]
names = ["r", "cos_phi", "sin_phi", "z"]
scales = [1000, 1, 1, 1000]
[graph]
dimensions = 3
radius = 0.02
max_neighbours = 100
order = "inside_out"
[filter]
cut = 0.3
[gnn]
cut = 0.3
[tracks]
min_hits = 3
field = 2
[digests]
"""


class OtherFilter(networks.EdgeFilter):
    """Parts of the same names; another answer."""

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        a, b = x[edge_index[0]], x[edge_index[1]]
        return 1.0 - self.net(torch.cat([a, b, networks.edge_features(a, b, self.scales)], dim=1)).squeeze(1)


def save(name, parts):
    folder = Path("models") / name
    folder.mkdir(parents=True, exist_ok=True)
    toml = TOML.format(name=name)
    for part, module in parts.items():
        torch.jit.script(module.eval()).save(str(folder / f"{part}.pt"))
        toml += f'{part} = "{hashlib.sha256((folder / f"{part}.pt").read_bytes()).hexdigest()}"\n'
    (folder / "model.toml").write_text(toml)


def main():
    torch.manual_seed(7)
    embed = networks.Embedding(4, 40, 2, 3)
    gnn = networks.InteractionNetwork(SCALES, 24, 2)
    save("trained-form", {"embed": embed, "filter": networks.EdgeFilter(SCALES, 24, 2), "gnn": gnn})
    save("other-forward", {"embed": embed, "filter": OtherFilter(SCALES, 24, 2), "gnn": gnn})
    save("triplet-form", {"embed": embed, "filter": networks.EdgeFilter(SCALES, 24, 2),
                          "gnn": networks.TripletNetwork(SCALES, 24, 2)})


if __name__ == "__main__":
    main()
