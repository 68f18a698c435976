//! A policy document: its head, its services and its rules.
//!
//! What a rule demands of its subject is left as nodes: the checks know their own words. See
//! `checks::compile`.

use super::action_kind::ActionKind;
use super::diagnostic::{Diagnostic, Diagnostics};
use super::expect::each;
use super::node::{Fields, Node, Value};
use super::service::Service;
use super::severity::Severity;
use super::source::Span;
use super::vars::Vars;
use super::when::When;
use super::{drift, waiver};
use crate::facts::scope::Scope;
use crate::policy::waiver::Waiver;
use crate::text::duration;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The keys of a policy's top level with their meaning.
pub const POLICY_KEYS: [(&str, &str); 13] = [
    ("policy", "name of the policy: letters, digits, - and _"),
    ("title", "what it is for, in one line"),
    ("owner", "team or role that answers for it"),
    ("formerly", "name, or list of names, that it had before, so that its action items go on"),
    ("postmortem", "the incident behind it: id, title, measures"),
    (
        "include",
        "policy files or folders, relative to this file; their vars and services are known here",
    ),
    ("vars", "variables with their default values, used as ${name}"),
    ("services", "services by name, and how to recognise each"),
    ("when", "what the whole policy applies to"),
    ("tags", "word, or list of words, by which --tags and --skip-tags choose all its rules"),
    ("waivers", "violations that are accepted for a while, or files of them relative to this file"),
    ("drift", "what `spotcheck baseline create --policy` looks at: paths, exclude, log, cache ..."),
    ("rules", "the rules"),
];

/// The keys that every rule may have, whatever its subject.
pub const RULE_KEYS: [(&str, &str); 17] = [
    ("id", "name of the rule, unique among all policies of a run"),
    ("title", "what it demands, in one line"),
    ("severity", "info, low, medium (default), high or critical"),
    ("measure", "number, or list of numbers, of the postmortem's measures that it serves"),
    ("when", "what the rule applies to"),
    ("tags", "word, or list of words, by which --tags and --skip-tags choose it"),
    ("why", "what can happen while it is violated"),
    ("corrective", "step, or list of steps, that repair a violation; replaces the derived ones"),
    ("preventive", "what keeps the violation from coming back"),
    ("reference", "where the demand comes from: man page, CIS section, link"),
    ("must", "what the subject must be"),
    ("owner", "team or role that answers for it, where that is not the policy's"),
    ("due", "time to repair a violation, from when it is first seen: 7d; else by severity"),
    ("verify", "consecutive observations after which a violation counts as repaired: 1 (default)"),
    ("type", "kind of work that a violation is: mitigate, prevent, detect, process or repair"),
    ("links", "link, or list of links, for whoever works on a violation: ticket, runbook"),
    ("formerly", "id, or list of ids, that the rule had before, so that its action items go on"),
];

/// A policy, read and checked except for the demands of its rules.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Name.
    pub id: String,
    /// Title; the name where none is given.
    pub title: String,
    /// Team or role that answers for it.
    pub owner: Option<String>,
    /// Names that it had before.
    pub formerly: Vec<String>,
    /// The incident behind it.
    pub postmortem: Option<Postmortem>,
    /// Services by name, those of included policies among them.
    pub services: BTreeMap<String, Service>,
    /// What the whole policy applies to.
    pub when: When,
    /// Words by which its rules are chosen.
    pub tags: Vec<String>,
    /// Rules in file order.
    pub rules: Vec<Rule>,
    /// Violations that are accepted for a while.
    pub waivers: Vec<Arc<Waiver>>,
    /// What a baseline is of.
    pub drift: Option<Scope>,
    /// Where it begins.
    pub span: Span,
}

/// The incident that a policy comes from.
#[derive(Clone, Debug)]
pub struct Postmortem {
    /// Number or key of the postmortem document.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Corrective and preventative measures that were written down.
    pub measures: Vec<String>,
}

/// A rule: what it says about itself, and its demands as nodes.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Name.
    pub id: String,
    /// What it demands, in one line, if somebody wrote it.
    pub title: Option<String>,
    /// How bad a violation is.
    pub severity: Severity,
    /// Measures of the postmortem that it serves, counted from 1.
    pub measures: Vec<usize>,
    /// What it applies to.
    pub when: When,
    /// Words by which it is chosen.
    pub tags: Vec<String>,
    /// What can happen while it is violated.
    pub why: Option<String>,
    /// Steps that repair a violation, written by hand.
    pub corrective: Vec<String>,
    /// What keeps it from coming back.
    pub preventive: Option<String>,
    /// Where the demand comes from.
    pub references: Vec<String>,
    /// Team or role that answers for it; the policy's where none is given.
    pub owner: Option<String>,
    /// What its action items need to know.
    pub action: ActionHints,
    /// The demands.
    pub must: Option<Node>,
    /// The fields that belong to the subject.
    pub fields: Fields,
    /// Where its id stands.
    pub span: Span,
}

/// What a rule says about the action items that its violations become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionHints {
    /// Seconds from the first sight of a violation until it is due.
    pub due: Option<i64>,
    /// Consecutive observations after which it counts as repaired, at least 1.
    pub verify: u32,
    /// Kind of work.
    pub kind: ActionKind,
    /// Tickets, runbooks.
    pub links: Vec<String>,
    /// Ids that the rule had before.
    pub formerly: Vec<String>,
}

impl Default for ActionHints {
    fn default() -> Self {
        let kind = ActionKind::default();
        Self { due: None, verify: 1, kind, links: Vec::new(), formerly: Vec::new() }
    }
}

impl ActionHints {
    /// Most observations that may be asked for.
    const MOST_OBSERVATIONS: u32 = 1000;

    fn take(fields: &mut Fields, problems: &mut Diagnostics) -> Self {
        let due = fields.take("due").and_then(|node| problems.ok(span_of_time(&node)));
        let verify = fields.take("verify").and_then(|node| problems.ok(observations(&node)));
        let kind = fields.take("type").and_then(|node| problems.ok(action_kind(&node)));
        let formerly = take_names(fields, "formerly", problems);
        Self {
            due,
            verify: verify.unwrap_or(1),
            kind: kind.unwrap_or_default(),
            links: take_texts(fields, "links", problems),
            formerly,
        }
    }
}

impl Policy {
    /// Reads a policy from its fields. `vars` and `services` are what is known to it already.
    pub fn parse(
        mut fields: Fields,
        vars: &Vars,
        mut services: BTreeMap<String, Service>,
        problems: &mut Diagnostics,
    ) -> Policy {
        let span = fields.span.clone();
        let id = match fields.take("policy") {
            Some(node) => problems.ok(identifier(&node)).unwrap_or_default(),
            None => {
                let place = Span::file(&span.source);
                problems.push(
                    Diagnostic::at(&place, "a policy begins with its name")
                        .help("add a line such as `policy: web-stack`"),
                );
                String::new()
            }
        };
        let title = fields.take_text("title", problems).unwrap_or_else(|| id.clone());
        let owner = fields.take_text("owner", problems);
        let formerly = take_names(&mut fields, "formerly", problems);
        let postmortem = fields.take("postmortem").and_then(|n| Postmortem::parse(&n, problems));
        if let Some(node) = fields.take("services")
            && let Some(defined) = problems.ok(node.fields("services by name"))
        {
            for (key, node) in defined.rest() {
                let service = Service::parse(Some(&key.text), node, problems);
                services.extend(service.map(|service| (key.text.clone(), service)));
            }
        }
        let when = fields
            .take("when")
            .and_then(|node| When::parse(&node, vars, problems))
            .unwrap_or_default();
        let tags = take_tags(&mut fields, problems);
        let measures = postmortem.as_ref().map_or(0, |postmortem| postmortem.measures.len());
        let rules = match fields.take("rules") {
            Some(Node { value: Value::List(items), .. }) => items
                .into_iter()
                .filter_map(|node| Rule::parse(node, vars, measures, problems))
                .collect(),
            Some(node) => {
                problems.push(node.expected("a list of rules"));
                Vec::new()
            }
            // A file of shared variables and services has none.
            None => Vec::new(),
        };
        let waivers = fields
            .take("waivers")
            .map(|node| {
                let found = waiver::items(&node, Some(&id), problems);
                refuse_strange_waivers(&node, &found, &id, &rules, problems);
                found
            })
            .unwrap_or_default();
        let drift = fields.take("drift").and_then(|node| drift::parse(&node, problems));
        fields.finish(&POLICY_KEYS.map(|(key, _)| key), problems);
        Policy {
            id,
            title,
            owner,
            formerly,
            postmortem,
            services,
            when,
            tags,
            rules,
            waivers,
            drift,
            span,
        }
    }

    /// Names of the variables that `when:` of the policy and its rules ask for.
    pub fn when_vars(&self) -> impl Iterator<Item = &str> {
        let all = std::iter::once(&self.when).chain(self.rules.iter().map(|rule| &rule.when));
        all.flat_map(When::groups).flat_map(|when| &when.vars).map(String::as_str)
    }
}

impl Postmortem {
    fn parse(node: &Node, problems: &mut Diagnostics) -> Option<Postmortem> {
        let mut fields = problems.ok(node.fields("id, title and measures"))?;
        let postmortem = Postmortem {
            id: fields.take_text("id", problems).unwrap_or_default(),
            title: fields.take_text("title", problems).unwrap_or_default(),
            measures: fields
                .take("measures")
                .map(|node| each(&node, problems, |item| item.text("a measure").map(str::to_owned)))
                .unwrap_or_default(),
        };
        fields.finish(&["id", "title", "measures"], problems);
        Some(postmortem)
    }
}

impl Rule {
    fn parse(node: Node, vars: &Vars, measures: usize, problems: &mut Diagnostics) -> Option<Rule> {
        let whole = node.span.clone();
        let mut fields = problems.ok(node.into_fields("a rule"))?;
        let (id, span) = match fields.take("id") {
            Some(node) => {
                let span = node.span.clone();
                (problems.ok(identifier(&node)).unwrap_or_default(), span)
            }
            None => {
                problems.push(
                    Diagnostic::at(&whole, "a rule without an id")
                        .help("give it a name that stays: `id: nginx-not-root`"),
                );
                (String::new(), whole)
            }
        };
        let severity = fields.take("severity").and_then(|node| problems.ok(severity(&node)));
        let rule = Rule {
            id,
            title: fields.take_text("title", problems),
            severity: severity.unwrap_or_default(),
            measures: fields
                .take("measure")
                .map(|node| each(&node, problems, |item| measure(item, measures)))
                .unwrap_or_default(),
            when: fields
                .take("when")
                .and_then(|node| When::parse(&node, vars, problems))
                .unwrap_or_default(),
            tags: take_tags(&mut fields, problems),
            why: fields.take_text("why", problems),
            corrective: take_texts(&mut fields, "corrective", problems),
            preventive: fields.take_text("preventive", problems),
            references: take_texts(&mut fields, "reference", problems),
            owner: fields.take_text("owner", problems),
            action: ActionHints::take(&mut fields, problems),
            must: fields.take("must"),
            fields,
            span,
        };
        Some(rule)
    }
}

/// A waiver in a policy is for its rules; one that names another is a slip.
fn refuse_strange_waivers(
    node: &Node,
    waivers: &[Arc<Waiver>],
    policy: &str,
    rules: &[Rule],
    problems: &mut Diagnostics,
) {
    let known = |id: &String| rules.iter().any(|rule| rule.id == *id);
    let own = waivers.iter().filter(|waiver| waiver.policy.as_deref() == Some(policy));
    for id in own.flat_map(|waiver| &waiver.rules).filter(|id| !known(id)) {
        let message = format!("a waiver for a rule `{id}`, which this policy does not have");
        let names = rules.iter().map(|rule| rule.id.as_str());
        problems.push(Diagnostic::at(&node.span, message).suggest(id, names));
    }
}

fn take_names(fields: &mut Fields, key: &str, problems: &mut Diagnostics) -> Vec<String> {
    fields.take(key).map(|node| each(&node, problems, identifier)).unwrap_or_default()
}

fn take_texts(fields: &mut Fields, key: &str, problems: &mut Diagnostics) -> Vec<String> {
    fields
        .take(key)
        .map(|node| each(&node, problems, |item| item.text("a text").map(str::to_owned)))
        .unwrap_or_default()
}

fn take_tags(fields: &mut Fields, problems: &mut Diagnostics) -> Vec<String> {
    let Some(node) = fields.take("tags") else { return Vec::new() };
    each(&node, problems, |item| {
        identifier(item).map_err(|_| item.expected("a tag of letters, digits, `-`, `_` and `.`"))
    })
}

fn identifier(node: &Node) -> Result<String, Diagnostic> {
    const LONGEST: usize = 100;
    let text = node.text("a name")?;
    let fits = text.len() <= LONGEST
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && !text.starts_with('-');
    if fits {
        Ok(text.to_owned())
    } else {
        Err(node.expected("a name of letters, digits, `-`, `_` and `.`"))
    }
}

fn severity(node: &Node) -> Result<Severity, Diagnostic> {
    let text = node.text("a severity")?;
    text.parse().map_err(|_| {
        let message = format!("unknown severity `{text}`");
        Diagnostic::at(&node.span, message).suggest(text, Severity::ALL.map(Severity::name))
    })
}

fn span_of_time(node: &Node) -> Result<i64, Diagnostic> {
    let text = node.text("a span of time such as 7d")?;
    duration::parse(text).map_err(|why| node.expected("a span of time").label(why))
}

fn observations(node: &Node) -> Result<u32, Diagnostic> {
    let most = ActionHints::MOST_OBSERVATIONS;
    let wrong = || node.expected(&format!("a number of observations from 1 to {most}"));
    let number = node.text("a number of observations")?.parse().map_err(|_| wrong())?;
    if (1..=most).contains(&number) { Ok(number) } else { Err(wrong()) }
}

fn action_kind(node: &Node) -> Result<ActionKind, Diagnostic> {
    let text = node.text("a kind of work")?;
    ActionKind::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
        let message = format!("unknown kind of work `{text}`");
        Diagnostic::at(&node.span, message).suggest(text, ActionKind::ALL.map(ActionKind::name))
    })
}

fn measure(node: &Node, known: usize) -> Result<usize, Diagnostic> {
    let number: usize = node
        .text("the number of a measure")?
        .parse()
        .map_err(|_| node.expected("the number of a measure"))?;
    if (1..=known).contains(&number) {
        Ok(number)
    } else {
        let message = format!("there is no measure {number}");
        Err(Diagnostic::at(&node.span, message)
            .label(format!("the postmortem of this policy has {known}")))
    }
}
