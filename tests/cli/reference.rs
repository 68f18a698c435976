//! The reference is complete, and true: every key has its words, every example works.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Folder, pages};
use insta::assert_snapshot;
use spotcheck::checks::SUBJECTS;
use spotcheck::formats::FORMATS;
use spotcheck::policy::document::{POLICY_KEYS, RULE_KEYS};
use spotcheck::policy::expect::OPERATORS;
use spotcheck::policy::{service, when};
use spotcheck::rules::combine::COMBINATORS;
use spotcheck::rules::several::{GROUPS, QUANTIFIERS};
use std::collections::BTreeSet;
use std::fmt::Write as _;

fn printed(args: &[&str]) -> String {
    let output = Folder::new().run(args);
    assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""), "{args:?}");
    output.stdout
}

#[test]
fn every_key_says_what_it_means() {
    let tables = [&POLICY_KEYS[..], &RULE_KEYS, &service::KEYS, &when::KEYS];
    let mut all: Vec<(String, &str)> = Vec::new();
    for (key, doc) in tables.into_iter().flatten() {
        all.push(((*key).to_owned(), doc));
    }
    for kind in SUBJECTS {
        all.push((kind.key.to_owned(), kind.value));
        all.extend(kind.options.iter().map(|(key, doc)| (format!("{} {key}", kind.key), *doc)));
        let conditions = (kind.conditions)();
        assert!(!conditions.is_empty(), "{}", kind.key);
        all.extend(conditions.iter().map(|info| (format!("{} {}", kind.key, info.name), info.doc)));
        assert!(conditions.iter().all(|info| !info.example.is_empty()), "{}", kind.key);
    }
    all.extend(FORMATS.iter().map(|format| (format.name.to_owned(), format.doc)));
    for (key, doc) in all {
        assert!(doc.len() >= 3, "{key} has no description");
        assert_eq!(doc.trim(), doc, "{key}");
        assert!(!doc.contains("  "), "{key}: two spaces in {doc:?}");
    }
}

#[test]
fn no_name_is_given_twice() {
    // A check and a format may share one: `explain` shows the pages of both.
    let (mut checks, mut formats) = (BTreeSet::new(), BTreeSet::new());
    assert!(SUBJECTS.iter().all(|kind| checks.insert(kind.key)), "{checks:?}");
    assert!(FORMATS.iter().all(|format| formats.insert(format.name)), "{formats:?}");
    for kind in SUBJECTS {
        let mut names: BTreeSet<&str> = RULE_KEYS.iter().map(|(name, _)| *name).collect();
        for name in kind.options.iter().map(|(name, _)| *name).chain([kind.key]) {
            assert!(names.insert(name), "{name} of {}", kind.key);
        }
        let mut names = BTreeSet::new();
        for info in (kind.conditions)() {
            assert!(names.insert(info.name), "{} of {}", info.name, kind.key);
        }
    }
}

#[test]
fn every_check_explains_itself_with_all_of_its_keys() {
    for kind in SUBJECTS {
        let page = printed(&["explain", kind.key]);
        assert!(page.starts_with(&format!("{}: {}\n", kind.key, kind.value)), "{page}");
        let names = (kind.conditions)().into_iter().map(|info| info.name);
        let options = kind.options.iter().map(|(name, _)| *name);
        let keys = names.chain(options).chain(RULE_KEYS.map(|(name, _)| name));
        for key in keys {
            assert!(page.contains(&format!("\n  {key}: ")), "{} does not say {key}", kind.key);
        }
        assert!(page.contains("```yaml\n"), "{} has no example", kind.key);
        let long = page.lines().find(|line| line.chars().count() > 400);
        assert_eq!(long, None, "{}", kind.key);
    }
}

#[test]
fn every_format_explains_itself() {
    for format in FORMATS {
        let page = printed(&["explain", format.name]);
        assert!(page.contains(format.doc), "{page}");
    }
}

#[test]
fn an_unknown_check_asks_for_the_close_one() {
    let output = Folder::new().run(&["explain", "prot"]);
    assert_eq!(output.status, Some(3));
    assert_snapshot!(output.stderr, @r#"error: there is nothing to explain about `prot`; did you mean `port`?"#);
    assert_snapshot!(Folder::new().run(&["explain", "banana"]).stderr, @r#"error: there is nothing to explain about `banana`; `spotcheck checks` lists them"#);
}

#[test]
fn checks_lists_every_subject_with_its_conditions_and_every_format() {
    let list = printed(&["checks"]);
    for kind in SUBJECTS {
        assert!(list.lines().any(|line| line.starts_with(&format!("{} ", kind.key))), "{list}");
        for info in (kind.conditions)().iter().filter(|_| !kind.open) {
            assert!(list.contains(info.name), "{}", info.name);
        }
    }
    assert!(FORMATS.iter().all(|format| list.contains(format.name)));
}

#[test]
fn every_example_of_every_page_is_free_of_errors_and_can_be_evaluated() {
    let folder = Folder::new();
    let examples = pages::examples();
    for (subject, example) in &examples {
        folder.write("example.yaml", example);
        let lint = folder.run(&["lint", "example.yaml"]);
        assert_eq!((lint.status, lint.stderr.as_str()), (Some(0), ""), "{subject}\n{example}");
        let check = folder.run(&["check", "example.yaml"]);
        assert!(matches!(check.status, Some(0..=2)), "{subject}\n{check:#?}");
        // `process` shares the page of `service`.
        let subject = subject.replace("process", "service");
        assert!(example.contains(&format!("{subject}:")), "{subject}\n{example}");
    }
    for kind in SUBJECTS {
        assert!(examples.iter().any(|(subject, _)| *subject == kind.key), "{}", kind.key);
    }
}

#[test]
fn every_example_of_the_written_reference_is_executed() {
    let folder = Folder::new();
    let examples = pages::written_examples();
    assert!(examples.len() > SUBJECTS.len() - 2, "{}", examples.len());
    for example in examples {
        folder.write("example.yaml", &example);
        let check = folder.run(&["check", "example.yaml"]);
        assert!(matches!(check.status, Some(0..=2)), "{example}\n{check:#?}");
        assert_eq!(check.stderr, "", "{example}");
    }
}

#[test]
fn the_example_of_every_condition_is_read() {
    let folder = Folder::new();
    for (name, policy) in pages::condition_examples() {
        folder.write("policy.yaml", &policy);
        let lint = folder.run(&["lint", "policy.yaml"]);
        assert_eq!((lint.status, lint.stderr.as_str()), (Some(0), ""), "{name}\n{policy}");
    }
}

#[test]
fn the_example_of_every_condition_can_be_evaluated() {
    // All at once: rules differ by their ids alone.
    let mut policy =
        "policy: all\nservices: { nginx: { exe: /usr/sbin/nginx } }\nrules:\n".to_owned();
    for (number, (_, one)) in pages::condition_examples().iter().enumerate() {
        let (_, rule) = one.split_once("- id: r\n").unwrap();
        write!(policy, "  - id: r{number}\n{rule}").unwrap();
    }
    let output = Folder::with(policy).run(&["check", "policy.yaml"]);
    assert!(matches!(output.status, Some(0..=2)), "{output:#?}");
}

/// All that a user can type into a policy. Who renames one of these breaks policies: it belongs
/// into the changelog.
#[test]
fn the_words_of_the_language() {
    let mut words = String::new();
    let mut line = |title: &str, names: Vec<&str>| {
        writeln!(words, "{title}: {}", names.join(" ")).unwrap();
    };
    line("policy", POLICY_KEYS.map(|(name, _)| name).to_vec());
    line("rule", RULE_KEYS.map(|(name, _)| name).to_vec());
    line("services", service::KEYS.map(|(name, _)| name).to_vec());
    line("when", when::KEYS.map(|(name, _)| name).to_vec());
    line("operators", OPERATORS.to_vec());
    line("references", vec!["same_as"]);
    line("combinations", COMBINATORS.map(|(name, _)| name).to_vec());
    line("quantifiers", QUANTIFIERS.map(|(name, _)| name).to_vec());
    line("groups of subjects", GROUPS.map(|(name, _)| name).to_vec());
    for kind in SUBJECTS {
        let names = (kind.conditions)().into_iter().map(|info| info.name).collect();
        line(kind.key, if kind.key == "config" { vec!["(any setting)"] } else { names });
        if !kind.options.is_empty() {
            line("  options", kind.options.iter().map(|(name, _)| *name).collect());
        }
    }
    line("formats", FORMATS.iter().map(|format| format.name).collect());
    assert_snapshot!(words, @r#"
    policy: policy title owner formerly postmortem include vars services when tags waivers drift rules
    rule: id title severity measure when tags why corrective preventive reference must owner due verify type links formerly
    services: unit exe name cmdline pid_file user containers
    when: os os_version file package service target var not any
    operators: not at_most at_least matches
    references: same_as
    combinations: any all not
    quantifiers: every some none count
    groups of subjects: any_of all_of none_of
    service: running count run_as never_root groups capabilities no_new_privs seccomp executable deleted_executable controlled_only_by root_equivalent declared_equals_live config
      options: absent processes configuration
    process: running count run_as never_root groups capabilities no_new_privs seccomp executable deleted_executable controlled_only_by root_equivalent declared_equals_live config
      options: absent processes configuration
    unit: exists enabled state masked active user group exposure
      options: absent
    package: installed version held architecture
      options: absent
    sysctl: value configured consistent
      options: absent
    mount: mounted filesystem source options no_options as_configured
      options: absent
    kernel_module: loaded blacklisted disabled
    boot_option: booted value configured configured_value consistent
    container: never_root privileged capabilities seccomp apparmor user_namespace host_namespaces host_paths writable_host_paths engine_socket published restart image
      options: absent engine pod
    cron: exists job run_as command writable_only_by
      options: absent
    port: listening bound_by addresses
      options: absent
    listeners: only root_alone
      options: reach
    file: exists type owner group mode readable_by writable_by executable_by writable_only_by target size sha256 contains not_contains
      options: absent
    config: (any setting)
      options: absent format
    user: exists uid group groups member_of shell home can_login
      options: absent
    group: exists gid members
      options: absent
    accounts: uid_0 empty_passwords duplicate_ids duplicate_names can_login weak_hashes service_shells root_equivalent
    files: setuid setgid capabilities world_writable
    root_executes: controlled_only_by
    sudo: root without_password negations wildcards shell_escapes loader_variables controlled_only_by
    ssh_keys: root strict controlled_only_by host_keys
    drift: unexplained default_changed added removed changes
    setuid: only packaged in_baseline shells controlled_only_by
    tree: world_writable unowned owners groups
    image: never_root user numeric_user starts exposed_ports entrypoint cmd workdir env secrets_in_env secrets_in_history secrets_in_labels secrets_in_files labels volumes healthcheck latest_tag size largest_layer layers not_in_history
    formats: pg_hba php-fpm samba git ssh_config postfix vsftpd chrony haproxy named docker containerd kubelet etcd mongod elasticsearch grafana nginx sshd apache redis postgresql mysql supervisord php login.defs systemd sysctl env json yaml toml ini properties xml
    "#);
}

#[test]
fn the_help_of_the_program_says_the_exit_codes() {
    assert_snapshot!(printed(&["--help"]), @r#"
    Configuration drift and privilege checker for Linux: postmortem measures as policies, checked and
    kept

    Usage: spotcheck [OPTIONS] <COMMAND>

    Commands:
      check        Evaluate policies on this host, or on an image, and report
      drift        Say what has changed since a baseline, and why
      baseline     Make a baseline, look at it, and accept changes
      record       Keep the facts of this host, or of an image, in a file, to be checked anywhere later
      backtest     Try rules on recordings: would they have caught it, and are they silent otherwise?
      actions      Work on what violations have become: list, show, assign, close ...
      ledger       Look after a ledger: check it, and remove what was settled long ago
      measures     List what postmortems promised, the rules that watch over it, and whether it holds
      postmortem   Draft a postmortem from what was recorded
      policies     List the policies that come with the program, print them, copy them
      lint         Report all errors of policies without evaluating them
      import       Make a policy of files of goss, container-structure-test or Wazuh SCA
      explain      Print the page of a check: what it asks, its keys, an example
      checks       List all checks with their conditions
      schema       Print a JSON Schema, for editors and programs
      completions  Print the script by which a shell completes command lines
      man          Write the manual pages into a folder
      doctor       Say what can be told of this host from here: namespaces, rights, and what stays
                   unknown
      who-can      Ask who could change a file, take over a service, or become a user, and by which
                   route
      help         Print this message or the help of the given subcommand(s)

    Options:
          --trust-any-owner  Obey policies and configuration that others than root can write: for
                             containers and CI
          --no-sandbox       Keep all rights while files of others are read
      -h, --help             Print help
      -V, --version          Print version

    Exit codes:
      0  everything holds
      1  at least one violation (at or above --fail-on)
      2  no violation, but something could not be decided, or nothing was evaluated
      3  spotcheck could not run: bad usage, bad policy, unreadable target; or
         everything holds and a report or the run could not be written
    "#);
    assert_snapshot!(printed(&["check", "--help"]), @r#"
    Evaluate policies on this host, or on an image, and report

    Usage: spotcheck check [OPTIONS] [POLICY]...

    Arguments:
      [POLICY]...  Policies by their names (`spotcheck policies` lists them), or files and folders by
                   their paths; without any, the built-in one for hosts or images

    Options:
          --auto                  Check with every policy of the library that this target has something
                                  for
          --var <NAME=VALUE>      Set a variable of the policies
          --vars <FILE>           Read variables from a YAML file of names and values; --var wins over
                                  it
          --waivers <FILE>        Read waivers, which accept violations for a while; may be given
                                  several times
          --root <DIR>            Look at the root filesystem in this directory instead of this host
          --recording <FILE>      Look at what `spotcheck record` has written to this file instead
          --image <PATH>          Look at a container image instead: an archive of docker save, podman,
                                  skopeo or crane, an OCI layout, the files of docker export; - reads it
                                  from standard input
          --platform <OS/ARCH>    Choose the image for this platform, such as linux/arm64
          --ref <NAME>            Choose the image of this name
          --all-platforms         Check the image for every platform
          --baseline <FILE>       The baseline that rules about drift compare with; without it that of
                                  this host
          --ledger <PATH>         Ledger of action items: a file, or postgres://USER@HOST/DATABASE
          --config <FILE>         Configuration; without it /etc/spotcheck/config.toml where that exists
          --track                 Record the run: violations become action items; naming a ledger
                                  implies it
          --no-track              Do not record the run, whatever the configuration says
          --changes-only          Record the run and print only what has changed since the last one: for
                                  cron
          --reader <NAME>         Who reads what has changed: each reader is told everything once.
                                  Without it `mail`, or at a terminal the person who looks
          --timeout <TIME>        End the evaluation after this time (30s, 5m); what is not decided by
                                  then is unknown
          --rule <ID>             Evaluate only this rule; may be given several times
          --tags <TAG>            Evaluate only rules with one of these tags; separated by commas or
                                  given several times
          --skip-tags <TAG>       Leave out rules with one of these tags
          --severity <SEVERITY>   Evaluate only rules of at least this severity (see --fail-on)
                                  [default: info]
          --format <FORMAT>       Format of the report on standard output; `mail` is what --changes-only
                                  prints with a head, for `sendmail -t` [default: human] [possible
                                  values: human, json, junit, sarif, github, gitlab, tap, markdown,
                                  checklist, prometheus, nagios, mail]
          --output <FORMAT=PATH>  Write a report to a file as well; may be given several times
          --fail-on <SEVERITY>    Least severity (info, low, medium, high, critical) of a violation that
                                  makes the exit code 1 [default: info]
          --require-decided       Exit with 2 also when something holds only as far as it could be
                                  asked: conditions that need a running host, asked of an image, a root
                                  directory or a recording
      -v, --verbose               Show what holds, what does not apply, and all evidence
      -q, --quiet                 Print nothing when everything holds
          --trust-any-owner       Obey policies and configuration that others than root can write: for
                                  containers and CI
          --no-sandbox            Keep all rights while files of others are read
      -h, --help                  Print help
      -V, --version               Print version
    "#);
}
