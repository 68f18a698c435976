"""Policies of many rules: of ten rules seven ask about files, two about a service, one a port."""

import os

HEAD = """\
policy: bench-{count}-rules
title: {count} rules about files, a service and ports
services:
  nginx: {{ exe: /usr/sbin/nginx }}
rules:
"""
FILE = """\
  - id: file-{n}
    severity: high
    file: {path}
    must: {{ owner: root, mode: "o-w" }}
"""
SERVICE = """\
  - id: service-{n}
    severity: high
    service: nginx
    must: {{ run_as: nginx, never_root: true }}
"""
PORT = """\
  - id: port-{n}
    severity: high
    port: 8080/tcp
    must: {{ bound_by: nginx }}
"""


def write(path, count):
    """Writes a policy of `count` rules about different files of /usr/bin and the staged nginx."""
    entries = os.scandir("/usr/bin")
    files = sorted(entry.path for entry in entries if entry.is_file(follow_symlinks=False))
    kinds = [FILE] * 7 + [SERVICE] * 2 + [PORT]
    text = HEAD.format(count=count)
    for n in range(count):
        text += kinds[n % len(kinds)].format(n=n, path=files[n % len(files)])
    path.write_text(text, encoding="utf-8")
    return path
