//! The founding incident after a baseline: drift shows what the engineers found by hand, in words
//! that the postmortem can use, and after the repair nothing of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Output, Stage};
use insta::assert_snapshot;
use regex::Regex;
use serde_json::Value;

const POLICY: &str = "policy: shop
drift:
  paths: /etc
  classes: [file, settings, listener, service, account, group, sudo]
";

fn told(output: &Output) -> String {
    assert_eq!(output.stderr, "");
    let mut text = output.stdout.clone();
    for (pattern, to) in [
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "[time]"),
        (r"(?m)^spotcheck drift on .* · as ", "spotcheck drift on [host] · as "),
        (r"by root · [0-9a-f]{16}", "by root · [digest]"),
        (r"report [0-9a-f]{12}", "report [id]"),
        (r"\d+ files looked at, \d+ read \(.*\)", "[effort]"),
        (r"(?m)^explained: .*\n\n", ""),
        (r"default of nginx\S* [^)]*", "default of [nginx]"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, to).into_owned();
    }
    format!("{text}exited {}", output.status.unwrap())
}

#[test]
fn drift_shows_exactly_what_was_done_and_after_the_repair_nothing() {
    let Some(stage) = Stage::healthy() else { return };
    stage.write("/mnt/shop.yaml", POLICY);
    let made = stage.run(&["baseline", "create", "--baseline", "base", "--policy", "shop.yaml"]);
    assert_eq!(made.status, Some(0), "{made:?}");
    let drift = |more: &[&str]| stage.run(&[&["drift", "--baseline", "base"], more].concat());
    let before = drift(&[]);
    assert_eq!(before.status, Some(0), "{before:?}");
    stage.attack();
    let during = drift(&[]);
    if stage.has_units() {
        assert_snapshot!(told(&during), @r"
    spotcheck drift on [host] · as root · [time]
    since the baseline of [time] by root · [digest] · not signed

    UNEXPLAINED 5
      listener 0.0.0.0:8080/tcp removed
        exists  was executable /usr/sbin/nginx, unit nginx.service, user nginx
      listener [::]:8080/tcp added
        exists  executable /usr/sbin/apache2, unit apache2.service, user root, www-data
      service apache2.service added
        exists  executable /usr/sbin/apache2, user root, www-data
      service nginx.service removed
        exists  was executable /usr/sbin/nginx, user nginx
      file /etc/nginx/nginx.conf
        owner               nginx -> root
        group               nginx -> root
        mode                0640 -> 0000
        content             differs, in these settings [default changed] (differs from the default of [nginx])
        http.server.listen  8080 -> 8081 at line 13 [default changed]

    [effort]
    report [id] · exit 1
    exited 1
    ");
    }
    assert_eq!(during.status, Some(1), "{during:?}");
    let report: Value =
        serde_json::from_str(&drift(&["--format", "json"]).stdout).expect("a report");
    let changes = report["changes"].as_array().unwrap();
    let find = |class: &str, name: &str| {
        let is = |change: &&Value| change["class"] == class && change["name"] == name;
        changes.iter().find(is).unwrap_or_else(|| panic!("{class} {name}: {report:#}")).to_string()
    };
    let conf = find("file", "/etc/nginx/nginx.conf");
    for wanted in ["\"owner\"", "\"group\"", "\"0000\"", "http.server.listen", "\"8081\""] {
        assert!(conf.contains(wanted), "{wanted}: {conf}");
    }
    let counted = changes.iter().filter(|change| change["explanation"] == "unexplained");
    let classes: Vec<&str> =
        counted.map(|change| change["class"].as_str().unwrap()).filter(|c| *c == "file").collect();
    assert_eq!(classes.len(), 1, "nothing else of /etc: {report:#}");
    stage.repair();
    // The engineers' `chmod u+rwx` left another mode behind; the rest is as it was.
    let after = drift(&["--format", "json"]);
    let report: Value = serde_json::from_str(&after.stdout).expect("a report");
    let left: Vec<&Value> = report["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["explanation"] == "unexplained")
        .collect();
    assert_eq!(left.len(), 1, "{left:#?}");
    let deltas = left[0]["deltas"].as_array().unwrap();
    let what: Vec<&Value> =
        deltas.iter().filter(|d| d["explanation"] == "unexplained").map(|d| &d["after"]).collect();
    assert_eq!(what, ["0700"], "{left:#?}");
    stage.must("chmod 0640 /etc/nginx/nginx.conf");
    let repaired = drift(&[]);
    assert_eq!(repaired.status, Some(0), "{repaired:?}");
}
