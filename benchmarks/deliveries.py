"""A delivery for the fault campaign: `tacit deliver` and the receiver that it sends to."""

import base64
import collections
import http.server
import json
import os
import re
import signal
import subprocess
import threading

from scenes import FIRST, SOCKET_CALLS, Scene

SENT_AT, AGAIN_AT = f"{FIRST}T12:00", f"{FIRST}T12:10"
SECRET = "whsec_" + base64.b64encode(b"made for trials, signs nothing..").decode()


class Receiver:
    """Takes posts and keeps what it took: (id, body), in their order."""

    def __init__(self):
        self.lock, self.posts, self.seen = threading.Lock(), [], 0
        self.before_reading = self.before_answer = self.after_answer = lambda number: None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                with outer.lock:
                    number, outer.seen = outer.seen, outer.seen + 1
                if outer.before_reading(number):
                    return self.close_connection_now()
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    return self.close_connection_now()  # Who sent died in the middle: no post.
                with outer.lock:
                    outer.posts.append((self.headers["webhook-id"], body))
                outer.before_answer(number)
                try:
                    self.send_response(200)
                    self.send_header("content-length", "0")
                    self.end_headers()
                    self.wfile.flush()
                except OSError:
                    pass  # Who sent is dead.
                outer.after_answer(number)

            def close_connection_now(self):
                self.close_connection = True
                self.connection.close()

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads, request_queue_size = True, 128

            def handle_error(self, *_):
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/tacit"

    def begin(self):
        """A new trial."""
        with self.lock:
            self.posts, self.seen = [], 0
        self.before_reading = self.before_answer = self.after_answer = lambda number: None


class DeliveryScene(Scene):
    """The posts of a night and of a few cases that were worked after it.

    The clock of a run is fixed, so that rows are the same in every trial but for the times of sending;
    the run after a fault comes ten minutes later, when nothing is held or put off any more.
    """

    allowed = {"sqlite": {69, 73, 74, 75}, "postgres": {69, 73, 74, 75}}
    is_exact = False  # A thread of the HTTP library speaks as well.
    environment = os.environ | {"TACIT_WEBHOOK_SECRET": SECRET}
    columns = {"outbox": ["case_id", "number", "url", "delivered_at IS NOT NULL",
                          "dead_at IS NOT NULL"]}

    def __init__(self, campaign, store, night):
        self.receiver, self.now = Receiver(), SENT_AT
        super().__init__(campaign, store, night)
        self.name = "deliver"
        assert not self.repeated()
        self.expected = dict(self.receiver.posts)
        assert len(self.expected) >= 8

    def prepare(self):
        path = self.begin / "tacit.toml"
        # Few cases, as every call of every post is a trial.
        path.write_text(re.sub("capacity_per_business_day = .*", "capacity_per_business_day = 2",
                               path.read_text())
                        + f'\n[webhooks]\nurls = ["{self.receiver.url}"]\n')
        self.settle(self.begin, self.template)
        self.must("nightly", "--as-of", FIRST, "--quiet")
        for number in range(3):
            by = ["--by", f"agent-{number}", "--now", f"{FIRST}T09:0{number}"]
            account = json.loads(self.must("queue", "claim", "--json", *by))["account_id"]
            self.must("queue", "act", account, "answered", "--verdict", "detractor", "--mode",
                      "phone", *by)
            if number:
                self.must("queue", "close", account, "declined", *by)

    def trial(self):
        self.receiver.begin()
        self.now = SENT_AT
        return super().trial()

    def command(self, threads=None):
        return [self.campaign.tacit, "deliver", "--now", self.now]

    def calls(self):
        return super().calls() + ([] if self.store == "postgres" else SOCKET_CALLS)

    def repeated(self):
        """How many posts arrived more than once."""
        return sum(count > 1 for count in collections.Counter(self.receiver.posts).values())

    def judge(self, trial):
        found = self.dump(trial)
        if {**found, "outbox": None} != {**self.before, "outbox": None}:
            return "OTHER ROWS"
        state = {str(self.before): "before", str(self.after): "after"}.get(str(found), "some")
        self.now = AGAIN_AT
        result = self.run(trial[0])
        if result.returncode != 0:
            return f"the next run failed: {result.stderr.strip()}"
        if self.dump(trial) != self.after:
            return "OTHER ROWS after the next run"
        if lost := self.expected.keys() - {name for name, _ in self.receiver.posts}:
            return f"{len(lost)} LOST"
        newest = {}
        for name, body in self.receiver.posts:
            if self.expected.get(name) != body:
                return "OTHER BYTES"
            case, number = map(int, re.fullmatch(r"msg_(\d+)_(\d+)", name).groups())
            if number > newest.get(case, 0) + 1:
                return "OUT OF ORDER"
            newest[case] = max(number, newest.get(case, 0))
        return state


def kill_sends(scene, most):
    """Kills the sender at every post: when it is taken and not answered, when it is answered; and breaks
    the connection before a post is read."""
    numbers = range(min(most, len(scene.expected)))
    for fault in ["kill when a post was taken", "kill when a post was answered",
                  "connection broken before a post was read"]:
        outcomes = []
        for number in numbers:
            trial = scene.trial()
            process = scene.start(trial[0])

            def kill(seen):
                if seen == number:
                    os.kill(process.pid, signal.SIGKILL)
                return seen == number
            if fault.endswith("taken"):
                scene.receiver.before_answer = kill
            elif fault.endswith("answered"):
                scene.receiver.after_answer = kill
            else:
                scene.receiver.before_reading = lambda seen: seen == number
            try:
                process.communicate(timeout=120)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                outcomes.append((f"post {number}", "DID NOT END"))
                continue
            status = process.returncode
            expected = {-signal.SIGKILL} if fault.startswith("kill") else {69}
            # Who is killed at the last answer may have been done.
            if fault.endswith("answered"):
                expected.add(0)
            outcome = scene.judge(trial) if status in expected else f"STATUS {status}"
            outcomes.append((f"post {number}", outcome))
            scene.drop(trial)
        yield f"{fault}, each of {len(numbers)}", outcomes
