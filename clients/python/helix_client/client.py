"""Hits in, tracks and vertices out: one call, or many events over one call."""
from dataclasses import dataclass, field

import grpc
import numpy as np

from helix.v1 import reconstruct_pb2, reconstruct_pb2_grpc

FLOATS = ("x", "y", "z", "var_u", "var_v", "size_u", "size_v", "charge", "local_u", "local_v")
NUMBERS = ("volume_id", "layer_id", "module_id")
COVARIANCE_SIZE = 15
OPTIONS = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


@dataclass
class Reconstruction:
    """tracks and vertices: columns as in proto/helix/v1/data.proto, covariance as [tracks, 15]; hit holds rows of the
    event's hits. provenance and time: what produced them, and where the time went (ns), time["stages"] by stage.
    counters: a dict an event."""
    tracks: dict
    vertices: dict
    provenance: dict = field(default_factory=dict)
    time: dict = field(default_factory=dict)
    counters: list = field(default_factory=list)

    def labels(self, event=0):
        """For each hit of an event its track, counted from 0 within the event; -1: none. Of several the first."""
        out = np.full(self.counters[event]["hits"], -1)
        first, last = self.tracks["event_offsets"][event:event + 2]
        for track in range(last - 1, first - 1, -1):
            begin, end = self.tracks["hit_offsets"][track:track + 2]
            out[self.tracks["hit"][begin:end]] = track - first
        return out


def encode(hits, beam_spot, to):
    """Fills the message Hits from columns by name; columns it has no place for are left out."""
    for name in FLOATS:
        if name in hits:
            getattr(to, name).extend(np.asarray(hits[name], np.float32).tolist())
    modules = NUMBERS if all(name in hits for name in NUMBERS) else ("module_index",)
    for name in modules:
        if name in hits:  # space points have no modules
            getattr(to, name).extend(np.asarray(hits[name]).tolist())
    if "event_offsets" in hits:
        to.event_offsets.extend(np.asarray(hits["event_offsets"]).tolist())
    if beam_spot is not None:
        for axis, column in zip("xyz", np.atleast_2d(np.asarray(beam_spot, np.float32)).T):
            getattr(to, "beam_" + axis).extend(column.tolist())


def decode(message):
    """Repeated fields of a message as numpy columns."""
    return {f.name: np.array(getattr(message, f.name), np.float32 if f.cpp_type == f.CPPTYPE_FLOAT else np.int64)
            for f in message.DESCRIPTOR.fields}


def scalars(message):
    return {f.name: getattr(message, f.name) for f in message.DESCRIPTOR.fields if f.message_type is None}


class RequestFailed(Exception):
    """Why one request of a stream has no answer: a grpc.StatusCode, and what the server says."""

    def __init__(self, code, details):
        super().__init__(f"{code.name}: {details}")
        self.code, self.details = code, details


def request_of(hits, pipeline, beam_spot, min_quality, request_id):
    request = reconstruct_pb2.ReconstructRequest(pipeline=pipeline, request_id=request_id)
    if min_quality is not None:
        request.min_quality = min_quality
    encode(hits, beam_spot, request.hits)
    return request


def reconstruction_of(answer):
    tracks = decode(answer.tracks)
    tracks["covariance"] = tracks["covariance"].reshape(-1, COVARIANCE_SIZE)
    times = {**scalars(answer.time), "stages": {stage.stage: stage.time for stage in answer.time.stages}}
    return Reconstruction(tracks, decode(answer.vertices), scalars(answer.provenance), times,
                          [scalars(event) for event in answer.counters])


def announced(pipeline):
    """Metadata that tell the server the pipeline ahead of the request, so that one that is full need not read it. A name
    that is no header's value is left to the request."""
    return (("helix-pipeline", pipeline),) if all("!" <= letter <= "~" for letter in pipeline) else ()


def reconstruct(server, hits, *, pipeline="patatrack", beam_spot=None, min_quality=None, request_id="", timeout=60.0):
    """Reconstructs hits on the server at HOST:PORT.

    hits       columns by name: x, y, z; for patatrack volume_id, layer_id, module_id or module_index; optional var_u, var_v,
               size_u, size_v, charge, local_u, local_v; event_offsets for several events end to end
    beam_spot  (x, y, z) or one row an event, mm; None: the server's setting
    raises     grpc.RpcError: code() and details() say what is wrong
    """
    request = request_of(hits, pipeline, beam_spot, min_quality, request_id)
    with grpc.insecure_channel(server, OPTIONS) as channel:
        stub = reconstruct_pb2_grpc.ReconstructionStub(channel)
        return reconstruction_of(stub.Reconstruct(request, timeout=timeout, metadata=announced(pipeline)))


def reconstruct_stream(server, events, *, pipeline="patatrack", beam_spot=None, min_quality=None, timeout=None):
    """Reconstructs many events over one call, with as many under way as the server takes; `events` is read no faster.

    events   hits as of reconstruct, any iterable
    yields   (number of the event, Reconstruction), in the order in which they are done; of one that fails (number,
             RequestFailed), while the others go on
    timeout  of the whole, seconds; None: none
    raises   grpc.RpcError where the call ends before all have their answers; what `events` raises
    """
    failure = []

    def requests():
        try:
            for number, hits in enumerate(events):
                yield request_of(hits, pipeline, beam_spot, min_quality, str(number))
        except Exception as error:
            failure.append(error)
            raise

    with grpc.insecure_channel(server, OPTIONS) as channel:
        answers = reconstruct_pb2_grpc.ReconstructionStub(channel).ReconstructStream(requests(), timeout=timeout)
        try:
            for answer in answers:
                if answer.HasField("error"):
                    code = next(c for c in grpc.StatusCode if c.value[0] == answer.error.code)
                    yield int(answer.request_id), RequestFailed(code, answer.error.message)
                else:
                    yield int(answer.request_id), reconstruction_of(answer)
        except grpc.RpcError:
            if failure:
                raise failure[0] from None
            raise
        finally:
            answers.cancel()
