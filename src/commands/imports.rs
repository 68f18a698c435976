//! Where interpreters look for modules before anywhere else: the directory of the script, or the
//! working directory for `-m` and code on the command line; and which modules of it a script names.

use super::context::Context;
use super::interpreters::Language;
use super::options::{self, Given};
use super::reader::Reader;
use super::scripts;
use crate::host::route::route;
use std::path::{Path, PathBuf};

/// The most names of one script that are looked for.
const NAMES: usize = 500;

/// `python -m NAME`: the working directory is looked into first.
pub(super) fn module(
    reader: &mut Reader<'_>,
    language: Language,
    module: &str,
    given: &[Given],
    context: &Context,
) {
    if language != Language::Python || isolated(given) {
        return;
    }
    let first = module.split('.').next().unwrap_or_default();
    for place in context.directories.clone().into_iter().flatten() {
        let place = context.outside(&place);
        if place == Path::new("/") {
            continue;
        }
        reader.reads(place.clone(), format!("directory of modules of {},", context.why), context);
        named(reader, &place, first, language, context);
    }
}

/// Code on the command line of Python: the working directory is looked into for what it imports.
pub(super) fn inline(
    reader: &mut Reader<'_>,
    language: Language,
    given: &[Given],
    context: &Context,
) {
    if language == Language::Python && !isolated(given) {
        for place in context.directories.clone().into_iter().flatten() {
            if place != Path::new("/") {
                let why = format!("directory of modules of {},", context.why);
                reader.reads(context.outside(&place), why, context);
            }
        }
    }
}

/// `-I` and `-P` keep it from looking there.
fn isolated(given: &[Given]) -> bool {
    options::has(given, &["I", "P"])
}

/// A script: modules beside it.
pub(super) fn script(
    reader: &mut Reader<'_>,
    language: Language,
    name: &str,
    given: &[Given],
    context: &Context,
) {
    if language == Language::Python && isolated(given) {
        return;
    }
    for path in context.resolve(name).into_iter().flatten() {
        // Python takes the directory of the file that links lead to.
        let end = match route(reader.target, &path) {
            Ok(route) => route.end.map(|(end, _)| end),
            Err(why) => {
                reader.unseen(why, context);
                None
            }
        };
        let path = end.unwrap_or(path);
        let Some(folder) = path.parent().map(Path::to_owned) else { continue };
        if language == Language::Python {
            let why = format!("directory of modules of {},", crate::text::path(&path));
            reader.reads(folder.clone(), why, context);
        }
        let text = match scripts::text(reader.target, &path) {
            Ok(Some(text)) => text,
            Ok(None) => continue,
            Err(why) => {
                reader.unseen(why, context);
                continue;
            }
        };
        let inner = Context { script: Some(path.clone()), ..context.clone() };
        for name in names(language, &text).into_iter().take(NAMES) {
            named(reader, &folder, &name, language, &inner);
        }
    }
}

/// The files that a module of a name may be, in a directory.
fn named(
    reader: &mut Reader<'_>,
    folder: &Path,
    name: &str,
    language: Language,
    context: &Context,
) {
    let files: Vec<PathBuf> = match language {
        Language::Python => {
            let path = folder.join(name.replace('.', "/"));
            vec![path.with_extension("py"), path.join("__init__.py"), path.join("__main__.py")]
        }
        _ if name.starts_with('/') => vec![context.outside(Path::new(name))],
        Language::Perl => vec![folder.join(name)],
        Language::Ruby => vec![folder.join(format!("{name}.rb")), folder.join(name)],
        Language::Node => {
            let path = folder.join(name);
            vec![path.clone(), folder.join(format!("{name}.js")), path.join("index.js")]
        }
        Language::Php => vec![folder.join(name)],
        Language::Shell | Language::Other => Vec::new(),
    };
    for file in files {
        if matches!(reader.target.file(&file), Ok(Some(_))) {
            let script = context.script.as_deref().map(crate::text::path).unwrap_or_default();
            let whose = if script.is_empty() { context.why.clone() } else { script };
            reader.reads(file, format!("module of {whose},"), context);
        }
    }
}

/// The modules that a script names as literals.
fn names(language: Language, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        match language {
            Language::Python => {
                if let Some(list) = line.strip_prefix("import ") {
                    let names = list.split(',').filter_map(|part| part.split_whitespace().next());
                    found.extend(names.map(str::to_owned));
                } else if let Some(rest) = line.strip_prefix("from ") {
                    let name = rest.split_whitespace().next().unwrap_or_default();
                    found.push(name.trim_start_matches('.').to_owned());
                }
            }
            Language::Perl => {
                for start in ["require ", "do "] {
                    found.extend(line.strip_prefix(start).and_then(literal));
                }
            }
            Language::Ruby => {
                for start in ["require_relative ", "load "] {
                    found.extend(line.strip_prefix(start).and_then(literal));
                }
            }
            Language::Node => {
                for start in ["require(", "from ", "import "] {
                    let rest = line.split_once(start).map(|(_, rest)| rest);
                    found
                        .extend(rest.and_then(literal).filter(|name| name.starts_with(['.', '/'])));
                }
            }
            Language::Php => {
                for start in ["require_once", "require", "include_once", "include"] {
                    let rest =
                        line.strip_prefix(start).map(|rest| rest.trim_start_matches(['(', ' ']));
                    let beside = rest.and_then(|rest| rest.strip_prefix("__DIR__ . "));
                    let beside = beside.and_then(literal);
                    let beside = beside.map(|name| name.trim_start_matches('/').to_owned());
                    found.extend(beside.or_else(|| rest.and_then(literal)));
                }
            }
            Language::Shell | Language::Other => {}
        }
    }
    found.retain(|name| !name.is_empty() && !name.contains(".."));
    found.sort();
    found.dedup();
    found
}

/// The text between the first quotes.
fn literal(text: &str) -> Option<String> {
    let text = text.trim_start_matches(['(', ' ']);
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text.get(1..)?.split(quote).next().map(str::to_owned)
}
