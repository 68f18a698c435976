//! Programs that run code out of a file or out of their arguments: which argument is which, from
//! their manual pages.

use super::context::Context;
use super::imports;
use super::options::{self, Valued};
use super::reader::{Reader, Stdin};
use super::shell::word::{UNKNOWN, is_known};
use crate::facts::Cause;
use std::path::{Path, PathBuf};

/// What an interpreter runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Shell,
    Python,
    Perl,
    Ruby,
    Node,
    Php,
    /// Any other, of which files are followed no further.
    Other,
}

/// One interpreter.
#[derive(Debug)]
struct Interpreter {
    names: &'static [&'static str],
    language: Language,
    valued: Valued,
    /// Options whose value is code.
    code: &'static [&'static str],
    /// Options whose value is a file of code, after which no operand is one.
    file: &'static [&'static str],
    /// Options whose value is a further file or directory of code.
    also: &'static [&'static str],
    /// Options whose value is a module.
    module: &'static [&'static str],
    /// Options whose value is the working directory.
    place: &'static [&'static str],
}

const fn row(
    names: &'static [&'static str],
    language: Language,
    letters: &'static str,
    long: &'static [&'static str],
    code: &'static [&'static str],
    file: &'static [&'static str],
    also: &'static [&'static str],
) -> Interpreter {
    let valued = Valued { letters, names: long };
    Interpreter { names, language, valued, code, file, also, module: &[], place: &[] }
}

static INTERPRETERS: &[Interpreter] = &[
    row(
        &["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "rbash"],
        Language::Shell,
        "oO",
        &["rcfile", "init-file"],
        &[],
        &[],
        &["rcfile", "init-file"],
    ),
    row(&["csh", "tcsh", "fish"], Language::Other, "", &[], &["c", "command"], &[], &[]),
    Interpreter {
        module: &["m"],
        ..row(
            &["python", "pypy"],
            Language::Python,
            "cmWXQ",
            &["check-hash-based-pycs"],
            &["c"],
            &[],
            &[],
        )
    },
    row(&["perl"], Language::Perl, "eEI", &[], &["e", "E"], &[], &["I"]),
    Interpreter {
        place: &["C"],
        ..row(&["ruby", "jruby"], Language::Ruby, "eIrCEKFxT", &[], &["e"], &[], &["I", "r"])
    },
    row(
        &["node", "nodejs"],
        Language::Node,
        "epr",
        &["eval", "print", "require", "import", "loader", "experimental-loader", "env-file"],
        &["e", "p", "eval", "print"],
        &[],
        &["r", "require", "import", "loader", "experimental-loader"],
    ),
    row(
        &["php", "php-cgi"],
        Language::Php,
        "frBREFcdzSt",
        &["file", "run", "php-ini", "define", "server", "docroot"],
        &["r", "run", "B", "R", "E"],
        &["f", "file", "F"],
        &["c", "php-ini", "z"],
    ),
    row(&["lua", "luajit", "texlua"], Language::Other, "el", &[], &["e"], &[], &[]),
    row(
        &["tclsh", "wish", "expect", "guile", "sbcl"],
        Language::Other,
        "cf",
        &[],
        &["c"],
        &["f"],
        &[],
    ),
    row(
        &["awk", "gawk", "mawk", "nawk", "original-awk"],
        Language::Other,
        "fFviel",
        &["file", "include", "source", "assign", "field-separator", "load"],
        &["e", "source"],
        &["f", "file"],
        &["i", "include", "l", "load"],
    ),
    row(
        &["sed", "gsed"],
        Language::Other,
        "efl",
        &["expression", "file"],
        &["e", "expression"],
        &["f", "file"],
        &[],
    ),
    row(
        &[
            "Rscript", "octave", "groovy", "escript", "elixir", "swipl", "gnuplot", "ocaml",
            "julia", "raku",
        ],
        Language::Other,
        "e",
        &["eval"],
        &["e", "eval"],
        &[],
        &[],
    ),
    row(&["deno", "bun", "ts-node", "tsx"], Language::Other, "e", &[], &["e"], &[], &[]),
    row(&["execlineb"], Language::Other, "c", &[], &["c"], &[], &[]),
    row(
        &["ansible-playbook"],
        Language::Other,
        "iecMtlfuT",
        &["inventory", "extra-vars", "tags", "limit", "user", "vault-password-file"],
        &[],
        &[],
        &["i", "inventory", "M"],
    ),
    row(&["pwsh"], Language::Other, "", &[], &[], &[], &[]),
];

/// Reads the arguments of an interpreter; `false`: the name is none's.
pub(super) fn read(
    reader: &mut Reader<'_>,
    name: &str,
    arguments: &[String],
    context: &Context,
    stdin: &Stdin,
) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    let stem = stem.split_once("-qt").map_or(stem, |(stem, _)| stem);
    let fits = |one: &&Interpreter| one.names.contains(&name) || one.names.contains(&stem);
    let Some(one) = INTERPRETERS.iter().find(fits) else {
        return java(reader, stem, arguments, context);
    };
    if one.language == Language::Shell {
        shell(reader, one, arguments, context, stdin);
        return true;
    }
    let (given, rest) = options::leading(arguments, one.valued);
    let mut inner = context.clone();
    if let Some(place) = options::value(&given, one.place) {
        inner.go(place, false);
    }
    let context = &inner;
    let why = format!("argument of {},", context.why.trim_end_matches(','));
    for option in one.also {
        for (_, value) in given.iter().filter(|(name, _)| name == option) {
            let value = value.as_deref().unwrap_or_default();
            // A module by its name is looked for elsewhere.
            if value.contains('/') {
                code(reader, value, &why, Language::Other, context);
            }
        }
    }
    let file = options::value(&given, one.file).map(str::to_owned);
    if let Some(file) = &file {
        code(reader, file, &why, one.language, context);
    }
    if let Some(module) = options::value(&given, one.module) {
        imports::module(reader, one.language, module, &given, context);
        return true;
    }
    if let Some(text) = options::value(&given, one.code) {
        inline(reader, name, text, context);
        imports::inline(reader, one.language, &given, context);
        return true;
    }
    if file.is_some() {
        return true;
    }
    let is_program_text =
        ["awk", "gawk", "mawk", "nawk", "original-awk", "sed", "gsed"].contains(&name);
    match rest.first() {
        Some(text) if is_program_text => inline(reader, name, text, context),
        Some(script) if script != "-" => {
            let script = if ["deno", "bun"].contains(&name) && script == "run" {
                rest.iter().skip(1).find(|word| !word.starts_with('-')).unwrap_or(script)
            } else {
                script
            };
            code(reader, script, &why, one.language, context);
            imports::script(reader, one.language, script, &given, context);
        }
        _ => from_stdin(reader, name, one.language, context, stdin),
    }
    true
}

/// `sh [options] FILE`, `sh -c TEXT`.
fn shell(
    reader: &mut Reader<'_>,
    one: &Interpreter,
    arguments: &[String],
    context: &Context,
    stdin: &Stdin,
) {
    let (mut rest, mut text, mut input) = (arguments, false, false);
    while let Some((word, after)) = rest.split_first() {
        if word == "--" || word == "-" {
            rest = after;
            break;
        }
        if !word.starts_with(['-', '+']) {
            break;
        }
        rest = after;
        let long = word.strip_prefix("--");
        if let Some(name) = long {
            if one.valued.names.contains(&name) {
                let why = format!("argument of {},", context.why.trim_end_matches(','));
                if let Some(file) = rest.first() {
                    code(reader, file, &why, Language::Shell, context);
                }
                rest = rest.get(1..).unwrap_or_default();
            }
            continue;
        }
        text |= word.starts_with('-') && word.contains('c');
        input |= word.starts_with('-') && word.contains('s');
        if word.ends_with(['o', 'O']) {
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    let Some((first, others)) = rest.split_first() else {
        return from_stdin(reader, "sh", Language::Shell, context, stdin);
    };
    let mut inner = context.clone();
    if text {
        inner.zero = others.first().cloned();
        inner.parameters = Some(others.get(1..).unwrap_or_default().to_vec());
        if first.contains(UNKNOWN) && first.starts_with(UNKNOWN) {
            let why = "its text is put together when it runs".to_owned();
            return reader.gap("sh -c", Cause::Unsupported(why), context);
        }
        return reader.inline(first, &inner);
    }
    if input {
        return from_stdin(reader, "sh", Language::Shell, context, stdin);
    }
    let why = format!("argument of {},", context.why.trim_end_matches(','));
    script_of_shell(reader, first, others, &why, context);
}

fn script_of_shell(
    reader: &mut Reader<'_>,
    name: &str,
    others: &[String],
    why: &str,
    context: &Context,
) {
    for path in places(reader, name, context) {
        let interpreted = context.why.starts_with("interpreter of ");
        if !interpreted {
            reader.reads(path.clone(), why.to_owned(), context);
        }
        reader.shell_file(&path, Some(name.to_owned()), others.to_vec(), context);
    }
}

/// The paths that the name of a script may mean.
fn places(reader: &mut Reader<'_>, name: &str, context: &Context) -> Vec<PathBuf> {
    let found = context.resolve(name);
    if found.contains(&None) {
        let folder = name.rsplit_once('/').map(|(folder, _)| folder);
        if let Some(folder) = folder.filter(|f| f.starts_with('/') && is_known(f)) {
            let why = format!("directory of what is run for {}", context.why);
            reader.reads(context.outside(Path::new(folder)), why, context);
        }
        let why = "which file is run is decided when it runs".to_owned();
        reader.gap(name, Cause::Unsupported(why), context);
    }
    found.into_iter().flatten().collect()
}

/// A file of code that is an argument.
pub(super) fn code(
    reader: &mut Reader<'_>,
    name: &str,
    why: &str,
    language: Language,
    context: &Context,
) {
    // The script that the kernel hands to its interpreter has been told already.
    let interpreted = context.why.starts_with("interpreter of ");
    for path in places(reader, name, context) {
        if !interpreted {
            reader.reads(path.clone(), why.to_owned(), context);
        }
        if language == Language::Shell {
            reader.shell_file(&path, Some(name.to_owned()), Vec::new(), context);
        }
    }
}

/// Code in the words of the command. Paths in it may be what it runs.
fn inline(reader: &mut Reader<'_>, program: &str, text: &str, context: &Context) {
    let within = |c: char| c.is_whitespace() || "\"'`;|()<>{},[]".contains(c);
    let words = text.split(within).filter(|word| word.starts_with('/') && word.len() > 2);
    // An address of sed or awk is no path.
    let words = words.filter(|word| !word.ends_with('/') && !word.contains(['*', '^', '$', '\\']));
    let words: Vec<String> = words.map(str::to_owned).collect();
    reader.operands(program, &words, false, context);
}

fn from_stdin(
    reader: &mut Reader<'_>,
    name: &str,
    language: Language,
    context: &Context,
    stdin: &Stdin,
) {
    let why = format!("read by {},", context.why.trim_end_matches(','));
    match stdin {
        Stdin::None => {}
        Stdin::File(file) => code(reader, file, &why, language, context),
        Stdin::Text(text) if language == Language::Shell && !text.starts_with(UNKNOWN) => {
            reader.inline(text, context);
        }
        Stdin::Text(text) if language != Language::Shell => inline(reader, name, text, context),
        Stdin::Text(_) | Stdin::Unknown => {
            let why = "it runs what another command prints".to_owned();
            reader.gap(name, Cause::Unsupported(why), context);
        }
    }
}

/// `java -jar FILE`, with its class path and agents.
fn java(reader: &mut Reader<'_>, stem: &str, arguments: &[String], context: &Context) -> bool {
    if stem != "java" {
        return false;
    }
    let why = format!("argument of {},", context.why.trim_end_matches(','));
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-jar" => {
                if let Some(file) = words.next() {
                    code(reader, file, &why, Language::Other, context);
                }
                return true;
            }
            "-cp" | "-classpath" | "--class-path" | "-p" | "--module-path" => {
                for path in words.next().into_iter().flat_map(|paths| paths.split(':')) {
                    let path = path.trim_end_matches(['*', super::shell::word::ANY]);
                    code(reader, path, &why, Language::Other, context);
                }
            }
            "-m" | "--module" => return true,
            _ => {
                let agent = ["-javaagent:", "-agentpath:"]
                    .iter()
                    .find_map(|start| word.strip_prefix(start));
                if let Some(agent) = agent.map(|agent| agent.split('=').next().unwrap_or_default())
                {
                    code(reader, agent, &why, Language::Other, context);
                } else if let Some(file) = word.strip_prefix('@') {
                    code(reader, file, &why, Language::Other, context);
                } else if !word.starts_with('-') {
                    return true;
                }
            }
        }
    }
    true
}
