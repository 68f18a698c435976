//! `spotcheck who-can`: who could change a file, take over a service or become a user, and by which
//! route. The engine of `controlled_only_by`, as a question.

mod answer;

use super::console::Console;
use super::target::TargetArgs;
use crate::control::{Items, chain, service};
use crate::facts::host::TargetKind;
use crate::facts::process::Selector;
use crate::host::{Target, Wants};
use crate::verdict::Exit;
use answer::Answer;
use clap::{Subcommand, ValueEnum};
use std::path::{Path, PathBuf};

/// Arguments of `who-can`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    question: Question,
}

#[derive(Subcommand)]
enum Question {
    /// Who could write this file, replace it, or create it where it is missing
    Write(Write),
    /// Who could change what this service runs, loads or reads
    Control(Control),
    /// Who could become this user: by sudo, keys, programs, objects, or by what the user runs
    Become(Become),
}

#[derive(clap::Args)]
struct Become {
    /// A login name, such as root
    #[arg(value_name = "USER")]
    user: String,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
struct Write {
    /// An absolute path
    #[arg(value_name = "PATH")]
    path: PathBuf,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
struct Control {
    /// A unit (nginx.service, nginx), or the absolute path of a program
    #[arg(value_name = "SERVICE")]
    service: String,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
struct Common {
    #[command(flatten)]
    target: TargetArgs,
    /// Leave out these users: they are meant to; root is always left out
    #[arg(long, value_name = "USER", value_delimiter = ',')]
    but: Vec<String>,
    /// Exit with 2 also for what scripts of the distribution put together when they run
    #[arg(long)]
    strict: bool,
    /// Format of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A small tree
    Human,
    /// One JSON object
    Json,
}

/// Runs the command. Exit code 0: answered; 2: answered as far as could be seen; 3: not at all.
pub fn run(args: &Args, console: &Console) -> Exit {
    let (asked, strict) = match &args.question {
        Question::Write(question) => (question.ask(), question.common.strict),
        Question::Control(question) => (question.ask(), question.common.strict),
        Question::Become(question) => (question.ask(), question.common.strict),
    };
    let (answer, format) = match asked {
        Ok(found) => found,
        Err(message) => return console.fail(&message),
    };
    let exit = if answer.is_complete(strict) { Exit::Holds } else { Exit::Undecided };
    let text = match format {
        Format::Human => answer.tree(),
        Format::Json => answer.json(),
    };
    console.print(&text, exit)
}

impl Write {
    fn ask(&self) -> Result<(Answer, Format), String> {
        if !self.path.is_absolute() {
            let shown = crate::text::path(&self.path);
            return Err(format!("`{shown}` is not an absolute path; who-can write /etc/passwd"));
        }
        let target = self.common.open()?;
        let mut items = Items::default();
        items.add(&self.path, answer::ITSELF);
        let question = format!("write {}", crate::text::path(&self.path));
        Ok((self.common.answer(&question, &items, &*target), self.common.format))
    }
}

impl Control {
    fn ask(&self) -> Result<(Answer, Format), String> {
        let target = self.common.open()?;
        let (name, items) = of_service(&self.service, &*target)?;
        Ok((self.common.answer(&format!("control {name}"), &items, &*target), self.common.format))
    }
}

impl Become {
    fn ask(&self) -> Result<(Answer, Format), String> {
        let target = self.common.open()?;
        let user = target.user(&self.user).map_err(|why| why.to_string())?;
        let Some(user) = user else {
            return Err(format!("there is no account `{}`", self.user));
        };
        let chain = chain::search(&*target, &user);
        let question = format!("become {}", user.name);
        Ok((Answer::of_chain(&question, &chain, &self.common.but, &*target), self.common.format))
    }
}

/// What decides what a service does, found by the name of its unit or the path of its program.
fn of_service(service: &str, target: &dyn Target) -> Result<(String, Items), String> {
    let none = |what: &str| {
        Err(format!("there is no {what}; name a unit, or a program by its absolute path"))
    };
    let running = |selector: Selector| match target.host().kind {
        TargetKind::Image => Ok(Vec::new()),
        TargetKind::Host => target
            .processes(&selector)
            .map(|selection| selection.processes)
            .map_err(|why| why.to_string()),
    };
    if service.starts_with('/') {
        let exe = Some(PathBuf::from(service));
        let processes = running(Selector { exe, ..Selector::default() })?;
        let mut items = service::items(target, &processes, [], &[]);
        if !matches!(target.file(Path::new(service)), Ok(Some(_))) && processes.is_empty() {
            return none(&format!("program {service}"));
        }
        let context = crate::commands::Context::new("program");
        crate::control::command::add_program(target, Path::new(service), context, &mut items);
        return Ok((service.to_owned(), items));
    }
    let name = match service.contains('.') {
        true => service.to_owned(),
        false => format!("{service}.service"),
    };
    match crate::formats::systemd::units::unit(target, &name) {
        Ok(Some(unit)) => {
            let processes =
                running(Selector { unit: Some(unit.id.clone()), ..Selector::default() })?;
            let items = service::items(target, &processes, [unit.id.clone()], &[]);
            Ok((unit.id.clone(), items))
        }
        Ok(None) => none(&format!("unit {name}")),
        Err(why) => Err(why.to_string()),
    }
}

impl Common {
    fn open(&self) -> Result<Box<dyn Target>, String> {
        let targets = self.target.open_for(&Wants::default())?;
        targets.into_iter().next().ok_or_else(|| "there is nothing to look at".to_owned())
    }

    fn answer(&self, question: &str, items: &Items, target: &dyn Target) -> Answer {
        Answer::new(question, items, &self.but, target)
    }
}
