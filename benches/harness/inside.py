"""Run on the stage (see stage.sh): first whether the answers are right, then what they cost."""

import grp
import json
import os
import pwd
import socket

from . import ROOT, WORK, control, hosts, inventory, ledger, many, measure, mixed, peers

SPOTCHECK = str(ROOT / "target/release/spotcheck")
POLICIES = ROOT / "benches/policies"
# Processes and sockets that an ordinary server has beside the service in question.
ORDINARY = (150, 600)


def check(policy):
    return [SPOTCHECK, "check", str(policy)]


def noticed(commands):
    """For each command: is it content with the healthy host, and which violation does it see? A
    fast answer counts for nothing if it is the wrong one."""
    seen = {name: {} for name in commands}

    def ask(state, expected_pass=False):
        for name, command in commands.items():
            seen[name][state] = (measure.exit_code(command) == 0) == expected_pass

    hosts.start_nginx()
    ask("healthy", expected_pass=True)
    os.chmod(hosts.CONF, 0o666)
    ask("mode")
    hosts.stop_nginx()
    hosts.start_nginx(as_root=True)
    ask("root")
    hosts.stop_nginx()
    hosts.start_nginx(port=hosts.PORT + 1)
    with socket.create_server(("0.0.0.0", hosts.PORT)):
        ask("port")
    hosts.stop_nginx()
    return seen


def main():
    plan = json.loads((WORK / "plan.json").read_text())
    rounds = plan["rounds"]
    user, group = pwd.getpwnam("nginx"), grp.getgrnam("nginx")
    trio = {"spotcheck": check(POLICIES / "trio.yaml")}
    trio |= peers.trio(plan["peers"], user.pw_uid, group.gr_gid)
    ss = {"`ss -ltnp`": ["ss", "-ltnp"]} if "shell" in plan["peers"] else {}
    results = {"noticed": noticed(trio), "plan": plan}

    hosts.start_nginx()
    results["trio"] = measure.compare(trio, rounds)

    rules = {}
    for count in (10, 500):
        policy = many.write(WORK / f"rules-{count}.yaml", count)
        rules[f"spotcheck, {count} rules"] = check(policy)
    results["rules"] = measure.compare(rules, rounds)
    neighbours = hosts.Crowd(*ORDINARY)
    results["rules_on_a_server"] = measure.compare(rules, rounds)
    results["ordinary"] = [len(neighbours.children), neighbours.sockets]
    neighbours.end()

    results["ledger"] = ledger.run(WORK / "ledger", rounds)

    policy, gossfile = WORK / "mixed.yaml", WORK / "mixed-goss.yaml"
    asked = mixed.write(policy, gossfile, 500)
    commands = {"spotcheck, 500 mixed rules": check(policy)}
    if "goss" in plan["peers"]:
        goss = [plan["peers"]["goss"], "--gossfile", str(gossfile), "--package", "dpkg"]
        commands[f"goss, {asked} resources"] = [*goss, "validate", "--no-color"]
    results["mixed"] = measure.compare(commands, max(5, rounds // 6))

    results["inventory"] = inventory.run(SPOTCHECK, WORK, max(3, rounds // 6))
    results["inventory_files"] = inventory.files()
    results["control"] = control.run(SPOTCHECK, WORK, max(5, rounds // 6))

    crowd = hosts.Crowd(plan["processes"], plan["sockets"])
    port = {"spotcheck, port rule": check(POLICIES / "port.yaml")} | ss
    port |= {f"{name}, trio": command for name, command in trio.items()}
    results["crowd"] = measure.compare(port, max(5, rounds // 3))
    results["crowd_size"] = [len(crowd.children), crowd.sockets, crowd.listening]
    crowd.end()
    (WORK / "results.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
