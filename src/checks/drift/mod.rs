#![doc = include_str!("page.md")]

use crate::facts::drift::{Change, Drift, Explanation, How};
use crate::facts::file::FileKind;
use crate::facts::object::Class;
use crate::facts::scope::{self, Rules};
use crate::facts::{Cause, Unknown, danger};
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::expect::Expect;
use crate::policy::node::Node;
use crate::policy::operand::Number;
use crate::rules::combine::Demand;
use crate::rules::condition::{Condition, ConditionInfo, Form, infos, read_all};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::text;
use crate::verdict::{Assertion, Evidence, Object, Subject};
use std::path::Path;
use std::sync::Arc;

/// `drift:`
pub static DRIFT: SubjectKind = SubjectKind {
    key: "drift",
    value: "path, all, or a class such as listener",
    options: &[],
    conditions: || infos(CONDITIONS),
    open: false,
    page: include_str!("page.md"),
    combines: true,
    patterns: false,
    refers: None,
    compile,
};

/// The condition that counts edited configuration files of packages apart.
const DEFAULTS: &str = "default_changed";

/// So many changes are named, and all that give rights.
const NAMED: usize = 10;

/// So many changes are pieces of work of their own.
const MOST_OBJECTS: usize = 200;

/// The changes that a rule is about.
pub struct DriftView {
    subject: Subject,
    drift: Arc<Drift>,
    place: Place,
    /// The rule counts edited configuration files apart.
    defaults_apart: bool,
}

/// What a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    All,
    Class(Class),
    Below(String),
}

impl Place {
    fn has(&self, change: &Change) -> bool {
        match self {
            Place::All => true,
            Place::Class(class) => change.class == *class,
            Place::Below(folder) => change.class == Class::File && is_below(&change.name, folder),
        }
    }

    /// Whether something that could not be seen is part of it.
    fn misses(&self, unknown: &Unknown) -> bool {
        match self {
            Place::Below(folder) => {
                is_below(&unknown.what, folder) || is_below(folder, &unknown.what)
            }
            _ => true,
        }
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

static CONDITIONS: &[Condition<DriftView>] = &[
    Condition {
        info: ConditionInfo {
            name: "unexplained",
            doc: "Number of changes that nobody can explain; edited configuration files of packages \
                  too, unless the rule has default_changed for them.",
            form: Form::Expectation { ordered: true, textual: false },
            example: "0",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Number>::parse(node))?;
            Some(Box::new(move |view, _| {
                let counts = |change: &Change| match change.explanation {
                    Explanation::Unexplained => true,
                    Explanation::DefaultChanged => !view.defaults_apart,
                    _ => false,
                };
                count(view, "unexplained", &expect, counts)
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: DEFAULTS,
            doc: "Number of configuration files that have come to differ from what their package brings.",
            form: Form::Expectation { ordered: true, textual: false },
            example: "{ at_most: 5 }",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Number>::parse(node))?;
            let counts = |change: &Change| change.explanation == Explanation::DefaultChanged;
            Some(Box::new(move |view, _| count(view, DEFAULTS, &expect, counts)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "added",
            doc: "Number of things that are new, and not explained.",
            form: Form::Expectation { ordered: true, textual: false },
            example: "0",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Number>::parse(node))?;
            let counts = |c: &Change| c.explanation.counts() && c.how == How::Added;
            Some(Box::new(move |view, _| count(view, "added", &expect, counts)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "removed",
            doc: "Number of things that are gone, and that is not explained.",
            form: Form::Expectation { ordered: true, textual: false },
            example: "0",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Number>::parse(node))?;
            let counts = |c: &Change| c.explanation.counts() && c.how == How::Removed;
            Some(Box::new(move |view, _| count(view, "removed", &expect, counts)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "changes",
            doc: "Number of all changes, explained or not.",
            form: Form::Expectation { ordered: true, textual: false },
            example: "{ at_most: 100 }",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Number>::parse(node))?;
            Some(Box::new(move |view, _| count(view, "changes", &expect, |_| true)))
        },
    },
];

struct DriftCheck {
    place: Place,
    tests: Vec<Demand<DriftView>>,
}

fn compile(scope: &Scope, input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    let place = problems.ok(place(&input.subject));
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    Some(Box::new(DriftCheck { place: place?, tests }))
}

fn place(node: &Node) -> Result<Place, Diagnostic> {
    let text = node.text("a path, all, or a class")?;
    if text.starts_with('/') {
        let path: std::path::PathBuf = Path::new(text).components().collect();
        return Ok(Place::Below(text::path(&path)));
    }
    if text == "all" {
        return Ok(Place::All);
    }
    Class::by_name(text).map(Place::Class).ok_or_else(|| {
        let names = Class::ALL.map(Class::name).into_iter().chain(["all"]);
        Diagnostic::at(&node.span, format!("`{text}` is neither a path nor a class of things"))
            .suggest(text, names)
    })
}

impl DriftCheck {
    fn subject(&self) -> Subject {
        let name = match &self.place {
            Place::All => "all".to_owned(),
            Place::Class(class) => class.name().to_owned(),
            Place::Below(path) => path.clone(),
        };
        Subject::new("drift", name)
    }
}

impl Check for DriftCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let subject = self.subject();
        match crate::host::before::drift(target) {
            Ok(drift) => {
                if let Some(why) = uncovered(&self.place, &drift, target) {
                    let about = |test: &Demand<DriftView>| Assertion::of(&subject, test.name());
                    return self.tests.iter().map(|t| about(t).unknown(why.clone())).collect();
                }
                let place = self.place.clone();
                let defaults_apart = self.tests.iter().any(|test| test.name() == DEFAULTS);
                let view = DriftView { subject, drift, place, defaults_apart };
                self.tests.iter().map(|test| test.judge(&view, target)).collect()
            }
            Err(why) => {
                let about = |test: &Demand<DriftView>| Assertion::of(&subject, test.name());
                self.tests.iter().map(|test| about(test).unknown(why.clone())).collect()
            }
        }
    }
}

/// Why no change would say nothing: the baseline does not have what the rule is about.
fn uncovered(place: &Place, drift: &Drift, target: &dyn Target) -> Option<Unknown> {
    let covers = drift.covers.as_ref()?;
    let because = |what: &str, why: String| Some(Unknown::new(what, Cause::Unsupported(why)));
    let folder = match place {
        Place::All => return None,
        Place::Class(class) if covers.classes.contains(class) => return None,
        Place::Class(class) => {
            return because(class.name(), "the baseline has none of these".to_owned());
        }
        Place::Below(folder) => folder.as_str(),
    };
    if !covers.paths.iter().any(|path| is_below(folder, path)) {
        let paths = covers.paths.join(", ");
        return because(folder, format!("the baseline does not have it; it has {paths}"));
    }
    let scope = scope::Scope { exclude: covers.exclude.clone(), ..scope::Scope::default() };
    if Rules::new(&scope).is_ok_and(|rules| rules.excludes(folder.as_bytes())) {
        return because(folder, "it is left out of the baseline by `exclude:`".to_owned());
    }
    if let Some(mount) = covers.mounts.iter().find(|mount| is_below(folder, mount)) {
        let why = format!("{mount} is another filesystem, which the baseline does not enter");
        return because(folder, why);
    }
    let path = Path::new(folder);
    for above in path.ancestors().skip(1) {
        match target.file(above) {
            Ok(Some(file)) if file.kind == FileKind::Symlink => {
                let why = format!("{} is a link; say where it leads to", text::path(above));
                return because(folder, why);
            }
            Ok(_) => {}
            Err(why) => return Some(why),
        }
    }
    let changed = || drift.changes.iter().any(|change| place.has(change));
    match target.file(path) {
        Ok(None) if !changed() => {
            because(folder, "neither the baseline nor the target has it".to_owned())
        }
        Ok(_) => None,
        Err(why) => Some(why),
    }
}

fn count(
    view: &DriftView,
    condition: &str,
    expect: &Expect<Number>,
    counts: impl Fn(&Change) -> bool,
) -> Assertion {
    let mut found: Vec<&Change> =
        view.drift.changes.iter().filter(|c| view.place.has(c) && counts(c)).collect();
    // What gives rights is named before all else, and whatever there is of it.
    found.sort_by_key(|change| !is_dangerous(change));
    let dangerous = found.iter().filter(|change| is_dangerous(change)).count();
    let number = found.len() as u64;
    let shown_ones = dangerous.clamp(NAMED, MOST_OBJECTS);
    let named: Vec<String> = found.iter().take(shown_ones).map(|change| shown(change)).collect();
    let more = match found.len().saturating_sub(shown_ones) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let observed = match named.is_empty() {
        true => number.to_string(),
        false => format!("{number}: {}{more}", named.join("; ")),
    };
    let assertion = Assertion::of(&view.subject, condition)
        .expected(expect.show())
        .observed(observed)
        .seen(found.iter().take(NAMED).flat_map(|change| evidence(change)))
        .offenders(found.iter().take(MOST_OBJECTS).map(|change| name_of(change)))
        .repair("spotcheck drift # shows what has changed, and why");
    let holds = expect.holds_for(number);
    match gap(view) {
        // There may be more of them than were seen: what holds may not.
        Some(why) if holds => assertion.unknown(why),
        // Where none may have changed, each that has is work of its own.
        gap if !holds && expect.holds_for(0) && !expect.holds_for(1) => {
            let whole = gap.is_none() && found.len() <= MOST_OBJECTS;
            assertion.made_of(objects(view, &found), whole).fail()
        }
        _ => assertion.decide(Ok(holds)),
    }
}

/// Changes as pieces of work; those that are too many as one.
fn objects(view: &DriftView, found: &[&Change]) -> Vec<Object> {
    let repair = || vec!["spotcheck drift # shows what has changed, and why".to_owned()];
    let each = |change: &&Change| Object {
        subject: Subject::new(change.class.name(), change.name.clone()),
        observed: shown(change),
        seen: evidence(change),
        corrective: repair(),
    };
    let mut objects: Vec<Object> = found.iter().take(MOST_OBJECTS).map(each).collect();
    if let Some(more) = found.len().checked_sub(MOST_OBJECTS).filter(|more| *more > 0) {
        objects.push(Object {
            subject: view.subject.clone(),
            observed: format!("{more} more changes"),
            seen: Vec::new(),
            corrective: repair(),
        });
    }
    objects
}

fn is_dangerous(change: &Change) -> bool {
    danger::is_thing(change.class.name(), &change.name)
}

fn name_of(change: &Change) -> String {
    match change.class {
        Class::File => change.name.clone(),
        class => format!("{} {}", class.name(), change.name),
    }
}

/// What could not be seen of what the rule is about.
fn gap(view: &DriftView) -> Option<Unknown> {
    let gaps = &view.drift.gaps;
    let mut known = view.drift.unseen.iter().chain(&gaps.first);
    if let Some(found) = known.find(|why| view.place.misses(why)) {
        return Some(found.clone());
    }
    // There are more than have been kept in words.
    (gaps.count > gaps.first.len() as u64).then(|| {
        let why = format!("{} files could not be seen", gaps.count);
        Unknown::new("files", Cause::TooLarge(why))
    })
}

/// A change in one line: `/etc/x owner root -> bob`.
fn shown(change: &Change) -> String {
    let kind = match change.class {
        Class::File => String::new(),
        class => format!("{} ", class.name()),
    };
    let words: Vec<String> = change
        .deltas
        .iter()
        .filter(|delta| delta.explanation == change.explanation)
        .filter(|delta| {
            !["size", "mtime", "ctime", "inode", "links"].contains(&delta.attribute.as_str())
        })
        .take(3)
        .map(|delta| match (&delta.before, &delta.after) {
            (_, _) if delta.attribute == "content" => "content".to_owned(),
            (_, _) if delta.attribute == "exists" => change.how.name().to_owned(),
            (before, after) => format!(
                "{} {} -> {}",
                delta.attribute,
                before.as_deref().unwrap_or("nothing"),
                after.as_deref().unwrap_or("nothing")
            ),
        })
        .collect();
    format!("{kind}{} {}", change.name, words.join(", ")).trim_end().to_owned()
}

/// Lines of settings that have changed.
fn evidence(change: &Change) -> Vec<Evidence> {
    let line = |delta: &crate::facts::drift::Delta| {
        let (line, value) = (delta.line.filter(|line| *line > 0)?, delta.after.as_ref()?);
        let content = format!("{} {value}", delta.attribute);
        Some(Evidence::line(Path::new(&change.name), line, content))
    };
    change.deltas.iter().filter_map(line).take(NAMED).collect()
}
