"""TrackML events with truth: hits, particles, and which hits follow each other on a particle's way."""
import dataclasses
import pathlib

import numpy as np


@dataclasses.dataclass
class Particles:
    """Rows by particle; row 0 stands for hits of no particle."""
    pt: np.ndarray
    eta: np.ndarray
    in_acceptance: np.ndarray  # charged, made near the beam line: who efficiency is asked for
    n_layers: np.ndarray  # distinct layers with hits


@dataclasses.dataclass
class Event:
    name: str
    xyz: np.ndarray  # [hits, 3] mm
    particle: np.ndarray  # [hits] row of particles, 0: none
    particles: Particles
    pairs: np.ndarray  # [pairs, 2] consecutive hits of a particle, in the order of its way

    @property
    def n_hits(self):
        return len(self.xyz)

    def pair_pt(self):
        return self.particles.pt[self.particle[self.pairs[:, 0]]]


def find_events(folders, limit=None):
    """Prefixes of all events in the folders, in order: FOLDER, or FOLDER:N for its first N."""
    prefixes = []
    for folder in folders:
        name, _, count = str(folder).partition(":")
        found = sorted(str(p).split("-hits.csv")[0] for p in pathlib.Path(name).glob("event*-hits.csv*"))
        if not found:
            raise SystemExit(f"error: {name}: holds no event*-hits.csv")
        prefixes += found[: int(count)] if count else found
    return prefixes[:limit]


def read_columns(prefix, kind, columns, dtype=np.float64):
    """The named columns of one file of an event, as a list of arrays."""
    for ending in (".csv", ".csv.gz"):
        path = f"{prefix}-{kind}{ending}"
        if not pathlib.Path(path).exists():
            continue
        header = np.loadtxt(path, dtype=str, max_rows=1, delimiter=",")
        missing = [c for c in columns if c not in header]
        if missing:
            raise SystemExit(f"error: {path}: has no column {', '.join(missing)}")
        places = [list(header).index(c) for c in columns]
        return np.loadtxt(path, dtype=dtype, delimiter=",", skiprows=1, usecols=places, ndmin=2).T
    raise SystemExit(f"error: {prefix}-{kind}.csv: is missing")


def read_event(prefix):
    hit_id, x, y, z, volume, layer = read_columns(prefix, "hits", ["hit_id", "x", "y", "z", "volume_id", "layer_id"])
    truth_hit, truth_particle, tx, ty, tz, tpx, tpy = read_columns(
        prefix, "truth", ["hit_id", "particle_id", "tx", "ty", "tz", "tpx", "tpy"])
    names, vx, vy, vz, px, py, pz, charge = read_columns(
        prefix, "particles", ["particle_id", "vx", "vy", "vz", "px", "py", "pz", "q"])
    row_of = {name: row + 1 for row, name in enumerate(names)}
    place = {hit: row for row, hit in enumerate(hit_id)}
    particle = np.zeros(len(hit_id), dtype=np.int64)
    at = np.array([place[hit] for hit in truth_hit], dtype=np.int64)
    particle[at] = [row_of.get(name, 0) for name in truth_particle]
    way = np.zeros((5, len(hit_id)))
    way[:, at] = tx, ty, tz, tpx, tpy
    none = lambda values: np.concatenate([[0.0], values])
    start = np.stack([none(vx), none(vy), none(vz), none(px), none(py)])
    layers = volume.astype(np.int64) * 1000 + layer.astype(np.int64)
    particles = describe_particles(none(px), none(py), none(pz), none(vx), none(vy), none(vz), none(charge), particle,
                                   layers)
    return Event(pathlib.Path(prefix).name, np.stack([x, y, z], axis=1).astype(np.float32), particle, particles,
                 follow(particle, way, start))


def describe_particles(px, py, pz, vx, vy, vz, charge, particle, layers):
    pt = np.hypot(px, py)
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = np.where(pt > 0, np.arcsinh(pz / np.maximum(pt, 1e-9)), 0.0)
    near = (charge != 0) & (np.hypot(vx, vy) < 20) & (np.abs(vz) < 300)
    near[0] = False
    pairs = np.unique(np.stack([particle, layers], axis=1), axis=0)
    n_layers = np.bincount(pairs[:, 0], minlength=len(pt))
    n_layers[0] = 0
    return Particles(pt.astype(np.float32), eta.astype(np.float32), near, n_layers)


def follow(particle, way, start):
    """Pairs of hits that follow each other: by distance from where the particle was made, or, where it has turned
    far in the field, by the angle that it has turned."""
    tx, ty, tz, tpx, tpy = way
    vx, vy, vz, px, py = start[:, particle]
    distance = np.sqrt((tx - vx) ** 2 + (ty - vy) ** 2 + (tz - vz) ** 2)
    turned = np.arctan2(px * tpy - py * tpx, px * tpx + py * tpy)
    order = np.lexsort((distance, particle))
    order = order[particle[order] > 0]
    pairs = []
    for hits in np.split(order, np.flatnonzero(np.diff(particle[order])) + 1):
        if len(hits) < 2:
            continue
        if np.abs(turned[hits]).max() > 1.0:
            angle = np.mod(turned[hits] * np.sign(turned[hits[0]]), 2 * np.pi)
            hits = hits[np.argsort(angle, kind="stable")]
        pairs.append(np.stack([hits[:-1], hits[1:]], axis=1))
    return np.concatenate(pairs) if pairs else np.zeros((0, 2), dtype=np.int64)


def load_events(prefixes, cache, progress):
    """Events, read once and then kept in the folder `cache`."""
    import hashlib
    import pickle
    cache.mkdir(parents=True, exist_ok=True)
    events = []
    for prefix in progress(prefixes, "events"):
        path = cache / (hashlib.sha256(str(pathlib.Path(prefix).resolve()).encode()).hexdigest()[:16] + ".event")
        if not path.exists():
            part = path.with_suffix(".part")
            part.write_bytes(pickle.dumps(read_event(prefix), protocol=4))
            part.rename(path)
        events.append(pickle.loads(path.read_bytes()))
    return events
