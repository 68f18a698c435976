//! Evaluation that ends in time, whatever does not answer.

use super::target::TargetArgs;
use crate::facts::host::{Host, Privilege, TargetKind};
use crate::facts::{Cause, Unknown};
use crate::rules::plan::Plan;
use crate::safety::sandbox;
use crate::text::duration;
use crate::verdict::Finding;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// The stack of the thread that evaluates: that of a main thread.
const STACK: usize = 8 << 20;

/// What the thread that evaluates has to say.
enum Message {
    /// The first target is this, of so many.
    Target(Host, usize),
    /// There is no target, and why.
    Failed(String),
    /// The next rule has these findings.
    Rule(Vec<Finding>),
}

/// Compares every rule of a plan with each target, on a thread that has given its rights away. With
/// a limit, what is not decided when it is
/// reached is unknown, and the thread that waits for it is left to itself: a filesystem that is
/// gone may keep it for ever.
///
/// # Errors
/// In words, when there is no target.
pub fn evaluate(
    plan: Plan,
    target: &TargetArgs,
    limit: Option<Duration>,
) -> Result<(Host, Vec<Finding>), String> {
    let Some(limit) = limit else {
        let target = target.clone();
        let work = move || {
            let evaluated = whole(&plan, &target);
            // Nobody evaluates twice, and the process ends soon: see the end of `check`.
            std::mem::forget(plan);
            evaluated
        };
        let early = |_| Err("the evaluation ended early, by a fault of spotcheck".to_owned());
        return match std::thread::Builder::new().stack_size(STACK).spawn(work) {
            Ok(thread) => thread.join().unwrap_or_else(early),
            Err(error) => Err(format!("no thread could be started: {error}")),
        };
    };
    let start = Instant::now();
    let rules = plan.undecided();
    let (sender, receiver) = mpsc::channel();
    let target = target.clone();
    // Nobody listens any more once the limit is reached; then a message cannot be sent.
    let work = move || {
        let mut said = Ok(());
        let asked = each(&plan, &target, &mut |message| {
            said = sender.send(message);
            said.is_ok()
        });
        if let Err(why) = asked {
            let _ = sender.send(Message::Failed(why));
        }
    };
    // Without a thread nothing is evaluated, and all of it said to be unknown.
    let started = std::thread::Builder::new().stack_size(STACK).spawn(work);
    let left = || limit.saturating_sub(start.elapsed());
    let mut host = None;
    let mut targets = 1;
    let mut findings = Vec::new();
    let mut decided = 0;
    while let Some(message) = next(&receiver, left()) {
        match message {
            Message::Target(found, count) => {
                host = Some(found);
                targets = count;
            }
            Message::Failed(why) => return Err(why),
            Message::Rule(found) => {
                decided += 1;
                findings.extend(found);
            }
        }
    }
    let span = duration::show(i64::try_from(limit.as_secs()).unwrap_or(i64::MAX));
    let all = rules.iter().cycle().take(rules.len().saturating_mul(targets));
    for (index, (rule, assertion)) in all.cloned().enumerate().skip(decided) {
        let why = match &started {
            Err(error) => Cause::Io(format!("no thread could be started: {error}")),
            Ok(_) if index == decided => {
                Cause::TimedOut(format!("no answer when the {span} of --timeout were over"))
            }
            Ok(_) => Cause::TimedOut(format!("not asked when the {span} of --timeout were over")),
        };
        let what = assertion.subject.to_string();
        findings.push(Finding { rule, assertion: assertion.unknown(Unknown::new(what, why)) });
    }
    Ok((host.unwrap_or_else(unseen_host), findings))
}

fn whole(plan: &Plan, target: &TargetArgs) -> Result<(Host, Vec<Finding>), String> {
    let mut host = None;
    let mut findings = Vec::new();
    each(plan, target, &mut |message| {
        match message {
            Message::Target(found, _) => host = Some(found),
            Message::Failed(_) => {}
            Message::Rule(found) => findings.extend(found),
        }
        true
    })?;
    Ok((host.unwrap_or_else(unseen_host), findings))
}

/// Opens the targets and tells the findings of rule after rule, as long as somebody listens. With
/// several platforms of an image each subject says which it belongs to.
fn each(
    plan: &Plan,
    target: &TargetArgs,
    tell: &mut dyn FnMut(Message) -> bool,
) -> Result<(), String> {
    // From here on what others have written is read, on this thread alone.
    sandbox::enter(&target.need(plan));
    let targets = target.open(plan)?;
    let first = targets.first().ok_or("there is nothing to look at")?;
    if !tell(Message::Target(first.host().clone(), targets.len())) {
        return Ok(());
    }
    for target in &targets {
        let platform = target.image().map(|image| image.platform.clone()).unwrap_or_default();
        for mut findings in plan.each(&**target) {
            if targets.len() > 1 {
                let mark = format!(" [{platform}]");
                findings.iter_mut().for_each(|f| f.assertion.subject.name.push_str(&mark));
            }
            if !tell(Message::Rule(findings)) {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn next(receiver: &Receiver<Message>, left: Duration) -> Option<Message> {
    receiver.recv_timeout(left).ok()
}

/// What is known of a host of which nothing could be read: system calls that cannot block.
fn unseen_host() -> Host {
    let name = nix::unistd::gethostname().unwrap_or_default();
    Host {
        name: name.to_string_lossy().into_owned(),
        kind: TargetKind::Host,
        kernel: None,
        os_release: Vec::new(),
        privilege: Privilege { uid: nix::unistd::geteuid().as_raw(), full: false },
        recorded: None,
        inside: None,
    }
}
