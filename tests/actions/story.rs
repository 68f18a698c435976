//! The whole story on a whole Debian with systemd: a healthy run, the incident, runs during it, the
//! repair by what spotcheck generated, a verified run, and the documents that are made of it.
//!
//! One variant is repaired by the script, one by the playbook; nobody else touches the host.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing)]

use crate::support::booted::{Booted, Hierarchy};
use crate::support::{Folder, Need, Output, needs, oscal};
use insta::assert_snapshot;
use regex::Regex;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

const POLICY: &str = include_str!("../../policies/nginx.yaml");
const PLACE: &str = "/etc/spotcheck/policies/nginx.yaml";

/// The web server of Spot's Spot: nginx as its own user on port 8080, by a unit of its own. It tells
/// systemd that it has started by going into the background, which it does once it has its port: so
/// `systemctl start` neither returns before nginx is there nor hides that it could not start.
const INSTALL: &str = r#"set -eu
hostname spots-spot
systemctl stop nginx
useradd --system --user-group --shell /usr/sbin/nologin nginx
cat > /etc/nginx/nginx.conf <<'END'
user nginx;
worker_processes 2;
pid /run/nginx/nginx.pid;
daemon on;

events {
    worker_connections 64;
}

http {
    access_log /var/log/nginx/access.log;

    server {
        listen 8080;
        location / {
            return 200 "Spot's Spot\n";
        }
    }
}
END
cat > /etc/systemd/system/nginx.service <<'END'
[Service]
Type=forking
PIDFile=/run/nginx/nginx.pid
ExecStart=/usr/sbin/nginx
User=nginx
Group=nginx
RuntimeDirectory=nginx
END
echo 'Listen 8080' > /etc/apache2/ports.conf
# So that what is done before it stops and after is told apart.
mkdir -p /etc/systemd/system/apache2.service.d
printf '[Service]\nExecStopPost=/bin/sleep 2\n' > /etc/systemd/system/apache2.service.d/slow.conf
rm -f /etc/apache2/sites-enabled/*
chown -R nginx:nginx /etc/nginx /var/log/nginx /var/lib/nginx
chmod 0640 /etc/nginx/nginx.conf
mkdir -p /etc/spotcheck/policies
systemctl daemon-reload
systemctl start nginx
"#;

/// What had made the attack possible: somebody started nginx by hand, as root.
const AS_ROOT: &str = "systemctl stop nginx; mkdir -p /run/nginx
systemd-run --quiet --unit by-hand -p Type=forking -p PIDFile=/run/nginx/nginx.pid /usr/sbin/nginx";

const ATTACK: &str = "systemctl stop by-hand
sed -i 's/listen 8080;/listen 8081;/' /etc/nginx/nginx.conf
chown root:root /etc/nginx/nginx.conf
chmod 0000 /etc/nginx/nginx.conf
sleep 2
systemctl start apache2";

struct Host(Booted);

impl Host {
    /// The incident, from before it to its middle, with a run at each stage.
    fn in_the_incident() -> Option<Self> {
        let host = Self(Booted::with_apache(Hierarchy::Inherited)?);
        host.must(INSTALL);
        host.0.write(PLACE, POLICY);
        host.until("ss -ltn | grep -q :8080");
        assert_eq!(host.run().status, Some(0), "{:?}", host.run());
        let before = host.0.sh("spotcheck postmortem --from 1h");
        assert_eq!(before.status, Some(3), "there is nothing to tell: {before:#?}");
        host.record("healthy");
        host.a_moment();
        host.must(AS_ROOT);
        host.until("ss -ltn | grep -q :8080");
        host.a_moment();
        assert_eq!(host.run().status, Some(1));
        host.record("as-root");
        host.a_moment();
        host.must(ATTACK);
        host.a_moment();
        assert_eq!(host.run().status, Some(1));
        host.record("during");
        Some(host)
    }

    fn must(&self, script: &str) -> String {
        let output = self.0.sh(script);
        assert_eq!(output.status, Some(0), "{script}\n{output:#?}");
        output.stdout
    }

    fn until(&self, script: &str) {
        let wait = format!("for n in $(seq 100); do {script} && exit 0; sleep 0.1; done; exit 1");
        self.must(&wait);
    }

    /// Times are told in seconds, and these are to tell before from after.
    fn a_moment(&self) {
        std::thread::sleep(Duration::from_millis(2100));
    }

    /// A run as cron makes it.
    fn run(&self) -> Output {
        self.0.sh(&format!("spotcheck check {PLACE} --track --changes-only"))
    }

    /// Records what the policy asks about.
    fn record(&self, name: &str) {
        self.must(&format!("spotcheck record --quiet -o /root/{name}.json.zst {PLACE}"));
    }

    fn export(&self, options: &str) -> String {
        self.must(&format!("spotcheck actions export {options}"))
    }
}

/// What differs from run to run made equal: times, pids, inodes and ids.
fn steady(text: &str) -> String {
    let equal = [
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "[time]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[time]"),
        (r"\d{4}-\d\d-\d\d", "[day]"),
        (r"run of \d\d:\d\d:\d\d", "run of [time]"),
        (r"\bpids? \d+(, \d+)*", "[pid]"),
        (r"process \d+", "process [pid]"),
        (r"inode \d+", "inode [inode]"),
        (r"\b\d+:\d{4,}\b", "[device:inode]"),
        (r"\b\d+ (second|minute)s?\b", "[seconds]"),
        (r"uid [1-9]\d*, gid [1-9]\d*", "uid [nginx], gid [nginx]"),
        (&format!(r"\b{}\b", regex::escape(env!("CARGO_PKG_VERSION"))), "[version]"),
    ];
    equal.iter().fold(text.to_owned(), |text, (pattern, with)| {
        Regex::new(pattern).unwrap().replace_all(&text, *with).into_owned()
    })
}

#[test]
fn repaired_by_the_script_it_is_told_as_it_was() {
    let Some(host) = Host::in_the_incident() else { return };
    assert_snapshot!(steady(&host.export("--format markdown")), @r#"
# Corrective measures

What the ledger says, made [time] UTC. A tick is an observation: what has one was seen to hold.

## PM-001: Spot's Spot web outage (policy nginx)

- [ ] **Run nginx with a less-privileged user** — 1 item not seen repaired yet
  - nginx-not-root does not apply on spots-spot since [time] UTC
  - [ ] **SC-1** service nginx: runs as user nginx, never as root, program files that are still in place (critical, repair, open since [day], owner web-team, due [day])
    - seen: spots-spot, service nginx, run\_as: nginx ([pid]); root ([pid]); expected user nginx (seen [time] UTC)
    - seen: spots-spot, service nginx, never\_root: nginx ([pid]); root ([pid]); expected no uid 0 in any thread (seen [time] UTC)
    - repair: `Set User=nginx and Group=nginx in a drop-in of nginx.service (systemctl edit nginx.service), then systemctl restart nginx.service`
    - prevent: Keep User= in a drop-in of nginx.service, so that no deploy can start it as root again.
    - verify: `spotcheck check /etc/spotcheck/policies/nginx.yaml --rule nginx-not-root`
- [ ] **Check default settings in files** — 2 violations
  - [ ] **SC-4** file /etc/nginx/nginx.conf: owner nginx, group nginx, mode u+rw,o-w, readable by nginx (high, repair, open since [day], owner web-team, due [day])
    - seen: spots-spot, file /etc/nginx/nginx.conf, owner: root; expected nginx (seen [time] UTC)
    - seen: spots-spot, file /etc/nginx/nginx.conf, group: root; expected nginx (seen [time] UTC)
    - seen: spots-spot, file /etc/nginx/nginx.conf, mode: 0000; expected u+rw,o-w (seen [time] UTC)
    - seen: spots-spot, file /etc/nginx/nginx.conf, readable\_by: nginx cannot: /etc/nginx/nginx.conf: other class has ---; expected readable by nginx (seen [time] UTC)
    - repair: `chown nginx:nginx /etc/nginx/nginx.conf`
    - repair: `chmod u+rw /etc/nginx/nginx.conf`
    - prevent: Deploy the file with its owner and mode (install -o nginx -g nginx -m 0640).
    - verify: `spotcheck check /etc/spotcheck/policies/nginx.yaml --rule nginx-conf-owned`
  - [ ] **SC-5** config /etc/nginx/nginx.conf: user nginx, http.server.listen 8080 (high, repair, open since [day], owner web-team, due [day])
    - seen: spots-spot, config /etc/nginx/nginx.conf, http.server.listen: listen 8081 (/etc/nginx/nginx.conf:14); expected 8080 (seen [time] UTC)
    - repair: `sed -i '14s|listen 8081|listen 8080|' /etc/nginx/nginx.conf`
    - prevent: Keep nginx.conf under version control and deploy it from there.
    - verify: `spotcheck check /etc/spotcheck/policies/nginx.yaml --rule nginx-settings`
- [ ] **Add a monitoring system** — 2 violations
  - [ ] **SC-2** service nginx: running (critical, repair, open since [day], owner web-team, due [day])
    - seen: spots-spot, service nginx, running: no process found by exe /usr/sbin/nginx; expected running (seen [time] UTC)
    - repair: `journalctl -u nginx.service -n 20 # why it stopped`
    - repair: `systemctl start nginx.service # once everything else here is repaired`
    - prevent: Set Restart=on-failure in a drop-in of nginx.service, and run this check from cron.
    - verify: `spotcheck check /etc/spotcheck/policies/nginx.yaml --rule nginx-running`
  - [ ] **SC-3** port 8080/tcp: held by nginx (critical, repair, open since [day], owner web-team, due [day])
    - seen: spots-spot, port 8080/tcp, bound\_by: \[::\]:8080/tcp held by apache2 (/usr/sbin/apache2; unit apache2.service; root: [pid]; www-data: [pid]; since [time] UTC); expected held by nginx (seen [time] UTC)
    - repair: `systemctl stop apache2.service`
    - repair: `systemctl start nginx.service`
    - prevent: Disable web servers that are not used (systemctl mask apache2.service).
    - verify: `spotcheck check /etc/spotcheck/policies/nginx.yaml --rule nginx-port`
"#);
    let during = host.must("spotcheck postmortem --from 1h");
    assert!(during.contains("**Not over**: 5 of 5 items are open"), "{during}");
    assert!(!during.contains("Seen to hold again"), "{during}");
    replayed_elsewhere_it_is_the_same(&host);
    exported(&host, "during", &["html", "csv", "json", "oscal-poam", "script", "ansible"]);
    let script = host.export("--format script");
    host.0.write("/root/repair.sh", &script);

    // Without --apply it shows and changes nothing.
    let shown = host.0.sh("sh /root/repair.sh");
    assert_eq!(shown.status, Some(1), "{shown:#?}");
    assert_snapshot!(steady(&shown.stdout), @r#"

== nginx-conf-owned (SC-4)
   would run: chown nginx:nginx /etc/nginx/nginx.conf
   would run: chmod u+rw /etc/nginx/nginx.conf

== nginx-settings (SC-5)
   would run: sed -i '14s|listen 8081|listen 8080|' /etc/nginx/nginx.conf

== nginx-port (SC-3)
   would run: systemctl stop apache2.service
   would run: systemctl start nginx.service

== nginx-not-root (SC-1)
   undecided, by hand: Set User=nginx and Group=nginx in a drop-in of nginx.service (systemctl edit nginx.service), then systemctl restart nginx.service

== nginx-running (SC-2)
   would run: journalctl -u nginx.service -n 20 # why it stopped
   would run: systemctl start nginx.service # once everything else here is repaired

== How it stands now
   violated   nginx-conf-owned (SC-4)
   violated   nginx-settings (SC-5)
   violated   nginx-port (SC-3)
   undecided  nginx-not-root (SC-1)
   violated   nginx-running (SC-2)
"#);
    assert_eq!(host.0.sh("sh /root/repair.sh --aply").status, Some(3));
    host.must("spotcheck actions ack SC-2 -m 'looking at it'");
    host.a_moment();
    let done = host.0.sh("sh /root/repair.sh --apply");
    assert_eq!(done.status, Some(0), "{done:#?}");
    assert_snapshot!(steady(&done.stdout), @r#"

== nginx-conf-owned (SC-4)
   running: chown nginx:nginx /etc/nginx/nginx.conf
   running: chmod u+rw /etc/nginx/nginx.conf

== nginx-settings (SC-5)
   running: sed -i '14s|listen 8081|listen 8080|' /etc/nginx/nginx.conf

== nginx-port (SC-3)
   running: systemctl stop apache2.service
   running: systemctl start nginx.service

== nginx-not-root (SC-1)
   holds, by hand: Set User=nginx and Group=nginx in a drop-in of nginx.service (systemctl edit nginx.service), then systemctl restart nginx.service

== nginx-running (SC-2)
   holds, not needed: journalctl -u nginx.service -n 20 # why it stopped
   holds, not needed: systemctl start nginx.service # once everything else here is repaired

== How it stands now
   holds      nginx-conf-owned (SC-4)
   holds      nginx-settings (SC-5)
   holds      nginx-port (SC-3)
   holds      nginx-not-root (SC-1)
   holds      nginx-running (SC-2)
"#);
    host.a_moment();
    let verified = host.run();
    assert_eq!(verified.status, Some(0), "{verified:#?}");
    let again = host.0.sh("sh /root/repair.sh --apply");
    assert!(again.status == Some(0) && !again.stdout.contains("running:"), "{again:#?}");

    assert_snapshot!(steady(&host.must("spotcheck postmortem --from 1h --service nginx")), @r#"
# Postmortem: nginx on spots-spot, [day]

## Issue Summary

Draft from what runs of spotcheck recorded and what was entered in its ledger from [time] +00:00 to [time] +00:00. What stands here was observed; what only people know is marked.

What was found on spots-spot, in the order in which it was seen:

- **nginx ran as nginx and root, had processes with the rights of root** (SC-1)
- **nginx was not running** (SC-2)
- **port 8080/tcp was held by apache2** (SC-3)
- **/etc/nginx/nginx.conf had owner root, group root, mode 0000, was not readable by nginx** (SC-4)
- **/etc/nginx/nginx.conf said listen 8081, expected 8080** (SC-5)

When, as far as the records say:

- **Began**: [time] +00:00, by the first trace
- **Detected**: [time] +00:00, [seconds] after the first trace
- **Last trace of repair**: [time] +00:00
- **Verified**: [time] +00:00, [seconds] after it began: all of it was seen to hold

## Impact

> _To be filled in: who noticed what, how many, for how long. The records know of hosts only._

## Timeline

All times are UTC.

| Time | What | Source |
| --- | --- | --- |
| [time] +00:00 | A run saw nginx-not-root hold for the last time | run of spotcheck on spots-spot |
| [time] +00:00 | **/usr/sbin/nginx was started as root in by-hand.service (SC-1)** | start time of process [pid], seen by the run of [time] UTC on spots-spot |
| [time] +00:00 | A run saw nginx-conf-owned, nginx-port, nginx-running, nginx-settings hold for the last time | run of spotcheck on spots-spot |
| [time] +00:00 | Seen by nginx-not-root: nginx ran as nginx and root, had processes with the rights of root (SC-1) | run of spotcheck on spots-spot |
| [time] +00:00 | **/etc/nginx/nginx.conf was changed; from then on uid 0, gid 0, mode 0000 (SC-4)** | ctime of inode [inode], seen by the run of [time] UTC on spots-spot |
| [time] +00:00 | **/usr/sbin/apache2 was started as root in apache2.service (SC-3)** | start time of process [pid], seen by the run of [time] UTC on spots-spot |
| [time] +00:00 | Seen by nginx-conf-owned: /etc/nginx/nginx.conf had owner root, group root, mode 0000, was not readable by nginx (SC-4) | run of spotcheck on spots-spot |
| [time] +00:00 | Seen by nginx-port: port 8080/tcp was held by apache2 (SC-3) | run of spotcheck on spots-spot |
| [time] +00:00 | Seen by nginx-running: nginx was not running (SC-2) | run of spotcheck on spots-spot |
| [time] +00:00 | Seen by nginx-settings: /etc/nginx/nginx.conf said listen 8081, expected 8080 (SC-5) | run of spotcheck on spots-spot |
| [time] +00:00 | Acknowledged: looking at it (SC-2) | entered in the ledger |
| [time] +00:00 | **/etc/nginx/nginx.conf was changed; from then on uid [nginx], gid [nginx], mode 0600 (SC-4)** | ctime of inode [inode], seen by the run of [time] UTC on spots-spot |
| [time] +00:00 | **/usr/sbin/nginx was started in nginx.service (SC-1, SC-2, SC-3)** | start time of process [pid], seen by the run of [time] UTC on spots-spot |
| [time] +00:00 | Seen to hold again: nginx-conf-owned, nginx-not-root, nginx-port, nginx-running, nginx-settings (SC-1, SC-2, SC-3, SC-4, SC-5) | run of spotcheck on spots-spot |

## Root Cause and Resolution

### What was found: nginx

- **nginx ran as nginx and root, had processes with the rights of root** (SC-1), first seen [time] +00:00
  - service nginx, run\_as: nginx ([pid]); root ([pid]); expected user nginx · never\_root: nginx ([pid]); root ([pid]); expected no uid 0 in any thread
  - A web server that runs as root hands the host to whoever breaks it.
- **nginx was not running** (SC-2), first seen [time] +00:00
  - service nginx, running: no process found by exe /usr/sbin/nginx; expected running
  - The site is down.
- **port 8080/tcp was held by apache2** (SC-3), first seen [time] +00:00
  - port 8080/tcp, bound\_by: \[::\]:8080/tcp held by apache2 (/usr/sbin/apache2; unit apache2.service; root: [pid]; www-data: [pid]; since [time] UTC); expected held by nginx
  - Whoever holds the port answers in the name of the site.
- **/etc/nginx/nginx.conf had owner root, group root, mode 0000, was not readable by nginx** (SC-4), first seen [time] +00:00
  - file /etc/nginx/nginx.conf, owner: root; expected nginx · group: root; expected nginx · mode: 0000; expected u+rw,o-w · readable\_by: nginx cannot: /etc/nginx/nginx.conf: other class has ---; expected readable by nginx
  - nginx cannot start with a configuration that it cannot read, and whoever can write it decides what nginx serves.
- **/etc/nginx/nginx.conf said listen 8081, expected 8080** (SC-5), first seen [time] +00:00
  - config /etc/nginx/nginx.conf, http.server.listen: listen 8081 (/etc/nginx/nginx.conf:14); expected 8080
  - With another port or user the site is unreachable, or runs with other rights.

What ties this together:

- While apache2 held port 8080/tcp, nginx could not bind it (SC-2, SC-3).
- While the user of nginx could not read /etc/nginx/nginx.conf, nginx could not start with it (SC-2, SC-4).
- nginx-conf-owned, nginx-settings speak of file /etc/nginx/nginx.conf.
- nginx-conf-owned, nginx-not-root, nginx-port, nginx-running, nginx-settings speak of service nginx.

> _To be filled in: what led to it: who or what could change these things, and why. The records show what was there and in which order, not that one thing caused another._

### Resolution

5 of 5 items were seen repaired.

What the traces show of the repair:

- [time] +00:00: /etc/nginx/nginx.conf was changed; from then on uid [nginx], gid [nginx], mode 0600 (SC-4); ctime of inode [inode], seen by the run of [time] UTC on spots-spot
- [time] +00:00: /usr/sbin/nginx was started in nginx.service (SC-1, SC-2, SC-3); start time of process [pid], seen by the run of [time] UTC on spots-spot

Steps that the items named:

- `chown nginx:nginx /etc/nginx/nginx.conf`
- `chmod u+rw /etc/nginx/nginx.conf`
- `sed -i '14s|listen 8081|listen 8080|' /etc/nginx/nginx.conf`
- `systemctl stop apache2.service`
- `systemctl start nginx.service`
- `Set User=nginx and Group=nginx in a drop-in of nginx.service (systemctl edit nginx.service), then systemctl restart nginx.service`
- `journalctl -u nginx.service -n 20 # why it stopped`
- `systemctl start nginx.service # once everything else here is repaired`

## Corrective and Preventative Measures

A tick is an observation: what has one was seen to hold.

### Promised before, in PM-001: Spot's Spot web outage

- [x] **Run nginx with a less-privileged user** — holds since [day], last seen [time] UTC
  - [x] **SC-1** service nginx: runs as user nginx, never as root, program files that are still in place (critical, repair, seen repaired [day], owner web-team)
    - prevent: Keep User= in a drop-in of nginx.service, so that no deploy can start it as root again.
    - verify: `spotcheck check /etc/spotcheck/policies/nginx.yaml --rule nginx-not-root`
- [x] **Check default settings in files** — holds since [day], last seen [time] UTC
  - [x] **SC-4** file /etc/nginx/nginx.conf: owner nginx, group nginx, mode u+rw,o-w, readable by nginx (high, repair, seen repaired [day], owner web-team)
    - prevent: Deploy the file with its owner and mode (install -o nginx -g nginx -m 0640).
    - verify: `spotcheck check /etc/spotcheck/policies/nginx.yaml --rule nginx-conf-owned`
  - [x] **SC-5** config /etc/nginx/nginx.conf: user nginx, http.server.listen 8080 (high, repair, seen repaired [day], owner web-team)
    - prevent: Keep nginx.conf under version control and deploy it from there.
    - verify: `spotcheck check /etc/spotcheck/policies/nginx.yaml --rule nginx-settings`
- [x] **Add a monitoring system** — holds since [day], last seen [time] UTC
  - [x] **SC-2** service nginx: running (critical, repair, seen repaired [day], owner web-team)
    - prevent: Set Restart=on-failure in a drop-in of nginx.service, and run this check from cron.
    - verify: `spotcheck check /etc/spotcheck/policies/nginx.yaml --rule nginx-running`
  - [x] **SC-3** port 8080/tcp: held by nginx (critical, repair, seen repaired [day], owner web-team)
    - prevent: Disable web servers that are not used (systemctl mask apache2.service).
    - verify: `spotcheck check /etc/spotcheck/policies/nginx.yaml --rule nginx-port`

> _To be filled in: further measures. Each that becomes a rule with \`measure:\` is watched from then on._

## What went well

> _To be filled in: what went well, and where you were lucky._
"#);
    assert_snapshot!(steady(&host.must(&format!("spotcheck measures {PLACE}"))), @r#"
PM-001: Spot's Spot web outage (policy nginx)
  1. Run nginx with a less-privileged user: holds since [day], last seen [time] UTC
     nginx-not-root
       holds on spots-spot since [time] UTC, seen [time] UTC
  2. Check default settings in files: holds since [day], last seen [time] UTC
     nginx-conf-owned
       holds on spots-spot since [time] UTC, seen [time] UTC
     nginx-settings
       holds on spots-spot since [time] UTC, seen [time] UTC
  3. Add a monitoring system: holds since [day], last seen [time] UTC
     nginx-running
       holds on spots-spot since [time] UTC, seen [time] UTC
     nginx-port
       holds on spots-spot since [time] UTC, seen [time] UTC

3 measures: 3 covered, 3 hold · exit 0
"#);
    let html = host.must("spotcheck postmortem --from 1h --service nginx --format html");
    assert_snapshot!("postmortem_html", steady(&html));
    let run = host.must(&format!("spotcheck check {PLACE} --no-track --format checklist"));
    assert_snapshot!("run_checklist", steady(&run));
    exported(&host, "after", &["markdown", "html", "csv", "json", "oscal-poam"]);
}

/// What the ledger exports, whole: `tests/actions/snapshots/*story__*`.
fn exported(host: &Host, when: &str, formats: &[&str]) {
    for format in formats {
        let text = host.export(&format!("--all --format {format}"));
        match *format {
            // Five items, and a line for the names of the columns.
            "csv" => assert_eq!(text.matches("\r\n").count(), 6, "{text}"),
            "oscal-poam" => {
                let plan: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(oscal::problems(&plan), [""; 0]);
            }
            _ => {}
        }
        let text = if *format == "json" { steady_json(&text) } else { text };
        assert_snapshot!(format!("{when}_{format}"), steady(&text));
    }
}

/// The numbers of processes, inodes and moments made equal, and however many workers one.
fn steady_json(text: &str) -> String {
    fn walk(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(walk),
            Value::Object(fields) => {
                for (key, value) in fields {
                    walk(value);
                    match (key.as_str(), value) {
                        ("pid" | "inode" | "device" | "started" | "changed", value) => {
                            *value = format!("[{key}]").into();
                        }
                        ("seen", Value::Array(seen)) => seen.dedup(),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    let mut document = serde_json::from_str(text).unwrap();
    walk(&mut document);
    format!("{document:#}")
}

/// The recording made during the incident says the same to an ordinary user elsewhere, and each rule
/// of the policy would have caught the incident and is silent on the healthy host.
fn replayed_elsewhere_it_is_the_same(host: &Host) {
    let elsewhere = Folder::with(POLICY);
    for name in ["healthy", "as-root", "during"] {
        let name = format!("{name}.json.zst");
        elsewhere.write(&name, std::fs::read(host.0.outside(&format!("/root/{name}"))).unwrap());
    }
    let live = host.0.sh(&format!("spotcheck check {PLACE} --no-track --format json"));
    let replay = ["check", "policy.yaml", "--recording", "during.json.zst", "--format", "json"];
    let there = elsewhere.run_as(65534, &replay);
    let findings = |output: &Output| -> Vec<Value> {
        let report: Value = serde_json::from_str(&output.stdout).expect("a report");
        let mut findings = report["findings"].as_array().unwrap().clone();
        for finding in &mut findings {
            // Where the policy lies is another matter.
            let fields = finding.as_object_mut().unwrap();
            fields.remove("verify");
            fields.remove("asked_by");
        }
        findings
    };
    assert_eq!(findings(&there), findings(&live));
    assert_eq!((there.status, live.status), (Some(1), Some(1)));
    let backtest = elsewhere.run(&[
        "backtest",
        "policy.yaml",
        "--every-rule",
        "--bad",
        "as-root.json.zst",
        "--bad",
        "during.json.zst",
        "--good",
        "healthy.json.zst",
    ]);
    assert_eq!(backtest.status, Some(0), "{backtest:#?}");
    assert_eq!(backtest.stdout.matches("would have caught 1 of 2").count(), 5, "{backtest:#?}");
    assert_eq!(backtest.stdout.matches("false alarms 0 of 1").count(), 5, "{backtest:#?}");
}

#[test]
fn repaired_by_the_playbook_it_holds_and_a_second_play_changes_nothing() {
    if !needs(&[Need::Command("ansible-playbook")]) {
        return;
    }
    let Some(host) = Host::in_the_incident() else { return };
    let folder = tempfile::tempdir().unwrap();
    let playbook = folder.path().join("repair.yml");
    std::fs::write(&playbook, host.export("--format ansible")).unwrap();
    // Ansible's shell is one inside the container; what it pipes into it needs no files there.
    let shell = folder.path().join("shell");
    let enter = format!("#!/bin/sh\nexec nsenter --target {} --all sh \"$@\"\n", host.0.leader());
    std::fs::write(&shell, enter).unwrap();
    std::fs::set_permissions(&shell, std::fs::Permissions::from_mode(0o755)).unwrap();
    // Ansible says its name again inside.
    let name = shell.display();
    host.must(&format!("mkdir -p $(dirname {name}) && ln -s /bin/sh {name}"));
    let play = |options: &[&str]| {
        let output = Command::new("ansible-playbook")
            .args([
                "-i",
                "spots-spot,",
                "-c",
                "local",
                "-e",
                "ansible_python_interpreter=/usr/bin/python3 ansible_become=false",
            ])
            .args(options)
            .arg(&playbook)
            .env("ANSIBLE_EXECUTABLE", &shell)
            .env("ANSIBLE_PIPELINING", "1")
            .env("ANSIBLE_LOCALHOST_WARNING", "0")
            .env("ANSIBLE_NOCOLOR", "1")
            .env("ANSIBLE_LOCAL_TEMP", folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let recap = text.lines().rfind(|line| line.contains("changed="));
        let recap = recap.unwrap_or_default().to_owned();
        (output.status.code(), recap, text + &String::from_utf8_lossy(&output.stderr))
    };
    assert_eq!(play(&["--syntax-check"]).0, Some(0));
    let (code, recap, all) = play(&[]);
    assert_eq!(code, Some(0), "{all}");
    assert!(recap.contains("changed=5") && recap.contains("failed=0"), "{all}");
    host.a_moment();
    let verified = host.run();
    assert_eq!(verified.status, Some(0), "{verified:#?}\n{all}");
    assert_eq!(verified.stdout.matches("\nresolved").count(), 5, "{verified:#?}");
    let (code, recap, all) = play(&[]);
    assert_eq!(code, Some(0), "{all}");
    assert!(recap.contains("changed=0") && recap.contains("failed=0"), "{all}");
}
