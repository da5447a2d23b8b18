"""The three networks. Their forward is what TorchScript exports; the daemon's own kernels know these forms by the names of
their parts."""
from typing import List

import torch
from torch import nn

EDGE_FEATURES = 7


def mlp(sizes: List[int], last_norm: bool = False) -> nn.Sequential:
    """Linear, LayerNorm, ReLU, ... Linear; with last_norm the answer is normalised and cut at 0 too."""
    layers: List[nn.Module] = []
    for k, (n_in, n_out) in enumerate(zip(sizes[:-1], sizes[1:])):
        layers.append(nn.Linear(n_in, n_out))
        if last_norm or k + 2 < len(sizes):
            layers += [nn.LayerNorm(n_out), nn.ReLU()]
    return nn.Sequential(*layers)


def edge_features(a: torch.Tensor, b: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """Geometry of an edge from a to b, whose first features are r, cos phi, sin phi, z: [edges, 7], each near 1."""
    r_a, z_a, r_b, z_b = a[:, 0] * scales[0], a[:, 3] * scales[3], b[:, 0] * scales[0], b[:, 3] * scales[3]
    dr, dz = r_b - r_a, z_b - z_a
    cosine = a[:, 1] * b[:, 1] + a[:, 2] * b[:, 2]
    dphi = torch.atan2(a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1], cosine)
    across = torch.sqrt(torch.clamp(r_a * r_a + r_b * r_b - 2.0 * r_a * r_b * cosine, min=1.0))
    safe_dr = torch.where(dr < 0.0, torch.clamp(dr, max=-1.0), torch.clamp(dr, min=1.0))
    slope = dz / safe_dr
    return torch.stack([
        dr / 100.0,
        torch.asinh(dz / 100.0),
        torch.asinh(20.0 * dphi),
        torch.asinh(slope),
        torch.sqrt(across * across + dz * dz) / 300.0,
        torch.asinh((z_a - r_a * slope) / 20.0),  # where the line through both meets the beam line
        torch.asinh(4000.0 * torch.sin(dphi) / across),  # curvature of the circle through both and the beam line
    ], dim=1)


class Embedding(nn.Module):
    def __init__(self, n_features: int, width: int, depth: int, dimensions: int):
        super().__init__()
        self.net = mlp([n_features] + [width] * depth + [dimensions])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


class EdgeFilter(nn.Module):
    """Logits of edges: an MLP of both ends and their geometry."""

    def __init__(self, scales: List[float], width: int, depth: int):
        super().__init__()
        self.register_buffer("scales", torch.tensor(scales))
        self.net = mlp([2 * len(scales) + EDGE_FEATURES] + [width] * depth + [1])

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        a, b = x[edge_index[0]], x[edge_index[1]]
        return self.net(torch.cat([a, b, edge_features(a, b, self.scales)], dim=1)).squeeze(1)


class InteractionNetwork(nn.Module):
    """Messages along edges and back: P. Battaglia et al., arXiv 1612.00222; residual, normalised."""

    def __init__(self, scales: List[float], width: int, rounds: int):
        super().__init__()
        self.register_buffer("scales", torch.tensor(scales))
        self.node_encoder = mlp([len(scales), width, width], last_norm=True)
        self.edge_encoder = mlp([2 * len(scales) + EDGE_FEATURES, width, width], last_norm=True)
        self.edge_nets = nn.ModuleList([mlp([3 * width, width, width], last_norm=True) for _ in range(rounds)])
        self.node_nets = nn.ModuleList([mlp([3 * width, width, width], last_norm=True) for _ in range(rounds)])
        self.classifier = mlp([3 * width, width, 1])

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        source, target = edge_index[0], edge_index[1]
        a, b = x[source], x[target]
        h = self.node_encoder(x)
        e = self.edge_encoder(torch.cat([a, b, edge_features(a, b, self.scales)], dim=1))
        for edge_net, node_net in zip(self.edge_nets, self.node_nets):
            e = e + edge_net(torch.cat([h[source], h[target], e], dim=1))
            none = torch.zeros_like(h)
            h = h + node_net(torch.cat([h, none.index_add(0, target, e), none.index_add(0, source, e)], dim=1))
        return self.classifier(torch.cat([h[source], h[target], e], dim=1)).squeeze(1)
