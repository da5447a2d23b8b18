"""Training of the embedding: consecutive hits of a particle within the radius of each other, others outside."""
import numpy as np
import torch
from torch.nn import functional

from .training import choose_event, near_azimuth, rotated

RADIUS = 1.0  # the scale of the embedding is free: this is it
HITS = 6000  # of one step; larger events are cut to a wedge
QUERIES = 1500  # hits whose wrong neighbours are looked for


def pair_weights(pt):
    """Particles that are asked for weigh most; the tracks of soft ones should not come out in pieces either."""
    return torch.from_numpy(np.interp(pt, [0.2, 1.0], [0.6, 1.0]).astype(np.float32))


def embedding_loss(model, events, features, names, push, generator):
    """Squared hinges: true pairs nearer than 0.85 radius, mined wrong pairs (the nearest of a sample of hits) further
    than 1.15 radius. push: weight of wrong pairs, for one true pair each."""
    at = choose_event(events, generator)
    event = events[at]
    rows = np.flatnonzero(near_azimuth(event.xyz, HITS / event.n_hits, generator))
    new_row = np.full(event.n_hits, -1)
    new_row[rows] = np.arange(len(rows))
    pairs = new_row[event.pairs]
    inside = (pairs >= 0).all(axis=1)
    points = model(rotated(features[at][rows], names, generator))
    device = points.device
    true = torch.from_numpy(pairs[inside]).to(device)
    weight = pair_weights(event.pair_pt()[inside]).to(device)
    near2 = ((points[true[:, 0]] - points[true[:, 1]]) ** 2).sum(1)
    pull = (weight * functional.relu(near2 - (0.85 * RADIUS) ** 2)).sum() / weight.sum().clamp(min=1)

    particle = torch.from_numpy(event.particle[rows]).to(device)
    query = torch.from_numpy(generator.choice(len(rows), min(QUERIES, len(rows)), replace=False)).to(device)
    with torch.no_grad():
        distance2 = torch.cdist(points[query], points) ** 2
        other = (particle[query][:, None] != particle[None, :]) | (particle[query] == 0)[:, None]
        other[torch.arange(len(query), device=device), query] = False
        i, j = torch.nonzero((distance2 < (1.15 * RADIUS) ** 2) & other, as_tuple=True)
    far2 = ((points[query[i]] - points[j]) ** 2).sum(1)
    hinge = functional.relu((1.15 * RADIUS) ** 2 - far2)
    return pull + push * hinge.sum() / len(query)
