"""Tracks from scored edges, as the daemon makes them, and their score against truth."""
import dataclasses

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


def components(n_hits, edges, min_hits):
    """Labels of hits; -1 in components of fewer than min_hits."""
    graph = coo_matrix((np.ones(edges.shape[1], dtype=np.int8), (edges[0], edges[1])), shape=(n_hits, n_hits))
    label = connected_components(graph, directed=False)[1]
    return np.where(np.bincount(label)[label] >= min_hits, label, -1)


def walk(n_hits, edges, logit, cut, min_hits):
    """Edges by falling score; each hit is left once and entered once (kernels/exatrkx/walk.h)."""
    order = np.argsort(-logit, kind="stable")
    order = order[logit[order] > cut]
    left, entered, taken = np.zeros(n_hits, dtype=bool), np.zeros(n_hits, dtype=bool), []
    for k, source, target in zip(order, edges[0, order].tolist(), edges[1, order].tolist()):
        if not left[source] and not entered[target]:
            left[source] = entered[target] = True
            taken.append(k)
    return components(n_hits, edges[:, taken], min_hits)


@dataclasses.dataclass
class Score:
    asked: int = 0
    found: int = 0
    tracks: int = 0
    fakes: int = 0
    duplicates: int = 0

    def add(self, event, label, min_pt, min_layers, max_eta=2.5):
        """Matched: more than 75 % of a track's hits are of one particle; a particle's second track is a duplicate."""
        particles = event.particles
        asked = (particles.in_acceptance & (particles.pt > min_pt) & (np.abs(particles.eta) < max_eta)
                 & (particles.n_layers >= min_layers))
        keep = label >= 0
        number = np.unique(label[keep], return_inverse=True)[1]
        n_tracks = number.max() + 1 if len(number) else 0
        size = np.bincount(number, minlength=n_tracks)
        shares, count = np.unique(number * len(particles.pt) + event.particle[keep], return_counts=True)
        track, particle = np.divmod(shares, len(particles.pt))
        n_hits = np.bincount(event.particle, minlength=len(particles.pt))
        good = (count > 0.75 * size[track]) & (particle > 0) & (n_hits[particle] >= 3)
        matched = np.unique(particle[good])
        self.asked += int(asked.sum())
        self.found += int(asked[matched].sum())
        self.tracks += n_tracks
        self.fakes += n_tracks - int(good.sum())
        self.duplicates += int(good.sum()) - len(matched)

    def gain(self):
        """What cuts are chosen by: efficiency less fakes and duplicates."""
        return self.found / max(self.asked, 1) - (self.fakes + self.duplicates) / max(self.tracks, 1)

    def __str__(self):
        tracks, asked = max(self.tracks, 1), max(self.asked, 1)
        return (f"efficiency {100 * self.found / asked:.2f} %, fakes {100 * self.fakes / tracks:.2f} %, "
                f"duplicates {100 * self.duplicates / tracks:.2f} % ({self.tracks} tracks)")


def helix_residuals(points):
    """Root mean squares of the distances from a circle and from a line in (arc, z): kernels/exatrkx/helix_fit.h."""
    x, y, z = points.T
    r2 = x * x + y * y
    cxx, cxy, cyy = np.var(x), np.mean(x * y) - x.mean() * y.mean(), np.var(y)
    cxr, cyr = np.mean(x * r2) - x.mean() * r2.mean(), np.mean(y * r2) - y.mean() * r2.mean()
    crr = max(np.var(r2), 1e-12)
    phi = 0.5 * np.arctan2(2 * (crr * cxy - cxr * cyr), crr * (cxx - cyy) - cxr * cxr + cyr * cyr)
    if np.cos(phi) * x.mean() + np.sin(phi) * y.mean() < 0:
        phi += np.pi
    sine, cosine = np.sin(phi), np.cos(phi)
    kappa = (sine * cxr - cosine * cyr) / crr
    delta = -kappa * r2.mean() + sine * x.mean() - cosine * y.mean()
    root = np.sqrt(max(1 - 4 * delta * kappa, 1e-12))
    dxy, curvature = -2 * delta / (1 + root), -2 * kappa / root
    qx, qy = x + dxy * sine, y - dxy * cosine
    along, left = qx * cosine + qy * sine, -qx * sine + qy * cosine
    f = left - 0.5 * curvature * (along ** 2 + left ** 2)
    off = 2 * f / (1 + np.sqrt(np.maximum(1 - 2 * curvature * f, 0)))
    lever = along / (1 - curvature * off)
    turn = np.clip(curvature * lever, -1, 1)
    arc = np.where(np.abs(turn) < 1e-6, lever, np.arcsin(turn) / (curvature or 1.0))
    slope, start = np.polyfit(arc, z, 1) if np.ptp(arc) > 1e-6 else (0.0, z.mean())
    return np.sqrt(np.mean(off ** 2)), np.sqrt(np.mean((z - start - slope * arc) ** 2) / (1 + slope * slope))


def join(event, label, cut_xy, cut_rz):
    """Pieces of one helix as one track (kernels/exatrkx/join.h)."""
    xyz = event.xyz.astype(np.float64)
    distance = np.sqrt((xyz ** 2).sum(axis=1))
    order = np.lexsort((distance, label))
    order = order[label[order] >= 0]
    if len(order) == 0:
        return label
    rows = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    first, last = np.array([r[0] for r in rows]), np.array([r[-1] for r in rows])
    phi, eta = np.arctan2(xyz[:, 1], xyz[:, 0]), np.arcsinh(xyz[:, 2] / np.hypot(xyz[:, 0], xyz[:, 1]))
    pairs, score = [], []
    for a in range(len(rows)):
        turn = np.abs(phi[first] - phi[last[a]])
        near = ((distance[first] > distance[last[a]] - 5) & (np.abs(eta[first] - eta[last[a]]) < 0.3)
                & ((turn < 0.5) | (turn > 2 * np.pi - 0.5)))
        for b in np.flatnonzero(near):
            if a == b:
                continue
            xy, rz = helix_residuals(xyz[np.concatenate([rows[a], rows[b]])])
            if xy <= cut_xy and rz <= cut_rz:
                pairs.append((a, b))
                score.append(-((xy / cut_xy) ** 2 + (rz / cut_rz) ** 2))
    if not pairs:
        return label
    joined = walk(len(rows), np.array(pairs).T, np.array(score), -np.inf, 1)
    out = np.full_like(label, -1)
    for row, name in zip(rows, joined):
        out[row] = name
    return out
