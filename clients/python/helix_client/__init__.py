"""Client of helixd: numpy in, numpy out.

    from helix_client import read_event, reconstruct
    answer = reconstruct("localhost:8001", read_event("event000000001"))
    answer.tracks["phi"], answer.tracks["hit"][answer.tracks["hit_offsets"][0]:answer.tracks["hit_offsets"][1]]

    for number, answer in reconstruct_stream("localhost:8001", map(read_event, prefixes)):
        ...                                             # in the order in which they are done

Lengths in mm, momenta in GeV, angles in rad. Run `clients/python/generate` once before the first import.
"""
from .client import Reconstruction, RequestFailed, reconstruct, reconstruct_stream
from .event import read_event

__all__ = ["Reconstruction", "RequestFailed", "read_event", "reconstruct", "reconstruct_stream"]
