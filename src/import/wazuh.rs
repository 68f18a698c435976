//! Policies of Wazuh's Security Configuration Assessment.
//!
//! A check with `condition: all` holds when each of its rules does, so each becomes one; `none` when no
//! rule does, so the negation of each becomes one. `any` is carried over where there is one rule.

use super::command::{by_exit, by_output};
use super::pattern::of_line;
use super::words::{elements, get, plain, quoted, text};
use super::{Import, Rule};
use crate::policy::node::Node;

/// Reads a document.
pub fn read(document: &Node, import: &mut Import) {
    let header = get(document, "policy");
    let perl = header.and_then(|policy| get(policy, "regex_type")).and_then(text) == Some("pcre2");
    for check in elements(get(document, "checks").unwrap_or(document)) {
        one(check, perl, import);
    }
}

fn one(check: &Node, perl: bool, import: &mut Import) {
    const KIND: &str = "checks";
    let id = get(check, "id").and_then(text).unwrap_or("without id");
    let title = get(check, "title").and_then(text);
    let told = format!("{id} {}", title.unwrap_or_default());
    let perl = get(check, "regex_type").and_then(text).map_or(perl, |kind| kind == "pcre2");
    let rules: Option<Vec<&str>> =
        get(check, "rules").map(elements).unwrap_or_default().iter().map(text).collect();
    let Some(rules) = rules.filter(|rules| !rules.is_empty()) else {
        return import.leave(KIND, told, "no rules");
    };
    let negated = match (get(check, "condition").and_then(text), rules.len()) {
        (Some("all"), _) | (Some("any"), 1) => false,
        (Some("none"), _) => true,
        (Some("any"), _) => {
            return import.leave(KIND, told, "any of several rules: say any: within one rule");
        }
        _ => return import.leave(KIND, told, "no condition that is known"),
    };
    let read: Result<Vec<Rule>, String> =
        rules.iter().map(|rule| of_rule(rule, negated, perl)).collect();
    match read {
        Err(why) => import.leave(KIND, told, why),
        Ok(all) => {
            let words = |key: &str| get(check, key).and_then(text).map(quoted);
            for rule in all {
                let rule = Rule {
                    id: Some(format!("sca-{id}")),
                    title: title.map(quoted),
                    why: words("rationale"),
                    corrective: words("remediation"),
                    ..rule
                };
                import.rule(KIND, rule);
            }
        }
    }
}

/// `not f:/etc/x -> r:^a && !r:b`: whether it is negated, what it is about, and how it goes on.
fn of_rule(rule: &str, negated: bool, perl: bool) -> Result<Rule, String> {
    let rule = rule.trim();
    let (negated, rule) = match rule.strip_prefix("not ").or_else(|| rule.strip_prefix('!')) {
        Some(rest) => (!negated, rest.trim()),
        None => (negated, rule),
    };
    let (about, demand) = match rule.split_once("->") {
        Some((about, demand)) => (about.trim(), Some(demand.trim())),
        None => (rule, None),
    };
    let (letter, name) = about.split_once(':').ok_or("not a rule of a kind that is known")?;
    match (letter, demand) {
        ("f" | "d", _) if name.contains(',') => Err("several files in one rule".to_owned()),
        ("f" | "d", _) if !name.starts_with('/') => Err("a variable, or not a path".to_owned()),
        ("f", None) => Ok(Rule::new("file", plain(name)).must("exists", (!negated).to_string())),
        ("d", None) if negated => Ok(Rule::new("file", plain(name)).must("exists", "false")),
        ("d", None) => Ok(Rule::new("file", plain(name)).must("type", "directory")),
        ("f", Some(demand)) => {
            let expression = line(demand, perl)?;
            let rule = Rule::new("file", plain(name));
            Ok(match negated {
                false => rule.must("contains", quoted(&expression)),
                true => rule.must("not_contains", quoted(&expression)),
            })
        }
        ("c", None) => Err("spotcheck starts no process".to_owned()),
        ("c", Some(demand)) => {
            let known = match (name.split_whitespace().next(), negated) {
                (Some("systemctl"), false) if demand == "r:enabled" || demand == "r:^enabled" => {
                    by_exit(name, true)
                }
                (_, false) => {
                    let printed = demand.strip_prefix("r:^").and_then(|d| d.strip_suffix('$'));
                    printed.and_then(|printed| by_output(name, printed))
                }
                _ => None,
            };
            known.ok_or_else(|| "spotcheck starts no process".to_owned())
        }
        ("p", None) => {
            let name = name.trim();
            let rule = Rule::new("process", format!("{{ name: {} }}", plain(name)));
            Ok(rule.must("running", (!negated).to_string()))
        }
        _ => Err("not a rule of a kind that is known".to_owned()),
    }
}

/// One expression that a line has to match.
fn line(demand: &str, perl: bool) -> Result<String, String> {
    if demand.contains("&&") {
        return Err("several demands on one line".to_owned());
    }
    let Some(expression) = demand.strip_prefix("r:") else {
        return Err(match demand.starts_with("n:") {
            true => "a number within a line: ask for the setting with config:".to_owned(),
            false => "a negated demand on some line".to_owned(),
        });
    };
    let expression = match perl {
        true => Some(expression.to_owned()),
        false => os_regex(expression),
    };
    expression
        .and_then(|expression| of_line(&expression))
        .ok_or_else(|| "this expression cannot be kept within a line".to_owned())
}

/// Wazuh's own expressions: what has a meaning has a backslash, but for `^`, `$` and `|`, and `+` and
/// `*` behind what has one. Case does not matter.
fn os_regex(expression: &str) -> Option<String> {
    let mut out = String::from("(?i)");
    let mut chars = expression.chars();
    let mut repeats = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let class = match chars.next()? {
                    'w' => "[A-Za-z0-9@_-]",
                    'd' => "[0-9]",
                    's' => "[ ]",
                    't' => "\\t",
                    'p' => r#"[()*+,.:;<=>?\[\]!"'#%&$|{}-]"#,
                    'W' => "[^A-Za-z0-9@_\\n-]",
                    'D' => "[^0-9\\n]",
                    'S' => "[^ \\n]",
                    '.' => ".",
                    other if "$()\\|<".contains(other) => {
                        out.push_str(&super::pattern::escaped(&other.to_string()));
                        repeats = false;
                        continue;
                    }
                    _ => return None,
                };
                out.push_str(class);
                repeats = true;
            }
            '+' | '*' if repeats => {
                out.push(c);
                repeats = false;
            }
            '^' | '$' | '|' | '(' | ')' => {
                out.push(c);
                repeats = false;
            }
            c => {
                out.push_str(&super::pattern::escaped(&c.to_string()));
                repeats = false;
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_of_wazuhs_own_are_said_as_ours() {
        let said = os_regex(r"^\s*PermitRootLogin\s+no.$").unwrap_or_default();
        assert_eq!(said, r"(?i)^[ ]*PermitRootLogin[ ]+no\.$");
        assert_eq!(os_regex(r"a\.+b").as_deref(), Some("(?i)a.+b"));
        assert_eq!(os_regex(r"a\q"), None);
    }
}
