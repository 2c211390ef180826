"""Whom Alertmanager tells: a web server that stands for pager, ticket system, chat and dead-man service, and keeps all."""

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Notification:
    at: float     # time.monotonic() when it came
    path: str     # which receiver: /on-call/shop, /new/services, /new/zones, /parallax, /chat-on-call, /chat-tickets
    body: dict    # Alertmanager's JSON as it came: version 4 of its webhook, or a chat message

    @property
    def alerts(self):
        """The alerts of a webhook's notification, each with status, labels and annotations; none in a chat message."""
        return self.body.get("alerts", [])

    @property
    def text(self):
        """The words of a chat message: its title and its text."""
        return "".join(f"{part.get('title', '')}\n{part.get('text', '')}" for part in self.body.get("attachments", []))


class Receiver:
    """Listens from construction until close(), in threads of its own. tell: called with each Notification, there."""

    def __init__(self, address="127.0.0.1", port=0, tell=lambda notification: None):
        self.notifications = []
        self.tell = tell
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                receiver.take(self.path, json.loads(body))
                try:
                    self.send_response(200)
                    self.send_header("Content-Length", "2")
                    self.end_headers()
                    self.wfile.write(b"ok")
                except ConnectionError:
                    pass  # Alertmanager was stopped meanwhile

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer((address, port), Handler)
        self.server.daemon_threads = True
        self.address = f"{address}:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path, body):
        notification = Notification(time.monotonic(), path, body)
        self.notifications.append(notification)
        self.tell(notification)

    def to(self, path):
        """What came for one receiver, or for several that share the beginning of their path, in order."""
        return [n for n in self.notifications if n.path.startswith(path)]

    def alerts(self, path, status="firing", **labels):
        """Every alert of that status told there that carries these labels, repetitions included."""
        return [alert for n in self.to(path) for alert in n.alerts
                if alert["status"] == status and labels.items() <= alert["labels"].items()]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
