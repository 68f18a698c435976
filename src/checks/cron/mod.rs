#![doc = include_str!("page.md")]

mod job;
pub mod programs;

use self::job::Job;
use crate::commands;
use crate::declared::rights::{self, Gained};
use crate::facts::cron::{CronJob, CronJobs};
use crate::facts::{Fact, Unknown, all};
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::expect::{Expect, each, operand};
use crate::policy::operand::{Principal, Text};
use crate::rules::combine::Demand;
use crate::rules::compile::{ABSENT, Absent, take_absent};
use crate::rules::condition::{Condition, ConditionInfo, Form, infos, read_all};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::text;
use crate::verdict::{Assertion, Evidence, Subject};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// `cron:`
pub static CRON: SubjectKind = SubjectKind {
    key: "cron",
    value: "all, or the user whose jobs are meant",
    options: &[ABSENT],
    conditions: || infos(CONDITIONS),
    open: false,
    page: include_str!("page.md"),
    combines: true,
    patterns: false,
    refers: None,
    compile,
};

/// Jobs, as conditions see them.
pub struct CronView {
    subject: Subject,
    jobs: Vec<CronJob>,
    gap: Option<Unknown>,
    /// The user whose table has no jobs could be given one.
    user: Option<String>,
}

static CONDITIONS: &[Condition<CronView>] = &[
    Condition {
        info: ConditionInfo {
            name: "exists",
            doc: "There are such jobs (true), or there are none (false).",
            form: Form::Boolean,
            example: "false",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, _| {
                let holds = match (view.jobs.is_empty(), &view.gap) {
                    (true, Some(why)) => Err(why.clone()),
                    (none, _) => Ok(none != wanted),
                };
                about(view, "exists", &view.jobs.iter().collect::<Vec<_>>())
                    .expected(if wanted { "jobs" } else { "no jobs" })
                    .decide(holds)
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "job",
            doc: "There is such a job: its command, its schedule, as whom it runs, each a value, \
                  { not: … } or { matches: … }. A list asks for each of them.",
            form: Form::Special,
            example: "{ command: /usr/local/bin/backup, schedule: \"30 2 * * *\", as: root }",
        },
        read: |node, _, problems| {
            let wanted: Vec<Option<Job>> =
                node.items().iter().map(|item| Job::parse(item, problems)).collect();
            let wanted: Vec<Job> = wanted.into_iter().collect::<Option<_>>()?;
            if wanted.is_empty() {
                problems.push(node.expected("a job"));
                return None;
            }
            Some(Box::new(move |view, target| job::there(view, &wanted, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "run_as",
            doc: "Every job runs as one of these users. A setuid program runs as its owner.",
            form: Form::Expectation { ordered: false, textual: false },
            example: "[root, www-data]",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Principal>::parse(node))?;
            Some(Box::new(move |view, target| {
                let told = RefCell::new(BTreeSet::new());
                let fits = |job: &CronJob| {
                    let gained = gained(job, target)?;
                    let Some(uid) = gained.uid else { return user_is(job, &expect, target) };
                    told.borrow_mut().extend(gained.words);
                    crate::rules::identity::user_is(target, &expect, uid)
                };
                let mut assertion = every(view, "run_as", &expect.show(), &fits);
                for words in told.into_inner() {
                    assertion.observed = format!("{}; {words}", assertion.observed);
                }
                assertion
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "command",
            doc: "Every job's command is one of these.",
            form: Form::Expectation { ordered: false, textual: true },
            example: "{ matches: \"^/usr/(s?bin|lib)/\" }",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Text>::parse(node))?;
            Some(Box::new(move |view, _| {
                every(view, "command", &expect.show(), &|job| Ok(expect.holds_for(&job.command)))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "writable_only_by",
            doc: "Nobody but these users, and root, could write a job's file or program; the user \
                  whose job it is may write his own table.",
            form: Form::Words,
            example: "[root]",
        },
        read: |node, _, problems| {
            let users: Vec<Principal> = each(node, problems, operand);
            Some(Box::new(move |view, target| writable(view, &users, target)))
        },
    },
];

struct CronCheck {
    /// `None`: everybody's jobs.
    user: Option<Principal>,
    absent: Absent,
    tests: Vec<Demand<CronView>>,
}

fn compile(scope: &Scope, mut input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    let user = problems.ok(operand::<Principal>(&input.subject))?;
    let absent = take_absent(&mut input, problems);
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    let user = Some(user).filter(|user| *user != Principal::Name("all".into()));
    Some(Box::new(CronCheck { user, absent, tests }))
}

impl Check for CronCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let host = target.host();
        let like = host.os("ID_LIKE").unwrap_or_default();
        let mut ids = host.os("ID").into_iter().chain(like.split_whitespace());
        let found = crate::formats::cron::jobs(target, ids.any(|id| id == "debian"));
        let name = self.user.as_ref().map_or_else(|| "all".to_owned(), Principal::to_string);
        let subject = Subject::new("cron", name);
        match self.select(&found, target) {
            Ok(jobs) => {
                let user = self.user.as_ref().map(Principal::to_string);
                let view = CronView { subject, jobs, gap: found.unread.first().cloned(), user };
                // Of jobs that are not there nothing can be said but that.
                let can_judge =
                    |name: &str| !view.jobs.is_empty() || matches!(name, "exists" | "job");
                let judge =
                    |demand: &Demand<CronView>| demand.judge_some(&can_judge, &view, target);
                let mut assertions: Vec<Assertion> = self.tests.iter().filter_map(judge).collect();
                if assertions.len() < self.tests.len() {
                    assertions.push(self.no_jobs(&view));
                }
                assertions
            }
            Err(why) => {
                let unknown = |demand: &Demand<CronView>| {
                    Assertion::of(&subject, demand.name()).unknown(why.clone())
                };
                self.tests.iter().map(unknown).collect()
            }
        }
    }
}

impl CronCheck {
    fn no_jobs(&self, view: &CronView) -> Assertion {
        let none = about(view, "exists", &[]).expected("jobs");
        match (&view.gap, self.absent) {
            (Some(why), _) => none.unknown(why.clone()),
            (None, Absent::Skip) => none.absent("there are no jobs"),
            (None, Absent::Fail) => none.fail(),
        }
    }

    fn select(&self, found: &Arc<CronJobs>, target: &dyn Target) -> Fact<Vec<CronJob>> {
        let Some(user) = &self.user else { return Ok(found.jobs.clone()) };
        let wanted = Expect::Term(crate::policy::expect::Term::Is(user.clone()));
        let mut jobs = Vec::new();
        for job in &found.jobs {
            if user_is(job, &wanted, target)? {
                jobs.push(job.clone());
            }
        }
        Ok(jobs)
    }
}

/// What the program that a job starts gains by its own bits. What a script starts later on is another
/// program.
fn gained(job: &CronJob, target: &dyn Target) -> Fact<Gained> {
    let reading = commands::cron(target, job, None);
    match reading.runs.iter().find(|run| run.main && !run.is_wrapper()) {
        Some(run) => rights::of_program(&run.program, target),
        None => Ok(Gained::default()),
    }
}

/// Whether a job runs as one of the users; a name stands for its number.
fn user_is(job: &CronJob, expect: &Expect<Principal>, target: &dyn Target) -> Fact<bool> {
    match target.user(&job.user)? {
        Some(user) => crate::rules::identity::user_is(target, expect, user.uid),
        // cron runs nothing for a user that does not exist; the name may come to exist.
        None => Ok(expect.holds(&mut |term| {
            Ok(matches!(term, crate::policy::expect::Term::Is(Principal::Name(name))
                if *name == job.user))
        })?),
    }
}

fn about(view: &CronView, condition: &str, jobs: &[&CronJob]) -> Assertion {
    /// The most jobs that are told.
    const TOLD: usize = 5;
    let words = |job: &&&CronJob| format!("{} as {} ({})", job.command, job.user, job.at);
    let mut observed: Vec<String> = jobs.iter().take(TOLD).map(|job| words(&job)).collect();
    if jobs.len() > TOLD {
        observed.push(format!("and {} more", jobs.len() - TOLD));
    }
    let line = |job: &&CronJob| {
        let text = format!("{} {} {}", job.schedule, job.user, job.command);
        Evidence::line(&job.at.file, job.at.line, text)
    };
    Assertion::of(&view.subject, condition)
        .observed(if jobs.is_empty() { "no jobs".to_owned() } else { observed.join(", ") })
        .seen(jobs.iter().map(line))
}

fn every(
    view: &CronView,
    condition: &str,
    expected: &str,
    fits: &dyn Fn(&CronJob) -> Fact<bool>,
) -> Assertion {
    let verdicts: Vec<(&CronJob, Fact<bool>)> =
        view.jobs.iter().map(|job| (job, fits(job))).collect();
    let wrong: Vec<&CronJob> =
        verdicts.iter().filter(|(_, fact)| *fact == Ok(false)).map(|(job, _)| *job).collect();
    let shown: Vec<&CronJob> = if wrong.is_empty() { view.jobs.iter().collect() } else { wrong };
    let gap = view.gap.iter().map(|why| Err(why.clone()));
    let holds = all(verdicts.into_iter().map(|(_, fact)| fact).chain(gap));
    about(view, condition, &shown).expected(expected).decide(holds)
}

fn writable(view: &CronView, users: &[Principal], target: &dyn Target) -> Assertion {
    let names: Vec<String> = users
        .iter()
        .map(|user| match user {
            Principal::Name(name) => name.clone(),
            Principal::Id(id) => crate::rules::identity::user_name(target, *id),
        })
        .collect();
    let mut strangers = Vec::new();
    let mut verdicts: Vec<Fact<bool>> = view.gap.iter().map(|why| Err(why.clone())).collect();
    let mut asked: BTreeSet<(PathBuf, String)> = BTreeSet::new();
    for job in &view.jobs {
        let told = programs::of(job, target);
        verdicts.extend(told.gaps.into_iter().map(Err));
        let table = (job.at.file.clone(), job.user.clone(), true);
        for (file, user, certain) in std::iter::once(table).chain(told.files) {
            // Whose job it is may decide what it does.
            if !asked.insert((file.clone(), user.clone())) {
                continue;
            }
            let allowed: Vec<&str> =
                names.iter().map(String::as_str).chain([job.user.as_str(), &user]).collect();
            match crate::checks::file::writers::others(&file, &allowed, target) {
                // What is not there is run by nobody, until somebody makes it.
                Ok(None) => {
                    let makers = programs::makers(&file, &allowed, target);
                    if !makers.is_empty() {
                        let makers = makers.join(", ");
                        strangers.push(format!("{}: {makers} could create it", text::path(&file)));
                        verdicts.push(Ok(false));
                    }
                }
                Ok(Some((others, complete))) if others.is_empty() => {
                    verdicts.push(complete.map(|()| true));
                }
                Ok(Some((others, _))) if certain => {
                    strangers.push(format!("{}: {}", text::path(&file), others.join("; ")));
                    verdicts.push(Ok(false));
                }
                Ok(Some((others, _))) => verdicts.push(Err(programs::doubtful(&file, &others))),
                Err(why) => verdicts.push(Err(why)),
            }
        }
    }
    let observed = match strangers.is_empty() {
        true => format!("no other writer of {} files and programs", asked.len()),
        false => strangers.join(", "),
    };
    let jobs: Vec<&CronJob> = view.jobs.iter().collect();
    about(view, "writable_only_by", &jobs)
        .expected(format!("writable only by {} and whose job it is", names.join(", ")))
        .observed(observed)
        .decide(all(verdicts))
}
