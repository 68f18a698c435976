//! Words of the policies that are written: names, quoted texts, and what a value must be.

use super::pattern::escaped;
use crate::policy::node::{Key, Node, Value};

/// A text in double quotes, as YAML reads it; `${` is no variable.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.replace("${", "$${").chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(c),
            c if c.is_alphanumeric() => out.push(c),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

/// A text as a person would write it: quoted where it has to be.
pub fn plain(text: &str) -> String {
    const MEANS_SOMETHING: [&str; 8] = ["true", "false", "null", "yes", "no", "on", "off", "~"];
    let safe = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-@+".contains(c))
        && !MEANS_SOMETHING.contains(&text.to_ascii_lowercase().as_str());
    if safe { text.to_owned() } else { quoted(text) }
}

/// Several in a list.
pub fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = texts.into_iter().map(plain).collect();
    format!("[{}]", words.join(", "))
}

/// The beginning of an id: letters, digits and dashes.
pub fn slug(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut out = String::new();
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => out.push(c.to_ascii_lowercase()),
            _ if out.is_empty() || out.ends_with('-') => {}
            _ => out.push('-'),
        }
        if out.len() >= LONGEST {
            break;
        }
    }
    let out = out.trim_matches('-');
    if out.is_empty() { "imported".to_owned() } else { out.to_owned() }
}

/// The value of a key.
pub fn get<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    entries(node).iter().find(|(key, _)| key.text == name).map(|(_, value)| value)
}

/// The entries of a mapping; of anything else none.
pub fn entries(node: &Node) -> &[(Key, Node)] {
    match &node.value {
        Value::Map(entries) => entries,
        _ => &[],
    }
}

/// The elements of a list; of anything else none.
pub fn elements(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => &[],
    }
}

/// The text of a scalar.
pub fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar(scalar) if !scalar.is_null() => Some(&scalar.text),
        _ => None,
    }
}

/// The texts of a list of scalars. `None`: something else is in it.
pub fn texts(node: &Node) -> Option<Vec<&str>> {
    match &node.value {
        Value::List(items) => items.iter().map(text).collect(),
        _ => None,
    }
}

/// `true` or `false` as YAML 1.2 and the Go readers of YAML both take them.
pub fn truth(node: &Node) -> Option<bool> {
    match text(node)?.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// What a single value must be, from the matchers of goss. The error says what there is no word for.
pub fn expectation(node: &Node) -> Result<String, String> {
    if let Some(text) = text(node) {
        return Ok(plain(text));
    }
    let [(key, value)] = entries(node) else {
        return Err("not one value or one matcher".to_owned());
    };
    let word = || text(value).ok_or_else(|| format!("`{}` of several values", key.text));
    match key.text.as_str() {
        "equal" => word().map(plain),
        "not" => Ok(format!("{{ not: {} }}", expectation(value)?)),
        "or" => {
            let all: Result<Vec<String>, String> =
                elements(value).iter().map(expectation).collect();
            all.map(|all| format!("[{}]", all.join(", ")))
        }
        "le" => Ok(format!("{{ at_most: {} }}", word()?)),
        "ge" => Ok(format!("{{ at_least: {} }}", word()?)),
        "lt" => Ok(format!("{{ not: {{ at_least: {} }} }}", word()?)),
        "gt" => Ok(format!("{{ not: {{ at_most: {} }} }}", word()?)),
        "match-regexp" => Ok(format!("{{ matches: {} }}", quoted(word()?))),
        "have-prefix" => {
            Ok(format!("{{ matches: {} }}", quoted(&format!("\\A{}", escaped(word()?)))))
        }
        "have-suffix" => {
            Ok(format!("{{ matches: {} }}", quoted(&format!("{}\\z", escaped(word()?)))))
        }
        "contain-substring" => Ok(format!("{{ matches: {} }}", quoted(&escaped(word()?)))),
        other => Err(format!("there is no word for the matcher `{other}`")),
    }
}

/// What a set must be: a list of goss demands each of its members.
pub fn set(node: &Node) -> Result<String, String> {
    if let Some(members) = texts(node) {
        return match members.is_empty() {
            true => Err("an empty list asks nothing".to_owned()),
            false => Ok(format!("{{ all: {} }}", list(members))),
        };
    }
    let [(key, value)] = entries(node) else {
        return Err("not a list of values".to_owned());
    };
    match (key.text.as_str(), text(value), texts(value)) {
        ("contain-element", Some(one), _) => Ok(format!("{{ all: {} }}", list([one]))),
        ("contain-elements", _, Some(all)) if !all.is_empty() => {
            Ok(format!("{{ all: {} }}", list(all)))
        }
        ("consist-of", _, Some(all)) => Ok(format!("{{ exactly: {} }}", list(all))),
        ("not", ..) => match entries(value) {
            [(inner, one)] if inner.text == "contain-element" && text(one).is_some() => {
                Ok(format!("{{ none: {} }}", list(text(one))))
            }
            _ => Err("there is no word for this matcher of a set".to_owned()),
        },
        (other, ..) => Err(format!("there is no word for the matcher `{other}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_quoted_so_that_yaml_reads_it_as_it_was() {
        assert_eq!(quoted("a\"b\\c\n"), r#""a\"b\\c\n""#);
        assert_eq!(quoted("${x}"), r#""$${x}""#);
        assert_eq!(quoted("\u{1b}[0m"), r#""\U0000001b[0m""#);
        assert_eq!(plain("no"), "\"no\"");
        assert_eq!(plain("/etc/passwd"), "/etc/passwd");
    }

    #[test]
    fn an_id_is_made_of_letters_digits_and_dashes() {
        assert_eq!(slug("file-/etc/ssh/sshd_config"), "file-etc-ssh-sshd-config");
        assert_eq!(slug("///"), "imported");
    }
}
