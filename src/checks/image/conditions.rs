//! What a rule may demand of an image's configuration.

use crate::checks::image::{ImageView, named, secrets, starts, user};
use crate::host::Target;
use crate::host::redacted::left_out;
use crate::policy::Diagnostics;
use crate::policy::arguments::Arguments;
use crate::policy::expect::{Expect, each, operand, pattern};
use crate::policy::node::Node;
use crate::policy::operand::{Number, Size, Text};
use crate::policy::port::PortSpec;
use crate::policy::set::SetOf;
use crate::rules::condition::{Condition, ConditionInfo, Form};
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
        read: |node, _, problems| user::never_root(node, problems),
    },
    Condition {
        info: ConditionInfo {
            name: "user",
            doc: "As whom the container's first process runs, resolved in the image's own passwd.",
            form: Form::Expectation { ordered: false, textual: false },
            example: "app",
        },
        read: |node, _, problems| user::is(node, problems),
    },
    Condition {
        info: ConditionInfo {
            name: "numeric_user",
            doc: "The user is a number: Kubernetes cannot verify runAsNonRoot for a named one.",
            form: Form::True,
            example: "true",
        },
        read: |node, _, problems| user::numeric(node, problems),
    },
    Condition {
        info: ConditionInfo {
            name: "starts",
            doc: "The program that is declared is there and executable by its user, and so are the \
                  interpreter that a script names, the loader and the libraries that a program of ELF \
                  needs, for the platform of the image.",
            form: Form::True,
            example: "true",
        },
        read: |node, _, problems| starts::read(node, problems),
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
            named::read(node, "env", "ENV", problems, |view| &view.config.env)
        },
    },
    Condition {
        info: ConditionInfo {
            name: "secrets_in_env",
            doc: "false: no environment variable has a name or value that looks like a secret. The \
                  values are not shown.",
            form: Form::FalseButAllowed,
            example: "false",
        },
        read: |node, _, problems| secrets::read("secrets_in_env", node, problems),
    },
    Condition {
        info: ConditionInfo {
            name: "secrets_in_history",
            doc: "false: no line of the history has a build argument, variable or text that looks like \
                  a secret. The lines are shown without it.",
            form: Form::FalseButAllowed,
            example: "false",
        },
        read: |node, _, problems| secrets::read("secrets_in_history", node, problems),
    },
    Condition {
        info: ConditionInfo {
            name: "secrets_in_labels",
            doc: "false: no label has a name or value that looks like a secret. The values are not shown.",
            form: Form::FalseButAllowed,
            example: "false",
        },
        read: |node, _, problems| secrets::read("secrets_in_labels", node, problems),
    },
    Condition {
        info: ConditionInfo {
            name: "secrets_in_files",
            doc: "false: no file of any layer holds a private key, a token or credentials, not even \
                  one that a later layer takes away. Files of packages and examples of manuals and \
                  tests are none.",
            form: Form::FalseButAllowed,
            example: "false",
        },
        read: |node, _, problems| secrets::read("secrets_in_files", node, problems),
    },
    Condition {
        info: ConditionInfo {
            name: "labels",
            doc: "Labels by name and what each must be; one that is not set violates it.",
            form: Form::Named,
            example: "{ org.opencontainers.image.source: { matches: '^https://' } }",
        },
        read: |node, _, problems| {
            named::read(node, "labels", "LABEL", problems, |view| &view.config.labels)
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
            name: "largest_layer",
            doc: "Bytes of the largest layer as stored; K, M and G are powers of 1024.",
            form: Form::Expectation { ordered: true, textual: false },
            example: "{ at_most: 200M }",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(Expect::<Size>::parse(node))?;
            Some(Box::new(move |view, _| {
                let largest = view.image.layers.iter().max_by_key(|layer| layer.size);
                let size = largest.map_or(0, |layer| layer.size);
                view.about("largest_layer", format!("{} layers", view.image.layers.len()))
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
    // Some builders write a range as one entry: all of it has to be meant.
    let fits = |wanted: &PortSpec, text: &&str| {
        Ok(PortSpec::read(text).is_some_and(|exposed| wanted.contains(&exposed)))
    };
    view.about("exposed_ports", format!("ExposedPorts: {}", all.join(", ")))
        .seen(view.step("EXPOSE"))
        .expected(format!("exposed: {}", wanted.show(PortSpec::to_string)))
        .observed(or_none(&all))
        .decide(wanted.judge(&all, fits).holds)
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
