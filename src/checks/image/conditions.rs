//! What a rule may demand of an image's configuration.

use crate::checks::image::ImageView;
use crate::checks::image::secrets;
use crate::declared::entrypoint::{shown, words};
use crate::host::Target;
use crate::host::redacted::left_out;
use crate::policy::Diagnostics;
use crate::policy::arguments::Arguments;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::expect::{Expect, each, operand, pattern};
use crate::policy::node::{Node, Value};
use crate::policy::operand::{Number, Principal, Size, Text};
use crate::policy::port::PortSpec;
use crate::policy::set::SetOf;
use crate::rules::condition::{Condition, ConditionInfo, Form, only_true};
use crate::rules::identity::{missing_user, user_is};
use crate::text::secrets::shown as without_secrets;
use crate::verdict::Assertion;
use regex::Regex;

const REFERENCE_LIMIT: usize = 20;

/// The conditions of `image:`.
pub static CONDITIONS: &[Condition<ImageView>] = &[
    Condition {
        info: ConditionInfo {
            name: "never_root",
            doc: "The container's first process does not run as uid 0, under whatever name.",
            form: Form::True,
            example: "true",
        },
        read: |node, _, problems| {
            only_true(node, problems)?;
            Some(Box::new(|view, _| {
                let mut assertion = user(view, "never_root").expected("a uid other than 0");
                if let Some(words) = &view.becomes_root {
                    assertion.observed = format!("{}; {words}", assertion.observed);
                }
                decide(view, assertion, |resolved| {
                    Ok(resolved.uid != 0 && view.becomes_root.is_none())
                })
                .repair("add USER with a uid other than 0 at the end of the Dockerfile")
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "user",
            doc: "As whom the container's first process runs, resolved in the image's own passwd.",
            form: Form::Expectation { ordered: false, textual: false },
            example: "app",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(Expect::<Principal>::parse(node))?;
            Some(Box::new(move |view, target| {
                let mut assertion = user(view, "user").expected(wanted.show());
                if let Some(name) = missing_user(target, &wanted) {
                    let observed = &assertion.observed;
                    assertion.observed = format!("{observed}; there is no user {name} here");
                }
                decide(view, assertion, |resolved| user_is(target, &wanted, resolved.uid))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "numeric_user",
            doc: "The user is a number: Kubernetes cannot verify runAsNonRoot for a named one.",
            form: Form::True,
            example: "true",
        },
        read: |node, _, problems| {
            only_true(node, problems)?;
            Some(Box::new(|view, _| {
                let given = !view.config.user.is_empty();
                let assertion = user(view, "numeric_user").expected("a user given as a number");
                decide(view, assertion, |resolved| Ok(given && resolved.numeric))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "exposed_ports",
            doc: "The ports that are exposed; [] for none. Exposing is documentation.",
            form: Form::Set,
            example: "{ only: [8080/tcp] }",
        },
        read: |node, _, problems| {
            let wanted = SetOf::parse("exposed_ports", node, problems, operand)?;
            Some(Box::new(move |view, _| exposed_ports(view, &wanted)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "entrypoint",
            doc: "Entrypoint: a list is its arguments one by one, [] for none; a text is compared \
                  with them separated by single spaces.",
            form: Form::Arguments,
            example: "[/usr/sbin/nginx, -g, daemon off;]",
        },
        read: |node, _, problems| {
            arguments(node, "entrypoint", "ENTRYPOINT", problems, |v| &v.config.entrypoint)
        },
    },
    Condition {
        info: ConditionInfo {
            name: "cmd",
            doc: "Command, compared as the entrypoint is.",
            form: Form::Arguments,
            example: "[nginx, -g, daemon off;]",
        },
        read: |node, _, problems| arguments(node, "cmd", "CMD", problems, |v| &v.config.cmd),
    },
    Condition {
        info: ConditionInfo {
            name: "workdir",
            doc: "Working directory; / where none is set.",
            form: Form::Expectation { ordered: false, textual: true },
            example: "/srv",
        },
        read: |node, _, problems| {
            text(node, "workdir", "WORKDIR", problems, |view| match view.config.workdir.as_str() {
                "" => "/".to_owned(),
                folder => folder.to_owned(),
            })
        },
    },
    Condition {
        info: ConditionInfo {
            name: "env",
            doc: "Environment variables by name and what each must be; one that is not set violates \
                  it. Values that are found are not shown.",
            form: Form::Named,
            example: "{ APP_ENV: production }",
        },
        read: |node, _, problems| {
            let wanted = named(node, problems)?;
            Some(Box::new(move |view, target| {
                pairs(view, "env", "ENV", &view.config.env, &wanted, target)
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "secrets_in_env",
            doc: "false: no environment variable has a name or value that looks like a secret. The \
                  values are not shown.",
            form: Form::OneOf(&["false"]),
            example: "false",
        },
        read: |node, _, problems| {
            only_false(node, problems)?;
            Some(Box::new(|view, target| secrets::in_env(view, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "secrets_in_history",
            doc: "false: no line of the history has a build argument, variable or text that looks like \
                  a secret. The lines are shown without it.",
            form: Form::OneOf(&["false"]),
            example: "false",
        },
        read: |node, _, problems| {
            only_false(node, problems)?;
            Some(Box::new(|view, target| secrets::in_history(view, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "secrets_in_labels",
            doc: "false: no label has a name or value that looks like a secret. The values are not shown.",
            form: Form::OneOf(&["false"]),
            example: "false",
        },
        read: |node, _, problems| {
            only_false(node, problems)?;
            Some(Box::new(|view, target| secrets::in_labels(view, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "secrets_in_files",
            doc: "false: no file of any layer holds a private key, a token or credentials, not even \
                  one that a later layer takes away. Files of packages and examples of manuals and \
                  tests are none.",
            form: Form::OneOf(&["false"]),
            example: "false",
        },
        read: |node, _, problems| {
            only_false(node, problems)?;
            Some(Box::new(|view, target| secrets::in_files(view, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "labels",
            doc: "Labels by name and what each must be; one that is not set violates it.",
            form: Form::Named,
            example: "{ org.opencontainers.image.source: { matches: '^https://' } }",
        },
        read: |node, _, problems| {
            let wanted = named(node, problems)?;
            Some(Box::new(move |view, target| {
                pairs(view, "labels", "LABEL", &view.config.labels, &wanted, target)
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "volumes",
            doc: "The volumes that are declared; [] for none.",
            form: Form::Set,
            example: "{ only: [/data] }",
        },
        read: |node, _, problems| {
            let wanted: SetOf<Expect<Text>> =
                SetOf::parse("volumes", node, problems, Expect::parse)?;
            Some(Box::new(move |view, _| {
                let fits = |expect: &Expect<Text>, volume: &&str| Ok(expect.holds_for(volume));
                let all: Vec<&str> = view.config.volumes.iter().map(String::as_str).collect();
                view.about("volumes", format!("Volumes: {}", all.join(", ")))
                    .seen(view.step("VOLUME"))
                    .expected(format!("volumes: {}", wanted.show(Expect::show)))
                    .observed(or_none(&all))
                    .decide(wanted.judge(&all, fits).holds)
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "healthcheck",
            doc: "A health check is declared (true), or none is (false).",
            form: Form::Boolean,
            example: "true",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, _| {
                let test = view.config.healthcheck.join(" ");
                let none = test.is_empty() || test == "NONE";
                view.about("healthcheck", without_secrets(&format!("Healthcheck: {test}")))
                    .seen(view.step("HEALTHCHECK"))
                    .expected(if wanted { "a health check" } else { "no health check" })
                    .observed(if none { "none".to_owned() } else { without_secrets(&test) })
                    .decide(Ok(none != wanted))
                    .repair("add HEALTHCHECK to the Dockerfile")
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "latest_tag",
            doc: "false: every name of the image has a tag or digest other than `latest`.",
            form: Form::OneOf(&["false"]),
            example: "false",
        },
        read: |node, _, problems| {
            only_false(node, problems)?;
            Some(Box::new(|view, _| latest_tag(view)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "size",
            doc: "Bytes of all layers as stored; K, M and G are powers of 1024.",
            form: Form::Expectation { ordered: true, textual: false },
            example: "{ at_most: 500M }",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(Expect::<Size>::parse(node))?;
            Some(Box::new(move |view, _| {
                let size = view.image.layers.iter().map(|layer| layer.size).sum();
                let largest = view.image.layers.iter().max_by_key(|layer| layer.size);
                view.about("size", format!("{} layers", view.image.layers.len()))
                    .seen(largest.map(crate::verdict::Evidence::layer))
                    .expected(wanted.show())
                    .observed(format!("{size} bytes"))
                    .decide(Ok(wanted.holds_for(size)))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "layers",
            doc: "Number of layers.",
            form: Form::Expectation { ordered: true, textual: false },
            example: "{ at_most: 20 }",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(Expect::<Number>::parse(node))?;
            Some(Box::new(move |view, _| {
                let count = view.image.layers.len() as u64;
                view.about("layers", format!("{count} layers"))
                    .expected(wanted.show())
                    .observed(count.to_string())
                    .decide(Ok(wanted.holds_for(count)))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "not_in_history",
            doc: "None of these regular expressions matches a line of the history.",
            form: Form::Words,
            example: "['curl.*\\|\\s*sh', 'apt-get (dist-)?upgrade']",
        },
        read: |node, _, problems| {
            let patterns: Vec<Regex> = each(node, problems, pattern);
            Some(Box::new(move |view, target| not_in_history(view, &patterns, target)))
        },
    },
];

fn only_false(node: &Node, problems: &mut Diagnostics) -> Option<()> {
    if problems.ok(node.boolean())? {
        problems.push(node.expected("false"));
        return None;
    }
    Some(())
}

fn or_none(words: &[&str]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// An assertion about the user, its observation in place.
fn user(view: &ImageView, condition: &str) -> Assertion {
    let given = shown(&view.config.user);
    let observed = match &view.user {
        Ok(Ok(user)) if user.numeric || user.uid == 0 => {
            format!("declared {given}: {}", words(user))
        }
        Ok(Ok(user)) => format!(
            "declared {given}: {}; by name, so Kubernetes' runAsNonRoot cannot verify it",
            words(user)
        ),
        Ok(Err(why)) => format!("declared {given}: the container does not start, {why}"),
        Err(_) => format!("declared {given}"),
    };
    view.about(condition, format!("User: {given}")).seen(view.step("USER")).observed(observed)
}

/// A user that does not resolve violates every demand.
fn decide(
    view: &ImageView,
    assertion: Assertion,
    holds: impl Fn(&crate::declared::user::Resolved) -> crate::facts::Fact<bool>,
) -> Assertion {
    match &view.user {
        Ok(Ok(user)) => assertion.decide(holds(user)),
        Ok(Err(_)) => assertion.fail(),
        Err(why) => assertion.unknown(why.clone()),
    }
}

type Read = Option<crate::rules::condition::Test<ImageView>>;

fn text(
    node: &Node,
    name: &'static str,
    word: &'static str,
    problems: &mut Diagnostics,
    found: fn(&ImageView) -> String,
) -> Read {
    let wanted = problems.ok(Expect::<Text>::parse(node))?;
    Some(Box::new(move |view: &ImageView, target: &dyn Target| {
        let found = found(view);
        let observed = if found.is_empty() { "none".to_owned() } else { without_secrets(&found) };
        let holds = match left_out(target, word, &found) {
            Some(why) => Err(why),
            None => Ok(wanted.holds_for(&found)),
        };
        view.about(name, format!("{name}: {observed}"))
            .seen(view.step(word))
            .expected(wanted.show())
            .observed(observed)
            .decide(holds)
    }))
}

/// A command: a list is its arguments, in their order.
fn arguments(
    node: &Node,
    name: &'static str,
    word: &'static str,
    problems: &mut Diagnostics,
    found: fn(&ImageView) -> &Vec<String>,
) -> Read {
    let wanted = problems.ok(Arguments::parse(node))?;
    Some(Box::new(move |view: &ImageView, target: &dyn Target| {
        let found = found(view);
        let joined = found.join(" ");
        let observed = if found.is_empty() { "none".to_owned() } else { without_secrets(&joined) };
        let holds = match left_out(target, word, &joined) {
            Some(why) => Err(why),
            None => Ok(wanted.hold_for(found)),
        };
        view.about(name, format!("{name}: {observed}"))
            .seen(view.step(word))
            .expected(wanted.show())
            .observed(observed)
            .decide(holds)
    }))
}

fn exposed_ports(view: &ImageView, wanted: &SetOf<PortSpec>) -> Assertion {
    let all: Vec<&str> = view.config.exposed_ports.iter().map(String::as_str).collect();
    let fits = |port: &PortSpec, text: &&str| {
        // `8080` alone means TCP; ranges are written as rules write them.
        let text = if text.contains('/') { (*text).to_owned() } else { format!("{text}/tcp") };
        Ok(port.to_string() == text)
    };
    view.about("exposed_ports", format!("ExposedPorts: {}", all.join(", ")))
        .seen(view.step("EXPOSE"))
        .expected(format!("exposed: {}", wanted.show(PortSpec::to_string)))
        .observed(or_none(&all))
        .decide(wanted.judge(&all, fits).holds)
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

fn latest_tag(view: &ImageView) -> Assertion {
    let names: Vec<&str> =
        view.image.references.iter().take(REFERENCE_LIMIT).map(String::as_str).collect();
    let assertion = view
        .about("latest_tag", format!("names: {}", or_none(&names)))
        .expected("a tag other than latest")
        .observed(or_none(&names));
    if names.is_empty() {
        return assertion.skipped("the archive gives the image no name");
    }
    // An OCI layout may give the tag alone.
    let latest = |name: &&str| {
        let last = name.rsplit('/').next().unwrap_or(name);
        match last.rsplit_once(':') {
            Some((_, tag)) => tag == "latest",
            None => !last.contains('@') && (last == "latest" || name.contains('/')),
        }
    };
    assertion.decide(Ok(!names.iter().any(latest)))
}

fn not_in_history(view: &ImageView, patterns: &[Regex], target: &dyn Target) -> Assertion {
    let words: Vec<String> = patterns.iter().map(|regex| format!("/{regex}/")).collect();
    let mut found = Vec::new();
    let mut unseen = None;
    for (number, step) in (1..).zip(&view.config.history) {
        if let Some(why) = left_out(target, "history", &step.created_by) {
            unseen.get_or_insert(why);
            continue;
        }
        for regex in patterns.iter().filter(|regex| regex.is_match(&step.created_by)) {
            // The line itself may hold a secret, and is not repeated.
            found.push(format!("/{regex}/ in step {number}"));
        }
    }
    let assertion = view
        .about("not_in_history", format!("{} steps of history", view.config.history.len()))
        .expected(format!("no step matches {}", words.join(" or ")))
        .observed(if found.is_empty() { "none does".into() } else { found.join(", ") });
    if view.config.history.is_empty() {
        let why = crate::facts::Cause::Unsupported("the image has no history".to_owned());
        return assertion.unknown(crate::facts::Unknown::new("history", why));
    }
    match unseen {
        Some(why) if found.is_empty() => assertion.unknown(why),
        _ => assertion.decide(Ok(found.is_empty())),
    }
}
