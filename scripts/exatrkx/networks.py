"""The three networks. Their forward is what TorchScript exports; the daemon's own kernels know these forms by the names of
their parts."""
from typing import List, Tuple

import torch
from torch import nn

EDGE_FEATURES, TRIPLET_FEATURES = 7, 6


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


def triplet_features(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """How well three hits lie on a helix from the beam line: [triplets, 6], each near 1."""
    r_a, r_b, r_c = a[:, 0] * scales[0], b[:, 0] * scales[0], c[:, 0] * scales[0]
    x_b, y_b = r_b * b[:, 1], r_b * b[:, 2]
    ab_x, ab_y, ab_z = x_b - r_a * a[:, 1], y_b - r_a * a[:, 2], (b[:, 3] - a[:, 3]) * scales[3]
    bc_x, bc_y, bc_z = r_c * c[:, 1] - x_b, r_c * c[:, 2] - y_b, (c[:, 3] - b[:, 3]) * scales[3]
    ab = torch.sqrt(torch.clamp(ab_x * ab_x + ab_y * ab_y, min=1e-2))
    bc = torch.sqrt(torch.clamp(bc_x * bc_x + bc_y * bc_y, min=1e-2))
    ac = torch.sqrt(torch.clamp((ab_x + bc_x) * (ab_x + bc_x) + (ab_y + bc_y) * (ab_y + bc_y), min=1e-2))
    curvature = 2.0 * (ab_x * bc_y - ab_y * bc_x) / (ab * bc * ac)
    bend = torch.atan2(bc_z, bc) - torch.atan2(ab_z, ab)  # of the line in (transverse length, z)
    off = bc_z - ab_z * bc / ab
    # the tangent at b, and how far from the beam line its circle passes
    half = torch.clamp(0.5 * curvature * ab, min=-1.0, max=1.0)
    cosine = torch.sqrt(1.0 - half * half)
    t_x, t_y = (ab_x * cosine - ab_y * half) / ab, (ab_x * half + ab_y * cosine) / ab
    twice = curvature * r_b * r_b + 2.0 * (t_x * y_b - t_y * x_b)
    dxy = twice / (1.0 + torch.sqrt(torch.clamp(1.0 + curvature * twice, min=0.0)))
    return torch.stack([
        torch.asinh(100.0 * bend), torch.asinh(off / 0.3), torch.asinh(2000.0 * curvature), torch.asinh(dxy / 0.3),
        torch.log(bc / ab), torch.asinh(ab_z / ab)
    ], dim=1)


def edge_pairs(source: torch.Tensor, target: torch.Tensor, n_hits: int) -> Tuple[torch.Tensor, torch.Tensor]:
    """All pairs (p, q) of edges where q begins at the hit that p ends at."""
    order = torch.argsort(source, stable=True)
    n_out = torch.bincount(source, minlength=n_hits)
    begin = torch.cumsum(n_out, 0) - n_out
    n_next = n_out[target]
    p = torch.repeat_interleave(torch.arange(source.shape[0], device=source.device), n_next)
    row = torch.arange(p.shape[0], device=source.device) - (torch.cumsum(n_next, 0) - n_next)[p]
    return p, order[begin[target[p]] + row]


def fitting_pairs(x: torch.Tensor, source: torch.Tensor, target: torch.Tensor,
                  scales: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pairs of edges that might be of one particle, by wide cuts on the fit of their three hits, and its features. A third
    of the chance pairs stays, and all but a few per cent of the others. In pieces, as there are many more pairs than edges."""
    p, q = edge_pairs(source, target, x.shape[0])
    kept: List[torch.Tensor] = []
    found: List[torch.Tensor] = []
    for first in range(0, max(p.shape[0], 1), 262144):
        i, j = p[first:first + 262144], q[first:first + 262144]
        features = triplet_features(x[source[i]], x[target[i]], x[target[j]], scales)
        size = features.abs()
        rows = torch.nonzero((size[:, 0] < 3.2) & (size[:, 1] < 5.3) & (size[:, 3] < 6.3)).squeeze(1)
        kept.append(rows + first)
        found.append(features[rows])
    rows = torch.cat(kept)
    return p[rows], q[rows], torch.cat(found)


class TripletNetwork(nn.Module):
    """Messages between edges that follow each other, by how well their three hits fit: what a cellular automaton decides
    by cuts. For detectors with few layers and many chance edges, where sums at a hit blur what fits what."""

    def __init__(self, scales: List[float], width: int, rounds: int):
        super().__init__()
        self.register_buffer("scales", torch.tensor(scales))
        self.width = width
        self.edge_encoder = mlp([2 * len(scales) + EDGE_FEATURES, width, width], last_norm=True)
        self.before = nn.ModuleList([nn.Linear(width, width, bias=False) for _ in range(rounds)])
        self.after = nn.ModuleList([nn.Linear(width, width, bias=False) for _ in range(rounds)])
        self.fit = nn.ModuleList([nn.Linear(TRIPLET_FEATURES, width) for _ in range(rounds)])
        self.messages = nn.ModuleList(
            [nn.Sequential(nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, 2 * width)) for _ in range(rounds)])
        self.gates = nn.ModuleList(
            [nn.Sequential(nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, 2)) for _ in range(rounds)])
        self.edge_nets = nn.ModuleList([mlp([5 * width, width, width], last_norm=True) for _ in range(rounds)])
        self.classifier = mlp([width, width, 1])

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        source, target = edge_index[0], edge_index[1]
        a, b = x[source], x[target]
        e = self.edge_encoder(torch.cat([a, b, edge_features(a, b, self.scales)], dim=1))
        p, q, features = fitting_pairs(x, source, target, self.scales)
        none = torch.zeros((x.shape[0], self.width), dtype=x.dtype, device=x.device)
        for before, after, fit, message, gate, edge_net in zip(self.before, self.after, self.fit, self.messages,
                                                               self.gates, self.edge_nets):
            e_before, e_after = before(e), after(e)
            ahead, behind = torch.zeros_like(e), torch.zeros_like(e)
            for first in range(0, p.shape[0], 65536):
                i, j = p[first:first + 65536], q[first:first + 65536]
                hidden = fit(features[first:first + 65536]) + e_before[i] + e_after[j]
                sent, weight = message(hidden), torch.sigmoid(gate(hidden))
                behind = behind.index_add(0, j, sent[:, :self.width] * weight[:, :1])
                ahead = ahead.index_add(0, i, sent[:, self.width:] * weight[:, 1:])
            rivals_out, rivals_in = none.index_add(0, source, e)[source], none.index_add(0, target, e)[target]
            e = e + edge_net(torch.cat([e, behind, ahead, rivals_out, rivals_in], dim=1))
        return self.classifier(e).squeeze(1)
