"""Radius graphs in the embedding, and what is true of their edges."""
import dataclasses

import numpy as np
import torch


@dataclasses.dataclass
class Graph:
    """Edges of one event, from the inside out."""
    edges: np.ndarray  # [2, edges]
    label: np.ndarray  # [edges] 1: consecutive hits of a particle; 0: of two particles; 2: of one, with hits between

    def keep(self, mask):
        return Graph(self.edges[:, mask], self.label[mask])


def make_features(event, names, scales):
    """[hits, features] as the daemon makes them, for a beam line at (0, 0, 0)."""
    x, y, z = event.xyz.astype(np.float32).T
    r = np.sqrt(x * x + y * y)
    one = np.where(r > 0, 1 / np.maximum(r, 1e-9), 0)
    columns = {"x": x, "y": y, "z": z, "r": r, "phi": np.arctan2(y, x), "cos_phi": x * one, "sin_phi": y * one}
    return torch.from_numpy(np.stack([columns[n] / np.float32(s) for n, s in zip(names, scales)], axis=1))


def radius_pairs(points, radius, rows=2048):
    """All pairs (i, j), i < j, of points within the radius: [2, pairs]."""
    norms = (points * points).sum(1)
    found = []
    for first in range(0, len(points), rows):
        block = points[first:first + rows]
        distance2 = norms[first:first + rows, None] + norms[None, first:] - 2 * block @ points[first:].T
        i, j = torch.nonzero(distance2 <= radius * radius, as_tuple=True)
        later = j > i
        found.append(torch.stack([i[later], j[later]]) + first)
    return torch.cat(found, dim=1).cpu().numpy() if found else np.zeros((2, 0), dtype=np.int64)


def inside_out(event, pairs):
    """The hit nearer to the beam spot first; of equally near ones that of the smaller index."""
    distance = (event.xyz.astype(np.float32) ** 2).sum(axis=1)
    turn = distance[pairs[0]] > distance[pairs[1]]
    return np.where(turn, pairs[::-1], pairs)


def label_edges(event, edges):
    a, b = np.sort(edges, axis=0)
    true = np.sort(event.pairs, axis=1)
    is_true = np.isin(a * event.n_hits + b, true[:, 0] * event.n_hits + true[:, 1])
    same = (event.particle[a] == event.particle[b]) & (event.particle[a] > 0)
    return np.where(is_true, 1, np.where(same, 2, 0)).astype(np.int8)


def build_graph(event, points, radius):
    edges = inside_out(event, radius_pairs(points, radius))
    return Graph(edges, label_edges(event, edges))


def edge_recall(event, graph, min_pt=1.0):
    """(true edges of particles above min_pt in the graph, all of them)"""
    keep = event.pair_pt() > min_pt
    asked = np.sort(event.pairs[keep], axis=1)
    a, b = np.sort(graph.edges, axis=0)
    found = np.isin(asked[:, 0] * event.n_hits + asked[:, 1], a * event.n_hits + b)
    return int(found.sum()), len(asked)
