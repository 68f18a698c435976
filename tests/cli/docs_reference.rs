//! `docs/reference.md`, made from the tables that errors, schema and `explain` are made from. That
//! its examples work is tested in `tests/reference.rs`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use spotcheck::checks::SUBJECTS;
use spotcheck::cli::explain::{first_sentence, form_words};
use spotcheck::formats::FORMATS;
use spotcheck::policy::document::{POLICY_KEYS, RULE_KEYS};
use spotcheck::policy::{service, when};
use spotcheck::rules::SubjectKind;
use spotcheck::rules::combine::COMBINATORS;
use spotcheck::rules::reference::forms;
use spotcheck::rules::several::{GROUPS, QUANTIFIERS};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

const HEAD: &str = "\
<!-- Made by tests/cli/docs_reference.rs; SPOTCHECK_BLESS=1 cargo test --test cli docs_reference makes it
     anew. What is written here is written in src/. -->
# Reference

What can stand in a policy. `spotcheck explain SUBJECT` prints the same in a terminal, `spotcheck
schema policy` for editors. Every example is executed by the tests.

";

const VALUES: &str = "\
## Values

A value is what must be. A list means any of its values; `{ not: X }` anything else; `{ at_most: N }`
and `{ at_least: N }` bounds where an order makes sense; `{ matches: REGEX }` a regular expression
that has to match somewhere in a text. `${name}` stands for a variable, `$${` for the two characters.

A subject may be a list, and of files, configurations, units, packages and kernel parameters a pattern.
Then the rule goes for each, with a finding for each; `some`, `none` and `count` say it otherwise.
`any_of` and `none_of` put several subjects into one rule.

```yaml
policy: example
vars: { app: redis }
services:
  app: { exe: /usr/bin/redis-server }
rules:
  # Either it is not there at all, or it is confined and its file belongs to whom it runs as.
  - id: redis-confined-or-absent
    unit: redis-server.service
    must:
      any:
        - { exists: false }
        - { masked: true }
        - { Service.NoNewPrivileges: true, not: { user: root } }
  - id: redis-file
    file: /etc/${app}/redis.conf
    absent: skip
    must: { owner: { same_as: service.app.user }, mode: { at_most: \"0640\" } }
  - id: redis-limits
    config: /etc/redis/redis.conf
    absent: skip
    must:
      maxmemory: { at_least: 1M, at_most: 4G }
      timeout: { not: 0, at_most: 10m }
      dir: [/var/lib/redis, { matches: \"^/srv/\" }]
  - id: no-old-daemons
    package: [telnetd, rsh-server, \"*-talkd\"]
    must: { installed: false }
  - id: redis-is-audited
    file: /etc/audit/rules.d/*.rules
    absent: skip
    must: { some: { contains: \"^-w /etc/redis\" }, every: { owner: root } }
  - id: no-remote-desktop
    any_of:
      - package: xrdp
        must: { installed: false }
      - unit: xrdp.service
        must: { enabled: false, active: false }
```

";

fn table(out: &mut String, head: &str, rows: impl IntoIterator<Item = (String, String)>) {
    writeln!(out, "| {head} | meaning |\n|---|---|").unwrap();
    for (name, doc) in rows {
        writeln!(out, "| `{name}` | {} |", doc.replace('|', "\\|")).unwrap();
    }
    out.push('\n');
}

fn keys(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(name, doc)| ((*name).to_owned(), (*doc).to_owned())).collect()
}

/// The page of a subject; `also` are further keys that mean the same.
fn subject(out: &mut String, kind: &SubjectKind, also: &[&str]) {
    writeln!(out, "## {}\n", kind.key).unwrap();
    writeln!(out, "`{}:` {}\n", kind.key, kind.value).unwrap();
    for key in also {
        writeln!(out, "`{key}:` is the same under another name.\n").unwrap();
    }
    writeln!(out, "{}", kind.page).unwrap();
    let conditions = (kind.conditions)();
    writeln!(out, "| under `must` | meaning | takes | example |\n|---|---|---|---|").unwrap();
    for info in conditions {
        let (doc, takes) = (info.doc.replace('|', "\\|"), form_words(info));
        writeln!(out, "| `{}` | {doc} | {takes} | `{}` |", info.name, info.example).unwrap();
    }
    out.push('\n');
    if !kind.options.is_empty() {
        table(out, "beside `must`", keys(kind.options));
    }
}

fn reference() -> String {
    let mut out = HEAD.to_owned();
    writeln!(out, "| subject | what it asks |\n|---|---|").unwrap();
    for kind in SUBJECTS {
        let sentence = first_sentence(kind.page);
        writeln!(out, "| [{0}](#{0}) | {1} |", kind.key, sentence.trim()).unwrap();
    }
    out.push('\n');
    writeln!(out, "## Policy\n").unwrap();
    table(&mut out, "key of a policy", keys(&POLICY_KEYS));
    table(&mut out, "key of every rule", keys(&RULE_KEYS));
    table(&mut out, "under `services: { NAME: … }`", keys(&service::KEYS));
    table(&mut out, "under `when`", keys(&when::KEYS));
    out.push_str(VALUES);
    table(&mut out, "`{ same_as: … }`, a fact of another subject", keys(&forms(SUBJECTS)));
    table(&mut out, "under `must`, to combine conditions", keys(&COMBINATORS));
    table(&mut out, "under `must`, of a list of subjects or a pattern", keys(&QUANTIFIERS));
    table(&mut out, "several subjects in one rule", keys(&GROUPS));
    let mut told = BTreeSet::new();
    for kind in SUBJECTS {
        if told.insert(kind.page) {
            let same = SUBJECTS.iter().filter(|other| other.page == kind.page);
            let also: Vec<&str> = same.map(|other| other.key).filter(|k| *k != kind.key).collect();
            subject(&mut out, kind, &also);
        } else {
            // A key without a section of its own still needs a place that links lead to.
            let first = SUBJECTS.iter().find(|other| other.page == kind.page).unwrap();
            writeln!(out, "## {}\n\nThe same as [{}](#{1}).\n", kind.key, first.key).unwrap();
        }
    }
    writeln!(out, "## Formats of `config`\n").unwrap();
    let formats = FORMATS.iter().map(|format| (format.name.to_owned(), format.doc.to_owned()));
    table(&mut out, "format", formats);
    format!("{}\n", out.trim_end())
}

#[test]
fn the_reference_says_what_the_program_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    let made = reference();
    if std::env::var_os("SPOTCHECK_BLESS").is_some() {
        std::fs::write(&path, &made).expect("the reference can be written");
    }
    let written = std::fs::read_to_string(&path).expect("the reference can be read");
    assert!(
        made == written,
        "docs/reference.md is not current; SPOTCHECK_BLESS=1 cargo test --test cli docs_reference \
         makes it anew"
    );
}

#[test]
fn every_link_of_the_documentation_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let link = regex::Regex::new(r"\]\(([^)#:\s]+)(#[^)]*)?\)").unwrap();
    let mut files = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    let docs = std::fs::read_dir(root.join("docs")).unwrap();
    files.extend(docs.map(|entry| entry.unwrap().path()));
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for found in link.captures_iter(&text) {
            let to = file.parent().unwrap().join(&found[1]);
            assert!(to.exists(), "{}: there is no {}", file.display(), &found[1]);
        }
    }
}
