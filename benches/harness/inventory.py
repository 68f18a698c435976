"""Inventories over /usr and /etc: one walk for setuid programs, file capabilities, files that all may
write and files of nobody, beside the commands that tell the same one by one."""

import shutil

from .measure import compare

PLACES = ["/usr", "/etc"]
RULES = """\
policy: bench-inventory
rules:
  - { id: usr, setuid: /usr, must: { shells: false } }
  - { id: etc, setuid: /etc, must: { only: [] } }
  - { id: usr-tree, tree: /usr, must: { world_writable: [] } }
  - { id: etc-tree, tree: /etc, must: { world_writable: [] } }
"""
CONTROL = """\
policy: bench-control
rules:
  - { id: root, root_executes: all, must: { controlled_only_by: [root, polkitd] } }
"""


def files():
    """How many there are."""
    import os

    return sum(len(names) + len(more) for place in PLACES for _, names, more in os.walk(place))


def run(spotcheck, folder, rounds):
    """Measurements of spotcheck and of those of the commands that are there."""
    inventory, control = folder / "inventory.yaml", folder / "control.yaml"
    inventory.write_text(RULES, encoding="utf-8")
    control.write_text(CONTROL, encoding="utf-8")
    commands = {
        "spotcheck, four inventories": [spotcheck, "check", str(inventory)],
        "`find -perm /6000`": ["find", *PLACES, "-type", "f", "-perm", "/6000"],
        "`find -perm -0002`": ["find", *PLACES, "!", "-type", "l", "-perm", "-0002"],
        "`find -nouser -o -nogroup`": ["find", *PLACES, "-nouser", "-o", "-nogroup"],
        "`getcap -r`": ["getcap", "-r", *PLACES],
        "`getfacl -R -s`": ["getfacl", "-R", "-s", "-p", *PLACES],
        "spotcheck, who controls all that root runs": [spotcheck, "check", str(control)],
    }
    there = {name: command for name, command in commands.items() if shutil.which(command[0])}
    return compare(there, rounds)
