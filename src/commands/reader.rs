//! Goes through a command word by word: finds its program, unwraps what starts another one, follows
//! scripts, and takes note of everything on the way.

use super::context::{Context, Who};
use super::options::{self, Given};
use super::reading::{Gap, GapKind, Operand, Read, Reading, Run, Set};
use super::scripts::{self, Opened};
use super::shell::Shell;
use super::shell::word::{ANY, UNKNOWN, is_known, is_name, shown};
use super::wrappers::{self, Effect, Wrapper};
use super::{configured, interpreters, known, special};
use crate::facts::{Cause, Unknown};
use crate::host::Target;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The most commands that one question follows.
const COMMANDS: usize = 100_000;
/// How deep scripts may call scripts.
const DEPTH: usize = 24;

/// What a command reads from its standard input.
#[derive(Clone, Debug, Default)]
pub(super) enum Stdin {
    /// Nothing that is told.
    #[default]
    None,
    /// A file.
    File(String),
    /// This text.
    Text(String),
    /// What another command prints.
    Unknown,
}

/// The reader of commands.
pub(super) struct Reader<'t> {
    pub(super) target: &'t dyn Target,
    pub(super) reading: Reading,
    seen: BTreeSet<(PathBuf, Who, Option<Vec<String>>)>,
    left: usize,
    /// The file that the last command passes on as it is.
    pub(super) piped: Option<String>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(target: &'t dyn Target) -> Self {
        let reading = Reading::default();
        Self { target, reading, seen: BTreeSet::new(), left: COMMANDS, piped: None }
    }

    /// Takes note of what cannot be told.
    pub(super) fn gap(&mut self, what: &str, why: Cause, context: &Context) {
        let what = match &context.script {
            Some(script) => format!("`{}` in {}", shown(what), crate::text::path(script)),
            None => format!("`{}`, {}", shown(what), context.why.trim_end_matches(',')),
        };
        let kind = match why {
            Cause::Unsupported(_) => GapKind::Composed,
            _ => GapKind::Unseen,
        };
        self.note(Unknown::new(what, why), kind, context);
    }

    /// Takes note of what could not be seen.
    pub(super) fn unseen(&mut self, unknown: Unknown, context: &Context) {
        self.note(unknown, GapKind::Unseen, context);
    }

    fn note(&mut self, unknown: Unknown, kind: GapKind, context: &Context) {
        let (script, who) = (context.script.clone(), context.who.clone());
        let gap = Gap { unknown, kind, script, who };
        if !self.reading.gaps.contains(&gap) {
            self.reading.gaps.push(gap);
        }
    }

    /// Whether a further command is read.
    pub(super) fn goes_on(&mut self, context: &Context) -> bool {
        if self.left == 1 {
            let why = Cause::TooLarge(format!("more than {COMMANDS} commands"));
            self.gap("what is run", why, context);
        }
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }

    /// Takes note of a variable that a command is run with.
    pub(super) fn note_variable(&mut self, name: &str, value: &str, context: &Context) {
        if name.chars().any(|c| c.is_ascii_lowercase()) {
            return;
        }
        self.reading.set.push(Set {
            name: name.to_owned(),
            value: value.replace([UNKNOWN, ANY], "$"),
            who: context.who.clone(),
            why: context.why.trim_end_matches(',').to_owned(),
        });
    }

    /// Takes note of what is read as code.
    pub(super) fn reads(&mut self, path: PathBuf, why: String, context: &Context) {
        if !is_kernels(&path) {
            self.reading.reads.push(Read { path, who: context.who.clone(), why });
        }
    }

    /// Reads one command. `shell`: a shell runs it, which reads what the kernel cannot run.
    pub(super) fn command(
        &mut self,
        words: &[String],
        context: &Context,
        stdin: &Stdin,
        shell: bool,
    ) {
        let Some((first, arguments)) = words.split_first() else { return };
        if !self.goes_on(context) {
            return;
        }
        if context.depth > DEPTH {
            let why = Cause::TooLarge(format!("more than {DEPTH} scripts deep"));
            return self.gap(first, why, context);
        }
        if first.is_empty() {
            return;
        }
        if !is_known(first) {
            return self.composed(first, arguments, context, stdin, shell);
        }
        let files = self.files_of(first, context);
        // What is not there would do with its words what it does elsewhere.
        if files.is_empty() && !first.contains('/') {
            let at = self.started(Path::new(first), arguments, context);
            let unwrapped = self.unwrap(first, arguments, context, stdin);
            if let Some(run) = self.reading.runs.get_mut(at) {
                run.gives_way = unwrapped;
            }
        }
        for path in files {
            self.program(&path, arguments, context, stdin, shell);
        }
    }

    /// A program whose name is put together when it runs.
    fn composed(
        &mut self,
        name: &str,
        arguments: &[String],
        context: &Context,
        stdin: &Stdin,
        shell: bool,
    ) {
        let folder = name.rsplit_once('/').map(|(folder, _)| folder).filter(|f| f.starts_with('/'));
        if let Some(folder) = folder.filter(|folder| is_known(folder)) {
            let path = context.outside(Path::new(folder));
            // `DIR/*`: each of them.
            if name.ends_with(ANY) && !name.contains(UNKNOWN) {
                let start = name.rsplit('/').next().unwrap_or_default().trim_end_matches(ANY);
                for file in self.names_in(&path, context) {
                    if is_known(start) && file.starts_with(start) && !file.starts_with('.') {
                        self.program(&path.join(file), arguments, context, stdin, shell);
                    }
                }
                return self.reads(
                    path,
                    format!("directory of what is {}", run_by(context)),
                    context,
                );
            }
            self.reads(path, format!("directory of what is {}", run_by(context)), context);
        }
        let why = Cause::Unsupported("which program that is, is decided when it runs".into());
        self.gap(name, why, context);
        // What it is given may be what it runs.
        self.operands("…", arguments, false, context);
    }

    pub(super) fn names_in(&mut self, folder: &Path, context: &Context) -> Vec<String> {
        match self.target.list(folder) {
            Ok(names) => {
                let names = names.iter().flat_map(|names| names.iter());
                names.map(|name| name.to_string_lossy().into_owned()).collect()
            }
            Err(why) => {
                self.unseen(why, context);
                Vec::new()
            }
        }
    }

    /// The files that a program's name may mean, looked for in the search path where it has no slash.
    fn files_of(&mut self, name: &str, context: &Context) -> Vec<PathBuf> {
        if name.contains('/') {
            let found = context.resolve(name);
            if found.contains(&None) {
                let why = "the directory that it is run in is decided when it runs".to_owned();
                self.gap(name, Cause::Unsupported(why), context);
            }
            return found.into_iter().flatten().collect();
        }
        let mut before = Vec::new();
        for directory in context.search() {
            if !is_known(&directory) {
                continue;
            }
            let file = context.outside(&Path::new(&directory).join(name));
            match self.target.file(&file) {
                Ok(Some(_)) => {
                    self.looked_for(before, context);
                    return vec![file];
                }
                Ok(None) => before.push(file),
                Err(why) => self.unseen(why, context),
            }
        }
        self.looked_for(before, context);
        let why = Cause::Unsupported("it is in no directory of its PATH".into());
        self.note(Unknown::new(format!("`{name}`"), why), GapKind::NotFound, context);
        Vec::new()
    }

    /// Names that are looked for and are not there.
    fn looked_for(&mut self, paths: Vec<PathBuf>, context: &Context) {
        let why = format!("name that is looked up for {},", context.why.trim_end_matches(','));
        for path in paths {
            self.reading.missing.push(Read { path, who: context.who.clone(), why: why.clone() });
        }
    }

    /// Where a name leads in the search path, for `command -v`.
    pub(super) fn found(&mut self, name: &str, context: &Context) -> String {
        if !is_known(name) {
            return UNKNOWN.to_string();
        }
        if name.contains('/') {
            return name.to_owned();
        }
        for directory in context.search() {
            let file = Path::new(&directory).join(name);
            if matches!(self.target.file(&context.outside(&file)), Ok(Some(_))) {
                return file.to_string_lossy().into_owned();
            }
        }
        name.to_owned()
    }

    /// One program with what it is given.
    pub(super) fn program(
        &mut self,
        path: &Path,
        arguments: &[String],
        context: &Context,
        stdin: &Stdin,
        shell: bool,
    ) {
        if is_kernels(path) {
            return;
        }
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let at = self.started(path, arguments, context);
        let script = self.script(path, arguments, context, shell);
        configured::defaults(self, &name, context);
        let unwrapped = self.unwrap(&name, arguments, context, stdin);
        if let Some(run) = self.reading.runs.get_mut(at) {
            run.gives_way = script || unwrapped;
        }
        if !script && !unwrapped {
            self.operands(&name, arguments, known::takes_data(&name), context);
        }
    }

    /// Takes note of a program that is started; its place in the list.
    fn started(&mut self, path: &Path, arguments: &[String], context: &Context) -> usize {
        self.reading.runs.push(Run {
            program: path.to_owned(),
            arguments: arguments.to_vec(),
            who: context.who.clone(),
            from: context.directories.first().cloned().flatten(),
            why: context.why.clone(),
            main: context.main,
            gives_way: false,
        });
        self.reading.runs.len() - 1
    }

    /// Whether the program is one that is known to run something else; that is read.
    fn unwrap(
        &mut self,
        name: &str,
        arguments: &[String],
        context: &Context,
        stdin: &Stdin,
    ) -> bool {
        if let Some(wrapper) = wrappers::find(name) {
            self.wrapper(name, wrapper, arguments, context, stdin);
            return true;
        }
        special::read(self, name, arguments, context, stdin)
            || interpreters::read(self, name, arguments, context, stdin)
    }

    /// A script that the kernel starts by its first line, or a shell by itself.
    fn script(
        &mut self,
        path: &Path,
        arguments: &[String],
        context: &Context,
        shell: bool,
    ) -> bool {
        let (at, words) = match scripts::open(self.target, path) {
            Ok(Opened::Script { at, words, .. }) => (at, words),
            Ok(Opened::Text { at, .. }) if shell => (at, Vec::new()),
            Ok(_) => return false,
            Err(why) => {
                self.unseen(why, context);
                return false;
            }
        };
        let file = path.to_string_lossy().into_owned();
        let mut inner = context.clone();
        inner.depth += 1;
        inner.script = Some(at.clone());
        // What runs in another root directory has its own names there.
        let own = match &context.root {
            Some(root) => path.strip_prefix(root).map(|rest| Path::new("/").join(rest)).ok(),
            None => None,
        };
        let file = own.map_or(file, |own| own.to_string_lossy().into_owned());
        if words.is_empty() {
            self.shell_file(path, Some(file), arguments.to_vec(), &inner);
            return true;
        }
        inner.why = format!("interpreter of {},", crate::text::path(&at));
        let words = words.into_iter().chain([file]).chain(arguments.iter().cloned());
        self.command(&words.collect::<Vec<_>>(), &inner, &Stdin::None, false);
        true
    }

    /// A file that a shell reads as commands. Whether it was there to be read.
    pub(super) fn shell_file(
        &mut self,
        path: &Path,
        zero: Option<String>,
        parameters: Vec<String>,
        context: &Context,
    ) -> bool {
        let text = match scripts::text(self.target, path) {
            Ok(Some(text)) => text,
            Ok(None) => return false,
            Err(why) => {
                self.unseen(why, context);
                return false;
            }
        };
        let key = (path.to_owned(), context.who.clone(), Some(parameters.clone()));
        if !self.seen.insert(key) {
            return true;
        }
        let mut inner = context.clone();
        inner.depth += 1;
        inner.parameters = Some(parameters);
        inner.zero = zero.or_else(|| Some(path.to_string_lossy().into_owned()));
        inner.script = Some(path.to_owned());
        inner.why = format!("run by {},", crate::text::path(path));
        Shell::read(self, &text, &mut inner);
        true
    }

    /// `. FILE`: read by the shell itself, whose variables it sets.
    pub(super) fn source(&mut self, name: &str, arguments: &[String], context: &mut Context) {
        let why = format!("read by {}", context.why);
        let mut files = Vec::new();
        if name.contains(ANY) && !name.contains(UNKNOWN) && name.starts_with('/') {
            let folder = name.rsplit_once('/').map_or("/", |(folder, _)| folder);
            let pattern = name.rsplit('/').next().unwrap_or_default();
            let (start, end) = pattern.split_once(ANY).unwrap_or((pattern, ""));
            let path = context.outside(Path::new(folder));
            self.reads(path.clone(), format!("directory of what is {why}"), context);
            let end = end.trim_start_matches(ANY);
            let fits = |file: &String| {
                is_known(start)
                    && file.starts_with(start)
                    && file.ends_with(end)
                    && !file.starts_with('.')
            };
            files.extend(
                self.names_in(&path, context).into_iter().filter(fits).map(|file| path.join(file)),
            );
        } else if !name.contains('/') && is_known(name) {
            // Looked for in PATH, by bash then in the working directory.
            let search = context.search();
            let found = search.iter().map(|folder| context.outside(&Path::new(folder).join(name)));
            let found =
                found.into_iter().find(|file| matches!(self.target.file(file), Ok(Some(_))));
            files
                .extend(found.or_else(|| {
                    context.resolve(&format!("./{name}")).into_iter().flatten().next()
                }));
        } else {
            for path in context.resolve(name) {
                match path {
                    Some(path) => files.push(path),
                    None => {
                        let known = name.rsplit_once('/').map(|(folder, _)| folder);
                        if let Some(folder) = known.filter(|f| f.starts_with('/') && is_known(f)) {
                            self.reads(
                                context.outside(Path::new(folder)),
                                format!("directory of what is {why}"),
                                context,
                            );
                        }
                        let why = "which file is read is decided when it runs".to_owned();
                        self.gap(&format!(". {name}"), Cause::Unsupported(why), context);
                    }
                }
            }
        }
        for file in files {
            self.reads(file.clone(), why.clone(), context);
            self.sourced(&file, arguments, context);
        }
    }

    fn sourced(&mut self, file: &Path, arguments: &[String], context: &mut Context) {
        let text = match scripts::text(self.target, file) {
            Ok(Some(text)) => text,
            Ok(None) => return,
            Err(why) => return self.unseen(why, context),
        };
        if !self.seen.insert((file.to_owned(), context.who.clone(), None)) && context.depth > 3 {
            return;
        }
        let outer = (context.parameters.clone(), context.why.clone(), context.script.clone());
        if !arguments.is_empty() {
            context.parameters = Some(arguments.to_vec());
        }
        context.why = format!("run by {},", crate::text::path(file));
        context.script = Some(file.to_owned());
        Shell::read(self, &text, context);
        (context.parameters, context.why, context.script) = outer;
    }

    /// A text of commands in the words of another command: `sh -c TEXT`.
    pub(super) fn inline(&mut self, text: &str, context: &Context) {
        let mut inner = context.clone();
        inner.why = format!("named by {},", context.why.trim_end_matches(','));
        Shell::read(self, text, &mut inner);
    }

    fn wrapper(
        &mut self,
        name: &str,
        wrapper: &Wrapper,
        arguments: &[String],
        context: &Context,
        stdin: &Stdin,
    ) {
        let (given, rest) = options::leading(arguments, wrapper.valued);
        let mut inner = context.clone();
        place(&given, &mut inner);
        let operand = rest.first().cloned().unwrap_or_default();
        let mut rest = rest.get(wrapper.before.min(rest.len())..).unwrap_or_default();
        match wrapper.effect {
            Effect::Nothing => {}
            Effect::User(names, otherwise) => {
                let named = options::value(&given, names).map(str::to_owned);
                if let Some(user) = named.or(otherwise.map(str::to_owned)) {
                    inner.who = who(&user);
                }
            }
            Effect::UserOperand => inner.who = who(&operand),
            Effect::Root => {
                if let Some(user) = options::value(&given, &["userspec"]) {
                    inner.who = who(user);
                }
                let root = context.resolve(&operand).into_iter().flatten().next();
                inner.root = root.filter(|root| root != Path::new("/"));
                inner.directories = vec![Some(PathBuf::from("/"))];
                if rest.is_empty() {
                    return;
                }
            }
            Effect::Environment => {
                for path in context.resolve(&operand).into_iter().flatten() {
                    self.reads(path, format!("environment of {},", context.why), context);
                }
            }
            Effect::Text => {
                let text = match name {
                    "flock" => {
                        let at =
                            rest.first().is_some_and(|word| word == "-c" || word == "--command");
                        at.then(|| rest.get(1).cloned().unwrap_or_default())
                    }
                    _ if options::has(&given, &["x", "exec"]) => None,
                    _ => Some(rest.join(" ")),
                };
                if let Some(text) = text {
                    return self.inline(&text, &inner);
                }
            }
        }
        // Assignments may stand before the command.
        while let Some((word, after)) = rest.split_first() {
            let Some((name, value)) = word.split_once('=').filter(|(name, _)| is_name(name)) else {
                break;
            };
            self.note_variable(name, value, &inner);
            inner.set(name, value);
            rest = after;
        }
        if rest.first().is_some_and(|word| word == "--") {
            rest = rest.get(1..).unwrap_or_default();
        }
        self.command(rest, &inner, stdin, false);
    }

    /// Takes note of the paths among the words that a program is given.
    pub(super) fn operands(
        &mut self,
        program: &str,
        words: &[String],
        is_data: bool,
        context: &Context,
    ) {
        let mut ended = false;
        for word in words {
            ended |= word == "--";
            if word.contains(ANY) && !ended {
                special::wildcard(self, program, word, context);
            }
            let value = match word.split_once('=') {
                Some((_, value)) => value,
                None if word.starts_with('-') => {
                    word.find('/').and_then(|at| word.get(at..)).unwrap_or("")
                }
                None => word,
            };
            if is_data || !is_known(value) || value.is_empty() {
                continue;
            }
            for path in context.resolve(value).into_iter().flatten() {
                let there = value.contains('/') || matches!(self.target.file(&path), Ok(Some(_)));
                if there && !is_kernels(&path) {
                    let why = format!("argument of {},", context.why.trim_end_matches(','));
                    let (who, program) = (context.who.clone(), program.to_owned());
                    self.reading.operands.push(Operand { path, who, program, why, is_data });
                }
            }
        }
    }
}

/// As whom, by a name as options have it: `bob`, `bob:staff`, `:1001:1001` of chpst.
pub(super) fn who(text: &str) -> Who {
    let name = text.trim_start_matches(':').split(':').next().unwrap_or_default();
    if !is_known(name) || name.is_empty() {
        return Who::Unclear(shown(text));
    }
    Who::User(name.to_owned())
}

/// The working directory, as options of many programs set it.
fn place(given: &[Given], context: &mut Context) {
    let names = ["chdir", "wd", "working-directory", "D"];
    if let Some(directory) = options::value(given, &names) {
        context.go(directory, false);
    }
}

fn run_by(context: &Context) -> String {
    match context.why.strip_prefix("run by ") {
        Some(script) => format!("run by {script}"),
        None => format!("run for {}", context.why),
    }
}

/// What stands there is the kernel's.
pub(super) fn is_kernels(path: &Path) -> bool {
    ["/proc", "/dev", "/sys"].iter().any(|place| path.starts_with(place))
}
