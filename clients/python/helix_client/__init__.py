"""Client of helixd: numpy in, numpy out.

    from helix_client import read_event, reconstruct
    answer = reconstruct("localhost:8001", read_event("event000000001"))
    answer.tracks["phi"], answer.tracks["hit"][answer.tracks["hit_offsets"][0]:answer.tracks["hit_offsets"][1]]

Lengths in mm, momenta in GeV, angles in rad. Run `clients/python/generate` once before the first import.
"""
from .client import Reconstruction, reconstruct
from .event import read_event

__all__ = ["Reconstruction", "read_event", "reconstruct"]
