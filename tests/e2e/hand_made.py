"""Peers made by hand: a probe that says what it likes to a real controller, a controller that does so to a real probe."""

import queue
import subprocess
import sys
import time
from concurrent import futures

from scene import FLEET_PORT, SOURCE


def messages(scene):
    """The generated modules (fleet, definition) of our own schema."""
    folder = scene.folder / "generated"
    if not folder.exists():
        folder.mkdir()
        names = [str(path.relative_to(SOURCE)) for path in sorted((SOURCE / "proto").glob("*.proto"))]
        subprocess.run(["protoc", f"-I{SOURCE}", f"--python_out={folder}", *names], check=True)
        sys.path.insert(0, str(folder))
    from proto import definition_pb2, fleet_pb2
    return fleet_pb2, definition_pb2


def read(scene, name):
    return (scene.certificates / name).read_bytes()


def slot_at(check_id, every_ms, index, count, now_ms):
    """The current slot of the grid as base/slot_grid.h tells it."""
    digest = 0xCBF29CE484222325
    for byte in check_id.encode():
        digest = ((digest ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return (now_ms - digest % every_ms - index * every_ms // count) // every_ms


class Probe:
    """Speaks the fleet protocol with a good certificate; the test decides what it says."""

    def __init__(self, scene, certificate):
        import grpc
        self.fleet, _ = messages(scene)
        credentials = grpc.ssl_channel_credentials(read(scene, "ca.crt"), read(scene, f"{certificate}.key"), read(scene, f"{certificate}.crt"))
        self.channel = grpc.secure_channel(f"controller.example:{FLEET_PORT}", credentials)
        call = self.channel.stream_stream("/parallax.proto.Fleet/Session", self.fleet.FromProbe.SerializeToString,
                                          self.fleet.FromController.FromString)
        self.outgoing = queue.Queue()
        self.incoming = call(iter(self.outgoing.get, None))
        self.heard = []
        futures.ThreadPoolExecutor(1).submit(self.listen)

    def listen(self):
        try:
            for message in self.incoming:
                self.heard.append(message)
        except Exception as end:
            self.heard.append(end)

    def hello(self):
        now = time.time_ns() // 1000
        hello = self.fleet.Hello(version="hand-made", spool_id=bytes(range(16)), first_sequence=1, next_sequence=1, clock_us=now,
                                 icmp="raw", check_types=["http", "tls", "ping"])
        self.outgoing.put(self.fleet.FromProbe(hello=hello))

    def all(self, kind):
        return [getattr(m, kind) for m in self.heard if hasattr(m, "WhichOneof") and m.WhichOneof("event") == kind]

    def assigned(self):
        return {c.check.id: c for assignment in self.all("assignment") for c in assignment.check}

    def ended(self):
        return [m for m in self.heard if isinstance(m, Exception)]

    def report(self, sequence, check, slot=None, number=None, **columns):
        """One result, up and ok, of an AssignedCheck; columns replace what is said."""
        now = time.time_ns()
        if slot is None:
            slot = slot_at(check.check.id, check.check.every_ms, check.location_index, check.location_count, now // 1_000_000)
        row = {"check_number": [number or check.number], "slot": [slot], "started_us": [now // 1000], "duration_ns": [1_000_000],
               "lateness_us": [10], "state": [1], "reason": [1], "phase": [0], "attempts": [1], "phase_count": [0], **columns}
        self.outgoing.put(self.fleet.FromProbe(batch=self.fleet.Batch(first_sequence=sequence, **row)))

    def close(self):
        self.outgoing.put(None)
        self.channel.close()


class Controller:
    """Accepts one real probe and gives it the assignment it was made with."""

    def __init__(self, scene, *checks):
        import grpc
        self.fleet, _ = messages(scene)
        self.checks = checks
        self.heard = []
        credentials = grpc.ssl_server_credentials([(read(scene, "controller.key"), read(scene, "controller.crt"))], read(scene, "ca.crt"), True)
        handler = grpc.stream_stream_rpc_method_handler(self.session, self.fleet.FromProbe.FromString, self.fleet.FromController.SerializeToString)
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("parallax.proto.Fleet", {"Session": handler}),))
        self.server.add_secure_port(f"0.0.0.0:{FLEET_PORT}", credentials)
        self.server.start()

    def session(self, incoming, context):
        answer = self.fleet.FromController
        for message in incoming:
            self.heard.append(message)
            event = message.WhichOneof("event")
            if event == "hello":
                yield answer(welcome=self.fleet.Welcome(fence=1, applied_sequence=0, window_bytes=262144, heartbeat_ms=10000,
                                                        clock_us=time.time_ns() // 1000, location="eu-1a", probe="probe-eu-1a"))
                yield answer(assignment=self.fleet.Assignment(revision="by hand", whole=True, complete=True, check=self.checks))
            if event == "batch":
                last = message.batch.first_sequence + len(message.batch.check_number) - 1
                yield answer(ack=self.fleet.Ack(applied_sequence=last))

    def results(self):
        """(check number, state, reason) of every result heard."""
        return [row for m in self.heard if m.WhichOneof("event") == "batch"
                for row in zip(m.batch.check_number, m.batch.state, m.batch.reason)]

    def close(self):
        self.server.stop(None)
