"""TrackML event files as dicts of numpy columns."""
import csv
import gzip
import os

import numpy as np

INTEGERS = ("hit_id", "measurement_id", "volume_id", "layer_id", "module_id", "module_index")


def read_columns(path):
    """All columns of a numeric CSV (or path.gz) by name; `float64`, identifiers `int64`."""
    if not os.path.exists(path) and os.path.exists(path + ".gz"):
        path += ".gz"
    opened = gzip.open(path, "rt") if path.endswith(".gz") else open(path, newline="")
    with opened as f:
        rows = list(csv.reader(f))
    if not rows:
        raise ValueError(f"{path}: empty file")
    names = [name.strip() for name in rows[0]]
    for line, row in enumerate(rows[1:], 2):
        if len(row) != len(names):
            raise ValueError(f"{path}:{line}: {len(row)} fields, {len(names)} expected")
    columns = zip(*rows[1:]) if len(rows) > 1 else [()] * len(names)
    return {name: np.array(column, np.int64 if name in INTEGERS else np.float64)
            for name, column in zip(names, columns)}


def read_event(event):
    """Hits of EVENT-hits.csv, or of the file EVENT, as `reconstruct` takes them; hit_id is among the columns. In ACTS's
    files of space points that is measurement_id; these have no modules."""
    path = event if os.path.isfile(event) else event + "-hits.csv"
    hits = read_columns(path)
    if "hit_id" not in hits and "measurement_id" in hits:
        hits["hit_id"] = hits.pop("measurement_id")
    missing = [name for name in ("hit_id", "x", "y", "z") if name not in hits]
    if missing:
        raise ValueError(f"{path}: no column {', '.join(missing)}")
    return hits
