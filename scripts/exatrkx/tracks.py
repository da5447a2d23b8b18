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
