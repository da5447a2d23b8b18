"""Training of the edge filter and of the interaction network on labelled graphs."""
import numpy as np
import torch
from torch.nn import functional

from .networks import InteractionNetwork, edge_features
from .training import choose_event, near_azimuth, rotated

FILTER_EDGES = 60_000  # of one step, at random
GNN_EDGES = 16_000  # of one step, in a wedge of the event


def class_weights(event, graph, wrong_skips):
    """Weights of edges. True ones of soft particles weigh less; edges that jump over a hit of their particle are
    wrong, with the weight wrong_skips."""
    pt = event.particles.pt[event.particle[graph.edges[0]]]
    true = np.interp(pt, [0.2, 1.0], [0.3, 1.0])
    return torch.from_numpy(np.choose(graph.label, [1.0, true, wrong_skips]).astype(np.float32))


def binary_loss(logit, graph, weight):
    """Cross entropy of the edges' scores, as a weighted mean."""
    label = torch.from_numpy((graph.label == 1).astype(np.float32)).to(logit.device)
    weight = weight.to(logit.device)
    return functional.binary_cross_entropy_with_logits(logit, label, weight, reduction="sum") / weight.sum()


def filter_loss(model, events, graphs, features, names, generator):
    at = choose_event(events, generator)
    event, x = events[at], rotated(features[at], names, generator)
    n = len(graphs[at].label)
    graph = graphs[at].keep(generator.choice(n, min(FILTER_EDGES, n), replace=False))
    # a true edge lost here is lost for good
    weight = class_weights(event, graph, 0.0) * torch.from_numpy(np.where(graph.label == 1, 4, 1))
    return binary_loss(model(x, torch.from_numpy(graph.edges).to(x.device)), graph, weight)


def gnn_loss(model, events, graphs, features, names, skips, generator):
    at = choose_event(events, generator)
    event, x = events[at], rotated(features[at], names, generator)
    part = GNN_EDGES / max(len(graphs[at].label), 1)
    graph = graphs[at].keep(near_azimuth(event.xyz, part, generator)[graphs[at].edges[0]])
    index = torch.from_numpy(graph.edges).to(x.device)
    logit = train_forward(model, x, index) if isinstance(model, InteractionNetwork) else model(x, index)
    return binary_loss(logit, graph, class_weights(event, graph, skips))


def split_first(net, parts):
    """net(cat(parts)), where a part (values, rows) stands for values[rows]: the first layer is applied to the values,
    of which there are fewer than rows."""
    weight, at, total = net[0].weight, 0, net[0].bias
    for part in parts:
        values, rows = part if isinstance(part, tuple) else (part, None)
        n = values.shape[1]
        term = functional.linear(values, weight[:, at:at + n])
        total = total + (term if rows is None else term[rows])
        at += n
    return net[1:](total)


def train_forward(model, x, edge_index):
    """InteractionNetwork.forward with less work: the same sums in another order."""
    source, target = edge_index[0], edge_index[1]
    a, b = x[source], x[target]
    h = model.node_encoder(x)
    e = model.edge_encoder(torch.cat([a, b, edge_features(a, b, model.scales)], dim=1))
    for edge_net, node_net in zip(model.edge_nets, model.node_nets):
        e = e + split_first(edge_net, [(h, source), (h, target), e])
        none = torch.zeros_like(h)
        h = h + node_net(torch.cat([h, none.index_add(0, target, e), none.index_add(0, source, e)], dim=1))
    return split_first(model.classifier, [(h, source), (h, target), e]).squeeze(1)


def scores(forward, x, edges, chunk=1 << 18):
    """Logits of all edges, in pieces where the network looks at each edge alone."""
    with torch.inference_mode():
        index = torch.from_numpy(edges).to(x.device)
        parts = [forward(x, index[:, first:first + chunk]) for first in range(0, max(index.shape[1], 1), chunk)]
        return torch.cat(parts).cpu().numpy()
