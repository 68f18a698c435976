//! `job:`, a job that has to be there.

use super::{CronView, about, user_is};
use crate::facts::cron::CronJob;
use crate::facts::{Fact, all, any};
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::expect::{Expect, Term};
use crate::policy::node::Node;
use crate::policy::operand::{Principal, Text};
use crate::text::shell;
use crate::verdict::Assertion;

/// What a job is to be like.
pub struct Job {
    command: Option<Expect<Text>>,
    schedule: Option<Expect<Text>>,
    user: Option<Expect<Principal>>,
}

impl Job {
    /// Reads `{ command: …, schedule: …, as: … }`.
    pub fn parse(node: &Node, problems: &mut Diagnostics) -> Option<Job> {
        let mut fields = problems.ok(node.fields("command, schedule and as of a job"))?;
        let before = problems.len();
        let job = Job {
            command: fields.take("command").and_then(|node| problems.ok(Expect::parse(&node))),
            schedule: fields.take("schedule").and_then(|node| problems.ok(Expect::parse(&node))),
            user: fields.take("as").and_then(|node| problems.ok(Expect::parse(&node))),
        };
        fields.finish(&["command", "schedule", "as"], problems);
        if job.command.is_none() && job.schedule.is_none() && job.user.is_none() {
            problems.push(node.expected("at least one of command, schedule and as"));
        }
        (problems.len() == before).then_some(job)
    }

    fn is(&self, job: &CronJob, target: &dyn Target) -> Fact<bool> {
        let command = self.command.as_ref().map(|expect| Ok(expect.holds_for(&job.command)));
        let schedule = self.schedule.as_ref().map(|expect| Ok(is_when(expect, &job.schedule)));
        let user = self.user.as_ref().map(|expect| user_is(job, expect, target));
        all([command, schedule, user].into_iter().flatten())
    }

    fn show(&self) -> String {
        let words = [
            self.command.as_ref().map(|expect| format!("command {}", expect.show())),
            self.schedule.as_ref().map(|expect| format!("schedule {}", expect.show())),
            self.user.as_ref().map(|expect| format!("as {}", expect.show())),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// The line that brings it about, where each of its parts is said.
    fn step(&self, view: &CronView) -> Option<String> {
        let command = &self.command.as_ref()?.wanted()?.0;
        let schedule = &self.schedule.as_ref()?.wanted()?.0;
        let user = match &self.user {
            Some(expect) => expect.wanted()?.to_string(),
            None => view.user.clone()?,
        };
        let line = shell::quote(format!("{schedule} {command}").as_bytes());
        let user = shell::quote(user.as_bytes());
        Some(format!("add the line {line} with: crontab -u {user} -e"))
    }
}

/// Compares times of cron: by their fields, and by what `crontab(5)` says that a name such as `@daily`
/// stands for.
fn is_when(expect: &Expect<Text>, found: &str) -> bool {
    let spellings = spellings(found);
    let answer = expect.holds(&mut |term| {
        Ok(match term {
            Term::Is(text) => fields(&text.0).is_some_and(|wanted| spellings.contains(&wanted)),
            Term::Matches(pattern) => spellings.iter().any(|text| pattern.is_match(text)),
            // Not ordered: the parser refuses these for text.
            Term::AtMost(_) | Term::AtLeast(_) => false,
        })
    });
    answer.unwrap_or(false)
}

/// The names of `crontab(5)` with the fields that they stand for.
const NAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// With one space between fields.
fn fields(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// The ways to write a time.
fn spellings(found: &str) -> Vec<String> {
    let own = fields(found).unwrap_or_default();
    let as_fields = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(&own));
    let as_fields = as_fields.map_or(own.as_str(), |(_, fields)| fields);
    let names = NAMES.iter().filter(|(_, fields)| *fields == as_fields);
    let names = names.map(|(name, _)| (*name).to_owned());
    [own.clone(), as_fields.to_owned()].into_iter().chain(names).collect()
}

/// Whether each of these jobs is there.
pub(super) fn there(view: &CronView, wanted: &[Job], target: &dyn Target) -> Assertion {
    let mut found: Vec<&CronJob> = Vec::new();
    let mut missing: Vec<&Job> = Vec::new();
    let mut answers: Vec<Fact<bool>> = Vec::new();
    for job in wanted {
        let fits: Vec<Fact<bool>> = view.jobs.iter().map(|one| job.is(one, target)).collect();
        let fitting = view.jobs.iter().zip(&fits).filter(|(_, fit)| **fit == Ok(true));
        found.extend(fitting.map(|(one, _)| one));
        // What could not be read may have it.
        let gap = view.gap.iter().map(|why| Err(why.clone()));
        let answer = any(fits.into_iter().chain(gap));
        if answer == Ok(false) {
            missing.push(job);
        }
        answers.push(answer);
    }
    let shown = if missing.is_empty() { found } else { view.jobs.iter().collect() };
    let expected: Vec<String> = wanted.iter().map(Job::show).collect();
    about(view, "job", &shown)
        .expected(format!("a job with {}", expected.join("; and one with ")))
        .decide(all(answers))
        .repaired_by(|| missing.iter().filter_map(|job| job.step(view)).collect::<Vec<_>>())
}
