//! `spotcheck record`: the facts that policies need, and basics, in a file.

use super::console::Console;
use super::load::{PolicyArgs, report};
use super::supervise;
use super::target::TargetArgs;
use crate::facts::host::TargetKind;
use crate::host::glob;
use crate::policy::Diagnostics;
use crate::targets::recording::{Playback, Recorder, basics, store};
use crate::text;
use crate::text::duration;
use crate::verdict::{Exit, Finding};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Arguments of `record`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    policies: PolicyArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// File to write, usually NAME.json.zst; readable by its owner alone
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Record these files too, whether a policy names them or not: a path or glob; may be given
    /// several times
    #[arg(long, value_name = "PATH")]
    file: Vec<String>,
    /// Record the arguments of processes too; there may be secrets in them
    #[arg(long)]
    with_arguments: bool,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    /// Write nothing when it is not done after this time (30s, 5m)
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    timeout: Option<i64>,
    /// Print nothing when everything was recorded
    #[arg(short, long)]
    quiet: bool,
}

/// Runs the command; the number is its exit code.
pub fn run(args: Args, console: Console) -> u8 {
    let run = |args: &Args, console: &Console| args.run(console).unwrap_or_else(|exit| exit).code();
    let Some(seconds) = args.timeout else { return run(&args, &console) };
    let limit = Duration::from_secs(seconds.unsigned_abs());
    if !supervise::is_worker()
        && let Some(code) = supervise::watch(Some(limit), &console)
    {
        return code;
    }
    supervise::work(Some(limit), console, move |console| run(&args, console))
}

impl Args {
    fn run(&self, console: &Console) -> Result<Exit, Exit> {
        let fail = |message: String| console.fail(&message);
        let mut problems = Diagnostics::default();
        let mut plan = self.policies.plan(self.target.built_in(), &mut problems);
        if !problems.is_empty() {
            report(problems, console);
            return Err(Exit::CouldNotRun);
        }
        if self.target.recording.is_some() || self.target.all_platforms {
            let what =
                if self.target.recording.is_some() { "--recording" } else { "--all-platforms" };
            return Err(fail(format!("{what}: a recording is of one host or image")));
        }
        let patterns = self.file.iter().try_for_each(|pattern| match pattern.starts_with('/') {
            true => glob::validate(pattern).map_err(|why| format!("--file {pattern}: {why}")),
            false => Err(format!("--file {pattern}: not an absolute path")),
        });
        patterns.map_err(fail)?;
        let name = text::path(&self.output);
        if !self.force && self.output.symlink_metadata().is_ok() {
            return Err(fail(format!("{name}: it exists already (--force replaces it)")));
        }
        plan.verify_with(&self.target.again());
        let targets = self.target.open(&plan).map_err(fail)?;
        let target = targets.first().ok_or_else(|| fail("there is nothing to look at".into()))?;

        let time = Timestamp::now().as_second();
        let recorder = Recorder::new(&**target);
        let findings = plan.evaluate(&recorder);
        for path in named(&findings) {
            basics::file(&recorder, &path);
        }
        let unlisted = self.files(&recorder);
        basics::ask(&recorder);
        let host = target.host().name.clone();
        let recording = recorder.finish(time, self.with_arguments);
        let answers = recording.answers.count();
        let bytes = store::encode(&recording).map_err(|why| fail(format!("{name}: {why}")))?;
        // What has been written has to say the same when it is read again, by this very program.
        let again = store::decode(&bytes).map_err(|why| fail(format!("{name}: {why}")))?;
        let replayed = plan.evaluate(&Playback::new(again));
        let differing = differing(&findings, &replayed);
        store::write(&self.output, &bytes, self.force)
            .map_err(|why| fail(format!("{name}: {why}")))?;

        let mut out = String::new();
        if !self.quiet {
            let rules = plan.rules().count();
            out = text::printable(&format!(
                "recorded {host}: {answers} answers for {rules} rule{}, {} KiB in {name}",
                if rules == 1 { "" } else { "s" },
                bytes.len().div_ceil(1024)
            ))
            .into_owned();
            out.push('\n');
            let host = target.host();
            if host.kind == TargetKind::Host && !host.privilege.full {
                out.push_str("without root much cannot be seen, and is recorded as not seen\n");
            }
        }
        for (rule, why) in &differing {
            let words = format!("not decided by the recording: {rule}: {why}");
            out.push_str(&text::printable(&words));
            out.push('\n');
        }
        for line in &unlisted {
            out.push_str(&text::printable(line));
            out.push('\n');
        }
        let complete = differing.is_empty() && unlisted.is_empty();
        let exit = if complete { Exit::Holds } else { Exit::Undecided };
        Ok(console.print(&out, exit))
    }

    /// Records the files that were named; what could not be.
    fn files(&self, recorder: &Recorder) -> Vec<String> {
        let mut unlisted = Vec::new();
        for pattern in &self.file {
            let paths = match glob::is_pattern(pattern) {
                true => glob::expand(recorder, pattern),
                false => Ok(vec![PathBuf::from(pattern)]),
            };
            match paths {
                Ok(paths) => paths.iter().for_each(|path| basics::file(recorder, path)),
                Err(why) => unlisted.push(format!("not recorded: --file {pattern}: {why}")),
            }
        }
        unlisted
    }
}

/// The paths that rules name, or that their globs led to.
fn named(findings: &[Finding]) -> BTreeSet<PathBuf> {
    let subjects = findings.iter().map(|finding| &finding.assertion.subject);
    let files = subjects.filter(|subject| ["file", "config"].contains(&subject.kind));
    files.map(|subject| Path::new(&subject.name).to_path_buf()).collect()
}

/// Rules that a recording answers otherwise than the target did, with the reason.
fn differing(live: &[Finding], replayed: &[Finding]) -> Vec<(String, String)> {
    let words = |finding: &Finding| {
        let assertion = &finding.assertion;
        (
            finding.rule.id.clone(),
            assertion.subject.clone(),
            assertion.condition.clone(),
            finding.outcome(),
            finding.reason(),
        )
    };
    let known: BTreeSet<_> = live.iter().map(words).collect();
    let mut rules: Vec<(String, String)> = Vec::new();
    for finding in replayed.iter().filter(|finding| !known.contains(&words(finding))) {
        if rules.iter().all(|(rule, _)| *rule != finding.rule.id) {
            let why = finding.reason().unwrap_or_else(|| "another answer".to_owned());
            rules.push((finding.rule.id.clone(), why));
        }
    }
    rules
}
