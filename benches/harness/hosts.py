"""The hosts on which is measured: nginx as it should be, three ways of it going wrong, a crowd."""

import os
import shutil
import socket
import subprocess
import time

CONF = "/etc/nginx/nginx.conf"
PID_FILE = "/run/nginx/nginx.pid"
PORT = 8080
AS_NGINX = ["setpriv", "--reuid=nginx", "--regid=nginx", "--clear-groups", "--inh-caps=-all"]


def until(what, holds):
    """Waits until something holds, looking often and not for ever."""
    end = time.monotonic() + 30
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain until {what}")
        time.sleep(0.01)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start_nginx(port=PORT, as_root=False):
    with open(CONF, "w", encoding="ascii") as file:
        file.write(
            f"user nginx;\nworker_processes 2;\npid {PID_FILE};\nevents {{}}\n"
            f"http {{ access_log off; server {{ listen {port}; return 200 ok; }} }}\n"
        )
    shutil.chown(CONF, "nginx", "nginx")
    os.chmod(CONF, 0o640)
    subprocess.run(([] if as_root else AS_NGINX) + ["nginx"], check=True, stderr=subprocess.DEVNULL)
    until("nginx listens", lambda: listens(port))


def stop_nginx():
    with open(PID_FILE, encoding="ascii") as file:
        pid = int(file.read())
    os.kill(pid, 15)
    until("nginx has ended", lambda: not os.path.exists(f"/proc/{pid}"))


class Crowd:
    """Thousands of processes that sleep, and hold sockets: pairs of connected ones, and in every
    twentieth process two listening ones in place of a pair."""

    LISTENS = 20

    def __init__(self, processes, sockets):
        self.children = []
        self.sockets = self.listening = 0
        pairs = max(1, sockets // processes // 2)
        with socket.create_server(("127.0.0.1", 0), backlog=64) as meeting_point:
            for number in range(processes):
                listening = 2 if number % self.LISTENS == 0 else 0
                mine = [socket.create_server(("127.0.0.1", 0)) for _ in range(listening)]
                for _ in range(pairs - listening // 2):
                    client = socket.create_connection(meeting_point.getsockname())
                    mine += [client, meeting_point.accept()[0]]
                for one in mine:
                    one.set_inheritable(True)
                # A real small program, not a fork of this one, which would weigh megabytes.
                self.children.append(os.posix_spawn("/bin/sleep", ["sleep", "100000"], os.environ))
                for one in mine:
                    one.close()
                self.sockets += len(mine)
                self.listening += listening

    def end(self):
        for pid in self.children:
            os.kill(pid, 9)
        for pid in self.children:
            os.waitpid(pid, 0)
