//! From a rule as written to a check: find its subject, let that read the rest.

use crate::host::glob;
use crate::policy::diagnostic::{Diagnostic, Diagnostics};
use crate::policy::document::RULE_KEYS;
use crate::policy::expect::Expect;
use crate::policy::node::{Fields, Key, Node, Value, unknown_key};
use crate::policy::operand::{Number, Text};
use crate::policy::source::Span;
use crate::policy::{Policy, Rule};
use crate::rules::condition::nothing_demanded;
use crate::rules::several::{Alternatives, Each, GROUPS, Group, QUANTIFIERS, Quantified, Quantity};
use crate::rules::{Check, Input, Scope, SubjectKind, Subjects};
use crate::verdict::Subject;
use std::collections::HashSet;

/// Reads the demands of a rule, taking them out of it. Errors are filed.
pub fn compile(
    rule: &mut Rule,
    policy: &Policy,
    subjects: Subjects,
    problems: &mut Diagnostics,
) -> Option<Box<dyn Check>> {
    let nothing = Fields::of(rule.span.clone(), Vec::new());
    let fields = std::mem::replace(&mut rule.fields, nothing);
    let own = RULE_KEYS.map(|(name, _)| name);
    let reader = Reader { scope: Scope { policy, subjects }, id: &rule.id, own: &own };
    reader.read(&rule.span, fields, rule.must.take(), problems, 0)
}

/// How deep groups of subjects may be nested.
const DEPTH: usize = 8;
/// The most subjects that one rule may list.
const MOST_SUBJECTS: usize = 1000;

/// Reads a rule, or a part of one that has a subject of its own.
struct Reader<'a> {
    scope: Scope<'a>,
    /// The rule's id, for findings about it as a whole.
    id: &'a str,
    /// Keys that stand there beside the subject's.
    own: &'a [&'static str],
}

impl Reader<'_> {
    fn read(
        &self,
        span: &Span,
        mut fields: Fields,
        must: Option<Node>,
        problems: &mut Diagnostics,
        depth: usize,
    ) -> Option<Box<dyn Check>> {
        let subjects = self.scope.subjects;
        let is_group = |key: &str| GROUPS.iter().any(|(name, _)| *name == key);
        let is_subject = |key: &str| subjects.iter().any(|kind| kind.key == key);
        let found: Vec<_> = fields
            .rest()
            .iter()
            .map(|(key, _)| key.clone())
            .filter(|key| is_group(&key.text) || is_subject(&key.text))
            .collect();
        if let Some(second) = found.get(1) {
            let message = "a rule is about one thing; this is a second subject";
            problems.push(Diagnostic::at(&second.span, message).help(
                "make it a rule of its own, or a list of the one kind; for either of both write any_of",
            ));
            return None;
        }
        let Some(key) = found.into_iter().next() else {
            self.no_subject(span, &fields, problems);
            return None;
        };
        let node = fields.take(&key.text)?;
        if is_group(&key.text) {
            fields.finish(self.own, problems);
            if let Some(must) = must {
                let message = format!("`must` stands inside of each part of `{}`", key.text);
                problems.push(Diagnostic::at(&must.span, message));
            }
            return self.group(&key, &node, problems, depth);
        }
        let kind = subjects.iter().copied().find(|kind| kind.key == key.text)?;
        let mut options = Vec::new();
        for (name, _) in kind.options {
            options.extend(fields.take_with_key(name));
        }
        let known: Vec<&str> =
            self.own.iter().copied().chain(kind.options.iter().map(|(name, _)| *name)).collect();
        fields.finish(&known, problems);
        let Some(must) = must else {
            problems.push(nothing_demanded(span));
            return None;
        };
        self.subject(kind, &node, &Fields::of(span.clone(), options), must, problems)
    }

    /// `any_of`, `all_of`, `none_of`.
    fn group(
        &self,
        key: &Key,
        node: &Node,
        problems: &mut Diagnostics,
        depth: usize,
    ) -> Option<Box<dyn Check>> {
        if depth > DEPTH {
            problems.push(Diagnostic::at(&node.span, "subjects are nested too deeply"));
            return None;
        }
        let Value::List(parts) = &node.value else {
            problems.push(node.expected("a list of subjects, each with its must"));
            return None;
        };
        if parts.is_empty() {
            problems.push(nothing_demanded(&node.span));
            return None;
        }
        let own = ["must"];
        let reader = Reader { scope: self.scope, id: self.id, own: &own };
        let read = |part: &Node| {
            let mut fields = problems.ok(part.fields("a subject and what it must be"))?;
            let must = fields.take("must");
            reader.read(&part.span, fields, must, problems, depth + 1)
        };
        let read: Vec<Option<Box<dyn Check>>> = parts.iter().map(read).collect();
        let parts = Each(read.into_iter().collect::<Option<_>>()?);
        let group = match key.text.as_str() {
            "any_of" => Group::Any,
            "none_of" => Group::None,
            _ => return Some(Box::new(parts)),
        };
        let subject = Subject::new("rule", self.id);
        Some(Box::new(Alternatives { group, subject, parts }))
    }

    /// One subject, a list of them, or a pattern, with what `must` says of each or of how many.
    fn subject(
        &self,
        kind: &'static SubjectKind,
        node: &Node,
        options: &Fields,
        must: Node,
        problems: &mut Diagnostics,
    ) -> Option<Box<dyn Check>> {
        let items = self.items(kind, node, problems)?;
        let many = match &node.value {
            Value::List(_) => true,
            Value::Scalar(scalar) => kind.patterns && glob::is_pattern(&scalar.text),
            Value::Map(_) => false,
        };
        let quantified = match &must.value {
            Value::Map(entries) => entries.iter().any(|(key, _)| quantifier(kind, key, many)),
            _ => false,
        };
        if !quantified {
            return self.items_of(kind, items, options, &must, problems);
        }
        let subject = match node.text("") {
            Ok(text) => Subject::new(kind.key, text),
            Err(_) => Subject::new(kind.key, self.id),
        };
        let Value::Map(entries) = must.value else { return None };
        let (words, rest): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|(key, _)| quantifier(kind, key, many));
        let mut checks: Vec<Option<Box<dyn Check>>> = Vec::new();
        if !rest.is_empty() {
            let rest = Node { span: must.span.clone(), value: Value::Map(rest) };
            checks.push(self.items_of(kind, items, options, &rest, problems));
        }
        for (key, inner) in words {
            if !many {
                let message = format!("`{}` is about several things, and this is one", key.text);
                problems.push(
                    Diagnostic::at(&key.span, message)
                        .help("leave the word out, or write a pattern or a list of subjects"),
                );
                return None;
            }
            let mut read = |must: &Node| self.items_of(kind, items, options, must, problems);
            checks.push(match key.text.as_str() {
                "every" => read(&inner),
                "none" => {
                    // Asked of each: what is not there is told as it is without the word.
                    let span = inner.span.clone();
                    let not = Key { text: "not".to_owned(), span: key.span.clone() };
                    read(&Node { span, value: Value::Map(vec![(not, inner)]) })
                }
                "some" => read(&inner).map(|check| -> Box<dyn Check> {
                    let quantity = Quantity::Some;
                    Box::new(Quantified { quantity, subject: subject.clone(), check })
                }),
                _ => {
                    let (of, number) = problems.ok(how_many(&inner))?;
                    let check = self.items_of(kind, items, options, &of, problems);
                    check.map(|check| -> Box<dyn Check> {
                        let quantity = Quantity::Count(number);
                        Box::new(Quantified { quantity, subject: subject.clone(), check })
                    })
                }
            });
        }
        Some(Box::new(Each(checks.into_iter().collect::<Option<_>>()?)))
    }

    /// The subjects that stand there, one or a list.
    fn items<'n>(
        &self,
        kind: &SubjectKind,
        node: &'n Node,
        problems: &mut Diagnostics,
    ) -> Option<&'n [Node]> {
        let items = node.items();
        if items.is_empty() || items.len() > MOST_SUBJECTS {
            problems.push(node.expected(&format!("{} (1 to {MOST_SUBJECTS})", kind.value)));
            return None;
        }
        let mut known = std::collections::BTreeMap::new();
        for item in items {
            if let Ok(text) = item.text("")
                && let Some(first) = known.insert(text, &item.span)
            {
                let message = format!("`{text}` stands here twice");
                problems.push(Diagnostic::at(&item.span, message).also(first, "here before"));
                return None;
            }
        }
        Some(items)
    }

    /// The same demands of each of the subjects.
    fn items_of(
        &self,
        kind: &'static SubjectKind,
        items: &[Node],
        options: &Fields,
        must: &Node,
        problems: &mut Diagnostics,
    ) -> Option<Box<dyn Check>> {
        let mut checks = Vec::new();
        let mut told = HashSet::new();
        for item in items {
            let input =
                Input { subject: item.clone(), fields: options.clone(), must: must.clone() };
            let mut own = Diagnostics::default();
            checks.push((kind.compile)(&self.scope, input, &mut own));
            match items.len() {
                1 => problems.append(own),
                // A slip in `must` is read once for each subject, and told once.
                _ => problems.append_new(own, &mut told),
            }
        }
        let mut checks: Vec<Box<dyn Check>> = checks.into_iter().collect::<Option<_>>()?;
        match checks.len() {
            1 => checks.pop(),
            _ => Some(Box::new(Each(checks))),
        }
    }

    fn no_subject(&self, span: &Span, fields: &Fields, problems: &mut Diagnostics) {
        let subjects = self.scope.subjects;
        let keys: Vec<&str> = subjects.iter().map(|kind| kind.key).collect();
        let options = subjects.iter().flat_map(|kind| kind.options.iter().map(|(name, _)| *name));
        let groups = GROUPS.map(|(name, _)| name);
        let known: Vec<&str> = keys
            .iter()
            .copied()
            .chain(groups)
            .chain(self.own.iter().copied())
            .chain(options.clone())
            .collect();
        // An option without its subject is no slip of the subject's key.
        let mut slips = fields
            .rest()
            .iter()
            .filter(|(key, _)| !options.clone().any(|o| o == key.text))
            .peekable();
        if slips.peek().is_none() {
            problems.push(
                Diagnostic::at(span, "this rule has no subject")
                    .help(format!("say what it is about: {}", keys.join(", "))),
            );
        }
        for (key, node) in slips {
            problems.push(unknown_key(key, node, &known));
        }
    }
}

/// Whether a key of `must` says how many are meant. A subject's own word comes first: `count` of a
/// service is about its processes, and a file with settings may have one of any name.
fn quantifier(kind: &SubjectKind, key: &Key, many: bool) -> bool {
    kind.combines
        && (many || !kind.open)
        && QUANTIFIERS.iter().any(|(name, _)| *name == key.text)
        && !(kind.conditions)().iter().any(|info| info.name == key.text)
}

/// `{ of: { … }, at_least: 2 }`, or with `is: 2`.
fn how_many(node: &Node) -> Result<(Node, Expect<Number>), Diagnostic> {
    let mut fields = node.fields("what is counted and how many: { of: { … }, at_least: 1 }")?;
    let of = fields
        .take("of")
        .ok_or_else(|| node.expected("of: { … }, what each that counts is like"))?;
    if let Some(is) = fields.take("is") {
        let mut problems = Diagnostics::default();
        fields.finish(&["of", "is"], &mut problems);
        return match problems.into_sorted().into_iter().next() {
            Some(problem) => Err(problem),
            None => Ok((of, Expect::parse(&is)?)),
        };
    }
    let rest = Node { span: node.span.clone(), value: Value::Map(fields.rest().to_vec()) };
    match fields.rest().is_empty() {
        true => Err(node.expected("a number: is, at_least or at_most")),
        false => Ok((of, Expect::parse(&rest)?)),
    }
}

/// What `absent:` says about a subject that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// It is a violation, the default.
    Fail,
    /// The rule does not apply.
    Skip,
}

/// Meaning of the option, for the tables of subjects.
pub const ABSENT: (&str, &str) = (
    "absent",
    "fail (default): that it does not exist is a violation; skip: the rule does not apply",
);

/// Takes the option `absent:`.
pub fn take_absent(input: &mut Input, problems: &mut Diagnostics) -> Absent {
    let Some(node) = input.fields.take("absent") else { return Absent::Fail };
    match problems.ok(one_of(&node, &["fail", "skip"])) {
        Some("skip") => Absent::Skip,
        _ => Absent::Fail,
    }
}

/// Reads an expectation of one of a few words: a word, a list of them, or `not`.
pub fn some_of(node: &Node, words: &'static [&'static str]) -> Result<Expect<Text>, Diagnostic> {
    match &node.value {
        Value::Scalar(_) => one_of(node, words).map(drop)?,
        Value::List(items) => items.iter().try_for_each(|item| some_of(item, words).map(drop))?,
        Value::Map(entries) => {
            for (key, value) in entries {
                if key.text != "not" {
                    return Err(unknown_key(key, value, &["not"]));
                }
                some_of(value, words)?;
            }
        }
    }
    Expect::parse(node)
}

/// Reads one of a few words.
pub fn one_of(node: &Node, words: &'static [&'static str]) -> Result<&'static str, Diagnostic> {
    let text = node.text(&format!("one of {}", words.join(", ")))?;
    words.iter().copied().find(|word| *word == text).ok_or_else(|| {
        let message = format!("unknown value `{text}`");
        Diagnostic::at(&node.span, message).suggest(text, words.iter().copied())
    })
}
