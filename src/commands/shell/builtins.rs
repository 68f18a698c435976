//! Commands that the shell has itself, and those whose output tells a path.

use super::expand::{folder, name_of};
use super::walk::Shell;
use super::word::{Part, UNKNOWN, Word, is_known};
use crate::commands::context::{Context, normal};
use crate::commands::reader::Stdin;
use crate::facts::Cause;

/// What the shell does itself and runs nothing.
const NOTHING: &[&str] = &[
    ":",
    "true",
    "false",
    "exit",
    "return",
    "read",
    "wait",
    "umask",
    "ulimit",
    "break",
    "continue",
    "kill",
    "hash",
    "unset",
    "let",
    "getopts",
    "jobs",
    "fg",
    "bg",
    "disown",
    "times",
    "mapfile",
    "readarray",
    "complete",
    "compgen",
    "compopt",
    "bind",
    "dirs",
    "popd",
    "help",
    "history",
    "logout",
    "shopt",
    "suspend",
    "caller",
    "enable",
    "fc",
    "unalias",
    "type",
    "in",
];

impl Shell<'_, '_> {
    /// Runs one command whose words are known. `outer` is what it may change, `own` what holds for
    /// it alone.
    pub(super) fn command(
        &mut self,
        words: &[Word],
        list: &[String],
        outer: &mut Context,
        own: &Context,
        stdin: &Stdin,
        several: bool,
    ) {
        let Some((name, arguments)) = list.split_first() else { return };
        let branch = several || self.in_branch();
        match name.as_str() {
            "." | "source" => {
                if let Some(file) = arguments.first() {
                    self.reader.source(file, arguments.get(1..).unwrap_or_default(), outer);
                }
            }
            "eval" => {
                let text = arguments.join(" ");
                match is_known(&text) || !text.starts_with(UNKNOWN) {
                    true => self.inline(&text, outer),
                    false => self.composed("eval", outer),
                }
            }
            "exec" | "command" | "builtin" => {
                self.passed_on(name, arguments, outer, own, stdin);
            }
            "trap" => {
                if let Some(text) = arguments.first().filter(|_| arguments.len() > 1) {
                    let mut inner = outer.clone();
                    inner.main = false;
                    self.inline(text, &mut inner);
                }
            }
            "export" | "declare" | "typeset" | "local" | "readonly" | "alias" => {
                for word in words.iter().skip(1) {
                    self.assigns(word, outer, !branch);
                }
            }
            "set" => {
                let rest = arguments.iter().position(|word| word == "--");
                if let Some(at) = rest {
                    outer.parameters = Some(arguments.get(at + 1..).unwrap_or_default().to_vec());
                    if branch || arguments.iter().any(|word| word.contains(UNKNOWN)) && several {
                        outer.parameters = None;
                    }
                }
            }
            "shift" => {
                let count = arguments.first().map_or(Ok(1), |word| word.parse::<usize>());
                outer.parameters = match (outer.parameters.take(), count) {
                    (Some(words), Ok(count)) if !branch => {
                        Some(words.into_iter().skip(count).collect())
                    }
                    _ => None,
                };
            }
            "cd" | "pushd" | "chdir" => {
                let to = arguments.iter().find(|word| !word.starts_with('-') || *word == "-");
                let home = || outer.values("HOME").pop().unwrap_or_default();
                let to = to.cloned().unwrap_or_else(home);
                outer.go(if to == "-" { "\u{10fffd}" } else { &to }, branch);
            }
            "test" | "[" => {}
            "echo" => {
                let shown =
                    arguments.iter().skip_while(|word| matches!(word.as_str(), "-n" | "-e" | "-E"));
                self.printed.push(shown.cloned().collect::<Vec<_>>().join(" "));
            }
            "printf" => self.printed.push(printf(arguments)),
            "pwd" => self.printed.extend(outer.values("PWD")),
            name if NOTHING.contains(&name) => {}
            name if self.functions.contains_key(name) => {
                if self.functions.get(name) == Some(&true) && !arguments.is_empty() {
                    let mut inner = own.clone();
                    inner.main = false;
                    self.reader.command(arguments, &inner, stdin, true);
                }
            }
            name => {
                // A function that runs what it is given.
                let given = matches!(words.first().map(Vec::as_slice), Some(word)
                    if word.iter().any(|part| matches!(part, Part::Variable { name, .. }
                        if matches!(name.as_str(), "@" | "*" | "1"))));
                if given
                    && name.starts_with(UNKNOWN)
                    && let Some(function) = self.inside().map(str::to_owned)
                {
                    self.functions.insert(function, true);
                    return;
                }
                self.reader.command(list, own, stdin, true);
                self.told(name, arguments, outer);
            }
        }
    }

    /// What a program prints that is used to find paths.
    fn told(&mut self, name: &str, arguments: &[String], context: &Context) {
        let last = arguments.iter().rev().find(|word| !word.starts_with('-'));
        let Some(last) = last else { return };
        match name_of(name) {
            "dirname" => self.printed.push(folder(last).to_owned()),
            "basename" => {
                let first = arguments.iter().find(|word| !word.starts_with('-'));
                self.printed.push(name_of(first.unwrap_or(last)).to_owned());
            }
            "readlink" | "realpath" => {
                for path in context.resolve(last) {
                    self.printed.push(match path {
                        Some(path) => normal(&path).to_string_lossy().into_owned(),
                        None => UNKNOWN.to_string(),
                    });
                }
            }
            "which" => self.printed.push(self.reader.found(last, context)),
            "cat" if arguments.len() == 1 => self.reader.piped = Some(last.clone()),
            _ => {}
        }
    }

    /// `exec`, `command` and `builtin`: the words that follow are the command.
    fn passed_on(
        &mut self,
        name: &str,
        arguments: &[String],
        outer: &mut Context,
        own: &Context,
        stdin: &Stdin,
    ) {
        let mut rest = arguments;
        let mut looks = false;
        while let Some((word, after)) = rest.split_first().filter(|(word, _)| word.starts_with('-'))
        {
            rest = after;
            looks |= name == "command" && word.contains(['v', 'V']);
            if name == "exec" && word == "-a" {
                rest = rest.get(1..).unwrap_or_default();
            }
        }
        if looks {
            if let Some(wanted) = rest.first() {
                let found = self.reader.found(wanted, own);
                self.printed.push(found);
            }
            return;
        }
        let Some(first) = rest.first() else { return };
        let is_own = matches!(
            first.as_str(),
            "." | "source" | "cd" | "eval" | "test" | "[" | "echo" | "printf" | "pwd"
        );
        if name != "exec" && (is_own || NOTHING.contains(&first.as_str())) {
            return self.command(&[], rest, outer, own, stdin, false);
        }
        self.reader.command(rest, own, stdin, true);
    }

    fn composed(&mut self, what: &str, context: &Context) {
        let why = "its text is put together when it runs".to_owned();
        self.reader.gap(what, Cause::Unsupported(why), context);
    }
}

fn printf(arguments: &[String]) -> String {
    let (Some(format), rest) = (arguments.first(), arguments.get(1..).unwrap_or_default()) else {
        return String::new();
    };
    match (format.trim_end_matches("\\n"), rest) {
        (text, []) if !text.contains(['%', '\\']) => text.to_owned(),
        ("%s", [one]) => one.clone(),
        _ => UNKNOWN.to_string(),
    }
}
