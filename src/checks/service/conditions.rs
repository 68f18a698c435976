//! What a rule may demand of the processes of a service.

use super::config;
use crate::checks::program;
use crate::checks::service::as_declared::declared_equals_live;
use crate::checks::service::control::controlled_only_by;
use crate::checks::service::identity::{
    capabilities, capability_name, groups, run_as, run_as_value,
};
use crate::checks::service::processes::{grouped, identity_of};
use crate::checks::service::root::root_equivalent;
use crate::checks::service::{ServiceView, declared};
use crate::facts::process::{Process, Thread};
use crate::facts::{Cause, Fact, Unknown, all};
use crate::host::Target;
use crate::policy::expect::{Expect, Term, each, operand};
use crate::policy::operand::{Number, Principal, Text};
use crate::policy::service::Service;
use crate::policy::set::SetOf;
use crate::rules::compile::one_of;
use crate::rules::condition::{Condition, ConditionInfo, Form, only_true};
use crate::rules::guard_gaps::advice;
use crate::text;
use crate::verdict::{Assertion, Evidence};
use std::path::Path;

/// The conditions of `service:` and `process:`.
pub static CONDITIONS: &[Condition<ServiceView>] = &[
    Condition {
        info: ConditionInfo {
            name: "running",
            doc: "At least one process of it runs (true), or none does (false). Where nothing runs, as \
                  in an image, false: nothing is declared to start it.",
            form: Form::Boolean,
            example: "true",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, target| running(view, wanted, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "count",
            doc: "Number of its processes; where nothing runs, 0: nothing is declared to start it.",
            form: Form::Expectation { ordered: true, textual: false },
            example: "{ at_least: 1, at_most: 64 }",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Number>::parse(node))?;
            Some(Box::new(move |view, target| count(view, &expect, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "run_as",
            doc: "User of every thread: real, effective, saved and filesystem uid. `user:group` or \
                  { user: …, group: … } say the group as well.",
            form: Form::Expectation { ordered: false, textual: false },
            example: "nginx",
        },
        read: |node, _, problems| {
            let (user, group) = problems.ok(run_as_value(node))?;
            Some(Box::new(move |view, target| run_as(view, user.as_ref(), group.as_ref(), target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "never_root",
            doc: "No thread has uid 0 as its real, effective, saved or filesystem uid.",
            form: Form::True,
            example: "true",
        },
        read: |node, _, problems| {
            only_true(node, problems)?;
            Some(Box::new(|view, target| {
                if let Some(found) = &view.declared {
                    return declared::never_root(view, found);
                }
                let rootless = |thread: &Thread| Ok(!thread.uid.all().contains(&0));
                every_thread(view, "never_root", &rootless)
                    .expected("no uid 0 in any thread")
                    .observed(grouped(&view.processes, |process| identity_of(process, target)))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "groups",
            doc: "Supplementary groups of every thread; [] for none. `only` and `exactly` never mind \
                  its primary group, and the other words see it.",
            form: Form::Set,
            example: "{ only: [www-data] }",
        },
        read: |node, _, problems| {
            let wanted = SetOf::parse("groups", node, problems, Expect::parse)?;
            Some(Box::new(move |view, target| groups(view, &wanted, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "capabilities",
            doc: "Inheritable, permitted, effective and ambient capabilities of every thread; [] for \
                  none.",
            form: Form::Set,
            example: "{ only: [cap_net_bind_service] }",
        },
        read: |node, _, problems| {
            let wanted = SetOf::parse("capabilities", node, problems, capability_name)?;
            Some(Box::new(move |view, _| capabilities(view, &wanted)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "no_new_privs",
            doc: "execve cannot add privileges (NoNewPrivs, prctl(2)).",
            form: Form::True,
            example: "true",
        },
        read: |node, _, problems| {
            only_true(node, problems)?;
            Some(Box::new(|view, _| {
                let set = |t: &Thread| t.no_new_privs.ok_or_else(|| unsaid(t, "NoNewPrivs"));
                every_thread(view, "no_new_privs", &set).expected("NoNewPrivs: 1").observed(
                    grouped(&view.processes, |process| {
                        flag(process, |thread| thread.no_new_privs.map(u8::from), "NoNewPrivs")
                    }),
                )
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "seccomp",
            doc: "Seccomp mode of every thread: disabled, strict or filter.",
            form: Form::OneOf(&["disabled", "strict", "filter"]),
            example: "filter",
        },
        read: |node, _, problems| {
            let word = problems.ok(one_of(node, &["disabled", "strict", "filter"]))?;
            let wanted = match word {
                "disabled" => 0,
                "strict" => 1,
                _ => 2,
            };
            Some(Box::new(move |view, _| {
                let fits = |t: &Thread| {
                    t.seccomp.map(|mode| mode == wanted).ok_or_else(|| unsaid(t, "Seccomp"))
                };
                every_thread(view, "seccomp", &fits)
                    .expected(format!("Seccomp: {wanted} ({word})"))
                    .observed(grouped(&view.processes, |process| {
                        flag(process, |thread| thread.seccomp, "Seccomp")
                    }))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "executable",
            doc: "Path of the executable of every process.",
            form: Form::Expectation { ordered: false, textual: true },
            example: "/usr/sbin/nginx",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Text>::parse(node))?;
            Some(Box::new(move |view, _| {
                let fits = |process: &Process| program::is_named(&expect, process);
                every_process(view, "executable", &fits)
                    .expected(expect.show())
                    .observed(grouped(&view.processes, executable))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "deleted_executable",
            doc: "false: no process runs a program file that has since been replaced or removed.",
            form: Form::OneOf(&["false"]),
            example: "false",
        },
        read: |node, _, problems| {
            if problems.ok(node.boolean())? {
                problems.push(node.expected("false"));
                return None;
            }
            Some(Box::new(|view, _| {
                let current = |process: &Process| {
                    let exe = process.exe.clone()?;
                    Ok(exe.is_none_or(|exe| !exe.deleted))
                };
                let assertion = every_process(view, "deleted_executable", &current)
                    .expected("program files that are still in place")
                    .observed(grouped(&view.processes, executable));
                match &view.service.unit {
                    Some(unit) => assertion.repair(format!(
                        "systemctl restart {}",
                        text::shell::quote(unit.as_bytes())
                    )),
                    None => assertion,
                }
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "controlled_only_by",
            doc: "Nobody but these users, and root, could change what it runs, loads or reads: \
                  program, libraries, unit, commands, environment, configuration, and every \
                  directory on the way to them.",
            form: Form::Words,
            example: "[root]",
        },
        read: |node, _, problems| {
            let users: Vec<Principal> = each(node, problems, operand);
            Some(Box::new(move |view, target| controlled_only_by(view, &users, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "root_equivalent",
            doc: "false: no thread has uid 0, a capability that amounts to root, or may use an \
                  object that does (sockets of container engines, disks, /etc/shadow, root's PATH).",
            form: Form::OneOf(&["false"]),
            example: "false",
        },
        read: |node, _, problems| {
            if problems.ok(node.boolean())? {
                problems.push(node.expected("false"));
                return None;
            }
            Some(Box::new(root_equivalent))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "declared_equals_live",
            doc: "Its processes have not got more than the unit on disk declares: ExecStart, User, Group, \
                  SupplementaryGroups, NoNewPrivileges, capability sets, the number of system call \
                  filters, namespaces (Private*) and mounts (Protect*, RootDirectory).",
            form: Form::True,
            example: "true",
        },
        read: |node, _, problems| {
            only_true(node, problems)?;
            Some(Box::new(declared_equals_live))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "config",
            doc: "Settings as its processes were started: of the file that their command line names, \
                  with what the command line says instead.",
            form: Form::Special,
            example: "{ http.server.listen: 80 }",
        },
        read: |node, _, problems| {
            let wanted = config::read(node, problems)?;
            Some(Box::new(move |view, target| config::config(view, &wanted, target)))
        },
    },
];

fn unsaid(thread: &Thread, field: &str) -> Unknown {
    let why = "not shown by this kernel".to_owned();
    Unknown::new(format!("{field} of /proc/{}/status", thread.tid), Cause::Unsupported(why))
}

fn running(view: &ServiceView, wanted: bool, target: &dyn Target) -> Assertion {
    if let Some(found) = &view.declared {
        return declared::running(view, found, wanted, target);
    }
    let runs = !view.processes.is_empty();
    let holds = match (runs, &view.gap) {
        (true, _) => Ok(wanted),
        (false, Some(why)) => Err(why.clone()),
        (false, None) => Ok(!wanted),
    };
    let steps = || match (wanted, &view.service.unit) {
        (true, _) => start_steps(&view.service, target),
        (false, Some(unit)) => {
            vec![format!("systemctl disable --now {}", text::shell::quote(unit.as_bytes()))]
        }
        (false, None) => Vec::new(),
    };
    Assertion::of(&view.subject, "running")
        .expected(if wanted { "running" } else { "not running" })
        .observed(if runs {
            grouped(&view.processes, |process| identity_of(process, target))
        } else {
            let nothing = format!("no process found by {}", view.service.criteria());
            match &view.left_out {
                Some(left_out) => format!("{nothing}; {left_out}"),
                None => nothing,
            }
        })
        .seen(view.processes.iter().map(|process| Evidence::process(process)))
        .decide(holds)
        .repaired_by(steps)
}

/// How to start a service: by its unit, or by the unit of its name where systemd has one.
pub fn start_steps(service: &Service, target: &dyn Target) -> Vec<String> {
    const UNIT_DIRECTORIES: [&str; 3] =
        ["/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"];
    let known = |unit: &String, target: &dyn Target| {
        UNIT_DIRECTORIES
            .iter()
            .any(|dir| matches!(target.file(&Path::new(dir).join(unit)), Ok(Some(_))))
    };
    let known = |unit: &String| advice(target, |target| known(unit, target));
    let guess = || Some(format!("{}.service", service.name)).filter(|unit| !unit.contains('/'));
    let unit = service.unit.clone().or_else(|| guess().filter(known));
    unit.map(|unit| format!("systemctl start {}", text::shell::quote(unit.as_bytes())))
        .into_iter()
        .collect()
}

fn count(view: &ServiceView, expect: &Expect<Number>, target: &dyn Target) -> Assertion {
    if let Some(found) = &view.declared {
        return declared::count(view, found, expect, target);
    }
    let number = view.processes.len() as u64;
    let holds = match &view.gap {
        // There are these at least: enough for some comparisons.
        Some(why) => expect.holds(&mut |term| match term {
            Term::AtLeast(least) if number >= least.0 => Ok(true),
            Term::AtMost(limit) | Term::Is(limit) if number > limit.0 => Ok(false),
            _ => Err(why.clone()),
        }),
        None => Ok(expect.holds_for(number)),
    };
    Assertion::of(&view.subject, "count")
        .expected(format!("number of processes: {}", expect.show()))
        .observed(match &view.left_out {
            Some(left_out) => format!("{number}; {left_out}"),
            None => number.to_string(),
        })
        .seen(view.processes.iter().map(|process| Evidence::process(process)))
        .decide(holds)
}

fn flag(process: &Process, value: impl Fn(&Thread) -> Option<u8>, name: &str) -> String {
    let Ok(threads) = &process.threads else { return "unreadable".into() };
    let mut values: Vec<Option<u8>> = threads.iter().map(value).collect();
    values.sort_unstable();
    values.dedup();
    let words = values.iter().map(|v| v.map_or("not shown".into(), |v| v.to_string()));
    format!("{name}: {}", words.collect::<Vec<_>>().join("+"))
}

fn executable(process: &Process) -> String {
    match &process.exe {
        Ok(Some(exe)) => program::words(exe),
        Ok(None) => "no executable".into(),
        Err(why) => why.to_string(),
    }
}

/// Judges every process; what could not be seen turns a pass into unknown, never a violation.
fn every_process(
    view: &ServiceView,
    condition: &str,
    fits: &dyn Fn(&Process) -> Fact<bool>,
) -> Assertion {
    let verdicts: Vec<(&Process, Fact<bool>)> =
        view.processes.iter().map(|process| (process.as_ref(), fits(process))).collect();
    let violated = verdicts.iter().any(|(_, fact)| *fact == Ok(false));
    let shown = verdicts.iter().filter(|(_, fact)| !violated || *fact == Ok(false));
    let seen: Vec<Evidence> = shown.map(|(process, _)| Evidence::process(process)).collect();
    let gap = view.gap.iter().map(|why| Err(why.clone()));
    let holds = all(verdicts.into_iter().map(|(_, fact)| fact).chain(gap));
    Assertion::of(&view.subject, condition).seen(seen).decide(holds)
}

pub(crate) fn every_thread(
    view: &ServiceView,
    condition: &str,
    fits: &dyn Fn(&Thread) -> Fact<bool>,
) -> Assertion {
    every_process(view, condition, &|process| all(process.seen_threads()?.iter().map(fits)))
}
