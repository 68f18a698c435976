//! `spotcheck check`: evaluate policies on this host, a root filesystem or an image, and report.

use super::completions;
use super::console::Console;
use super::deadline::evaluate;
use super::ledger::LedgerArgs;
use super::load::{PolicyArgs, report};
use super::output::{self, Output};
use super::target::TargetArgs;
use super::{lock, reader, supervise};
use crate::actions::query::Counts;
use crate::actions::{Ledger, Location, Run};
use crate::config::Config;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::waiver::Waiver;
use crate::policy::{Diagnostics, Severity, waiver};
use crate::report::{FORMATS, Report, exit_code, nagios};
use crate::safety::wait;
use crate::text::{duration, suggest};
use crate::verdict::{Exit, Summary, summary, waiver as waivers};
use clap::builder::PossibleValuesParser;
use clap_complete::engine::ArgValueCompleter;
use jiff::Timestamp;
use std::time::Duration;

/// Arguments of `check`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    policies: PolicyArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
    /// Record the run: violations become action items; naming a ledger implies it
    #[arg(long)]
    track: bool,
    /// Do not record the run, whatever the configuration says
    #[arg(long, conflicts_with_all = ["track", "changes_only"])]
    no_track: bool,
    /// Record the run and print only what has changed since the last one: for cron
    #[arg(long, conflicts_with_all = ["verbose", "quiet", "format"])]
    changes_only: bool,
    /// Who reads what has changed: each reader is told everything once. Without it `mail`, or at a
    /// terminal the person who looks
    #[arg(long, value_name = "NAME", value_parser = reader::parse)]
    reader: Option<String>,
    /// End the evaluation after this time (30s, 5m); what is not decided by then is unknown
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    timeout: Option<i64>,
    /// Evaluate only this rule; may be given several times
    #[arg(long, value_name = "ID", add = ArgValueCompleter::new(completions::rules))]
    rule: Vec<String>,
    /// Evaluate only rules with one of these tags; separated by commas or given several times
    #[arg(long, value_name = "TAG", value_delimiter = ',', add = ArgValueCompleter::new(completions::tags))]
    tags: Vec<String>,
    /// Leave out rules with one of these tags
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    skip_tags: Vec<String>,
    /// Evaluate only rules of at least this severity (see --fail-on)
    #[arg(long, value_name = "SEVERITY", default_value = "info")]
    severity: Severity,
    /// Format of the report on standard output; `mail` is what --changes-only prints with a head, for
    /// `sendmail -t`
    #[arg(long, value_name = "FORMAT", default_value = "human", value_parser = formats())]
    format: String,
    /// Write a report to a file as well; may be given several times
    #[arg(long, value_name = "FORMAT=PATH")]
    output: Vec<String>,
    /// Least severity (info, low, medium, high, critical) of a violation that makes the exit code 1
    #[arg(long, value_name = "SEVERITY", default_value = "info")]
    fail_on: Severity,
    /// Exit with 2 also when something holds only as far as it could be asked: conditions that need a
    /// running host, asked of an image, a root directory or a recording
    #[arg(long)]
    require_decided: bool,
    /// Show what holds, what does not apply, and all evidence
    #[arg(short, long)]
    verbose: bool,
    /// Print nothing when everything holds
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
}

/// What has changed as a mail, its subject in the head.
const MAIL: &str = "mail";

fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(FORMATS.iter().map(|format| format.name).chain([MAIL]))
}

/// Runs the command; the number is its exit code.
pub fn run(args: Args, console: Console) -> u8 {
    let limit = args.limit();
    // What does not run is somebody else's file: a fault that it brings about ends the second process.
    if limit.is_none() && args.target.is_this_host() {
        return args.run(&console);
    }
    if !supervise::is_worker()
        && let Some(code) = supervise::watch(limit, &console)
    {
        return code;
    }
    supervise::work(limit, console, move |console| args.run(console))
}

/// What became of recording a run.
enum Recorded {
    /// Nobody asked for it.
    Unasked,
    /// It could not be; that has been said.
    Failed,
    /// It has been; the host stands so now, and the ledger knows who was told what.
    Done(Ledger, Counts),
}

impl Args {
    fn limit(&self) -> Option<Duration> {
        self.timeout.map(|seconds| Duration::from_secs(seconds.unsigned_abs()))
    }

    fn run(&self, console: &Console) -> u8 {
        match self.check(console) {
            Ok(code) => code,
            Err(exit) => {
                if self.format == nagios::NAME {
                    // What monitoring shows is standard output.
                    console.print(&nagios::could_not_run(), exit);
                    return nagios::Status::Unknown.code();
                }
                exit.code()
            }
        }
    }

    fn check(&self, console: &Console) -> Result<u8, Exit> {
        let mut problems = Diagnostics::default();
        let config = self.ledger.config(&mut problems);
        let mut plan = self.policies.plan(self.target.built_in(), &mut problems);
        for file in &config.waivers {
            plan.add_waivers(waiver::load(file, &mut problems));
        }
        let now = Timestamp::now().as_second();
        if let Some(longest) = config.waiver_longest {
            for waiver in plan.waivers().iter().filter(|waiver| waiver.lasts(now) > longest) {
                problems.push(too_long(waiver, longest));
            }
        }
        if !problems.is_empty() {
            report(problems, console);
            return Err(Exit::CouldNotRun);
        }
        let ids: Vec<String> = plan.ids().map(str::to_owned).collect();
        if let Some(id) = plan.retain(&self.rule).first() {
            let hint = suggest::closest(id, ids.iter().map(String::as_str));
            let hint = hint.map(|close| format!("; did you mean `{close}`?")).unwrap_or_default();
            return Err(console.fail(&format!("no policy of this run has a rule `{id}`{hint}")));
        }
        let tags = plan.tags();
        if let Some(tag) = plan.narrow(&self.tags, &self.skip_tags, self.severity).first() {
            let hint = suggest::closest(tag, tags.iter().map(String::as_str));
            let hint = hint.map(|close| format!("; did you mean `{close}`?")).unwrap_or_default();
            return Err(console.fail(&format!("no rule of this run has the tag `{tag}`{hint}")));
        }
        let outputs = output::parse(&self.output).map_err(|message| console.fail(&message))?;
        let location = self.location(&config).map_err(|message| console.fail(&message))?;
        let asked = location.clone().map(|location| {
            let name = self.name();
            wait::at_most(self.patience(), move || lock::acquire(&location, &name))
        });
        let (_lock, silent) = match asked {
            Some(Some(Err(message))) => {
                console.fail(&message);
                return Err(Exit::Undecided);
            }
            Some(Some(Ok(lock))) => (Some(lock), false),
            // It lies on a mount that does not answer; it is not waited for again.
            Some(None) => (None, true),
            None => (None, false),
        };
        let rules = plan.rules().cloned().collect();
        let accepted = plan.waivers().to_vec();
        let time = Timestamp::now();
        plan.verify_with(&(self.policies.again() + &self.target.again()));
        let mut target = self.target.clone();
        target.drift = config.drift.clone();
        let (host, mut findings) =
            evaluate(plan, &target, self.limit()).map_err(|message| console.fail(&message))?;
        // What a recording shows is judged as of when it was made: waivers too.
        let recorded = host.recorded.and_then(|time| Timestamp::from_second(time).ok());
        let time = recorded.unwrap_or(time);
        let now = time.as_second();
        let notice = config.terms.waiver_notice;
        // A ledger that cannot be read is said when the run is recorded.
        let answering = location.as_ref().filter(|_| !silent);
        let grants = answering.filter(|_| !accepted.is_empty()).and_then(|location| {
            Ledger::read(location)
                .ok()
                .flatten()
                .and_then(|mut ledger| ledger.grants(&host.name).ok())
        });
        let grants = grants.unwrap_or_default();
        let notices = waivers::apply(&accepted, &mut findings, &host.name, (now, notice), &grants);
        let exit = match summary::exit(&findings, self.fail_on) {
            Exit::Holds if self.require_decided && summary::needs_running(&findings) => {
                Exit::Undecided
            }
            exit => exit,
        };
        let machine = self.target.is_this_host().then(machine_id).flatten();
        let scope = self.scope();
        let run = Run {
            host: &host.name,
            time: now,
            machine: machine.as_deref(),
            scope: &scope,
            exit: exit.code(),
            whole: !self.is_partial(),
            rules,
            findings: &findings,
        };
        let (recorded, complaint) = match &location {
            Some(location) if silent => {
                let seconds = self.patience().as_secs();
                let why = format!("ledger {location}: no answer after {seconds} s");
                (Recorded::Failed, Some(format!("the run was not recorded: {why}")))
            }
            location => record(location.as_ref(), &config, &run),
        };
        let exit = match &recorded {
            // Whatever else is true of the host, what was asked for has not been done.
            Recorded::Failed if exit == Exit::Holds => Exit::CouldNotRun,
            _ => exit,
        };
        let report = Report {
            time,
            summary: Summary::of(&findings),
            findings,
            fail_on: self.fail_on,
            exit: exit.code(),
            waivers: notices,
            ledger: match &recorded {
                Recorded::Done(_, counts) => Some(*counts),
                _ => None,
            },
            host,
        };
        let code = self.write(&report, &outputs, exit, (recorded, complaint), console);
        // The process is about to end: taking thousands of findings apart would help nobody.
        std::mem::forget(report);
        Ok(code)
    }

    /// Whether only what has changed is printed.
    fn changes_only(&self) -> bool {
        self.changes_only || self.format == MAIL
    }

    /// Whether rules of the policies may have been left out.
    fn is_partial(&self) -> bool {
        !self.rule.is_empty()
            || !self.tags.is_empty()
            || !self.skip_tags.is_empty()
            || self.severity != Severity::Info
    }

    /// The ledger that the run is to be recorded in, if it is.
    fn location(&self, config: &Config) -> Result<Option<Location>, String> {
        let asked = self.track || self.changes_only() || self.ledger.is_given(config);
        if self.no_track && self.format == MAIL {
            return Err("--format mail tells what has changed, so it takes a ledger".into());
        }
        if self.no_track || !asked {
            return Ok(None);
        }
        if self.target.recording.is_some() {
            return match self.track || self.changes_only() || self.ledger.is_named() {
                true => Err("a recording is not tracked: a ledger is about what is now".into()),
                false => Ok(None),
            };
        }
        self.ledger.location(config).map(Some).map_err(|error| error.to_string())
    }

    /// What tells this check from others that may run beside it.
    fn name(&self) -> Vec<String> {
        let paths = self.policies.policies.iter().map(|path| {
            let path = path.canonicalize().unwrap_or_else(|_| path.clone());
            crate::text::path(&path)
        });
        let mut words: Vec<String> = paths.collect();
        words.push(self.target.again());
        words.push("--rule".into());
        words.extend(self.rule.iter().cloned());
        words.push("--tags".into());
        words.extend(self.tags.iter().cloned());
        words.push("--skip-tags".into());
        words.extend(self.skip_tags.iter().cloned());
        words.push(format!("--severity {}", self.severity.name()));
        words.push("--var".into());
        words.extend(self.policies.var.iter().cloned());
        words
    }

    /// Writes all reports, that on standard output first: a file may be refused, or never answer.
    /// Only then it is said what could not be written; the exit code of a violation stays.
    fn write(
        &self,
        report: &Report,
        outputs: &[Output],
        exit: Exit,
        (recorded, complaint): (Recorded, Option<String>),
        console: &Console,
    ) -> u8 {
        let write_files = || -> Vec<String> {
            let written = outputs.iter().map(|output| output.write(report, self.verbose));
            written.filter_map(Result::err).collect()
        };
        let mut code = exit_code(&self.format, report);
        let or_failed = |code: u8, failed: &[String]| match failed.is_empty() || code != 0 {
            true => code,
            false => Exit::CouldNotRun.code(),
        };
        if self.changes_only()
            && let Recorded::Done(mut ledger, _) = recorded
        {
            let failed = write_files();
            let reader = self.reader.clone().unwrap_or_else(reader::usual);
            let telling = reader::Telling {
                reader: &reader,
                scope: &self.scope(),
                report,
                mail: self.format == MAIL,
            };
            return match telling.tell(&mut ledger, &failed, console) {
                Ok(()) => or_failed(code, &failed),
                Err(words) => console.fail(&words).code(),
            };
        }
        // Where the run could not be recorded a mail is the whole report.
        let format = if self.format == MAIL { "human" } else { &self.format };
        if !(self.quiet && exit == Exit::Holds) {
            // Without a ledger nobody knows what is new: then all of it may be.
            let text = output::render(format, report, self.verbose, console);
            if console.print(&text, exit) == Exit::CouldNotRun {
                code = Exit::CouldNotRun.code();
            }
        }
        let failed = write_files();
        for words in complaint.iter().chain(&failed) {
            console.fail(words);
        }
        or_failed(code, &failed)
    }

    /// How long a ledger may take to answer; within the time that `--timeout` leaves for it.
    fn patience(&self) -> Duration {
        if self.timeout.is_some() { Duration::from_secs(5) } else { Duration::from_secs(30) }
    }

    /// One word for what this check is about, which tells it from others of the host.
    fn scope(&self) -> String {
        lock::digest(&self.name())
    }
}

/// What tells this machine from others, whatever it is called: `machine-id(5)`. Made up by nobody: a
/// file that says `uninitialized`, or anything else, is none.
fn machine_id() -> Option<String> {
    let text = std::fs::read_to_string("/etc/machine-id").ok()?;
    let id = text.trim();
    let is_one = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_one.then(|| id.to_owned())
}

/// The error that a waiver is which lasts longer than the configuration allows.
fn too_long(waiver: &Waiver, longest: i64) -> Diagnostic {
    let (day, longest) = (waiver.last_day(), duration::show(longest));
    Diagnostic::command_line(format!(
        "{}: this waiver lasts until {day}, and `waiver_longest` of the configuration is {longest}",
        waiver.place
    ))
}

/// Records the run where that is wanted. A ledger that fails costs the run neither its report nor
/// the exit code of a violation; what is to be said of it is said after the report.
fn record(location: Option<&Location>, config: &Config, run: &Run) -> (Recorded, Option<String>) {
    let Some(location) = location else { return (Recorded::Unasked, None) };
    let recorded = Ledger::open(location).and_then(|mut ledger| {
        ledger.record(run, &config.terms)?;
        let counts = ledger.counts(run.host, run.time)?;
        Ok(Recorded::Done(ledger, counts))
    });
    match recorded {
        Ok(done) => (done, None),
        Err(error) => {
            let why = format!("the run was not recorded: ledger {location}: {error}");
            (Recorded::Failed, Some(why))
        }
    }
}
