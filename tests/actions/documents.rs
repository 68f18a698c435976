//! What the ledger knows becomes documents: checklists, tables, scripts, playbooks, plans of action and
//! drafts of postmortems. Names of files are hostile here; `story.rs` has the incident itself.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing)]

use crate::support::{Folder, Need, Output, needs, oscal};
use insta::assert_snapshot;
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Names that would be markup, a formula, a template or a command where nobody takes care.
const NAMES: [&str; 5] =
    ["=HYPERLINK(x)", "{{ 1234*1234 }}{% x %}", "<script>alert(1)", "a|b`id`$(id)", "it's\n* x"];

const POLICY: &str = "
policy: web
owner: '@web-team'
postmortem:
  id: PM-7
  title: The <leak>
  measures: [Keep files private, Tell nobody, Own what you serve]
rules:
  - id: private
    severity: high
    measure: 1
    file: 'FOLDER/files/*'
    must: { mode: '0600' }
    why: They hold passwords.
    preventive: Deploy them so.
  - id: plain
    file: 'FOLDER/plain'
    must: { mode: '0600' }
    corrective: [Ask the owner of the file, kill 4711, 'chmod 0600 FOLDER/plain']
  - id: ours
    measure: 3
    file: 'FOLDER/policy.yaml'
    must: { exists: true }
";

struct Place(Folder);

impl Place {
    /// A folder with a ledger, after one run.
    fn new() -> Self {
        let place = Self(Folder::new());
        let policy = POLICY.replace("FOLDER", place.0.text("").trim_end_matches('/'));
        place.0.write("policy.yaml", policy);
        for name in NAMES {
            place.0.write(&format!("files/{name}"), "");
            place.mode(&format!("files/{name}"), 0o644);
        }
        place.0.write("plain", "");
        place.mode("plain", 0o644);
        assert_eq!(place.check(&["--quiet"]).status, Some(1));
        place
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.0.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn check(&self, options: &[&str]) -> Output {
        self.0.run(&[&["check", "policy.yaml", "--ledger", "l.db"], options].concat())
    }

    fn must(&self, args: &[&str]) -> String {
        let output = self.0.run(args);
        assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""), "{args:?}");
        output.stdout
    }

    fn export(&self, options: &[&str]) -> String {
        self.must(&[&["actions", "--ledger", "l.db", "export", "--format"], options].concat())
    }

    fn postmortem(&self, options: &[&str]) -> Output {
        self.0.run(&[&["postmortem", "--ledger", "l.db"], options].concat())
    }

    /// Runs the script of corrective steps.
    fn script(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = Command::new("sh")
            .arg(self.0.path("repair.sh"))
            .args(args)
            .env("PATH", path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), text + &String::from_utf8_lossy(&output.stderr))
    }

    /// What differs from run to run and from machine to machine made equal.
    fn steady(&self, text: &str) -> String {
        let host = nix::unistd::gethostname().unwrap().into_string().unwrap();
        let text = text.replace(self.0.text("").trim_end_matches('/'), "/srv");
        let equal = [
            (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ?", "[time]"),
            (r"\d{4}-\d\d-\d\d", "[day]"),
            (r"run of \d\d:\d\d:\d\d", "run of [time]"),
            (r"inode \d+", "inode [inode]"),
            (r"uid \d+, gid \d+", "uid [uid], gid [gid]"),
            (r"\b\d+ seconds?\b", "[seconds]"),
            (r#""[0-9a-f]{16}""#, "\"[fingerprint]\""),
            (&format!(r"\b{}\b", regex::escape(&host)), "[host]"),
        ];
        equal.iter().fold(text, |text, (pattern, with)| {
            Regex::new(pattern).unwrap().replace_all(&text, *with).into_owned()
        })
    }
}

/// A search path in which `spotcheck` is the program under test.
fn path() -> String {
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_spotcheck")).parent().unwrap();
    format!("{}:{}", binary.display(), std::env::var("PATH").unwrap())
}

#[test]
fn a_checklist_stands_under_the_measures_and_ticks_what_was_seen() {
    let place = Place::new();
    for name in &NAMES[1..] {
        place.mode(&format!("files/{name}"), 0o600);
    }
    place.check(&["--quiet"]);
    assert_snapshot!(place.steady(&place.export(&["markdown", "--all"])), @r#"
# Corrective measures

What the ledger says, made [time] UTC. A tick is an observation: what has one was seen to hold.

## PM-7: The &lt;leak&gt; (policy web)

- [ ] **Keep files private** — 1 violation
  - [x] **SC-1** file /srv/files/&lt;script&gt;alert(1): mode 0600 (high, repair, seen repaired [day], owner &#64;web-team)
    - prevent: Deploy them so.
    - verify: `spotcheck check /srv/policy.yaml --rule private`
  - [ ] **SC-2** file /srv/files/=HYPERLINK(x): mode 0600 (high, repair, open since [day], owner &#64;web-team, due [day])
    - seen: [host], file /srv/files/=HYPERLINK(x), mode: 0644; expected 0600 (seen [time] UTC)
    - repair: `chmod 0600 '/srv/files/=HYPERLINK(x)'`
    - prevent: Deploy them so.
    - verify: `spotcheck check /srv/policy.yaml --rule private`
  - [x] **SC-3** file /srv/files/a\|b\`id\`$(id): mode 0600 (high, repair, seen repaired [day], owner &#64;web-team)
    - prevent: Deploy them so.
    - verify: `spotcheck check /srv/policy.yaml --rule private`
  - [x] **SC-4** file /srv/files/it's\\n\* x: mode 0600 (high, repair, seen repaired [day], owner &#64;web-team)
    - prevent: Deploy them so.
    - verify: `spotcheck check /srv/policy.yaml --rule private`
  - [x] **SC-5** file /srv/files/{{ 1234\*1234 }}{% x %}: mode 0600 (high, repair, seen repaired [day], owner &#64;web-team)
    - prevent: Deploy them so.
    - verify: `spotcheck check /srv/policy.yaml --rule private`
- [ ] **Tell nobody** — not covered: no rule serves it
- [x] **Own what you serve** — holds since [day], last seen [time] UTC

## Work that serves no measure

- [ ] **SC-6** file /srv/plain: mode 0600 (medium, repair, open since [day], owner &#64;web-team, due [day])
  - seen: [host], file /srv/plain, mode: 0644; expected 0600 (seen [time] UTC)
  - repair: `Ask the owner of the file`
  - repair: `kill 4711`
  - repair: `chmod 0600 /srv/plain`
  - verify: `spotcheck check /srv/policy.yaml --rule plain`
"#);
    // Of what is to be done only; the measures stay.
    let todo = place.export(&["markdown"]);
    assert_eq!(todo.matches("- [ ] **SC-").count(), 2, "{todo}");
    assert_eq!(todo.matches("- [x] **SC-").count(), 0, "{todo}");
    assert!(todo.contains("**Tell nobody** — not covered"), "{todo}");
    place.mode(&format!("files/{}", NAMES[0]), 0o600);
    place.check(&["--quiet"]);
    let done = place.export(&["markdown"]);
    assert!(done.contains("- [x] **Keep files private** — holds since "), "{done}");
}

#[test]
fn without_a_ledger_a_run_has_its_checklist_too() {
    let place = Place::new();
    place.mode("plain", 0o600);
    for name in &NAMES[1..] {
        place.mode(&format!("files/{name}"), 0o600);
    }
    let args = ["check", "policy.yaml", "--no-track", "--format", "checklist"];
    assert_snapshot!(place.steady(&place.0.run(&args).stdout), @r#"
# Corrective measures

What was seen on [host], made [time] UTC. A tick is an observation: what has one was seen to hold.

## PM-7: The &lt;leak&gt; (policy web)

- [ ] **Keep files private** — 1 violation
  - [ ] file /srv/files/=HYPERLINK(x): mode 0600 (high, repair, violated, owner &#64;web-team)
    - seen: file /srv/files/=HYPERLINK(x), mode: 0644; expected 0600
    - repair: `chmod 0600 '/srv/files/=HYPERLINK(x)'`
    - prevent: Deploy them so.
    - verify: `spotcheck check policy.yaml --rule private`
- [ ] **Tell nobody** — not covered: no rule serves it
- [x] **Own what you serve** — holds, seen [time] UTC
"#);
    // What was not evaluated is not ticked.
    let part = place.0.run(&[&args[..], &["--rule", "private"]].concat()).stdout;
    assert!(part.contains("- [ ] **Own what you serve** — 1 rule not evaluated"), "{part}");
}

#[test]
fn the_page_holds_nothing_that_is_fetched_or_executed() {
    let place = Place::new();
    let tags = Regex::new(r"<(/?)([a-z0-9]+)[^>]*>").unwrap();
    for page in
        [place.export(&["html"]), place.postmortem(&["--from", "1h", "--format", "html"]).stdout]
    {
        assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
        for foreign in ["<script", "<img", "<link", "src=", "href=", "http:", "https:", "@import"] {
            assert!(!page.contains(foreign), "{foreign} in {page}");
        }
        // Every element that is opened is closed, in order.
        let mut open = Vec::new();
        for tag in tags.captures_iter(&page) {
            match (&tag[1], &tag[2]) {
                (_, "meta") => {}
                ("/", name) => assert_eq!(open.pop().as_deref(), Some(name), "{page}"),
                (_, name) => open.push(name.to_owned()),
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }
}

#[test]
fn no_cell_of_the_table_is_a_formula() {
    let place = Place::new();
    let table = place.export(&["csv"]);
    assert_eq!(table.matches("\r\n").count(), 1 + NAMES.len() + 1, "a line for each item");
    assert!(table.contains("\"'@web-team\""), "{table}");
    let formula = Regex::new(r#"(^|",)"\s*[=+@-]"#).unwrap();
    for line in table.lines() {
        assert!(line.starts_with('"') && line.ends_with('"'), "{line}");
        assert!(!formula.is_match(line), "{line}");
    }
    let header = table.lines().next().unwrap();
    assert_snapshot!(header, @r#""id","fingerprint","state","since","severity","type","title","owner","due","overdue","waived until","policy","rule","subject kind","subject","conditions","postmortem","measures","hosts violated","first seen","last seen","reopenings","evidence","corrective","preventive","verify""#);
}

#[test]
fn the_script_is_clean_shows_by_default_and_repairs_when_told_to() {
    let place = Place::new();
    fs::write(place.0.path("repair.sh"), place.export(&["script"])).unwrap();
    if needs(&[Need::Command("shellcheck")]) {
        let output = Command::new("shellcheck").arg(place.0.path("repair.sh")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let run = |args: &[&str]| place.script(args);
    let (code, shown) = run(&[]);
    assert_eq!(code, Some(1));
    assert_snapshot!(place.steady(&shown), @r#"

== private (SC-1, SC-2, SC-3, SC-4, SC-5)
   would run: chmod 0600 '/srv/files/<script>alert(1)'
   would run: chmod 0600 '/srv/files/=HYPERLINK(x)'
   would run: chmod 0600 '/srv/files/a|b`id`$(id)'
   by hand (not every shell reads it as it is meant): chmod 0600 $'/srv/files/it\'s\012* x'
   would run: chmod 0600 '/srv/files/{{ 1234*1234 }}{% x %}'

== plain (SC-6)
   by hand (it is no command that can be told from a sentence): Ask the owner of the file
   by hand (process ids are of the moment in which they were seen): kill 4711
   would run: chmod 0600 /srv/plain

== How it stands now
   violated   private (SC-1, SC-2, SC-3, SC-4, SC-5)
   violated   plain (SC-6)
"#);
    let modes = || {
        let mode = |name: &str| {
            fs::metadata(place.0.path(&format!("files/{name}"))).unwrap().permissions().mode()
        };
        NAMES.map(|name| mode(name) & 0o777)
    };
    assert_eq!(modes(), [0o644; 5], "nothing is changed without --apply");
    let (code, done) = run(&["--apply"]);
    // The name with a line feed cannot be said in a POSIX shell: that file is left to a person.
    assert_eq!((code, modes()), (Some(1), [0o600, 0o600, 0o600, 0o600, 0o644]), "{done}");
    place.mode(&format!("files/{}", NAMES[4]), 0o600);
    let (code, again) = run(&["--apply"]);
    assert_eq!(code, Some(0), "{again}");
    assert!(!again.contains("running:"), "{again}");
    assert_eq!(run(&["--help"]).0, Some(3));
}

#[test]
fn a_script_does_nothing_where_the_rule_cannot_be_decided() {
    let place = Place::new();
    let script = place.export(&["script"]).replace("/policy.yaml", "/moved.yaml");
    fs::write(place.0.path("repair.sh"), script).unwrap();
    let (code, told) = place.script(&["--apply"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(!told.contains("running:"), "{told}");
    let mode = fs::metadata(place.0.path("plain")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o644);
}

#[test]
fn the_playbook_is_one_and_holds_no_template_but_its_own() {
    let place = Place::new();
    let playbook = place.export(&["ansible"]);
    fs::write(place.0.path("repair.yml"), &playbook).unwrap();
    if !needs(&[Need::Command("ansible-playbook")]) {
        return;
    }
    let play = |options: &[&str]| {
        let output = Command::new("ansible-playbook")
            .args(["-i", "localhost,", "-c", "local", "-e", "target=all ansible_become=false"])
            .args(options)
            .arg(place.0.path("repair.yml"))
            .env("PATH", path())
            .env("ANSIBLE_NOCOLOR", "1")
            .env("ANSIBLE_LOCAL_TEMP", place.0.path("tmp"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), text + &String::from_utf8_lossy(&output.stderr))
    };
    assert_eq!(play(&["--syntax-check"]).0, Some(0), "{playbook}");
    let (_, told) = play(&[]);
    for name in &NAMES[..4] {
        let mode = fs::metadata(place.0.path(&format!("files/{name}"))).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600, "{name}\n{told}");
    }
    assert!(!told.contains("1522756"), "a name was taken for a template: {told}");
    // What was left to a person was done by one: everything holds, and nothing is changed again.
    place.mode(&format!("files/{}", NAMES[4]), 0o600);
    let (code, told) = play(&[]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("changed=0"), "{told}");
}

#[test]
fn the_plan_of_action_is_valid_and_keeps_its_identifiers() {
    let place = Place::new();
    let plan = |options: &[&str]| -> Value {
        let options = [&["oscal-poam", "--system", "shop"], options].concat();
        serde_json::from_str(&place.export(&options)).unwrap()
    };
    let first = plan(&["--all"]);
    assert_eq!(oscal::problems(&first), [""; 0]);
    place.must(&["actions", "--ledger", "l.db", "ack", "SC-1", "-m", "on it"]);
    for name in NAMES {
        place.mode(&format!("files/{name}"), 0o600);
    }
    place.check(&["--quiet"]);
    let second = plan(&["--all"]);
    assert_eq!(oscal::problems(&second), [""; 0]);
    let root = |plan: &Value| plan["plan-of-action-and-milestones"].clone();
    let (first, second) = (root(&first), root(&second));
    assert_eq!(first["uuid"], second["uuid"]);
    for part in ["poam-items", "risks", "observations"] {
        let ids = |plan: &Value| -> BTreeSet<String> {
            let all = plan[part].as_array().unwrap().iter();
            all.map(|one| one["uuid"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(ids(&first), ids(&second), "{part}");
    }
    let closed = second["risks"].as_array().unwrap().iter().filter(|one| one["status"] == "closed");
    assert_eq!(closed.count(), NAMES.len());
    // Elsewhere, and in another ledger, the same item has the same identifier.
    assert!(first["poam-items"][0]["uuid"].as_str().unwrap().as_bytes()[14] == b'5');
    let empty = place.0.run(&[
        "actions",
        "--ledger",
        "l.db",
        "export",
        "--format",
        "oscal-poam",
        "--owner",
        "nobody",
    ]);
    assert_eq!(empty.status, Some(3));
    assert!(empty.stderr.contains("OSCAL has no empty plan of action"), "{}", empty.stderr);
}

/// Two UUIDs that are well-formed and nobody's.
const NOBODYS: [&str; 2] =
    ["00000000-0000-4000-8000-000000000000", "00000000-0000-5000-8000-000000000000"];

#[test]
fn a_plan_that_is_not_valid_would_be_found_out() {
    let place = Place::new();
    place.must(&["actions", "--ledger", "l.db", "ack", "SC-1", "-m", "on it"]);
    let plan: Value =
        serde_json::from_str(&place.export(&["oscal-poam", "--system", "shop"])).unwrap();
    assert!(oscal::problems(&plan).is_empty(), "{:#?}", oscal::problems(&plan));
    let with = |at: &str, value: Option<Value>| -> String {
        let mut plan = plan.clone();
        let (above, key) = at.rsplit_once('/').unwrap();
        let above = format!("/plan-of-action-and-milestones{above}");
        let fields = plan.pointer_mut(&above).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => {
                fields.insert(key.to_owned(), value);
            }
            None => {
                fields.remove(key).unwrap();
            }
        }
        let problems = oscal::problems(&plan);
        let problem = problems.first().map_or("valid", String::as_str);
        // The pattern of a time is long.
        let problem = match problem.split_once("\"^(((2000") {
            Some((words, _)) => format!("{words}the pattern of times"),
            None => problem.to_owned(),
        };
        format!("{at}: {problem}")
    };
    let text = |text: &str| Some(Value::from(text));
    let said = [
        with("/uuid", None),
        with("/uuid", text("shop")),
        with("/metadata", None),
        with("/metadata/title", None),
        with("/metadata/last-modified", text("2026-11-01")),
        with("/metadata/last-modified", text("2026-02-30T10:00:00Z")),
        with("/metadata/last-modified", text("2026-11-01T10:00:00")),
        with("/metadata/oscal-version", text("1.1.2")),
        with("/metadata/parties/0/type", text("team")),
        with("/risks/0/status", text("violated")),
        with("/risks/0/statement", None),
        with("/risks/0/deadline", text("soon")),
        with("/risks/0/props/0/name", text("two words")),
        with("/risks/0/remediations/0/tasks", Some(Value::from(Vec::<Value>::new()))),
        with("/observations/0/collected", None),
        with("/observations/0/seen", text("now")),
        with("/poam-items/0/uuid", text(NOBODYS[0])),
        with("/poam-items/0/related-risks/0/risk-uuid", text(NOBODYS[1])),
        with("/poam-items/1/uuid", Some(plan["plan-of-action-and-milestones"]["uuid"].clone())),
        with("/poam-items", Some(Value::from(Vec::<Value>::new()))),
    ];
    assert_snapshot!(place.steady(&said.join("\n")), @r#"
/uuid: /plan-of-action-and-milestones: "uuid" is a required property
/uuid: /plan-of-action-and-milestones/uuid: "shop" does not match "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[45][0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$"
/metadata: /plan-of-action-and-milestones: "metadata" is a required property
/metadata/title: /plan-of-action-and-milestones/metadata: "title" is a required property
/metadata/last-modified: /plan-of-action-and-milestones/metadata/last-modified: "[day]" does not match the pattern of times
/metadata/last-modified: /plan-of-action-and-milestones/metadata/last-modified: "[time]" does not match the pattern of times
/metadata/last-modified: /plan-of-action-and-milestones/metadata/last-modified: "[time]" does not match the pattern of times
/metadata/oscal-version: it is of OSCAL 1.1.2, and the schema is http://csrc.nist.gov/ns/oscal/1.2.1/oscal-poam-schema.json
/metadata/parties/0/type: /plan-of-action-and-milestones/metadata/parties/0: {"uuid":"06dc97e3-a29e-5467-84f4-2aad09fc8682","type":"team","name":"@web-team"} is not valid under any of the schemas listed in the 'anyOf' keyword
/risks/0/status: risks/status: OSCAL does not know `violated`
/risks/0/statement: /plan-of-action-and-milestones/risks/0: "statement" is a required property
/risks/0/deadline: /plan-of-action-and-milestones/risks/0/deadline: "soon" does not match the pattern of times
/risks/0/props/0/name: /plan-of-action-and-milestones/risks/0/props/0/name: "two words" does not match "^(\p{L}|_)(\p{L}|\p{N}|[.\-_])*$"
/risks/0/remediations/0/tasks: /plan-of-action-and-milestones/risks/0/remediations/0/tasks: [] has less than 1 item
/observations/0/collected: /plan-of-action-and-milestones/observations/0: "collected" is a required property
/observations/0/seen: /plan-of-action-and-milestones/observations/0: Additional properties are not allowed ('seen' was unexpected)
/poam-items/0/uuid: poam-items/uuid: 00000000-0000-4000-8000-000000000000 is not of version 5
/poam-items/0/related-risks/0/risk-uuid: poam-items/related-risks/risk-uuid: 00000000-0000-5000-8000-000000000000 is nowhere
/poam-items/1/uuid: poam-items/uuid: f87d8958-677d-5240-8064-33367433e697 names uuid already
/poam-items: /plan-of-action-and-milestones/poam-items: [] has less than 1 item
"#);
}

#[test]
fn the_json_export_has_the_measures_too() {
    let place = Place::new();
    let export: Value = serde_json::from_str(&place.export(&["json"])).unwrap();
    let progress: Vec<(&Value, &Value)> = export["measures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["progress"]["state"], &one["done"]))
        .collect();
    assert_eq!(
        format!("{progress:?}"),
        "[(String(\"violated\"), Bool(false)), (String(\"not_covered\"), Bool(false)), (String(\"holds\"), Bool(true))]"
    );
}

#[test]
fn measures_are_listed_with_their_rules_and_with_a_ledger_whether_they_hold() {
    let place = Place::new();
    let bare = place.0.run(&["measures", "policy.yaml", "--no-ledger"]);
    assert_eq!(bare.status, Some(1), "one is not covered");
    assert_snapshot!(bare.stdout, @r#"
PM-7: The <leak> (policy web)
  1. Keep files private
     private
  2. Tell nobody: not covered: no rule serves it
  3. Own what you serve
     ours

3 measures: 2 covered · exit 1
"#);
    let known = place.0.run(&["measures", "policy.yaml", "--ledger", "l.db"]);
    assert_eq!(known.status, Some(1));
    assert_snapshot!(place.steady(&known.stdout), @r#"
PM-7: The <leak> (policy web)
  1. Keep files private: 5 violations
     private
       violated on [host] since [time] UTC, seen [time] UTC
  2. Tell nobody: not covered: no rule serves it
  3. Own what you serve: holds since [day], last seen [time] UTC
     ours
       holds on [host] since [time] UTC, seen [time] UTC

3 measures: 2 covered, 1 hold · exit 1
"#);
    let json = place.0.run(&["measures", "policy.yaml", "--ledger", "l.db", "--format", "json"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["measures"][2]["progress"]["state"], "holds");
    assert_eq!(json["measures"][1]["covered"], false);
    let none = place.0.run(&["measures", "policy.yaml", "--ledger", "none.db"]);
    assert_eq!(none.status, Some(3));
    assert!(none.stderr.contains("ledger none.db: there is none"), "{}", none.stderr);
    // A rule that nobody has evaluated is no rule that holds.
    let policy = fs::read_to_string(place.0.path("policy.yaml")).unwrap();
    let more = policy.replace("  - id: ours\n    measure: 3", "  - { id: new, measure: 3, file: /, must: { owner: root } }\n  - id: ours\n    measure: [2, 3]");
    let more = more.replace("    severity: high\n    measure: 1\n", "    measure: 1\n");
    place.0.write("policy.yaml", more);
    for name in NAMES {
        place.mode(&format!("files/{name}"), 0o600);
    }
    place.0.run(&["check", "policy.yaml", "--ledger", "l.db", "--rule", "private"]);
    let unseen = place.0.run(&["measures", "policy.yaml", "--ledger", "l.db"]);
    assert_eq!(unseen.status, Some(2), "{}", unseen.stdout);
    assert!(
        unseen.stdout.contains("3. Own what you serve: 1 rule not evaluated"),
        "{}",
        unseen.stdout
    );
    let built_in = place.0.run(&["measures", "--no-ledger"]);
    assert_eq!(built_in.status, Some(2));
    assert!(built_in.stdout.contains("No policy of these comes from a postmortem"));
}

#[test]
fn a_draft_tells_only_what_happened_in_its_time_and_names_nobody() {
    let place = Place::new();
    place.must(&["actions", "--ledger", "l.db", "comment", "SC-1", "see OPS-1"]);
    let draft = place.postmortem(&["--from", "1h"]);
    assert_eq!(draft.status, Some(0), "{draft:?}");
    for heading in [
        "## Issue Summary",
        "## Impact",
        "## Timeline",
        "## Root Cause and Resolution",
        "## Corrective and Preventative Measures",
        "## What went well",
    ] {
        assert!(draft.stdout.contains(heading), "{heading}");
    }
    assert!(draft.stdout.contains("Comment: see OPS-1"), "{}", draft.stdout);
    assert!(draft.stdout.contains("**Not over**: 6 of 6 items are open"), "{}", draft.stdout);
    let me = users::get_current_username().unwrap().into_string().unwrap();
    let by = format!("by {me}");
    assert!(!draft.stdout.contains(&by), "{by}: {}", draft.stdout);
    let refused = |options: &[&str], words: &str| {
        let output = place.postmortem(options);
        assert_eq!(output.status, Some(3), "{options:?}");
        assert!(output.stderr.contains(words), "{options:?}: {}", output.stderr);
    };
    refused(&["--from", "2001-01-01", "--to", "2001-01-02"], "nothing was seen violated");
    refused(&["--from", "1h", "--service", "nginx"], "nothing of service nginx");
    refused(&["--from", "soon"], "--from: `soon` is no moment");
    refused(&["--from", "1h", "--to", "2h"], "it ends before it begins");
    refused(&["--from", "1h", "-o", "missing/x.md"], "there is no such folder");
    assert_eq!(place.postmortem(&["--from", "1h", "-o", "x.md"]).stdout, "");
    assert!(fs::read_to_string(place.0.path("x.md")).unwrap().starts_with("# Postmortem: "));
}
