//! Environment variables and labels by name.

use super::ImageView;
use crate::host::Target;
use crate::host::redacted::left_out;
use crate::policy::Diagnostics;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::expect::Expect;
use crate::policy::node::{Node, Value};
use crate::policy::operand::Text;
use crate::rules::condition::Test;
use crate::text::secrets::shown as without_secrets;
use crate::verdict::Assertion;

/// `env`, `labels`: names, and what each must be.
pub fn read(
    node: &Node,
    condition: &'static str,
    word: &'static str,
    problems: &mut Diagnostics,
    found: fn(&ImageView) -> &Vec<(String, String)>,
) -> Option<Test<ImageView>> {
    let wanted = named(node, problems)?;
    Some(Box::new(move |view, target| pairs(view, condition, word, found(view), &wanted, target)))
}

/// Names and what is wanted of each.
type Wanted = Vec<(String, Expect<Text>)>;

fn named(node: &Node, problems: &mut Diagnostics) -> Option<Wanted> {
    let Value::Map(entries) = &node.value else {
        problems.push(node.expected("names and their values, such as { NAME: value }"));
        return None;
    };
    if entries.is_empty() {
        problems.push(Diagnostic::at(&node.span, "this demands nothing"));
        return None;
    }
    let mut wanted = Vec::new();
    for (key, node) in entries {
        let expect = problems.ok(Expect::parse(node))?;
        wanted.push((key.text.clone(), expect));
    }
    Some(wanted)
}

fn pairs(
    view: &ImageView,
    condition: &str,
    word: &str,
    found: &[(String, String)],
    wanted: &Wanted,
    target: &dyn Target,
) -> Assertion {
    // Environment variables often hold secrets, labels seldom.
    let shows_values = condition == "labels";
    let mut observed = Vec::new();
    let mut holds = Vec::new();
    for (name, expect) in wanted {
        // Engines take the last of several.
        let value = found.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value);
        if let Some(why) = value.and_then(|value| left_out(target, name, value)) {
            observed.push(format!("{name} is set"));
            holds.push(Err(why));
            continue;
        }
        let fits = value.is_some_and(|value| expect.holds_for(value));
        observed.push(match value {
            None => format!("{name} is not set"),
            Some(value) if shows_values => without_secrets(&format!("{name}={value}")),
            Some(_) if fits => format!("{name} as expected"),
            Some(_) => format!("{name} has another value"),
        });
        holds.push(Ok(fits));
    }
    let expected: Vec<String> =
        wanted.iter().map(|(name, expect)| format!("{name}: {}", expect.show())).collect();
    view.about(condition, observed.join(", "))
        .seen(view.step(word))
        .expected(expected.join(", "))
        .observed(observed.join(", "))
        .decide(crate::facts::all(holds))
}
