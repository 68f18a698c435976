//! Variables: `${name}` in any scalar, replaced after parsing, so that lines and columns stay true
//! and a value cannot bring in new structure.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::node::{Node, Value};
use super::source::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Longest text that a scalar may grow to, in bytes.
const LENGTH_LIMIT: usize = 1 << 20;
/// Most text that all variables of a run may add, in bytes: a value of a megabyte, used a hundred
/// thousand times, would fill the memory.
const TOTAL_LIMIT: usize = 16 << 20;

/// Values by name.
#[derive(Clone, Debug, Default)]
pub struct Vars {
    values: BTreeMap<String, (String, Option<Span>)>,
}

/// What the interpolations of a run have come to.
#[derive(Debug, Default)]
pub struct Usage {
    /// Names that were used.
    pub names: BTreeSet<String>,
    /// Bytes that came out, those behind the limit not counted.
    bytes: usize,
}

impl Vars {
    /// Sets a variable, replacing an earlier value. `from` is where its name stands, if in a file.
    pub fn set(&mut self, name: &str, value: &str, from: Option<&Span>) {
        self.values.insert(name.to_owned(), (value.to_owned(), from.cloned()));
    }

    /// A variable's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|(value, _)| value.as_str())
    }

    /// An error about a variable, at its name, or about the command line if it was set there.
    pub fn complain(&self, name: &str, message: String) -> Diagnostic {
        match self.values.get(name) {
            Some((_, Some(span))) => Diagnostic::at(span, message),
            _ => Diagnostic::command_line(message),
        }
    }

    /// Reads variables from a mapping of names to values.
    pub fn parse(node: &Node, problems: &mut Diagnostics) -> Vars {
        let mut vars = Vars::default();
        let Some(fields) = problems.ok(node.fields("variables and their values")) else {
            return vars;
        };
        for (key, value) in fields.rest() {
            if !is_name(&key.text) {
                let message = format!("`{}` cannot be the name of a variable", key.text);
                problems.push(Diagnostic::at(&key.span, message).label("letters, digits, - _ ."));
                continue;
            }
            let text = value.text("a value").and_then(|text| match text.contains("${") {
                // Else it would stay there literally, which nobody means.
                true => Err(Diagnostic::at(&value.span, "a variable cannot use another variable")
                    .help("write the value out")),
                false => Ok(text),
            });
            if let Some(text) = problems.ok(text) {
                vars.set(&key.text, text, Some(&key.span));
            }
        }
        vars
    }

    /// These variables, overridden by `stronger`.
    pub fn overridden_by(&self, stronger: &Vars) -> Vars {
        let mut values = self.values.clone();
        values.extend(stronger.values.iter().map(|(k, v)| (k.clone(), v.clone())));
        Vars { values }
    }

    /// Names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Replaces every `${name}` in the tree; `$${` stands for a literal `${`.
    pub fn interpolate(&self, node: &mut Node, usage: &mut Usage, problems: &mut Diagnostics) {
        match &mut node.value {
            // Nearly all have none: the cheaper question first.
            Value::Scalar(scalar)
                if scalar.text.as_bytes().contains(&b'$') && scalar.text.contains("${") =>
            {
                if let Some(text) = problems.ok(self.expand(&scalar.text, &node.span, usage)) {
                    scalar.text = text;
                }
            }
            Value::Scalar(_) => {}
            Value::List(items) => {
                items.iter_mut().for_each(|item| self.interpolate(item, usage, problems));
            }
            Value::Map(entries) => {
                entries.iter_mut().for_each(|(_, value)| self.interpolate(value, usage, problems));
            }
        }
    }

    fn expand(&self, text: &str, span: &Span, usage: &mut Usage) -> Result<String, Diagnostic> {
        let wrong = |message: String| Diagnostic::at(span, message).cause();
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if let Some(before) = before.strip_suffix('$') {
                out.push_str(before);
                out.push_str("${");
                rest = after;
                continue;
            }
            let Some((name, behind)) = after.split_once('}') else {
                return Err(wrong("`${` without its `}`".into()).help("write $${ for a literal ${"));
            };
            let Some(value) = self.get(name) else {
                return Err(self.unknown(name, wrong(format!("unknown variable `{name}`"))));
            };
            usage.names.insert(name.to_owned());
            out.push_str(before);
            out.push_str(value);
            rest = behind;
            if out.len() > LENGTH_LIMIT {
                return Err(wrong("too long after its variables were replaced".into()));
            }
        }
        out.push_str(rest);
        if usage.bytes + out.len() > TOTAL_LIMIT {
            let limit = TOTAL_LIMIT >> 20;
            return Err(wrong(format!("the variables of this run make more than {limit} MiB")));
        }
        usage.bytes += out.len();
        Ok(out)
    }

    fn unknown(&self, name: &str, diagnostic: Diagnostic) -> Diagnostic {
        let diagnostic = diagnostic.suggest(name, self.names());
        if is_name(name) {
            diagnostic.help(format!("define it under `vars:` or give it with --var {name}=VALUE"))
        } else {
            diagnostic.help("a name is letters, digits, - _ and .; write $${ for a literal ${")
        }
    }
}

/// Whether a name may be a variable's: letters, digits, `_`, `-` and `.`, not empty.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}
