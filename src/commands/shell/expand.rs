//! What words come to.

use super::walk::Shell;
use super::word::{LONGEST, Part, SPLIT, UNKNOWN, VALUES, Word};
use crate::commands::context::Context;

impl Shell<'_, '_> {
    /// The values that a word may have. Between the words that it falls into stands [`SPLIT`].
    pub(super) fn values(&mut self, word: &Word, context: &mut Context) -> Vec<String> {
        let mut found = vec![String::new()];
        for part in word {
            let parts = self.part(part, context);
            let mut next: Vec<String> = Vec::new();
            for before in &found {
                for part in &parts {
                    if next.len() < VALUES && before.len() + part.len() < LONGEST {
                        next.push(format!("{before}{part}"));
                    }
                }
            }
            next.dedup();
            if next.is_empty() {
                return vec![UNKNOWN.to_string()];
            }
            found = next;
        }
        // `~` is the home directory.
        if let Some(Part::Text(first)) = word.first()
            && (first == "~" || first.starts_with("~/"))
        {
            let home = context.values("HOME").into_iter().next().unwrap_or_default();
            found = found.iter().map(|value| value.replacen('~', &home, 1)).collect();
        }
        found
    }

    /// The one value of a word; unknown where there are several.
    pub(super) fn value(&mut self, word: &Word, context: &mut Context) -> String {
        let mut values = self.values(word, context);
        match values.len() {
            1 => values.pop().unwrap_or_default(),
            _ => UNKNOWN.to_string(),
        }
    }

    /// The lists of words that the words of a command may come to.
    pub(super) fn fields(&mut self, words: &[Word], context: &mut Context) -> Vec<Vec<String>> {
        let mut found: Vec<Vec<String>> = vec![Vec::new()];
        for word in words {
            let quoted = word.iter().any(|part| matches!(part, Part::Quote));
            let values = self.values(word, context);
            let lists: Vec<Vec<String>> = values
                .iter()
                .map(|value| {
                    let fields = value.split(SPLIT).map(str::to_owned);
                    fields.filter(|field| quoted || !field.is_empty()).collect()
                })
                .collect();
            let mut next = Vec::new();
            for before in &found {
                for list in lists.iter().take(VALUES.div_ceil(found.len())) {
                    let mut all: Vec<String> = before.clone();
                    all.extend(list.iter().cloned());
                    next.push(all);
                }
            }
            found = next;
        }
        found
    }

    fn part(&mut self, part: &Part, context: &mut Context) -> Vec<String> {
        match part {
            Part::Text(text) => vec![text.clone()],
            Part::Quote => vec![String::new()],
            Part::Unknown => vec![UNKNOWN.to_string()],
            Part::Array(words) => {
                let lists = self.fields(words, context);
                let joined = lists.iter().map(|list| list.join(&SPLIT.to_string()));
                joined.collect()
            }
            Part::Process(text) => {
                self.nested(text, context);
                vec![UNKNOWN.to_string()]
            }
            Part::Substitution { text, quoted } => {
                split_unless(*quoted, self.substituted(text, context))
            }
            Part::Variable { name, operator, quoted } => {
                let values = self.variable(name, operator, context);
                // "$@" stays several words even within quotes.
                split_unless(*quoted || name == "@", values)
            }
        }
    }

    fn variable(&mut self, name: &str, operator: &str, context: &mut Context) -> Vec<String> {
        let values = context.values(name);
        let mut chars = operator.chars();
        let (sign, rest) = match (chars.next(), chars.next()) {
            (None, _) => return values,
            (Some(':'), Some(sign)) if "-=+?".contains(sign) => {
                (sign, operator.get(2..).unwrap_or_default())
            }
            (Some(sign), _) => (sign, operator.get(sign.len_utf8()..).unwrap_or_default()),
        };
        match sign {
            '-' | '=' | '+' => {
                let otherwise = self.values(&super::lex::quoted(rest), context);
                let mut all: Vec<String> = match sign {
                    '+' => vec![String::new()],
                    _ => values.into_iter().filter(|value| !value.is_empty()).collect(),
                };
                // What nobody has set is what is given here; something else cannot be excluded.
                if all.iter().all(|value| value.contains(UNKNOWN)) {
                    all.clear();
                }
                all.extend(otherwise);
                if sign == '=' {
                    context.assign(name, all.clone(), true);
                }
                all
            }
            '?' => values,
            '%' if matches!(rest, "/*" | "%/*") => {
                values.iter().map(|value| folder(value).to_owned()).collect()
            }
            '#' if rest == "#*/" => values.iter().map(|value| name_of(value).to_owned()).collect(),
            '%' => {
                let end = rest.trim_start_matches('%');
                let plain = !end.contains(['*', '?', '[', '$', '\\']);
                values.iter().map(|value| cut(value, plain.then_some(end))).collect()
            }
            _ => vec![UNKNOWN.to_string()],
        }
    }

    /// What a substitution prints, where it is one of the few that tell.
    fn substituted(&mut self, text: &str, context: &mut Context) -> Vec<String> {
        let printed = self.nested(text, context);
        if printed.is_empty() { vec![UNKNOWN.to_string()] } else { printed }
    }
}

fn cut(value: &str, end: Option<&str>) -> String {
    match end {
        Some(end) if !value.contains(UNKNOWN) => {
            value.strip_suffix(end).unwrap_or(value).to_owned()
        }
        _ => UNKNOWN.to_string(),
    }
}

/// The blanks of what stands outside of quotes part words.
fn split_unless(quoted: bool, values: Vec<String>) -> Vec<String> {
    if quoted {
        return values;
    }
    let split = |value: String| {
        let words: Vec<&str> =
            value.split([' ', '\t', '\n']).filter(|word| !word.is_empty()).collect();
        match value.contains([' ', '\t', '\n']) {
            true => words.join(&SPLIT.to_string()),
            false => value,
        }
    };
    values.into_iter().map(split).collect()
}

/// The directory of a path, as `dirname(1)` has it.
pub(super) fn folder(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((folder, _)) => folder,
        None if path.is_empty() => "/",
        None => ".",
    }
}

/// The last name of a path, as `basename(1)` has it.
pub(super) fn name_of(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}
